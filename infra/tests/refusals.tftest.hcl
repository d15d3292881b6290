# Every value that is refused, and what only a plan against Azure would find out.
mock_provider "azurerm" {
  source = "./tests/mocks/azurerm"
}

mock_provider "azapi" {
  source = "./tests/mocks/azapi"
}

variables {
  location     = "westeurope"
  alert_emails = ["operators@contoso.example"]
}

# One wrong value each: every variable that has a rule. (What speaks of another variable is looked at only where that one is right.)
run "first_rules" {
  command = plan

  variables {
    location               = "West Europe"
    environment_name       = "1st"
    name                   = "Lazaret-West"
    registry_id            = "contoso.azurecr.io"
    registry_role_mode     = "rbac"
    retention_days         = 7
    storage_replication    = "RAGRS"
    event_delivery         = "webhook"
    ci                     = { shop = { principal_id = "14141414-1414-1414-1414-141414141414", repository_prefix = "team-a" } }
    clusters               = { blue = { kubelet_object_id = "blue" } }
    security_team_group_id = "security"
    publisher_principal_id = "publisher"
    address_space          = "10.64.0.0/25"
    private_dns_zone_ids   = { files = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/hub/providers/Microsoft.Network/privateDnsZones/privatelink.file.core.windows.net" }
    enforcement            = "block"
    entra                  = { client_id = "lazaret" }
    teams_webhook_secrets  = { common = "https://contoso.webhook.office.com/secret" }
    app_settings           = { FUNCTIONS_WORKER_RUNTIME = "node" }
    node_version           = "20"
    max_instances          = 0
    scan_image             = "contoso.azurecr.io/lazaret/scan:latest"
    vulnerability_database = "ghcr.io/aquasecurity/trivy-db"
    java_database          = "ghcr.io/aquasecurity/trivy-java-db"
    scan_vcpus             = 3
    max_scans              = 0
    job_settings           = { AZURE_CLIENT_SECRET = "secret" }
    alert_emails           = ["operators"]
    log_retention_days     = 7
    log_cap_gb_per_day     = 0
    slow_verdict_minutes   = 1
  }

  expect_failures = [
    var.location, var.environment_name, var.name, var.registry_id, var.registry_role_mode, var.retention_days,
    var.storage_replication, var.event_delivery, var.ci, var.clusters, var.security_team_group_id, var.publisher_principal_id, var.address_space,
    var.private_dns_zone_ids, var.enforcement, var.entra, var.teams_webhook_secrets, var.app_settings, var.node_version,
    var.max_instances, var.scan_image, var.vulnerability_database, var.java_database, var.scan_vcpus, var.max_scans,
    var.job_settings, var.alert_emails, var.log_retention_days, var.log_cap_gb_per_day, var.slow_verdict_minutes,
  ]
}

run "second_rules" {
  command = plan

  variables {
    registry_id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    existing_system_topic = { id = "contoso-events", principal_id = "17171717-1717-1717-1717-171717171717" }
    replica_locations     = ["North Europe"]
    retention_days        = 400
    event_delivery        = "function"
    repository_prefixes   = ["team-a"]
    ci                    = { shop = { principal_id = "shop", repository_prefix = "team-a/" } }
    clusters              = { blue = { kubelet_object_id = "15151515-1515-1515-1515-151515151515", cluster_id = "blue" } }
    address_space         = "10.64.0.5/24"
    private_dns_zone_ids  = { blob = "privatelink.blob.core.windows.net" }
    teams_webhook_secrets = { common = "teams-common", platform = "teams-platform" }
    app_settings          = { LAZARET_SIGN_IN = "local" }
    job_settings          = { LAZARET_IDENTITY = "anonymous" }
    scan_image            = "contoso.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    budget                = { amount = 0, start_date = "2027-01-01T00:00:00Z" }
  }

  expect_failures = [
    var.existing_system_topic, var.replica_locations, var.retention_days, var.event_delivery, var.repository_prefixes, var.ci,
    var.clusters, var.address_space, var.private_dns_zone_ids, var.teams_webhook_secrets, var.app_settings, var.job_settings,
    var.scanner_internet_access, var.budget,
  ]
}

run "third_rules" {
  command = plan

  variables {
    registry_id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    existing_system_topic = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/contoso-events", principal_id = "contoso" }
    replica_locations     = ["swedencentral", "francecentral"]
    registry_role_mode    = "legacy"
    repository_prefixes   = ["team-a/"]
    ci                    = { dana = { principal_id = "14141414-1414-1414-1414-141414141414", principal_type = "User", repository_prefix = "team-a/" } }
    clusters              = { blue = { kubelet_object_id = "15151515-1515-1515-1515-151515151515", repository_prefixes = ["team-a/", "team-b"] } }
    teams_webhook_secrets = { teams = "teams-by-team" }
    budget                = { amount = 1, start_date = "2027-01-15T00:00:00Z" }
  }

  expect_failures = [
    var.existing_system_topic, var.replica_locations, var.repository_prefixes, var.ci, var.clusters,
    var.teams_webhook_secrets, var.budget,
  ]
}

run "fourth_rules" {
  command = plan

  variables {
    clusters              = { blue = { kubelet_object_id = "15151515-1515-1515-1515-151515151515", admission_object_id = "ratify" } }
    existing_system_topic = { id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/contoso-events", principal_id = "17171717-1717-1717-1717-171717171717" }
    replica_locations     = ["northeurope", "westeurope"]
    ci                    = { shop = { principal_id = "14141414-1414-1414-1414-141414141414", repository_prefix = "lazaret/" } }
    alert_emails          = []
    budget                = { amount = 1, start_date = "2027-01-01T00:00:00Z" }
  }

  expect_failures = [var.clusters, var.existing_system_topic, var.replica_locations, var.ci, var.budget]
}

run "a_private_registry_needs_its_endpoint" {
  command = plan

  variables {
    attach = { private_endpoint = false }
  }

  expect_failures = [azurerm_container_registry.new]
}

run "an_instance_needs_an_address" {
  command = plan

  variables {
    max_instances = 60
  }

  expect_failures = [azurerm_subnet.functions]
}

run "so_does_each_replica" {
  command = plan

  variables {
    location = "zzcentral"
    replica_locations = [
      "australiacentral", "australiaeast", "brazilsouth", "canadacentral", "centralindia", "centralus", "eastasia",
      "eastus", "francecentral", "germanywestcentral", "israelcentral", "italynorth", "japaneast", "koreacentral",
      "northeurope", "norwayeast", "polandcentral", "qatarcentral", "southafricanorth", "swedencentral", "uksouth",
    ]
  }

  expect_failures = [azurerm_subnet.endpoints]
}

run "the_job_pulls_from_the_watched_registry" {
  command = plan

  variables {
    registry_id            = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    scan_image             = "elsewhere.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    vulnerability_database = "contoso.azurecr.io/lazaret/trivy-db:2"
  }

  expect_failures = [azurerm_container_app_job.scan]
}

run "a_new_registry_has_to_let_the_job_pull" {
  command = plan

  variables {
    scan_image              = "crlazaretprod.azurecr.io/lazaret/scan@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    scanner_internet_access = true
  }

  expect_failures = [azurerm_container_app_job.scan]
}

run "a_private_endpoint_needs_premium" {
  command = plan

  variables {
    registry_id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
  }

  override_data {
    target = data.azurerm_container_registry.existing
    values = { sku = "Standard", login_server = "contoso.azurecr.io", location = "northeurope", admin_enabled = false }
  }

  expect_failures = [data.azurerm_container_registry.existing]
}

run "an_admin_user_undoes_everything" {
  command = plan

  variables {
    registry_id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
  }

  override_data {
    target = data.azurerm_container_registry.existing
    values = { sku = "Premium", login_server = "contoso.azurecr.io", location = "northeurope", admin_enabled = true }
  }

  expect_failures = [data.azurerm_container_registry.existing]
}

run "a_cluster_without_the_add_on_is_told" {
  command = plan

  variables {
    clusters = {
      blue = {
        kubelet_object_id = "15151515-1515-1515-1515-151515151515"
        cluster_id        = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/aks/providers/Microsoft.ContainerService/managedClusters/blue"
      }
    }
  }

  override_data {
    target = data.azapi_resource.looked_at
    values = { output = { add_ons = { azureKeyvaultSecretsProvider = { enabled = true }, azurepolicy = { enabled = false } } } }
  }

  expect_failures = [check.policy_add_on]
}

run "so_is_one_without_any" {
  command = plan

  variables {
    clusters = {
      blue = {
        kubelet_object_id = "15151515-1515-1515-1515-151515151515"
        cluster_id        = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/aks/providers/Microsoft.ContainerService/managedClusters/blue"
      }
    }
  }

  override_data {
    target = data.azapi_resource.looked_at
    values = { output = { add_ons = null } }
  }

  expect_failures = [check.policy_add_on]
}

run "attaching_by_az_is_no_use_with_repository_rights" {
  command = plan

  variables {
    clusters = { blue = { kubelet_object_id = "15151515-1515-1515-1515-151515151515", attach = false } }
  }

  expect_failures = [check.attached_elsewhere]
}

run "an_alert_without_an_address_tells_nobody" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [check.somebody_is_told]
}

# Names alone are looked for, in the subscription that is deployed into.
run "a_registry_of_another_subscription" {
  command = plan

  variables {
    registry_id = "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
  }

  expect_failures = [data.azurerm_container_registry.existing]
}

run "a_topic_of_another_subscription" {
  command = plan

  variables {
    registry_id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/contoso"
    existing_system_topic = { id = "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/events/providers/Microsoft.EventGrid/systemTopics/contoso-events", principal_id = "17171717-1717-1717-1717-171717171717" }
  }

  expect_failures = [azurerm_eventgrid_system_topic_event_subscription.pushes]
}
