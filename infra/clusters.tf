# Clusters are given, not made. Looked at is whether policies can be enforced in them at all. By azapi: azurerm reads a cluster with
# its administrator's credentials, and keeps them in the state.
data "azapi_resource" "looked_at" {
  for_each = { for name, each in var.clusters : name => each.cluster_id if each.cluster_id != null }

  type                   = "Microsoft.ContainerService/managedClusters@2025-10-01"
  resource_id            = each.value
  response_export_values = { add_ons = "properties.addonProfiles" }
}

locals {
  # Whose admission reads the registry under an identity of its own.
  admissions = { for name, each in var.clusters : name => each if each.admission_object_id != null }

  without_policies = [for name, cluster in data.azapi_resource.looked_at : name
  if !try(anytrue([for add_on, profile in cluster.output.add_ons : lower(add_on) == "azurepolicy" && profile.enabled]), false)]
}

check "policy_add_on" {
  assert {
    condition     = length(local.without_policies) == 0
    error_message = "Without the Azure Policy add-on (or Gatekeeper of your own) nothing in the cluster asks for a verdict: ${join(", ", local.without_policies)}."
  }
}

check "attached_elsewhere" {
  assert {
    condition     = var.registry_role_mode == "legacy" || length(local.unattached) == 0
    error_message = "az aks update --attach-acr gives AcrPull, which a registry with attribute-based access ignores: ${join(", ", local.unattached)} will not be able to pull."
  }
}
