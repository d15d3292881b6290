variable "enable_defender" {
  description = "Defender for Containers. It is switched on for the whole subscription, for every cluster and registry in it, and is paid for by each of their cores and images; extensions that are not named here are switched off."
  type        = bool
  default     = false
}

# The names of the extensions are those of the built-in policy that configures the plan (efd4031d-b232-4595-babf-ae817465e91b).
resource "azurerm_security_center_subscription_pricing" "containers" {
  count = var.enable_defender ? 1 : 0

  tier          = "Standard"
  resource_type = "Containers"

  extension {
    name = "ContainerRegistriesVulnerabilityAssessments"
  }
  extension {
    name = "AgentlessDiscoveryForKubernetes"
  }
  extension {
    name = "AgentlessVmScanning"
  }
  extension {
    name                            = "ContainerSensor"
    additional_extension_properties = { SecurityGatingEnabled = "True" }
  }
  extension {
    name = "ContainerIntegrityContribution"
  }
}
