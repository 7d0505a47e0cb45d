variable "project" {
  description = "Id of the project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: write the project's id."
  }
}

variable "environment" {
  description = "The environment, as the workflows name it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.environment))
    error_message = "environment: write 1 to 12 of a-z and 0-9, a letter first."
  }
}

variable "ids" {
  description = "Ids of the service accounts."
  type        = object({ nodes = string, builder = string, deployer = string })
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.ids) : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", id))])
    error_message = "ids: write 6 to 30 of a-z, 0-9 and -."
  }
}

variable "names" {
  description = "Names of the role and of the federation."
  type        = object({ connect_role = string, federation = string })
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9_.]{3,64}$", var.names.connect_role)) && can(regex("^[a-z0-9-]{4,32}$", var.names.federation))
    error_message = "names: write connect_role without dashes, and federation with 4 to 32 of a-z, 0-9 and -."
  }
}

variable "repository" {
  description = "GitHub repository (owner/name) whose workflows may build and deploy; null: none."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$", var.repository))
    error_message = "repository: write owner/name."
  }
}

variable "operators" {
  description = "People who run this (user:… or group:…): they may act as the deployer."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for who in var.operators : can(regex("^(user|group):[^@ ]+@[^@ ]+$", who))])
    error_message = "operators: write user:name@example.com or group:name@example.com."
  }
}

variable "promoters" {
  description = "E-mail addresses of other environments' deployers, which may reach the cluster, too."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for who in var.promoters : can(regex("^[a-z0-9-]+@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$", who))])
    error_message = "promoters: write e-mail addresses of service accounts."
  }
}
