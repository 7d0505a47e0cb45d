variable "project" {
  description = "Id of the project; its pool of workload identities."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: write the project's id."
  }
}

variable "name" {
  description = "The cluster's name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "name: write 1 to 40 of a-z, 0-9 and -, a letter first."
  }
}

variable "region" {
  description = "Region of the control plane."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: write one like europe-west1."
  }
}

variable "zones" {
  description = "Zones of the nodes."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.zones) >= 1 && alltrue([for zone in var.zones : startswith(zone, "${var.region}-")])
    error_message = "zones: write at least one, of the region."
  }
}

variable "labels" {
  description = "Labels of the cluster and its nodes."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels: write a-z, 0-9, _ and -."
  }
}

variable "network" {
  description = "Ids of the network and of its private subnet, which has secondary ranges `pods` and `services`."
  type        = object({ network = string, subnetwork = string })
  nullable    = false

  validation {
    condition     = var.network.network != "" && var.network.subnetwork != ""
    error_message = "network: write both ids."
  }
}

variable "key" {
  description = "Key that encrypts Kubernetes Secrets in etcd."
  type        = string
  nullable    = false

  validation {
    condition     = var.key != ""
    error_message = "key: write the key's id."
  }
}

variable "nodes_account" {
  description = "E-mail address of the nodes' service account."
  type        = string
  nullable    = false

  validation {
    condition     = strcontains(var.nodes_account, "@")
    error_message = "nodes_account: write an e-mail address."
  }
}

variable "pods_per_node" {
  description = "The most pods on a node."
  type        = number
  nullable    = false

  validation {
    condition     = var.pods_per_node >= 8 && var.pods_per_node <= 256
    error_message = "pods_per_node: write 8 to 256."
  }
}

variable "pools" {
  description = "Node pools; numbers of nodes are for each zone."
  type = map(object({
    name    = string
    machine = string
    least   = number
    most    = number
    disk_gb = number
    labels  = map(string)
    taints  = list(object({ key = string, value = string, effect = string }))
    surge   = number
  }))
  nullable = false

  validation {
    condition     = anytrue([for pool in values(var.pools) : length(pool.taints) == 0])
    error_message = "pools: one needs no taint, or the cluster's own pods have nowhere to go."
  }
}

variable "channel" {
  description = "Release channel: how soon Google brings new versions."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.channel)
    error_message = "channel: write RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "maintenance" {
  description = "When Google may upgrade control plane and nodes: days, and hours in UTC."
  type        = object({ days = list(string), start = string, end = string })
  nullable    = false

  validation {
    condition     = length(var.maintenance.days) >= 1 && length(setsubtract(var.maintenance.days, ["MO", "TU", "WE", "TH", "FR", "SA", "SU"])) == 0
    error_message = "maintenance.days: write some of MO, TU, WE, TH, FR, SA and SU."
  }

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance.start)) && can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.maintenance.end))
    error_message = "maintenance: write start and end like 02:00."
  }

  validation {
    # Google insists on 48 hours within 32 days: four hours on three days a week are enough.
    condition = try((
      timecmp("2026-01-01T${var.maintenance.start}:00Z", "2026-01-01T${var.maintenance.end}:00Z") < 0 &&
      (tonumber(split(":", var.maintenance.end)[0]) - tonumber(split(":", var.maintenance.start)[0])) * length(var.maintenance.days) >= 12
    ), false)
    error_message = "maintenance: write an end after the start, on the same day, and 12 hours a week in all."
  }
}

variable "protected" {
  description = "Whether Terraform refuses to destroy the cluster."
  type        = bool
  nullable    = false
}
