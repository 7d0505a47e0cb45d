variable "names" {
  description = "Names of the network's parts."
  type        = object({ network = string, public = string, private = string, router = string, nat = string })
  nullable    = false

  validation {
    condition     = alltrue([for name in values(var.names) : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "names: write 1 to 63 of a-z, 0-9 and -, a letter first."
  }
}

variable "region" {
  description = "Region of the subnets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: write one like europe-west1."
  }
}

variable "ranges" {
  description = "Ranges of the subnets, and of pods and services beside the private one."
  type        = object({ public = string, private = string, pods = string, services = string })
  nullable    = false

  validation {
    condition     = alltrue([for range in values(var.ranges) : can(cidrnetmask(range))])
    error_message = "ranges: write IPv4 networks like 10.16.0.0/16."
  }
}

variable "source_ranges" {
  description = "Who may reach port 443 of machines in the public subnet."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for range in var.source_ranges : can(cidrnetmask(range)) && !endswith(range, "/0")])
    error_message = "source_ranges: write IPv4 networks, and not the whole world."
  }
}
