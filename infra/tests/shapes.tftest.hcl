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
  location = "westeurope"
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
    condition     = local.app_settings["LAZARET_ENFORCEMENT"] == "observe" && length(azapi_resource.sign_in) == 0
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
    alert_emails              = ["operators@contoso.example"]
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
      green = { kubelet_object_id = "16161616-1616-1616-1616-161616161616", attach = false }
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
