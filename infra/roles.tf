# Roles of our own, where every built-in one gives more than is used. None has a wildcard.
locals {
  blob_actions  = "Microsoft.Storage/storageAccounts/blobServices/containers"
  queue_actions = "Microsoft.Storage/storageAccounts/queueServices/queues"
  table_actions = "Microsoft.Storage/storageAccounts/tableServices/tables"
  acr_actions   = "Microsoft.ContainerRegistry/registries"

  # Which action each call needs: https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
  storage_roles = {
    report_creator = {
      description  = "Creates blobs, and neither reads, changes nor deletes any."
      actions      = []
      data_actions = ["${local.blob_actions}/blobs/add/action"]
    }
    record_keeper = {
      description = "Reads and creates blobs. A blob that is overwritten keeps its earlier version; none can be deleted, nor can the container."
      actions     = ["${local.blob_actions}/read", "${local.blob_actions}/write"]
      # A conditional write of what exists already has to be answered by the condition, so it needs more than add.
      data_actions = ["${local.blob_actions}/blobs/read", "${local.blob_actions}/blobs/add/action", "${local.blob_actions}/blobs/write"]
    }
    queue_worker = {
      description = "Creates queues, and sends, takes, puts back and removes their messages. It deletes no queue."
      actions     = ["${local.queue_actions}/read", "${local.queue_actions}/write"]
      data_actions = [
        "${local.queue_actions}/messages/read",
        "${local.queue_actions}/messages/write",
        "${local.queue_actions}/messages/add/action",
        "${local.queue_actions}/messages/process/action",
        "${local.queue_actions}/messages/delete",
      ]
    }
    lease_holder = {
      # Storage Queue Data Message Processor cannot extend a lease: that is a write.
      description  = "Takes messages under a lease, extends it, removes them, and sees how many there are."
      actions      = ["${local.queue_actions}/read"]
      data_actions = ["${local.queue_actions}/messages/read", "${local.queue_actions}/messages/process/action", "${local.queue_actions}/messages/write"]
    }
    ledger_keeper = {
      description = "Creates the table, and reads, writes and removes its rows. It does not delete the table."
      actions     = ["${local.table_actions}/read", "${local.table_actions}/write"]
      data_actions = [
        "${local.table_actions}/entities/read",
        "${local.table_actions}/entities/write",
        "${local.table_actions}/entities/add/action",
        "${local.table_actions}/entities/update/action",
        "${local.table_actions}/entities/delete",
      ]
    }
    journal_writer = {
      description  = "Creates the table, and reads and adds rows. It changes none and removes none."
      actions      = ["${local.table_actions}/read", "${local.table_actions}/write"]
      data_actions = ["${local.table_actions}/entities/read", "${local.table_actions}/entities/add/action"]
    }
  }
  vault_roles = {
    public_key_reader = {
      description  = "Reads public keys. It neither signs nor sees a secret."
      actions      = []
      data_actions = ["Microsoft.KeyVault/vaults/keys/read"]
    }
  }
  registry_roles = merge(
    {
      registry_reader = {
        description  = "Reads the registry's own properties, such as its retention policy. It opens no repository."
        actions      = ["${local.acr_actions}/read"]
        data_actions = []
      }
    },
    # AcrPush does not lock, so a registry without attribute-based access needs a role of our own for that.
    var.registry_role_mode != "legacy" ? {} : {
      quarantine_keeper = {
        description = "Reads, pushes, untags and locks${var.may_delete_referrers ? ", and deletes manifests" : ""}."
        actions = concat(
          ["${local.acr_actions}/pull/read", "${local.acr_actions}/push/write", "${local.acr_actions}/metadata/read", "${local.acr_actions}/metadata/write"],
          var.may_delete_referrers ? ["${local.acr_actions}/artifacts/delete"] : [],
        )
        data_actions = []
      }
    },
  )
}

resource "azurerm_role_definition" "local" {
  for_each = merge(local.storage_roles, local.vault_roles)

  # Names of roles are unique in the tenant; ids are what the table of grants speaks of.
  role_definition_id = uuidv5("url", "${azurerm_resource_group.lazaret.id}/${each.key}")
  name               = "Lazaret ${replace(each.key, "_", " ")} (${local.compact_name})"
  description        = each.value.description
  scope              = azurerm_resource_group.lazaret.id
  assignable_scopes  = [azurerm_resource_group.lazaret.id]

  permissions {
    actions      = each.value.actions
    data_actions = each.value.data_actions
  }
}

resource "azurerm_role_definition" "registry" {
  for_each = var.attach.role_assignments ? local.registry_roles : {}

  role_definition_id = uuidv5("url", "${azurerm_resource_group.lazaret.id}/${each.key}")
  name               = "Lazaret ${replace(each.key, "_", " ")} (${local.compact_name})"
  description        = each.value.description
  scope              = local.registry.resource_group_id
  assignable_scopes  = [local.registry.resource_group_id]

  permissions {
    actions      = each.value.actions
    data_actions = each.value.data_actions
  }
}
