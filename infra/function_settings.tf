locals {
  # What the code knows a registry by: nothing is derived from an event or a name.
  registries_setting = jsonencode([{ resourceId = local.registry.id, loginServer = local.registry.login_server }])

  webhook_secrets = values(var.teams_webhook_secrets)

  # By identity, and without any key; the host reads its own storage, and the queues of the triggers, by the same names.
  identity_settings = merge([for prefix in ["AzureWebJobsStorage", "LAZARET_STORAGE"] : {
    "${prefix}__credential"      = "managedidentity"
    "${prefix}__clientId"        = azurerm_user_assigned_identity.app.client_id
    "${prefix}__blobServiceUri"  = local.storage_endpoints.blob
    "${prefix}__queueServiceUri" = local.storage_endpoints.queue
    "${prefix}__tableServiceUri" = local.storage_endpoints.table
  }]...)

  # Whatever is null is not set.
  app_settings = { for name, value in merge(
    local.identity_settings,
    {
      # Not a secret: it says where to, and what is sent is let in by identity alone.
      APPLICATIONINSIGHTS_CONNECTION_STRING     = azurerm_application_insights.lazaret.connection_string
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${azurerm_user_assigned_identity.app.client_id};Authorization=AAD"

      LAZARET_REGISTRIES    = local.registries_setting
      LAZARET_IDENTITY      = "managed"
      LAZARET_SIGN_IN       = var.entra == null ? "closed" : "entra"
      LAZARET_ENFORCEMENT   = var.enforcement
      LAZARET_REPORT_URL    = "https://${local.app_name}.azurewebsites.net/api/verdict"
      LAZARET_JOB_IMAGE     = var.scan_image
      LAZARET_DATABASE      = var.vulnerability_database
      LAZARET_JAVA_DATABASE = var.java_database
    },
    { for channel, secret in var.teams_webhook_secrets :
      (channel == "common" ? "LAZARET_TEAMS_WEBHOOK_URL" : "LAZARET_TEAMS_WEBHOOK_URLS") => "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.lazaret.name};SecretName=${secret})"
    },
    var.app_settings,
  ) : name => value if value != null }
}
