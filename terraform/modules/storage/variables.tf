variable "region" {
  description = "Region of registry and bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: write one like europe-west1."
  }
}

variable "names" {
  description = "Names of registry and bucket."
  type        = object({ registry = string, backup = string })
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.names.registry)) && can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.names.backup))
    error_message = "names: write a-z, 0-9 and -; a bucket's has 3 to 63 of them."
  }
}

variable "labels" {
  description = "Labels of registry and bucket."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels: write a-z, 0-9, _ and -."
  }
}

variable "registry" {
  description = "Whether images are pushed here. One environment has the registry, and the others pull the very same images."
  type        = bool
  nullable    = false

  validation {
    condition     = var.registry || length(var.readers) == 0
    error_message = "registry: there is none here, so nobody can read it; take image_readers out."
  }
}

variable "writer" {
  description = "IAM member that pushes images."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.writer, "serviceAccount:")
    error_message = "writer: write serviceAccount:…"
  }
}

variable "nodes" {
  description = "IAM member of the environment's own nodes, which pull images."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.nodes, "serviceAccount:")
    error_message = "nodes: write serviceAccount:…"
  }
}

variable "readers" {
  description = "E-mail addresses of other environments' nodes and deployers, which pull images, too."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for who in var.readers : can(regex("^[a-z0-9-]+@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$", who))])
    error_message = "image_readers: write e-mail addresses of service accounts."
  }
}

variable "backup" {
  description = "Which pods archive (namespace/ServiceAccount, in a workload pool by its whole name), who else reads, the key, and the days for which what was deleted comes back."
  type        = object({ pool = string, writers = list(string), readers = list(string), key = string, days = number })
  nullable    = false

  validation {
    condition     = var.backup.days >= 7 && var.backup.days <= 90 && floor(var.backup.days) == var.backup.days
    error_message = "backup: write 7 to 90 whole days, which is what a bucket can."
  }

  validation {
    condition     = alltrue([for pod in var.backup.writers : can(regex("^[a-z0-9-]+/[a-z0-9-]+$", pod))])
    error_message = "backup: write its writers as namespace/ServiceAccount."
  }
}
