# The two that work. What each means if it is taken over: docs/security.md.
resource "azurerm_user_assigned_identity" "app" {
  name                = "id-${local.full_name}-app"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  tags                = local.tags
}

resource "azurerm_user_assigned_identity" "job" {
  name                = "id-${local.full_name}-job"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  tags                = local.tags
}
