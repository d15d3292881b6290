# Sizes, of which Azure keeps five addresses each (the first four and the last):
#   functions  /26: 59. Flex Consumption takes at least a /28; an instance needs one address, and there are at most var.max_instances.
#   jobs       /26: 59. Container Apps with workload profiles takes at least a /27, and keeps about twelve for itself;
#              in the Consumption profile ten replicas share an address.
#   endpoints  /27: 27. One each for blob, queue, table, vault and app; the registry has two (its own, and its data
#              endpoint) and one more for each replica. 5 + 2 + replicas.
locals {
  isolated = var.network_isolation ? 1 : 0
  prefix   = tonumber(split("/", var.address_space)[1])
  subnets = {
    functions = cidrsubnet(var.address_space, 26 - local.prefix, 0)
    jobs      = cidrsubnet(var.address_space, 26 - local.prefix, 1)
    endpoints = cidrsubnet(var.address_space, 27 - local.prefix, 4)
  }
  endpoint_addresses_needed = 5 + (var.attach.private_endpoint ? 2 + length(var.replica_locations) : 0)
  endpoint_addresses        = pow(2, 32 - 27) - 5
}

resource "azurerm_virtual_network" "lazaret" {
  count = local.isolated

  name                = "vnet-${local.full_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  address_space       = [var.address_space]
  tags                = local.tags
}

resource "azurerm_subnet" "functions" {
  count = local.isolated

  name                 = "functions"
  resource_group_name  = azurerm_resource_group.lazaret.name
  virtual_network_name = azurerm_virtual_network.lazaret[0].name
  address_prefixes     = [local.subnets.functions]
  # The internet is reached by the NAT gateway or not at all.
  default_outbound_access_enabled = false

  # Flex Consumption: https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to#enable-virtual-network-integration
  delegation {
    name = "flex"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }

  lifecycle {
    precondition {
      condition     = var.max_instances <= pow(2, 32 - 26) - 5
      error_message = "The subnet of the functions has 59 addresses: max_instances must not be more."
    }
  }
}

resource "azurerm_subnet" "jobs" {
  count = local.isolated

  name                            = "jobs"
  resource_group_name             = azurerm_resource_group.lazaret.name
  virtual_network_name            = azurerm_virtual_network.lazaret[0].name
  address_prefixes                = [local.subnets.jobs]
  default_outbound_access_enabled = false

  delegation {
    name = "jobs"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  count = local.isolated

  name                            = "endpoints"
  resource_group_name             = azurerm_resource_group.lazaret.name
  virtual_network_name            = azurerm_virtual_network.lazaret[0].name
  address_prefixes                = [local.subnets.endpoints]
  default_outbound_access_enabled = false
  # So that the security group holds for the endpoints as well.
  private_endpoint_network_policies = "Enabled"

  lifecycle {
    precondition {
      condition     = local.endpoint_addresses_needed <= local.endpoint_addresses
      error_message = "The subnet of the endpoints is too small: the registry takes one address for each replica."
    }
  }
}
