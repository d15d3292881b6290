resource "azurerm_management_lock" "storage" {
  count = var.delete_lock ? 1 : 0

  name       = "evidence"
  scope      = azurerm_storage_account.lazaret.id
  lock_level = "CanNotDelete"
  notes      = "Reports, records of quarantine and the ledger: what was locked and why stands nowhere else."
}

resource "azurerm_management_lock" "registry" {
  count = var.delete_lock && var.registry_id == null ? 1 : 0

  name       = "images"
  scope      = azurerm_container_registry.new[0].id
  lock_level = "CanNotDelete"
  notes      = "Keeps the registry. It does not keep images: see docs/security.md."
}
