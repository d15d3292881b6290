variable "scan_image" {
  description = "The scan job's image, in the watched registry, by digest: host/lazaret/scan@sha256:… Without it there is no job yet: the first apply makes the registry that it is pushed to."
  type        = string
  default     = null

  validation {
    condition     = var.scan_image == null || can(regex("^[a-z0-9.-]+/lazaret/[a-z0-9/._-]+@sha256:[0-9a-f]{64}$", var.scan_image))
    error_message = "host/lazaret/…@sha256:…: a tag could be moved, and repositories below lazaret/ are the job's to pull."
  }
}

variable "vulnerability_database" {
  description = "Where the vulnerability database is pulled from: a mirror in the watched registry, host/lazaret/…:tag or …@sha256:…. Without it, from where Trivy publishes it."
  type        = string
  default     = null

  validation {
    condition     = var.vulnerability_database == null || can(regex("^[a-z0-9.-]+/[a-z0-9/._-]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$", var.vulnerability_database))
    error_message = "host/repository:tag or …@sha256:…"
  }
}

variable "java_database" {
  description = "The same for jars. Without it an image with jars is inconclusive."
  type        = string
  default     = null

  validation {
    condition     = var.java_database == null || can(regex("^[a-z0-9.-]+/[a-z0-9/._-]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$", var.java_database))
    error_message = "host/repository:tag or …@sha256:…"
  }
}

variable "scan_vcpus" {
  description = "Processors of one execution of the scan job; it gets twice as many GiB of memory. The space for unpacked images grows with it: 2 GiB at 0.5, 4 at 1, 8 beyond."
  type        = number
  default     = 2

  validation {
    condition     = contains([0.5, 1, 2, 4], var.scan_vcpus)
    error_message = "0.5, 1, 2 or 4."
  }
}

variable "max_scans" {
  description = "At most so many executions of the scan job at once; each scans two images at a time."
  type        = number
  default     = 10

  validation {
    condition     = var.max_scans >= 1 && var.max_scans <= 100 && floor(var.max_scans) == var.max_scans
    error_message = "1 to 100."
  }
}

variable "job_settings" {
  description = "More settings of the scan job (docs/settings.md), by name: LAZARET_…"
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.job_settings) : startswith(name, "LAZARET_")])
    error_message = "Settings of Lazaret alone."
  }
  validation {
    condition     = length(setintersection(keys(var.job_settings), ["LAZARET_REGISTRIES", "LAZARET_STORAGE", "LAZARET_IDENTITY", "LAZARET_DATABASE", "LAZARET_JAVA_DATABASE"])) == 0
    error_message = "Set here already; there is a variable for what can be chosen."
  }
}
