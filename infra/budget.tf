resource "azurerm_consumption_budget_resource_group" "monthly" {
  count = var.budget == null ? 0 : 1

  name              = "budget-${local.full_name}"
  resource_group_id = azurerm_resource_group.lazaret.id
  amount            = var.budget.amount
  time_grain        = "Monthly"

  time_period {
    start_date = var.budget.start_date
  }

  notification {
    operator       = "GreaterThanOrEqualTo"
    threshold      = 80
    threshold_type = "Actual"
    contact_emails = var.alert_emails
  }
  notification {
    operator       = "GreaterThan"
    threshold      = 100
    threshold_type = "Forecasted"
    contact_emails = var.alert_emails
  }
}
