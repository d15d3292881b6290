# What each variable that changes the shape makes. Nothing here reaches Azure.
mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

# The two identities, told apart.
override_resource {
  target = azurerm_user_assigned_identity.app
  values = {
    id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-lazaret-prod-app"
    principal_id = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    client_id    = "aaaaaaaa-0000-0000-0000-aaaaaaaaaaaa"
  }
}

override_resource {
  target = azurerm_user_assigned_identity.job
  values = {
    id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-lazaret-prod-job"
    principal_id = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"
    client_id    = "bbbbbbbb-0000-0000-0000-bbbbbbbbbbbb"
  }
}

variables {
  location     = "westeurope"
  alert_emails = ["operators@contoso.example"]
}


run "as_shipped" {
  command = apply

  assert {
    condition     = length(azurerm_container_registry.new) == 1 && length(azurerm_private_endpoint.services) == 6
    error_message = "As shipped, a new registry is made, and six private endpoints."
  }
  assert {
    condition     = length(azurerm_container_app_job.scan) == 0
    error_message = "There is no job before its image has been pushed."
  }
  assert {
    condition     = azurerm_container_registry.new[0].role_assignment_mode == "AbacRepositoryPermissions" && !azurerm_container_registry.new[0].public_network_access_enabled && !azurerm_container_registry.new[0].export_policy_enabled
    error_message = "A new registry is private, exports nothing, and gives rights by repository."
  }
  assert {
    condition     = !azurerm_container_registry.new[0].azuread_authentication_as_arm_policy_enabled && !azurerm_container_registry.new[0].admin_enabled && !azurerm_container_registry.new[0].anonymous_pull_enabled
    error_message = "A new registry is opened by a token for it, and by nothing else."
  }
  assert {
    condition     = local.app_settings["LAZARET_ENFORCEMENT"] == "observe" && local.app_settings["LAZARET_SIGN_IN"] == "closed" && length(azapi_update_resource.sign_in) == 0
    error_message = "A new installation observes, and its doors are shut."
  }
  assert {
    condition     = length(azurerm_security_center_subscription_pricing.containers) == 0 && length(azurerm_consumption_budget_resource_group.monthly) == 0
    error_message = "What is for the whole subscription, or has to be chosen, is off."
  }
  assert {
    condition     = local.subnets == { functions = "10.64.0.0/26", jobs = "10.64.0.64/26", endpoints = "10.64.0.128/27" }
    error_message = "The subnets do not overlap."
  }
}

# Everything that can be switched on.
run "complete" {
  command = apply

  variables {
    environment_name          = "Prod-West"
    address_space             = "10.80.0.0/22"
    replica_locations         = ["francecentral", "northeurope", "swedencentral"]
    retention_days            = 90
    repository_prefixes       = ["team-a/", "team-b/web/"]
    allow_arm_audience_tokens = true
    scan_image                = "crlazaretprod.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    vulnerability_database    = "crlazaretprod.azurecr.io/lazaret/trivy-db:2"
    java_database             = "crlazaretprod.azurecr.io/lazaret/trivy-java-db:1"
    enforcement               = "enforce"
    enable_defender           = true
    entra                     = { client_id = "12121212-1212-1212-1212-121212121212" }
    teams_webhook_secrets     = { common = "teams-common", teams = "teams-by-team" }
    budget                    = { amount = 500, start_date = "2027-01-01T00:00:00Z" }
    publisher_principal_id    = "18181818-1818-1818-1818-181818181818"
    security_team_group_id    = "13131313-1313-1313-1313-131313131313"
    private_dns_zone_ids      = { blob = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/hub/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net" }
    ci = {
      shop = { principal_id = "14141414-1414-1414-1414-141414141414", repository_prefix = "team-a/" }
    }
    clusters = {
      blue = {
        kubelet_object_id   = "15151515-1515-1515-1515-151515151515"
        admission_object_id = "19191919-1919-1919-1919-191919191919"
        cluster_id          = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/aks/providers/Microsoft.ContainerService/managedClusters/blue"
        repository_prefixes = ["team-a/"]
      }
    }
  }

  assert {
    condition     = tolist([for each in azurerm_container_registry.new[0].georeplications : each.location]) == tolist(["francecentral", "northeurope", "swedencentral"])
    error_message = "Replicas in the order that Azure returns."
  }
  assert {
    condition     = azurerm_eventgrid_system_topic_event_subscription.pushes[0].advanced_filter[0].string_begins_with[0].values == tolist(["team-a/", "team-b/web/"])
    error_message = "Events of what is watched, and no others."
  }
  assert {
    condition     = length(azurerm_private_dns_zone.new) == 5 && length(azurerm_private_endpoint.services) == 6
    error_message = "A zone that exists is used, and not made."
  }
  assert {
    condition     = length(azurerm_security_center_subscription_pricing.containers[0].extension) == 5
    error_message = "Defender with its five extensions."
  }
  assert {
    condition     = toset([for rule in azurerm_container_app_job.scan[0].event_trigger_config[0].scale[0].rules : rule.metadata.queueName]) == toset(["scan", "scan-sweep"])
    error_message = "The job is started by both of its queues."
  }
  assert {
    condition     = alltrue([for rule in azurerm_container_app_job.scan[0].event_trigger_config[0].scale[0].rules : rule.identity_id == azurerm_user_assigned_identity.job.id && length(rule.authentication) == 0])
    error_message = "By its identity, and without a secret."
  }
  assert {
    condition     = local.environment == "prodwest" && length(azurerm_storage_account.lazaret.name) <= 24
    error_message = "Names of any environment fit."
  }
  assert {
    condition     = local.endpoint_addresses_needed == 10 && local.subnets.endpoints == "10.80.0.128/27"
    error_message = "The registry has an address for each replica; a larger network does not move the subnets."
  }
  assert {
    condition     = local.app_settings["LAZARET_TEAMS_WEBHOOK_URL"] == "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.lazaret.name};SecretName=teams-common)"
    error_message = "A webhook is a secret: the setting says where it is."
  }
}

# The registry that is there already, with rights by role alone.
run "existing_legacy" {
  command = apply

  variables {
    registry_id             = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    registry_role_mode      = "legacy"
    scan_image              = "contoso.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    scanner_internet_access = true
    ci = {
      shop = { principal_id = "14141414-1414-1414-1414-141414141414", repository_prefix = "team-a/" }
    }
    clusters = {
      blue  = { kubelet_object_id = "15151515-1515-1515-1515-151515151515" }
      green = { kubelet_object_id = "16161616-1616-1616-1616-161616161616", admission_object_id = "19191919-1919-1919-1919-191919191919", attach = false }
    }
  }

  assert {
    condition     = length(azurerm_container_registry.new) == 0 && length(azurerm_management_lock.registry) == 0
    error_message = "An existing registry is left as it is."
  }
  assert {
    condition     = azurerm_eventgrid_system_topic.registry[0].location == "northeurope" && azurerm_eventgrid_system_topic.registry[0].resource_group_name == "shared"
    error_message = "The topic is where its registry is."
  }
  assert {
    condition     = azurerm_role_definition.registry["quarantine_keeper"].scope == "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared"
    error_message = "The role of our own is defined where the registry is."
  }
  assert {
    condition     = !contains(keys(azurerm_role_assignment.grants), "cluster-green repositories") && contains(keys(azurerm_role_assignment.grants), "cluster-blue repositories")
    error_message = "What is attached elsewhere is not attached here."
  }
  assert {
    condition     = length([for rule in azurerm_network_security_group.jobs[0].security_rule : rule if rule.name == "no-internet"]) == 0
    error_message = "The job may reach the internet only where that was said."
  }
}

# Nothing but what cannot be done elsewhere is attached to it.
run "existing_with_nothing_attached" {
  command = apply

  variables {
    registry_id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    attach      = { role_assignments = false, diagnostic_settings = false, event_subscription = false, private_endpoint = false }
    delete_lock = false
  }

  assert {
    condition     = length([for grant in azurerm_role_assignment.grants : grant if startswith(grant.scope, var.registry_id)]) == 0 && length(azurerm_role_definition.registry) == 0
    error_message = "No rights to the registry."
  }
  assert {
    condition     = !contains(keys(azurerm_monitor_diagnostic_setting.logs), "registry") && !contains(keys(azurerm_private_endpoint.services), "registry")
    error_message = "No settings, no endpoint."
  }
  assert {
    condition     = length(azurerm_eventgrid_system_topic.registry) == 0 && length(azurerm_eventgrid_system_topic_event_subscription.pushes) == 0 && length(azurerm_monitor_metric_alert.dead_letters) == 0
    error_message = "No events."
  }
}

# A registry has one system topic at most; somebody may have made it.
run "existing_topic" {
  command = apply

  variables {
    registry_id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    existing_system_topic = {
      id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/contoso-events"
      principal_id = "17171717-1717-1717-1717-171717171717"
    }
  }

  assert {
    condition     = length(azurerm_eventgrid_system_topic.registry) == 0 && azurerm_eventgrid_system_topic_event_subscription.pushes[0].system_topic == "contoso-events" && azurerm_eventgrid_system_topic_event_subscription.pushes[0].resource_group_name == "events"
    error_message = "The subscription is one of that topic's."
  }
  assert {
    condition     = azurerm_role_assignment.grants["events queue"].principal_id == "17171717-1717-1717-1717-171717171717"
    error_message = "That topic's identity delivers."
  }
}

# For trying things out: no network of its own, and events call the app.
run "open" {
  command = apply

  variables {
    network_isolation         = false
    event_delivery            = "function"
    function_deployed         = true
    may_delete_referrers      = false
    allow_arm_audience_tokens = true
    scan_image                = "crlazaretprod.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    entra                     = { client_id = "12121212-1212-1212-1212-121212121212", allowed_audiences = ["api://lazaret"] }
  }

  assert {
    condition     = length(azurerm_virtual_network.lazaret) + length(azurerm_private_endpoint.services) + length(azurerm_private_dns_zone.new) + length(azurerm_nat_gateway.outbound) + length(azurerm_network_security_group.jobs) == 0
    error_message = "No network."
  }
  assert {
    condition     = endswith(azurerm_eventgrid_system_topic_event_subscription.pushes[0].azure_function_endpoint[0].function_id, "/functions/receive") && length(azurerm_eventgrid_system_topic_event_subscription.pushes[0].storage_queue_endpoint) == 0
    error_message = "Events go to the function."
  }
  assert {
    condition     = !contains(keys(azurerm_role_assignment.grants), "events queue") && contains(keys(azurerm_role_assignment.grants), "events dead letters")
    error_message = "What delivers to the function has no right to the queue."
  }
  assert {
    condition     = local.app_settings["LAZARET_SIGN_IN"] == "entra" && length(azapi_update_resource.sign_in) == 1
    error_message = "With an app registration there is a sign-in."
  }
  assert {
    condition     = azurerm_role_assignment.grants["app repositories"].role_definition_name == "Container Registry Repository Writer"
    error_message = "Without the right to delete, the app is a writer."
  }
  assert {
    condition     = contains(local.open_paths, "/runtime/webhooks/EventGrid")
    error_message = "Event Grid gets past the sign-in, to the host's own key."
  }
}

run "function_not_deployed_yet" {
  command = plan

  variables {
    network_isolation = false
    event_delivery    = "function"
  }

  assert {
    condition     = length(azurerm_eventgrid_system_topic_event_subscription.pushes) == 0
    error_message = "Event Grid refuses a function that is not there, so the first apply goes without."
  }
}

run "open_with_a_queue" {
  command = plan

  variables {
    network_isolation = false
    max_instances     = 100
  }

  assert {
    condition     = length(azurerm_eventgrid_system_topic_event_subscription.pushes[0].storage_queue_endpoint) == 1 && azurerm_eventgrid_system_topic_event_subscription.pushes[0].delivery_identity[0].type == "SystemAssigned"
    error_message = "Events go to the queue, by the topic's own identity."
  }
  assert {
    condition     = azurerm_container_registry.new[0].public_network_access_enabled && azurerm_container_registry.new[0].export_policy_enabled && azurerm_storage_account.lazaret.network_rules[0].default_action == "Allow"
    error_message = "Without isolation nothing is shut, so export cannot be either."
  }
  assert {
    condition     = length(azurerm_private_endpoint.services) + length(azurerm_subnet.functions) == 0 && !azurerm_storage_account.lazaret.shared_access_key_enabled
    error_message = "No network; and no keys all the same."
  }
}

run "open_beside_an_existing_registry" {
  command = plan

  variables {
    registry_id       = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    network_isolation = false
  }

  assert {
    condition     = length(azurerm_container_registry.new) + length(azurerm_private_endpoint.services) + length(azurerm_private_dns_zone.new) == 0
    error_message = "Neither a registry nor an endpoint."
  }
}

run "new_without_repository_rights" {
  command = plan

  variables {
    registry_role_mode     = "legacy"
    may_delete_referrers   = false
    publisher_principal_id = "18181818-1818-1818-1818-181818181818"
  }

  assert {
    condition     = azurerm_container_registry.new[0].role_assignment_mode == "LegacyRegistryPermissions"
    error_message = "Rights by role alone."
  }
  assert {
    condition     = !contains(azurerm_role_definition.registry["quarantine_keeper"].permissions[0].actions, "Microsoft.ContainerRegistry/registries/artifacts/delete") && contains(azurerm_role_definition.registry["quarantine_keeper"].permissions[0].actions, "Microsoft.ContainerRegistry/registries/metadata/write")
    error_message = "It locks, and does not delete."
  }
  assert {
    condition     = azurerm_role_assignment.grants["ci-lazaret repositories"].role_definition_name == "AcrPush" && !contains(keys(azurerm_role_assignment.grants), "app catalogue")
    error_message = "The roles of a registry without attribute-based access."
  }
}

# One half of what is attached is done elsewhere; then the other.
run "roles_and_endpoint_elsewhere" {
  command = plan

  variables {
    registry_id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    attach      = { role_assignments = false, private_endpoint = false }
  }

  assert {
    condition     = length(azurerm_role_definition.registry) == 0 && !contains(keys(azurerm_role_assignment.grants), "app repositories") && contains(keys(azurerm_role_assignment.grants), "events queue")
    error_message = "No rights to the registry; those to our own storage stay."
  }
  assert {
    condition     = !contains(keys(azurerm_private_endpoint.services), "registry") && length(azurerm_private_endpoint.services) == 5 && local.endpoint_addresses_needed == 5
    error_message = "No endpoint of the registry's; the other five stay."
  }
  assert {
    condition     = length(azurerm_eventgrid_system_topic_event_subscription.pushes) == 1 && contains(keys(azurerm_monitor_diagnostic_setting.logs), "registry")
    error_message = "Events and logs stay."
  }
}

run "logs_and_events_elsewhere" {
  command = plan

  variables {
    registry_id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    attach      = { diagnostic_settings = false, event_subscription = false }
  }

  assert {
    condition     = !contains(keys(azurerm_monitor_diagnostic_setting.logs), "registry") && length(setintersection(keys(azurerm_monitor_scheduled_query_rules_alert_v2.logs), ["passwords", "images-deleted"])) == 0
    error_message = "Without its logs there are no alerts about them."
  }
  assert {
    condition     = length(azurerm_eventgrid_system_topic.registry) == 0 && length([for key in keys(azurerm_role_assignment.grants) : key if startswith(key, "events")]) == 0
    error_message = "No events, and nobody who delivers them has a right."
  }
  assert {
    condition     = contains(keys(azurerm_private_endpoint.services), "registry") && contains(keys(azurerm_role_assignment.grants), "app repositories")
    error_message = "Rights and the endpoint stay."
  }
}

# Event Grid compares with at most 25 values.
run "more_prefixes_than_a_filter_holds" {
  command = plan

  variables {
    repository_prefixes = [for number in range(26) : "team-${number}/"]
  }

  assert {
    condition     = length(azurerm_eventgrid_system_topic_event_subscription.pushes[0].advanced_filter) == 0
    error_message = "All events come, and the code looks at the prefixes."
  }
  assert {
    condition     = length(split(" OR ", azurerm_role_assignment.grants["app repositories"].condition)) == 27 && strcontains(azurerm_role_assignment.grants["app repositories"].condition, "'team-25/'")
    error_message = "The rights name each of them."
  }
}

run "every_zone_is_a_hubs" {
  command = plan

  variables {
    private_dns_zone_ids = { for service, zone in {
      blob     = "privatelink.blob.core.windows.net"
      queue    = "privatelink.queue.core.windows.net"
      table    = "privatelink.table.core.windows.net"
      vault    = "privatelink.vaultcore.azure.net"
      registry = "privatelink.azurecr.io"
      app      = "privatelink.azurewebsites.net"
    } : service => "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/hub/providers/Microsoft.Network/privateDnsZones/${zone}" }
  }

  assert {
    condition     = length(azurerm_private_dns_zone.new) + length(azurerm_private_dns_zone_virtual_network_link.new) == 0
    error_message = "No zone is made, and none of the hub's is linked."
  }
  assert {
    condition     = alltrue([for name, endpoint in azurerm_private_endpoint.services : endpoint.private_dns_zone_group[0].private_dns_zone_ids == tolist([var.private_dns_zone_ids[name]])])
    error_message = "Each endpoint is written into its own."
  }
}

run "what_can_be_set_is_set" {
  command = plan

  variables {
    registry_id             = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    scan_image              = "contoso.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    scanner_internet_access = true
    scan_vcpus              = 0.5
    max_scans               = 3
    job_settings            = { LAZARET_SCAN_TIMEOUT_SECONDS = "900" }
    app_settings            = { LAZARET_MAX_CARDS_PER_HOUR = "10" }
    node_version            = "22"
    max_instances           = 5
    storage_replication     = "GZRS"
    log_retention_days      = 30
    log_cap_gb_per_day      = 2
    slow_verdict_minutes    = 10
    tags                    = { owner = "platform" }
  }

  assert {
    condition     = local.job_settings["LAZARET_SCAN_TIMEOUT_SECONDS"] == "900" && !contains(keys(local.job_settings), "LAZARET_DATABASE") && local.app_settings["LAZARET_MAX_CARDS_PER_HOUR"] == "10"
    error_message = "Settings of your own, and none that is empty."
  }
  assert {
    condition     = azurerm_container_app_job.scan[0].template[0].container[0].memory == "1Gi" && azurerm_container_app_job.scan[0].event_trigger_config[0].scale[0].max_executions == 3
    error_message = "The job's size and number."
  }
  assert {
    condition     = azapi_resource.function_app.body.properties.functionAppConfig.runtime.version == "22" && azapi_resource.function_app.body.properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount == 5
    error_message = "The app's runtime and number."
  }
  assert {
    condition     = azurerm_storage_account.lazaret.account_replication_type == "GZRS" && azurerm_log_analytics_workspace.lazaret.retention_in_days == 30 && azurerm_log_analytics_workspace.lazaret.daily_quota_gb == 2 && azurerm_storage_account.lazaret.tags["owner"] == "platform"
    error_message = "Replication, retention, the cap and tags."
  }
  assert {
    condition     = strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.logs["slow-verdicts"].criteria[0].query, "seconds > 600")
    error_message = "What is slow."
  }
}

run "longest_names" {
  command = apply

  variables {
    name             = "quarantn"
    environment_name = "Production-West-Europe-2"
    budget           = { amount = 1, start_date = "2027-01-01T00:00:00Z" }
  }
}

run "shortest_names" {
  command = apply

  variables {
    name             = "qa"
    environment_name = "A-"
  }
}
