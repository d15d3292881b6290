# Private endpoints, and the names that lead to them.
locals {
  services = {
    blob     = { zone = "privatelink.blob.core.windows.net", part = "blob", id = azurerm_storage_account.lazaret.id }
    queue    = { zone = "privatelink.queue.core.windows.net", part = "queue", id = azurerm_storage_account.lazaret.id }
    table    = { zone = "privatelink.table.core.windows.net", part = "table", id = azurerm_storage_account.lazaret.id }
    vault    = { zone = "privatelink.vaultcore.azure.net", part = "vault", id = azurerm_key_vault.lazaret.id }
    registry = { zone = "privatelink.azurecr.io", part = "registry", id = local.registry.id }
    app      = { zone = "privatelink.azurewebsites.net", part = "sites", id = azapi_resource.function_app.id }
  }
  wanted_endpoints = [for name in ["blob", "queue", "table", "vault", "registry", "app"] : name
  if var.network_isolation && (name != "registry" || var.attach.private_endpoint)]
  new_zones = [for name in local.wanted_endpoints : name if !contains(keys(var.private_dns_zone_ids), name)]
  zone_ids  = merge(var.private_dns_zone_ids, { for name, zone in azurerm_private_dns_zone.new : name => zone.id })
}

resource "azurerm_private_dns_zone" "new" {
  for_each = toset(local.new_zones)

  name                = local.services[each.value].zone
  resource_group_name = azurerm_resource_group.lazaret.name
  tags                = local.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "new" {
  for_each = azurerm_private_dns_zone.new

  name                 = local.full_name
  private_dns_zone_id  = each.value.id
  virtual_network_id   = azurerm_virtual_network.lazaret[0].id
  registration_enabled = false
  tags                 = local.tags
}

resource "azurerm_private_endpoint" "services" {
  for_each = toset(local.wanted_endpoints)

  name                          = "pe-${local.full_name}-${each.value}"
  resource_group_name           = azurerm_resource_group.lazaret.name
  location                      = var.location
  subnet_id                     = azurerm_subnet.endpoints[0].id
  custom_network_interface_name = "nic-${local.full_name}-${each.value}"

  private_service_connection {
    name                           = each.value
    private_connection_resource_id = local.services[each.value].id
    subresource_names              = [local.services[each.value].part]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [local.zone_ids[each.value]]
  }

  tags = local.tags

  # The zone has to answer before anybody asks.
  depends_on = [azurerm_private_dns_zone_virtual_network_link.new]
}
