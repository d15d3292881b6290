# Conditions on repositories: https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
# "Whatever is not one of these actions, or a repository whose name begins with one of these prefixes."
locals {
  repository_actions = {
    reader      = ["content/read", "metadata/read"]
    writer      = ["content/read", "content/write", "metadata/read", "metadata/write"]
    contributor = ["content/read", "content/write", "content/delete", "metadata/read", "metadata/write", "metadata/delete"]
  }
  action_terms = { for role, actions in local.repository_actions : role => join(" AND ", [
    for action in actions : "!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/${action}'})"
  ]) }

  # Who is limited to which repositories; an empty list is all of them.
  limits = merge(
    {
      app = { role = local.app_repository_role, prefixes = var.repository_prefixes }
      # The job is pulled from the registry too, and so is its database.
      job = { role = "reader", prefixes = length(var.repository_prefixes) == 0 ? [] : concat(var.repository_prefixes, ["lazaret/"]) }
    },
    var.publisher_principal_id == null ? {} : { ci-lazaret = { role = "writer", prefixes = ["lazaret/"] } },
    { for name, each in var.ci : "ci-${name}" => { role = "writer", prefixes = [each.repository_prefix] } },
    { for name, each in var.clusters : "cluster-${name}" => { role = "reader", prefixes = each.repository_prefixes } },
    { for name, each in local.admissions : "admission-${name}" => { role = "reader", prefixes = each.repository_prefixes } },
  )
  conditions = { for name, limit in local.limits : name => length(limit.prefixes) == 0 ? null : join("", [
    "((", local.action_terms[limit.role], ") OR (",
    join(" OR ", [for prefix in limit.prefixes : "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWithIgnoreCase '${prefix}'"]),
    "))",
  ]) }

  app_repository_role = var.may_delete_referrers ? "contributor" : "writer"
}
