variable "repository_prefixes" {
  description = "The repositories that Lazaret watches, as prefixes that end in a slash; empty is all of them. Beyond them its identities have no rights. The sweep still sees the names of the others in the catalogue: coverage counts them as unseen."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for prefix in var.repository_prefixes : can(regex("^([a-z0-9]+([._-]+[a-z0-9]+)*/)+$", prefix))])
    error_message = "Lower-case path segments, each followed by a slash (team-a/): without the last one, team-a-evil/ would be meant too."
  }
  validation {
    condition     = length(var.repository_prefixes) == 0 || var.registry_role_mode == "abac"
    error_message = "A registry without attribute-based access gives rights to all of its repositories. Leave the list empty, or switch the registry over."
  }
}

variable "may_delete_referrers" {
  description = "Whether the function app may delete what it has attached to images. Without it the marks of an earlier scan stay beside the new ones, so that admission by signed reports sees a change only after its maximum age. The right is to delete any manifest: Azure has none for referrers alone."
  type        = bool
  default     = true
}

variable "publisher_principal_id" {
  description = "Object id of the pipeline that pushes what Lazaret is run from into the watched registry, below lazaret/: the scan job's image, and the mirrors of the vulnerability databases."
  type        = string
  default     = null

  validation {
    condition     = var.publisher_principal_id == null || can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", var.publisher_principal_id))
    error_message = "The object id of an identity, a GUID."
  }
}

variable "ci" {
  description = "Who pushes, by a name of yours: object id of the identity, and the prefix of its repositories, with a slash at the end."
  type = map(object({
    principal_id      = string
    principal_type    = optional(string, "ServicePrincipal")
    repository_prefix = string
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.ci : can(regex("^([a-z0-9]+([._-]+[a-z0-9]+)*/)+$", each.repository_prefix))])
    error_message = "repository_prefix: lower-case path segments, each followed by a slash (team-a/)."
  }
  validation {
    condition     = alltrue([for each in var.ci : can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", each.principal_id))])
    error_message = "principal_id: the object id of the identity, a GUID."
  }
  validation {
    # A person who may push is a pipeline that nobody reviews.
    condition     = alltrue([for each in var.ci : each.principal_type == "ServicePrincipal"])
    error_message = "principal_type: ServicePrincipal. Developers push through a pipeline."
  }
  validation {
    condition     = !contains(keys(var.ci), "lazaret") && alltrue([for each in var.ci : !startswith(each.repository_prefix, "lazaret/")])
    error_message = "lazaret/ holds what Lazaret itself is run from: publisher_principal_id, and no pipeline of others, writes there."
  }
}

variable "clusters" {
  description = "Who pulls, by a name of yours: the kubelet's object id; where the cluster's admission verifies images (Ratify, Kyverno), the object id of its identity, which reads what the kubelet pulls; and, where its add-on is to be looked at, the id of the AKS cluster. attach = false: its right to pull is given elsewhere (az aks update --attach-acr, registries without attribute-based access only)."
  type = map(object({
    kubelet_object_id   = string
    admission_object_id = optional(string)
    cluster_id          = optional(string)
    repository_prefixes = optional(list(string), [])
    attach              = optional(bool, true)
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.clusters : can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", each.kubelet_object_id))])
    error_message = "kubelet_object_id: the object id of the kubelet's identity, a GUID."
  }
  validation {
    condition = alltrue([for each in var.clusters :
      each.admission_object_id == null || can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", each.admission_object_id))
    ])
    error_message = "admission_object_id: the object id of the identity of Ratify or Kyverno, a GUID."
  }
  validation {
    condition = alltrue([for each in var.clusters :
      each.cluster_id == null || can(regex("^/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[^/]+/providers/Microsoft\\.ContainerService/managedClusters/[A-Za-z0-9_-]{1,63}$", each.cluster_id))
    ])
    error_message = "cluster_id: /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerService/managedClusters/…"
  }
  validation {
    condition     = alltrue(flatten([for each in var.clusters : [for prefix in each.repository_prefixes : can(regex("^([a-z0-9]+([._-]+[a-z0-9]+)*/)+$", prefix))]]))
    error_message = "repository_prefixes: lower-case path segments, each followed by a slash (team-a/)."
  }
}

variable "security_team_group_id" {
  description = "Object id of the group that looks at settings and logs. It changes nothing, and pulls nothing."
  type        = string
  default     = null

  validation {
    condition     = var.security_team_group_id == null || can(regex("^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", var.security_team_group_id))
    error_message = "The object id of a group, a GUID."
  }
}
