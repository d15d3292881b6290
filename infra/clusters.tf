# Clusters are given, not made. Looked at is whether policies can be enforced in them at all.
locals {
  looked_at = { for name, each in var.clusters : name => split("/", each.cluster_id) if each.cluster_id != null }
}

data "azurerm_kubernetes_cluster" "looked_at" {
  for_each = local.looked_at

  resource_group_name = each.value[4]
  name                = each.value[8]
}

check "policy_add_on" {
  assert {
    condition     = alltrue([for cluster in data.azurerm_kubernetes_cluster.looked_at : cluster.azure_policy_enabled])
    error_message = "Without the Azure Policy add-on (or Gatekeeper of your own) nothing in the cluster asks for a verdict: ${join(", ", [for name, cluster in data.azurerm_kubernetes_cluster.looked_at : name if !cluster.azure_policy_enabled])}."
  }
}

check "attached_elsewhere" {
  assert {
    condition     = var.registry_role_mode == "legacy" || length(local.unattached) == 0
    error_message = "az aks update --attach-acr gives AcrPull, which a registry with attribute-based access ignores: ${join(", ", local.unattached)} will not be able to pull."
  }
}
