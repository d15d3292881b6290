variable "event_delivery" {
  description = "Where Event Grid puts the registry's events. queue: into a storage queue, by its own identity; nothing has to be reachable. function: it calls the function app, which has to be deployed first (see function_deployed) and reachable from outside."
  type        = string
  default     = "queue"

  validation {
    condition     = contains(["queue", "function"], var.event_delivery)
    error_message = "queue or function."
  }
  validation {
    condition     = var.event_delivery == "queue" || !var.network_isolation
    error_message = "Event Grid cannot call a function app that is private. Deliver to the queue."
  }
}

variable "function_deployed" {
  description = "For event_delivery = function: that the app's code is there. Event Grid refuses a subscription to a function that it cannot reach, so the first apply goes without."
  type        = bool
  default     = false
}

resource "azurerm_eventgrid_system_topic" "registry" {
  count = var.attach.event_subscription && var.existing_system_topic == null ? 1 : 0

  name = "evgt-${local.full_name}"
  # Azure wants it where the registry is.
  resource_group_name = local.registry.resource_group_name
  location            = local.registry.location
  topic_type          = "Microsoft.ContainerRegistry.Registries"
  source_resource_id  = local.registry.id

  # Through a storage firewall Event Grid delivers with this kind of identity alone.
  identity {
    type = "SystemAssigned"
  }

  tags = local.tags
}

locals {
  topic_id_parts = var.existing_system_topic == null ? [] : split("/", var.existing_system_topic.id)

  topic = (
    !var.attach.event_subscription
    ? null
    : var.existing_system_topic != null
    ? {
      id                  = var.existing_system_topic.id
      name                = local.topic_id_parts[8]
      resource_group_name = local.topic_id_parts[4]
      principal_id        = var.existing_system_topic.principal_id
    }
    : {
      id                  = azurerm_eventgrid_system_topic.registry[0].id
      name                = azurerm_eventgrid_system_topic.registry[0].name
      resource_group_name = azurerm_eventgrid_system_topic.registry[0].resource_group_name
      principal_id        = azurerm_eventgrid_system_topic.registry[0].identity[0].principal_id
    }
  )
}

resource "azurerm_eventgrid_system_topic_event_subscription" "pushes" {
  count = var.attach.event_subscription && (var.event_delivery == "queue" || var.function_deployed) ? 1 : 0

  name                  = "lazaret"
  system_topic          = local.topic.name
  resource_group_name   = local.topic.resource_group_name
  event_delivery_schema = "CloudEventSchemaV1_0"
  # Deletions matter too: what is gone is remembered as gone.
  included_event_types = ["Microsoft.ContainerRegistry.ImagePushed", "Microsoft.ContainerRegistry.ImageDeleted"]

  # What lies beyond the prefixes is not ours to look at. Event Grid compares with at most 25 values.
  dynamic "advanced_filter" {
    for_each = length(var.repository_prefixes) > 0 && length(var.repository_prefixes) <= 25 ? [var.repository_prefixes] : []

    content {
      string_begins_with {
        key    = "data.target.repository"
        values = advanced_filter.value
      }
    }
  }

  dynamic "storage_queue_endpoint" {
    for_each = var.event_delivery == "queue" ? [local.events_queue] : []

    content {
      storage_account_id = azurerm_storage_account.lazaret.id
      queue_name         = azurerm_storage_queue.work[storage_queue_endpoint.value].name
      # It never expires: an outage of a week must not lose a push.
      queue_message_time_to_live_in_seconds = -1
    }
  }

  dynamic "delivery_identity" {
    for_each = var.event_delivery == "queue" ? [1] : []

    content {
      type = "SystemAssigned"
    }
  }

  dynamic "azure_function_endpoint" {
    for_each = var.event_delivery == "function" ? [local.event_function] : []

    content {
      function_id = "${azapi_resource.function_app.id}/functions/${azure_function_endpoint.value}"
      # One event, one invocation.
      max_events_per_batch              = 1
      preferred_batch_size_in_kilobytes = 64
    }
  }

  # A day of attempts; what is left then is kept, and found by the sweep in any case.
  retry_policy {
    max_delivery_attempts = 30
    event_time_to_live    = 1440
  }

  dead_letter_identity {
    type = "SystemAssigned"
  }
  storage_blob_dead_letter_destination {
    storage_account_id          = azurerm_storage_account.lazaret.id
    storage_blob_container_name = azurerm_storage_container.blobs[local.dead_letter_container].name
  }

  lifecycle {
    precondition {
      condition     = var.existing_system_topic == null || lower(split("/", local.topic.id)[2]) == lower(data.azurerm_client_config.current.subscription_id)
      error_message = "The system topic is in another subscription than this one: a registry's is where the registry is."
    }
  }

  # Event Grid tries its rights when the subscription is made.
  depends_on = [azurerm_role_assignment.grants]
}
