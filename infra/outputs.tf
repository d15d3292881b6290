# In capitals, since azd makes environment variables of them.
output "AZURE_LOCATION" {
  description = "The region."
  value       = var.location
}

output "AZURE_RESOURCE_GROUP" {
  description = "Where everything is."
  value       = azurerm_resource_group.lazaret.name
}

output "AZURE_CONTAINER_REGISTRY_ENDPOINT" {
  description = "The watched registry's login server: where the scan job's image is pushed to."
  value       = local.registry.login_server
}

output "LAZARET_ENDPOINT" {
  description = "For lazaret … --endpoint."
  value       = "https://${local.app_name}.azurewebsites.net"
}

output "LAZARET_FUNCTION_APP" {
  description = "The function app's name, for the deployment of its code."
  value       = local.app_name
}

output "LAZARET_KEY_VAULT" {
  description = "The vault that public keys and webhooks are put into."
  value       = azurerm_key_vault.lazaret.name
}

output "LAZARET_APP_ROLES" {
  description = "The app roles that the app registration has to have, as its manifest wants them."
  value = jsonencode([for name, description in local.app_roles : {
    # The same in every installation, as an id has to be.
    id                 = uuidv5("dns", "${lower(name)}.lazaret.invalid")
    value              = name
    displayName        = name
    description        = description
    allowedMemberTypes = ["User", "Application"]
    isEnabled          = true
  }])
}

output "LAZARET_ATTACHED" {
  description = "What was attached to the registry."
  value = jsonencode({
    roleAssignments    = sort([for key in keys(local.registry_grants) : key if var.attach.role_assignments])
    diagnosticSettings = var.attach.diagnostic_settings
    eventSubscription  = var.attach.event_subscription
    privateEndpoint    = var.network_isolation && var.attach.private_endpoint
  })
}

output "LAZARET_VIRTUAL_NETWORK" {
  description = "To peer with: from where verdicts are asked for, and the app is deployed."
  value       = var.network_isolation ? azurerm_virtual_network.lazaret[0].id : ""
}
