# Who deploys, and into which subscription, stands in the environment (ARM_SUBSCRIPTION_ID and what the provider reads besides).
provider "azurerm" {
  # Blobs are reached as who deploys, never with an account key.
  storage_use_azuread = true

  # Nothing is registered behind anybody's back, except what is used here.
  resource_provider_registrations = "none"
  resource_providers_to_register = [
    "Microsoft.App",
    "Microsoft.ContainerRegistry",
    "Microsoft.EventGrid",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Security",
    "Microsoft.Storage",
    "Microsoft.Web",
  ]

  features {
    key_vault {
      # A vault that was deleted by mistake comes back with its keys.
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
    }
    resource_group {
      prevent_deletion_if_contains_resources = true
    }
  }
}

# For what azurerm cannot do without a key: the function app and the tables.
provider "azapi" {}
