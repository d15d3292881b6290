resource "azurerm_container_app_environment" "jobs" {
  name                = "cae-${local.full_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  # By diagnostic setting, without the workspace's key.
  logs_destination = "azure-monitor"

  infrastructure_subnet_id       = var.network_isolation ? azurerm_subnet.jobs[0].id : null
  internal_load_balancer_enabled = var.network_isolation ? true : null
  # Nothing here is ever called.
  public_network_access = var.network_isolation ? "Disabled" : "Enabled"

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }

  tags = local.tags

  lifecycle {
    # Azure names it.
    ignore_changes = [infrastructure_resource_group_name]
  }
}

locals {
  # Whatever is null is not set.
  job_settings = { for name, value in merge(
    {
      LAZARET_REGISTRIES               = local.registries_setting
      LAZARET_IDENTITY                 = "managed"
      LAZARET_STORAGE__clientId        = azurerm_user_assigned_identity.job.client_id
      LAZARET_STORAGE__blobServiceUri  = local.storage_endpoints.blob
      LAZARET_STORAGE__queueServiceUri = local.storage_endpoints.queue
      LAZARET_DATABASE                 = var.vulnerability_database
      LAZARET_JAVA_DATABASE            = var.java_database
    },
    var.job_settings,
  ) : name => value if value != null }
}

# An execution takes what waits in `scan`, then in `scan-sweep`, lingers for a minute, and ends.
resource "azurerm_container_app_job" "scan" {
  count = var.scan_image == null ? 0 : 1

  name                         = "job-${local.full_name}"
  resource_group_name          = azurerm_resource_group.lazaret.name
  location                     = var.location
  container_app_environment_id = azurerm_container_app_environment.jobs.id
  workload_profile_name        = "Consumption"

  # Longer than any scan with its lingering; whoever hangs is stopped, and its message comes back.
  replica_timeout_in_seconds = 3600
  # The queue tries again, not the platform.
  replica_retry_limit = 0

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.job.id]
  }

  registry {
    server   = local.registry.login_server
    identity = azurerm_user_assigned_identity.job.id
  }

  event_trigger_config {
    parallelism              = 1
    replica_completion_count = 1

    scale {
      min_executions              = 0
      max_executions              = var.max_scans
      polling_interval_in_seconds = 15

      dynamic "rules" {
        for_each = local.scan_queues

        content {
          name             = rules.value
          custom_rule_type = "azure-queue"
          metadata = {
            accountName = azurerm_storage_account.lazaret.name
            queueName   = azurerm_storage_queue.work[rules.value].name
            queueLength = "4"
          }
          identity_id = azurerm_user_assigned_identity.job.id
        }
      }
    }
  }

  template {
    container {
      name   = "scan"
      image  = var.scan_image
      cpu    = var.scan_vcpus
      memory = "${var.scan_vcpus * 2}Gi"

      dynamic "env" {
        for_each = local.job_settings

        content {
          name  = env.key
          value = env.value
        }
      }

      # The one place that it writes to; it goes with the execution.
      volume_mounts {
        name = "work"
        path = "/tmp"
      }
    }

    volume {
      name         = "work"
      storage_type = "EmptyDir"
    }
  }

  tags = local.tags

  lifecycle {
    precondition {
      # https://learn.microsoft.com/azure/container-apps/managed-identity-image-pull
      condition     = var.registry_id != null || var.allow_arm_audience_tokens
      error_message = "Container Apps pulls an image with a token for Azure Resource Manager, which the new registry refuses: allow_arm_audience_tokens must be true. (Of an existing registry: az acr config authentication-as-arm show.)"
    }
    precondition {
      condition     = startswith(coalesce(var.scan_image, "-"), "${local.registry.login_server}/")
      error_message = "scan_image must be in the watched registry: the job's identity pulls from no other."
    }
  }

  # It pulls its image as soon as it is made.
  depends_on = [azurerm_role_assignment.grants, azurerm_private_endpoint.services]
}
