variable "alert_emails" {
  description = "Who gets a mail when something is wrong with Lazaret itself. What it finds in images goes to Teams."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "Addresses of mail."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730
    error_message = "30 to 730."
  }
}

variable "log_cap_gb_per_day" {
  description = "At most so many GB of logs a day; -1 is no limit. Beyond it alerts are blind until the next day."
  type        = number
  default     = -1

  validation {
    condition     = var.log_cap_gb_per_day == -1 || var.log_cap_gb_per_day > 0
    error_message = "-1, or more than 0."
  }
}

variable "budget" {
  description = "What the resource group may cost a month, in the currency of the subscription, and the first month. It tells, and stops nothing."
  type = object({
    amount     = number
    start_date = string
  })
  default = null

  validation {
    condition     = var.budget == null || try(var.budget.amount >= 1, false)
    error_message = "An amount of at least 1."
  }
  validation {
    condition     = var.budget == null || can(regex("^20[2-9][0-9]-(0[1-9]|1[0-2])-01T00:00:00Z$", var.budget.start_date))
    error_message = "The first day of a month: 2027-01-01T00:00:00Z."
  }
  validation {
    condition     = var.budget == null || length(var.alert_emails) > 0
    error_message = "A budget tells somebody: alert_emails is empty."
  }
}

variable "slow_verdict_minutes" {
  description = "A verdict that takes longer than this from its push is told."
  type        = number
  default     = 30

  validation {
    condition     = var.slow_verdict_minutes >= 5
    error_message = "At least 5."
  }
}
