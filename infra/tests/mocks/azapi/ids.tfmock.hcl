# One shape for all: what reads the id of the function app wants one of a site.
mock_resource "azapi_resource" {
  defaults = {
    id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-lazaret-prod/providers/Microsoft.Web/sites/func-lazaret-prod"
  }
}

# A cluster that enforces policies.
mock_data "azapi_resource" {
  defaults = {
    output = { add_ons = { azurePolicy = { enabled = true } } }
  }
}
