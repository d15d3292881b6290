# A new registry, where none is named.
resource "azurerm_container_registry" "new" {
  count = var.registry_id == null ? 1 : 0

  name                = "cr${local.compact_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  # Private endpoints, replicas and the export policy need it.
  sku = "Premium"

  # Nobody signs in with a password, or as nobody.
  admin_enabled          = false
  anonymous_pull_enabled = false
  # A token for Azure Resource Manager opens no registry, unless that is asked for; only one for the registry does.
  azuread_authentication_as_arm_policy_enabled = var.allow_arm_audience_tokens
  role_assignment_mode                         = var.registry_role_mode == "abac" ? "AbacRepositoryPermissions" : "LegacyRegistryPermissions"

  public_network_access_enabled = !var.network_isolation
  # Images leave by a pull, not by an export pipeline. It can be off only where the public network is.
  export_policy_enabled = !var.network_isolation
  data_endpoint_enabled = true
  # Defender's assessment comes as a trusted service; tasks do not.
  network_rule_bypass_option            = "AzureServices"
  network_rule_bypass_for_tasks_enabled = false

  # With the registry's own quarantine on no push event comes before an image has passed: nobody would scan it.
  quarantine_policy_enabled = false
  retention_policy_in_days  = var.retention_days == 0 ? null : var.retention_days

  # Zone redundancy is automatic in every tier; the old property has no effect, and changing it makes a new registry.

  dynamic "georeplications" {
    for_each = var.replica_locations

    content {
      location                        = georeplications.value
      global_endpoint_routing_enabled = true
      tags                            = local.tags
    }
  }

  tags = local.tags

  lifecycle {
    precondition {
      condition     = !var.network_isolation || var.attach.private_endpoint
      error_message = "A new registry without public network needs its private endpoint: attach.private_endpoint must be true."
    }
  }
}

data "azurerm_container_registry" "existing" {
  count = var.registry_id == null ? 0 : 1

  name                = local.registry_id_parts[8]
  resource_group_name = local.registry_id_parts[4]

  lifecycle {
    precondition {
      condition     = lower(local.registry_id_parts[2]) == lower(data.azurerm_client_config.current.subscription_id)
      error_message = "The registry is in another subscription: it would be looked for, by its name, in this one."
    }
    postcondition {
      condition     = self.sku == "Premium" || !(var.network_isolation && var.attach.private_endpoint)
      error_message = "Private endpoints need a Premium registry. Upgrade it, or set attach.private_endpoint = false."
    }
    postcondition {
      condition     = !self.admin_enabled
      error_message = "The registry's admin user is on: whoever knows its password undoes every lock, and the log names nobody. Switch it off first."
    }
  }
}

locals {
  registry_id_parts = var.registry_id == null ? [] : split("/", var.registry_id)

  # The one registry that everything else speaks of.
  registry = (
    var.registry_id == null
    ? {
      id                  = azurerm_container_registry.new[0].id
      name                = azurerm_container_registry.new[0].name
      login_server        = azurerm_container_registry.new[0].login_server
      location            = var.location
      resource_group_name = azurerm_resource_group.lazaret.name
      resource_group_id   = azurerm_resource_group.lazaret.id
    }
    : {
      id                  = var.registry_id
      name                = local.registry_id_parts[8]
      login_server        = data.azurerm_container_registry.existing[0].login_server
      location            = data.azurerm_container_registry.existing[0].location
      resource_group_name = local.registry_id_parts[4]
      resource_group_id   = join("/", slice(local.registry_id_parts, 0, 5))
    }
  )
}
