resource "azurerm_resource_group" "lazaret" {
  name     = "rg-${local.full_name}"
  location = var.location
  tags     = local.tags
}
