# Public keys that signatures are verified with, and the webhooks of Teams. Who deploys has no right to what is in it: keys and
# secrets are put there by whoever holds Key Vault Administrator, from inside the network.
resource "azurerm_key_vault" "lazaret" {
  name                = "kv${local.compact_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  tenant_id           = data.azurerm_client_config.current.tenant_id
  sku_name            = "standard"

  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = !var.network_isolation

  network_acls {
    default_action = var.network_isolation ? "Deny" : "Allow"
    bypass         = var.network_isolation ? "None" : "AzureServices"
  }

  tags = local.tags
}
