# What leaves the network, and what does not. The destinations, with what each is for: docs/deploy.md.
resource "azurerm_public_ip" "outbound" {
  count = local.isolated

  name                = "pip-${local.full_name}-outbound"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  allocation_method   = "Static"
  sku                 = "Standard"
  tags                = local.tags
}

resource "azurerm_nat_gateway" "outbound" {
  count = local.isolated

  name                = "ng-${local.full_name}"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  sku_name            = "Standard"
  tags                = local.tags
}

resource "azurerm_nat_gateway_public_ip_association" "outbound" {
  count = local.isolated

  nat_gateway_id       = azurerm_nat_gateway.outbound[0].id
  public_ip_address_id = azurerm_public_ip.outbound[0].id
}

resource "azurerm_subnet_nat_gateway_association" "outbound" {
  for_each = var.network_isolation ? { functions = azurerm_subnet.functions[0].id, jobs = azurerm_subnet.jobs[0].id } : {}

  subnet_id      = each.value
  nat_gateway_id = azurerm_nat_gateway.outbound[0].id
}

locals {
  # What an environment of Container Apps has to reach besides its own subnet; nothing else is let out.
  # https://learn.microsoft.com/azure/container-apps/firewall-integration
  job_destinations = ["AzureActiveDirectory", "AzureFrontDoor.FirstParty", "AzureMonitor", "MicrosoftContainerRegistry"]
}

resource "azurerm_network_security_group" "jobs" {
  count = local.isolated

  name                = "nsg-${local.full_name}-jobs"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  # As attributes, since this argument is one: each rule has to name everything.
  security_rule = concat(
    [for index, tag in local.job_destinations : merge(local.any_rule, {
      name                       = "to-${replace(tag, ".", "-")}"
      description                = "The platform"
      priority                   = 100 + index
      direction                  = "Outbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      destination_address_prefix = tag
      destination_port_range     = "443"
    })],
    var.scanner_internet_access ? [] : [merge(local.any_rule, {
      name                       = "no-internet"
      description                = "What parses hostile layers calls nobody"
      priority                   = 4000
      direction                  = "Outbound"
      access                     = "Deny"
      protocol                   = "*"
      destination_address_prefix = "Internet"
      destination_port_range     = "*"
    })],
    [merge(local.any_rule, {
      name                       = "nobody-calls"
      description                = "The job serves nothing"
      priority                   = 4000
      direction                  = "Inbound"
      access                     = "Deny"
      protocol                   = "*"
      source_address_prefix      = "Internet"
      destination_address_prefix = "*"
      destination_port_range     = "*"
    })],
  )
  tags = local.tags
}

resource "azurerm_network_security_group" "endpoints" {
  count = local.isolated

  name                = "nsg-${local.full_name}-endpoints"
  resource_group_name = azurerm_resource_group.lazaret.name
  location            = var.location
  security_rule = [
    merge(local.any_rule, {
      name                       = "https"
      description                = "From the network, and from those that it is peered with"
      priority                   = 100
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_address_prefix      = "VirtualNetwork"
      destination_address_prefix = "*"
      destination_port_range     = "443"
    }),
    merge(local.any_rule, {
      name                       = "nothing-else"
      description                = "Endpoints speak https"
      priority                   = 4000
      direction                  = "Inbound"
      access                     = "Deny"
      protocol                   = "*"
      destination_address_prefix = "*"
      destination_port_range     = "*"
    }),
  ]
  tags = local.tags
}

locals {
  any_rule = {
    description                                = ""
    source_address_prefix                      = "*"
    source_address_prefixes                    = []
    source_application_security_group_ids      = []
    source_port_range                          = "*"
    source_port_ranges                         = []
    destination_address_prefixes               = []
    destination_application_security_group_ids = []
    destination_port_ranges                    = []
  }
}

resource "azurerm_subnet_network_security_group_association" "jobs" {
  count = local.isolated

  subnet_id                 = azurerm_subnet.jobs[0].id
  network_security_group_id = azurerm_network_security_group.jobs[0].id
}

resource "azurerm_subnet_network_security_group_association" "endpoints" {
  count = local.isolated

  subnet_id                 = azurerm_subnet.endpoints[0].id
  network_security_group_id = azurerm_network_security_group.endpoints[0].id
}
