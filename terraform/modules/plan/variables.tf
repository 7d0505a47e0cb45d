variable "environment" {
  description = "Folder of config/ that this is for; part of every name."
  type        = string
  nullable    = false

  validation {
    # An account's id has at most 30 characters: todoozle-<environment>-deployer.
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.environment))
    error_message = "environment: write 1 to 12 of a-z and 0-9, a letter first."
  }
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: write the project's id (not its name or number): 6 to 30 of a-z, 0-9 and -."
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
  description = "Last letters of the region's zones that have nodes."
  type        = list(string)
  nullable    = false

  validation {
    condition = (
      length(var.zones) >= 1 && length(distinct(var.zones)) == length(var.zones) &&
      alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    )
    error_message = "zones: write different letters, at least one, like [\"b\", \"c\", \"d\"]."
  }
}

variable "range" {
  description = "Private range of the whole network, /14 to /16. Environments that are ever to be peered need different ones."
  type        = string
  nullable    = false

  validation {
    condition = (
      can(cidrnetmask(var.range)) && try(cidrhost(var.range, 0) == split("/", var.range)[0], false) &&
      try(contains([14, 15, 16], tonumber(split("/", var.range)[1])), false) &&
      can(regex("^(10|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168)\\.", var.range))
    )
    error_message = "range: write a private network of /14 to /16, like 10.16.0.0/14."
  }
}

variable "pools" {
  description = "Nodes of each pool, in each zone: from `least` to `most` of `machine`, with boot disks of `disk_gb`."
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

  validation {
    condition = alltrue([for pool in values(var.pools) :
      pool.least >= 1 && pool.most >= pool.least && pool.most <= 20 && floor(pool.least) == pool.least && floor(pool.most) == pool.most
    ])
    error_message = "pools: write whole numbers with 1 <= least <= most <= 20."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : pool.disk_gb >= 20 && pool.disk_gb <= 1000])
    error_message = "pools: write a disk_gb of 20 to 1000."
  }

  validation {
    condition     = alltrue([for pool in values(var.pools) : can(regex("^[a-z][a-z0-9]+-[a-z]+(-[a-z0-9]+)*$", pool.machine))])
    error_message = "pools: write a machine type like e2-standard-2."
  }
}

variable "database_taint" {
  description = "Effect of the database pool's taint. NO_SCHEDULE needs pods that tolerate it: [pods] tolerations in postgres.toml."
  type        = string
  nullable    = false
  default     = "PREFER_NO_SCHEDULE"

  validation {
    condition     = contains(["PREFER_NO_SCHEDULE", "NO_SCHEDULE"], var.database_taint)
    error_message = "database_taint: write PREFER_NO_SCHEDULE or NO_SCHEDULE."
  }
}

variable "namespace" {
  description = "Kubernetes namespace that the deployer may change: `target.namespace` in values.yaml."
  type        = string
  nullable    = false
  default     = "todoozle"

  validation {
    condition = (
      can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace)) &&
      !startswith(var.namespace, "kube-") && var.namespace != "default"
    )
    error_message = "namespace: write a name of its own, neither default nor kube-…."
  }
}

variable "app" {
  description = "The app's release, and the name of its pods' role: `target.app` in values.yaml."
  type        = string
  nullable    = false
  default     = "todoozle-edge"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", var.app))
    error_message = "app: write 1 to 40 of a-z, 0-9 and -."
  }
}

variable "database" {
  description = "The database's name: `name` in postgres.toml."
  type        = string
  nullable    = false
  default     = "todoozle"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.database))
    error_message = "database: write 1 to 40 of a-z, 0-9 and -, a letter first."
  }
}

variable "promoters" {
  description = "E-mail addresses of the deployers of other environments that take the live component from here."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for who in var.promoters : can(regex("^[a-z0-9-]+@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$", who))])
    error_message = "promoters: write e-mail addresses of service accounts, as `terraform output deployer` prints them."
  }
}
