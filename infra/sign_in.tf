locals {
  # Our code asks for the role once more: shared/message/principal.ts.
  app_roles = {
    "Verdict.Read"       = "Verdicts, coverage, and what a policy would do."
    "Quarantine.Release" = "Releases an image, or insists on its quarantine."
    "Lazaret.Operate"    = "Sweeps, the brake, and rebuilding the ledger."
  }
  # Alive, and nothing more. Event Grid comes with a key of the Functions host, which no sign-in knows.
  open_paths = concat(["/api/health"], var.event_delivery == "function" ? ["/runtime/webhooks/EventGrid"] : [])
}

# Who calls is known by the platform, from a token of the app registration's; without one the platform answers 401 itself.
# Azure makes these settings with the app (sign-in off), so they are changed and not made.
resource "azapi_update_resource" "sign_in" {
  count = var.entra == null ? 0 : 1

  type      = "Microsoft.Web/sites/config@2024-11-01"
  name      = "authsettingsV2"
  parent_id = azapi_resource.function_app.id
  locks     = [azapi_resource.function_app.id]
  body = {
    properties = {
      platform = {
        enabled        = true
        runtimeVersion = "~1"
      }
      globalValidation = {
        requireAuthentication       = true
        unauthenticatedClientAction = "Return401"
        excludedPaths               = local.open_paths
      }
      httpSettings = {
        requireHttps = true
      }
      identityProviders = {
        azureActiveDirectory = {
          enabled = true
          registration = {
            clientId     = var.entra.client_id
            openIdIssuer = "https://login.microsoftonline.com/${data.azurerm_client_config.current.tenant_id}/v2.0"
          }
          validation = {
            allowedAudiences = concat(["api://${var.entra.client_id}", var.entra.client_id], var.entra.allowed_audiences)
          }
        }
      }
      login = {
        # Tokens are for the one call that they come with.
        tokenStore = { enabled = false }
      }
    }
  }
}
