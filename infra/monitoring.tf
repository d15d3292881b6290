resource "azurerm_log_analytics_workspace" "lazaret" {
  name                = "log-${local.full_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  sku                 = "PerGB2018"
  retention_in_days   = var.log_retention_days
  daily_quota_gb      = var.log_cap_gb_per_day
  # No key of the workspace's is of any use.
  local_authentication_enabled = false
  tags                         = local.tags
}

resource "azurerm_application_insights" "lazaret" {
  name                         = "appi-${local.full_name}"
  resource_group_name          = azurerm_resource_group.lazaret.name
  location                     = var.location
  workspace_id                 = azurerm_log_analytics_workspace.lazaret.id
  application_type             = "Node.JS"
  local_authentication_enabled = false
  tags                         = local.tags
}

locals {
  # Whose logs are kept, and which.
  diagnostics = merge(
    {
      jobs    = { id = azurerm_container_app_environment.jobs.id, categories = ["ContainerAppConsoleLogs", "ContainerAppSystemLogs"] }
      records = { id = "${azurerm_storage_account.lazaret.id}/blobServices/default", categories = ["StorageDelete", "StorageWrite"] }
      vault   = { id = azurerm_key_vault.lazaret.id, categories = ["AuditEvent"] }
    },
    var.attach.diagnostic_settings ? { registry = { id = local.registry.id, categories = ["ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"] } } : {},
    var.attach.event_subscription && var.existing_system_topic == null ? { events = { id = local.topic.id, categories = ["DeliveryFailures"] } } : {},
  )
}

resource "azurerm_monitor_diagnostic_setting" "logs" {
  for_each = local.diagnostics

  # An existing registry may have settings of others.
  name                       = "lazaret"
  target_resource_id         = each.value.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.lazaret.id

  dynamic "enabled_log" {
    for_each = toset(each.value.categories)

    content {
      category = enabled_log.value
    }
  }
}
