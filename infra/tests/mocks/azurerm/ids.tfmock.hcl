# What Azure would answer, in its own shapes: whatever reads these values checks them.
mock_data "azurerm_client_config" {
  defaults = {
    subscription_id = "11111111-1111-1111-1111-111111111111"
    tenant_id       = "22222222-2222-2222-2222-222222222222"
    object_id       = "33333333-3333-3333-3333-333333333333"
    client_id       = "44444444-4444-4444-4444-444444444444"
  }
}

mock_data "azurerm_container_registry" {
  defaults = {
    login_server  = "contoso.azurecr.io"
    location      = "northeurope"
    sku           = "Premium"
    admin_enabled = false
  }
}

mock_resource "azurerm_resource_group" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod"
  }
}

mock_resource "azurerm_container_registry" {
  defaults = {
    id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.ContainerRegistry/registries/crlazaretprod"
    login_server = "crlazaretprod.azurecr.io"
  }
}

mock_resource "azurerm_storage_account" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Storage/storageAccounts/stlazaretprod"
  }
}

mock_resource "azurerm_storage_queue" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Storage/storageAccounts/stlazaretprod/queueServices/default/queues/queue"
  }
}

mock_resource "azurerm_storage_container" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Storage/storageAccounts/stlazaretprod/blobServices/default/containers/container"
  }
}

mock_resource "azurerm_user_assigned_identity" {
  defaults = {
    id           = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-lazaret"
    principal_id = "55555555-5555-5555-5555-555555555555"
    client_id    = "66666666-6666-6666-6666-666666666666"
    tenant_id    = "22222222-2222-2222-2222-222222222222"
  }
}

mock_resource "azurerm_key_vault" {
  defaults = {
    id        = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.KeyVault/vaults/kvlazaretprod"
    vault_uri = "https://kvlazaretprod.vault.azure.net/"
  }
}

mock_resource "azurerm_role_definition" {
  defaults = {
    id                          = "/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-7777-7777-777777777777|/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod"
    role_definition_resource_id = "/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.Authorization/roleDefinitions/77777777-7777-7777-7777-777777777777"
  }
}

mock_resource "azurerm_role_assignment" {
  defaults = {
    id   = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Authorization/roleAssignments/88888888-8888-8888-8888-888888888888"
    name = "88888888-8888-8888-8888-888888888888"
  }
}

mock_resource "azurerm_eventgrid_system_topic" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.EventGrid/systemTopics/evgt-lazaret-prod"
    identity = {
      principal_id = "99999999-9999-9999-9999-999999999999"
      tenant_id    = "22222222-2222-2222-2222-222222222222"
    }
  }
}

mock_resource "azurerm_virtual_network" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Network/virtualNetworks/vnet-lazaret-prod"
  }
}

mock_resource "azurerm_subnet" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Network/virtualNetworks/vnet-lazaret-prod/subnets/subnet"
  }
}

mock_resource "azurerm_public_ip" {
  defaults = {
    id         = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Network/publicIPAddresses/pip-lazaret"
    ip_address = "203.0.113.7"
  }
}

mock_resource "azurerm_nat_gateway" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Network/natGateways/ng-lazaret"
  }
}

mock_resource "azurerm_network_security_group" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Network/networkSecurityGroups/nsg-lazaret"
  }
}

mock_resource "azurerm_private_dns_zone" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Network/privateDnsZones/privatelink.made-here.net"
  }
}

mock_resource "azurerm_service_plan" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Web/serverFarms/asp-lazaret-prod"
  }
}

mock_resource "azurerm_container_app_environment" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.App/managedEnvironments/cae-lazaret-prod"
  }
}

mock_resource "azurerm_log_analytics_workspace" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.OperationalInsights/workspaces/log-lazaret-prod"
  }
}

mock_resource "azurerm_application_insights" {
  defaults = {
    id                = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Insights/components/appi-lazaret-prod"
    connection_string = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://westeurope.in.applicationinsights.azure.com/"
  }
}

mock_resource "azurerm_monitor_action_group" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Insights/actionGroups/ag-lazaret-prod"
  }
}
