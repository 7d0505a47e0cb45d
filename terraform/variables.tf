# config/<env>/terraform.tfvars has the values. What the modules check is checked there.

variable "environment" {
  description = "Folder of config/ that this is for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.environment))
    error_message = "environment: write 1 to 12 of a-z and 0-9, a letter first."
  }
}

variable "project" {
  description = "Id of the Google Cloud project, one for each environment."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: write the project's id (not its name or number)."
  }
}

variable "region" {
  description = "Region of everything."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: write one like europe-west1."
  }
}

variable "zones" {
  description = "Last letters of the region's zones that have nodes. Three outlive the loss of one."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "zones: write letters like [\"b\", \"c\", \"d\"]."
  }
}

variable "range" {
  description = "Private range of the network, /14 to /16; another one in each environment."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.range))
    error_message = "range: write a private network like 10.16.0.0/14."
  }
}

variable "pools" {
  description = "Nodes of the pools system, edge and database in each zone."
  type = map(object({
    machine = string
    least   = number
    most    = number
    disk_gb = optional(number, 50)
  }))
  nullable = false

  validation {
    condition     = toset(keys(var.pools)) == toset(["system", "edge", "database"])
    error_message = "pools: write system, edge and database, and no other."
  }
}

variable "source_ranges" {
  description = "Who may reach port 443 of machines in the public subnet. The app's are loadBalancerSourceRanges in values.yaml."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for range in var.source_ranges : can(cidrnetmask(range)) && !endswith(range, "/0")])
    error_message = "source_ranges: write IPv4 networks, and not the whole world."
  }
}

variable "channel" {
  description = "GKE's release channel."
  type        = string
  nullable    = false
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.channel)
    error_message = "channel: write RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "maintenance" {
  description = "When Google may upgrade control plane and nodes: days, and hours in UTC."
  type        = object({ days = list(string), start = string, end = string })
  nullable    = false
  default     = { days = ["TU", "WE", "TH"], start = "02:00", end = "06:00" }

  validation {
    condition     = length(var.maintenance.days) > 0
    error_message = "maintenance: write at least one day."
  }
}

variable "operators" {
  description = "People who run this: user:name@example.com or group:name@example.com."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.operators) > 0 && alltrue([for who in var.operators : can(regex("^(user|group):[^@ ]+@[^@ ]+$", who))])
    error_message = "operators: write at least one user:… or group:…"
  }
}

variable "repository" {
  description = "GitHub repository (owner/name) whose workflows build and deploy; null: none may."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^[^/]+/[^/]+$", var.repository))
    error_message = "repository: write owner/name."
  }
}

variable "registry" {
  description = "Whether this environment has the registry. One has, and the others pull the very same images from it."
  type        = bool
  nullable    = false
  default     = false
}

variable "image_readers" {
  description = "Where the registry is: e-mail addresses of the other environments' nodes."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for who in var.image_readers : strcontains(who, "@")])
    error_message = "image_readers: write e-mail addresses of service accounts."
  }
}

variable "promoters" {
  description = "E-mail addresses of the deployers of the environments that take the live component from here."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for who in var.promoters : strcontains(who, "@")])
    error_message = "promoters: write e-mail addresses of service accounts."
  }
}

variable "backup_days" {
  description = "Days for which what was deleted of the archive comes back."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 90
    error_message = "backup_days: write 7 to 90, which is what a bucket can."
  }
}

variable "protected" {
  description = "Whether Terraform refuses to destroy the cluster."
  type        = bool
  nullable    = false
  default     = true
}
