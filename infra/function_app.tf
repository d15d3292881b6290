resource "azurerm_service_plan" "functions" {
  name                = "asp-${local.full_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1"
  tags                = local.tags
}

locals {
  app_name = "func-${local.full_name}-${local.suffix}"
}

# By azapi: azurerm writes a connection string with an empty key into a Flex Consumption app that has an identity, and its host
# does not start. https://github.com/hashicorp/terraform-provider-azurerm/issues/29693
resource "azapi_resource" "function_app" {
  type      = "Microsoft.Web/sites@2024-11-01"
  name      = local.app_name
  parent_id = azurerm_resource_group.lazaret.id
  location  = var.location
  tags      = merge(local.tags, { "azd-service-name" = "app" })

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  body = {
    kind = "functionapp,linux"
    properties = {
      serverFarmId              = azurerm_service_plan.functions.id
      httpsOnly                 = true
      clientAffinityEnabled     = false
      publicNetworkAccess       = var.network_isolation ? "Disabled" : "Enabled"
      virtualNetworkSubnetId    = var.network_isolation ? azurerm_subnet.functions[0].id : null
      keyVaultReferenceIdentity = azurerm_user_assigned_identity.app.id
      functionAppConfig = {
        deployment = {
          storage = {
            type  = "blobContainer"
            value = "${local.storage_endpoints.blob}/${azurerm_storage_container.blobs[local.package_container].name}"
            authentication = {
              type                           = "UserAssignedIdentity"
              userAssignedIdentityResourceId = azurerm_user_assigned_identity.app.id
            }
          }
        }
        runtime = {
          name    = "node"
          version = var.node_version
        }
        scaleAndConcurrency = {
          instanceMemoryMB     = 2048
          maximumInstanceCount = var.max_instances
        }
      }
      # A Flex Consumption app refuses what it does not have: FTP, Always On, the runtime of other plans.
      siteConfig = {
        minTlsVersion    = "1.2"
        scmMinTlsVersion = "1.2"
        http20Enabled    = true
        appSettings      = [for name in sort(keys(local.app_settings)) : { name = name, value = local.app_settings[name] }]
      }
    }
  }

  # A null is left out of what is sent.
  ignore_null_property   = true
  response_export_values = ["properties.defaultHostName"]

  # The host reads its storage when it starts.
  depends_on = [azurerm_role_assignment.grants]
}

# Nobody deploys with a password. Azure makes these with the app, so they are changed and not made: what is there already
# azapi_resource refuses to make.
resource "azapi_update_resource" "basic_publishing" {
  for_each = toset(["ftp", "scm"])

  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01"
  name      = each.value
  parent_id = azapi_resource.function_app.id
  body      = { properties = { allow = false } }
  # An app takes one change at a time.
  locks = [azapi_resource.function_app.id]
}
