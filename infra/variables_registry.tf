variable "registry_id" {
  description = "Resource id of the registry to watch over; it must be in this subscription. Its own properties are never changed. Without it a new one is made."
  type        = string
  default     = null

  validation {
    condition     = var.registry_id == null || can(regex("^/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[^/]+/providers/Microsoft\\.ContainerRegistry/registries/[A-Za-z0-9]{5,50}$", var.registry_id))
    error_message = "The resource id of a registry: /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…"
  }
}

variable "registry_role_mode" {
  description = "How the registry gives rights. abac: by role and repository (\"RBAC Registry + ABAC Repository Permissions\"); a new registry is made so. legacy: by role alone. For an existing registry this has to be what it is."
  type        = string
  default     = "abac"

  validation {
    condition     = contains(["abac", "legacy"], var.registry_role_mode)
    error_message = "abac or legacy."
  }
}

variable "attach" {
  description = "What is attached to the registry. Each can be switched off, where somebody else does it."
  type = object({
    role_assignments    = optional(bool, true)
    diagnostic_settings = optional(bool, true)
    event_subscription  = optional(bool, true)
    private_endpoint    = optional(bool, true)
  })
  default = {}
}

variable "existing_system_topic" {
  description = "The registry's Event Grid system topic, where it has one already (a registry has one at most): its resource id, and the principal id of its system-assigned identity."
  type = object({
    id           = string
    principal_id = string
  })
  default = null

  validation {
    condition     = var.existing_system_topic == null || can(regex("^/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[^/]+/providers/Microsoft\\.EventGrid/systemTopics/[A-Za-z0-9-]{3,50}$", var.existing_system_topic.id))
    error_message = "The resource id of a system topic: /subscriptions/…/resourceGroups/…/providers/Microsoft.EventGrid/systemTopics/…"
  }
  validation {
    condition     = var.existing_system_topic == null || can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", var.existing_system_topic.principal_id))
    error_message = "The principal id is a GUID. Event Grid delivers through a storage firewall with a system-assigned identity alone."
  }
  validation {
    condition     = var.existing_system_topic == null || var.registry_id != null
    error_message = "A new registry has no system topic yet."
  }
}

variable "replica_locations" {
  description = "Regions besides its own: where a new registry is replicated to. For an existing one: where it is replicated to already, which the size of the subnet of endpoints depends on."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for location in var.replica_locations : can(regex("^[a-z][a-z0-9]{2,30}$", location))])
    error_message = "Regions in their short form: lower case, without spaces (westeurope)."
  }
  validation {
    # Azure returns them so; in another order every plan would change something.
    condition     = join(",", var.replica_locations) == join(",", distinct(sort(var.replica_locations)))
    error_message = "In alphabetical order, each once."
  }
  validation {
    condition     = !contains(var.replica_locations, var.location)
    error_message = "The registry's own region is no replica."
  }
}

variable "retention_days" {
  description = "For a new registry: untagged manifests are deleted after so many days; 0 is never. To the registry signatures and marks are untagged, and so is an image that was untagged by a quarantine without a lock: what is deleted so is gone as evidence."
  type        = number
  default     = 0

  validation {
    condition     = var.retention_days == 0 || (var.retention_days >= 90 && var.retention_days <= 365 && floor(var.retention_days) == var.retention_days)
    error_message = "0 (never), or 90 to 365: an investigation has to find what it is about."
  }
}

variable "allow_arm_audience_tokens" {
  description = "For a new registry: whether a token for Azure Resource Manager opens it too. Container Apps pulls the scan job's image with such a token and no other, so a job in a new registry needs it; without a job it stays off."
  type        = bool
  default     = false
}

variable "delete_lock" {
  description = "A lock against the deletion of what holds evidence: the storage account, and a new registry. Take it off before a destroy."
  type        = bool
  default     = true
}
