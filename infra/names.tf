data "azurerm_client_config" "current" {}

locals {
  environment = substr(replace(lower(var.environment_name), "/[^a-z0-9]/", ""), 0, 8)
  full_name   = "${var.name}-${local.environment}"
  # Names of storage accounts, vaults, registries and apps are unique in the world: six digits of where we are.
  suffix = substr(sha256("${data.azurerm_client_config.current.subscription_id}/${local.full_name}/${var.location}"), 0, 6)
  # Lower-case letters and digits alone, at most 24: 2 + 8 + 8 + 6.
  compact_name = "${var.name}${local.environment}${local.suffix}"

  tags = merge(var.tags, {
    "azd-env-name" = var.environment_name
    "application"  = "lazaret"
  })

  # What the code calls them; a test compares the two.
  queues         = ["registry-events", "sweep", "scan", "scan-sweep", "verify", "verify-sweep", "scanned", "decide", "alert"]
  tables         = ["ledger", "journal"]
  containers     = ["reports", "quarantine", "alerts", "refused"]
  events_queue   = "registry-events"
  scan_queues    = ["scan", "scan-sweep"]
  scanned_queue  = "scanned"
  event_function = "receive"

  # The platform's own: the package of the app, the leases and keys of the Functions host, events that could not be delivered.
  package_container     = "app-package"
  host_containers       = ["azure-webjobs-hosts", "azure-webjobs-secrets"]
  dead_letter_container = "dead-letters"
}
