# Every right that is given to anybody, and nothing else gives one: who, what, where, on which condition.
locals {
  own_roles = { for key, role in merge(azurerm_role_definition.local, azurerm_role_definition.registry) : key =>
    "/subscriptions/${data.azurerm_client_config.current.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/${role.role_definition_id}"
  }

  principals = merge(
    {
      app = { id = azurerm_user_assigned_identity.app.principal_id, type = "ServicePrincipal" }
      job = { id = azurerm_user_assigned_identity.job.principal_id, type = "ServicePrincipal" }
    },
    local.topic == null ? {} : { events = { id = local.topic.principal_id, type = "ServicePrincipal" } },
    var.publisher_principal_id == null ? {} : { ci-lazaret = { id = var.publisher_principal_id, type = "ServicePrincipal" } },
    { for name, each in var.ci : "ci-${name}" => { id = each.principal_id, type = each.principal_type } },
    { for name, each in var.clusters : "cluster-${name}" => { id = each.kubelet_object_id, type = "ServicePrincipal" } },
    { for name, each in local.admissions : "admission-${name}" => { id = each.admission_object_id, type = "ServicePrincipal" } },
    var.security_team_group_id == null ? {} : { security = { id = var.security_team_group_id, type = "Group" } },
  )

  storage_grants = merge(
    {
      # The scan job parses what strangers have built. It takes work, adds reports, and hands over to one queue.
      "job scanned" = { who = "job", role = "Storage Queue Data Message Sender", scope = local.queue_ids[local.scanned_queue] }
      "job reports" = { who = "job", own = "report_creator", scope = local.container_ids["reports"] }

      "app queues"  = { who = "app", own = "queue_worker", scope = azurerm_storage_account.lazaret.id }
      "app ledger"  = { who = "app", own = "ledger_keeper", scope = local.table_ids["ledger"] }
      "app journal" = { who = "app", own = "journal_writer", scope = local.table_ids["journal"] }
      "app package" = { who = "app", role = "Storage Blob Data Contributor", scope = local.container_ids[local.package_container] }
      "app metrics" = { who = "app", role = "Monitoring Metrics Publisher", scope = azurerm_application_insights.lazaret.id }
      "app keys"    = { who = "app", own = "public_key_reader", scope = azurerm_key_vault.lazaret.id }
    },
    { for queue in local.scan_queues : "job ${queue}" => { who = "job", own = "lease_holder", scope = local.queue_ids[queue] } },
    { for container in local.containers : "app ${container}" => { who = "app", own = "record_keeper", scope = local.container_ids[container] } },
    # The Functions host keeps its leases and its own keys here: https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
    { for container in local.host_containers : "app ${container}" => { who = "app", role = "Storage Blob Data Owner", scope = local.container_ids[container] } },
    { for secret in local.webhook_secrets : "app secret ${secret}" => { who = "app", role = "Key Vault Secrets User", scope = "${azurerm_key_vault.lazaret.id}/secrets/${secret}" } },
    local.topic == null || var.event_delivery != "queue" ? {} : {
      "events queue" = { who = "events", role = "Storage Queue Data Message Sender", scope = local.queue_ids[local.events_queue] }
    },
    local.topic == null ? {} : {
      "events dead letters" = { who = "events", role = "Storage Blob Data Contributor", scope = local.container_ids[local.dead_letter_container] }
    },
    var.security_team_group_id == null ? {} : {
      "security logs" = { who = "security", role = "Log Analytics Reader", scope = azurerm_log_analytics_workspace.lazaret.id }
    },
  )

  abac_roles = {
    reader      = "Container Registry Repository Reader"
    writer      = "Container Registry Repository Writer"
    contributor = "Container Registry Repository Contributor"
  }

  abac_grants = merge(
    { for name, limit in local.limits : "${name} repositories" => { who = name, role = local.abac_roles[limit.role], condition = local.conditions[name] } if !contains(local.unattached, name) },
    # The sweep needs the catalogue. It has no repositories, so it takes no condition.
    { "app catalogue" = { who = "app", role = "Container Registry Repository Catalog Lister" } },
  )
  legacy_grants = merge(
    {
      "app repositories" = { who = "app", own = "quarantine_keeper" }
      "job repositories" = { who = "job", role = "AcrPull" }
    },
    var.publisher_principal_id == null ? {} : { "ci-lazaret repositories" = { who = "ci-lazaret", role = "AcrPush" } },
    { for name, each in var.ci : "ci-${name} repositories" => { who = "ci-${name}", role = "AcrPush" } },
    { for name, each in var.clusters : "cluster-${name} repositories" => { who = "cluster-${name}", role = "AcrPull" } if each.attach },
    { for name in keys(local.admissions) : "admission-${name} repositories" => { who = "admission-${name}", role = "AcrPull" } },
  )
  unattached = [for name, each in var.clusters : "cluster-${name}" if !each.attach]

  registry_grants = merge(
    # A conditional would need both tables to be of one type.
    { for key, grant in local.abac_grants : key => grant if var.registry_role_mode == "abac" },
    { for key, grant in local.legacy_grants : key => grant if var.registry_role_mode == "legacy" },
    { "app registry" = { who = "app", own = "registry_reader" } },
    var.security_team_group_id == null ? {} : {
      "security registry" = { who = "security", role = "Container Registry Configuration Reader and Data Access Configuration Reader" }
    },
  )

  grants = merge(
    local.storage_grants,
    { for key, grant in local.registry_grants : key => merge(grant, { scope = local.registry.id }) if var.attach.role_assignments },
  )
}

resource "azurerm_role_assignment" "grants" {
  for_each = local.grants

  description        = "Lazaret: ${each.key}"
  scope              = each.value.scope
  principal_id       = local.principals[each.value.who].id
  principal_type     = local.principals[each.value.who].type
  role_definition_id = can(each.value.own) ? local.own_roles[each.value.own] : null

  role_definition_name = can(each.value.own) ? null : each.value.role
  condition            = try(each.value.condition, null)
  condition_version    = try(each.value.condition, null) == null ? null : "2.0"

  lifecycle {
    precondition {
      condition     = try(each.value.condition, null) == null || !can(regex("StringStartsWithIgnoreCase '[^']*[^/']'", coalesce(try(each.value.condition, null), "-")))
      error_message = "A prefix in a condition must end in a slash."
    }
  }
}
