variable "storage_replication" {
  description = "How the storage account is replicated."
  type        = string
  default     = "ZRS"

  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "GZRS"], var.storage_replication)
    error_message = "LRS, ZRS, GRS or GZRS."
  }
}

resource "azurerm_storage_account" "lazaret" {
  name                     = "st${local.compact_name}"
  resource_group_name      = azurerm_resource_group.lazaret.name
  location                 = var.location
  account_kind             = "StorageV2"
  account_tier             = "Standard"
  account_replication_type = var.storage_replication

  # No keys, no users of its own, no anonymous blobs: identities alone.
  shared_access_key_enabled        = false
  local_user_enabled               = false
  default_to_oauth_authentication  = true
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false

  https_traffic_only_enabled        = true
  min_tls_version                   = "TLS1_2"
  infrastructure_encryption_enabled = true

  # The one named exception from "no public network": Event Grid delivers from outside every network, and only through an
  # account whose public endpoint is enabled, shut by default, and open for trusted services with a system-assigned identity.
  # https://learn.microsoft.com/azure/event-grid/handler-storage-queues
  public_network_access_enabled = true

  network_rules {
    default_action = var.network_isolation ? "Deny" : "Allow"
    bypass         = ["AzureServices"]
  }

  # Records are created once and never changed; a blob that was overwritten or deleted all the same comes back.
  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }
    container_delete_retention_policy {
      days = 30
    }
  }

  tags = local.tags
}

resource "azurerm_storage_queue" "work" {
  for_each = toset(flatten([for queue in local.queues : [queue, "${queue}-poison"]]))

  name               = each.value
  storage_account_id = azurerm_storage_account.lazaret.id
}

resource "azurerm_storage_container" "blobs" {
  for_each = toset(concat(local.containers, local.host_containers, [local.package_container, local.dead_letter_container]))

  name                  = each.value
  storage_account_id    = azurerm_storage_account.lazaret.id
  container_access_type = "private"
}

# azurerm reads a table's access policy with an account key, which this account does not accept.
resource "azapi_resource" "table" {
  for_each = toset(local.tables)

  type      = "Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01"
  name      = each.value
  parent_id = "${azurerm_storage_account.lazaret.id}/tableServices/default"
  body      = { properties = {} }
}

locals {
  storage_endpoints = {
    blob  = "https://${azurerm_storage_account.lazaret.name}.blob.core.windows.net"
    queue = "https://${azurerm_storage_account.lazaret.name}.queue.core.windows.net"
    table = "https://${azurerm_storage_account.lazaret.name}.table.core.windows.net"
  }
  # The scopes of rights: one queue, one container, one table.
  queue_ids     = { for name, queue in azurerm_storage_queue.work : name => "${azurerm_storage_account.lazaret.id}/queueServices/default/queues/${queue.name}" }
  container_ids = { for name, container in azurerm_storage_container.blobs : name => "${azurerm_storage_account.lazaret.id}/blobServices/default/containers/${container.name}" }
  table_ids     = { for name, table in azapi_resource.table : name => "${azurerm_storage_account.lazaret.id}/tableServices/default/tables/${table.name}" }
}
