variable "location" {
  description = "The Azure region, in its short form (westeurope)."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,30}$", var.location))
    error_message = "The region in its short form: lower case, without spaces (westeurope)."
  }
}

variable "environment_name" {
  description = "Which of your environments this is (prod, test): part of every name. azd gives its own."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,63}$", var.environment_name))
    error_message = "Letters, digits and hyphens, a letter first, at most 64."
  }
}

variable "name" {
  description = "What the installation is called: part of every name."
  type        = string
  default     = "lazaret"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.name))
    error_message = "Two to eight lower-case letters and digits, a letter first: the name of a storage account has to hold it."
  }
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
