variable "network_isolation" {
  description = "Everything on private endpoints, and no public network but for the storage account's trusted services. Switch it off to try things out."
  type        = bool
  default     = true
}

variable "address_space" {
  description = "The address range of the virtual network, at least a /24. It must not overlap with networks that it is peered with."
  type        = string
  default     = "10.64.0.0/24"

  validation {
    condition     = can(cidrhost(var.address_space, 0)) && can(regex("^[0-9.]+/([0-9]|1[0-9]|2[0-4])$", var.address_space))
    error_message = "An IPv4 range of at least 256 addresses: 10.64.0.0/24."
  }
  validation {
    condition     = !can(cidrhost(var.address_space, 0)) || var.address_space == "${cidrhost(var.address_space, 0)}/${split("/", var.address_space)[1]}"
    error_message = "The range has to begin at its first address: 10.64.0.0/24, not 10.64.0.5/24."
  }
}

variable "private_dns_zone_ids" {
  description = "Private DNS zones that exist already, as in a hub, by the service whose endpoints are written there: blob, queue, table, vault, registry, app. The others are made, and linked to the virtual network."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.private_dns_zone_ids), ["blob", "queue", "table", "vault", "registry", "app"])) == 0
    error_message = "Known services: blob, queue, table, vault, registry, app."
  }
  validation {
    condition     = alltrue([for id in var.private_dns_zone_ids : can(regex("^/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[^/]+/providers/Microsoft\\.Network/privateDnsZones/privatelink\\.[a-z0-9.-]+$", id))])
    error_message = "/subscriptions/…/resourceGroups/…/providers/Microsoft.Network/privateDnsZones/privatelink.…"
  }
}

variable "scanner_internet_access" {
  description = "Whether the scan job may reach the internet. It need not, once the vulnerability databases are mirrored into the registry."
  type        = bool
  default     = false

  validation {
    # The parser of hostile layers had better not be able to phone home.
    condition     = var.scan_image == null || var.scanner_internet_access || !var.network_isolation || var.vulnerability_database != null
    error_message = "A job without internet needs a vulnerability_database in the registry."
  }
}
