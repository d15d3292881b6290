variable "enforcement" {
  description = "observe: decide, mark and alert, but change nothing in the registry. enforce: quarantine. Begin with observe: docs/rollout.md."
  type        = string
  default     = "observe"

  validation {
    condition     = contains(["observe", "enforce"], var.enforcement)
    error_message = "observe or enforce."
  }
}

variable "entra" {
  description = "The app registration that people and pipelines sign in with to ask for verdicts and to release: its client id, and further audiences of its tokens. Without it every door but health is shut."
  type = object({
    client_id         = string
    allowed_audiences = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.entra == null || can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", var.entra.client_id))
    error_message = "client_id: a GUID."
  }
}

variable "teams_webhook_secrets" {
  description = "Names of secrets in the Key Vault: common holds the webhook of the common channel, teams a JSON object of the webhooks of teams. You put them there; Terraform never sees them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in var.teams_webhook_secrets : can(regex("^[0-9A-Za-z-]{1,127}$", name))])
    error_message = "Names of secrets: letters, digits and hyphens."
  }
  validation {
    condition     = length(setsubtract(keys(var.teams_webhook_secrets), ["common", "teams"])) == 0
    error_message = "common (LAZARET_TEAMS_WEBHOOK_URL) and teams (LAZARET_TEAMS_WEBHOOK_URLS)."
  }
  validation {
    condition     = length(var.teams_webhook_secrets) == 0 || contains(keys(var.teams_webhook_secrets), "common")
    error_message = "What is no team's in particular goes to the common channel, so it has to be there."
  }
}

variable "app_settings" {
  description = "More settings of the function app (docs/settings.md), by name: LAZARET_…"
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.app_settings) : startswith(name, "LAZARET_")])
    error_message = "Settings of Lazaret alone; those of the platform are set here."
  }
  validation {
    condition = length(setintersection(keys(var.app_settings), [
      "LAZARET_REGISTRIES", "LAZARET_STORAGE", "LAZARET_IDENTITY", "LAZARET_SIGN_IN", "LAZARET_ENFORCEMENT",
      "LAZARET_TEAMS_WEBHOOK_URL", "LAZARET_TEAMS_WEBHOOK_URLS", "LAZARET_JOB_IMAGE", "LAZARET_DATABASE", "LAZARET_JAVA_DATABASE",
    ])) == 0
    error_message = "Set here already; there is a variable for what can be chosen, and a secret belongs into the Key Vault."
  }
}

variable "node_version" {
  description = "The version of Node that the functions run on."
  type        = string
  default     = "24"

  validation {
    condition     = contains(["22", "24"], var.node_version)
    error_message = "22 or 24."
  }
}

variable "max_instances" {
  description = "At most so many instances of the function app."
  type        = number
  default     = 40

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 1000 && floor(var.max_instances) == var.max_instances
    error_message = "1 to 1000."
  }
}
