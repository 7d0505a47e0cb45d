variable "name" {
  description = "Name of the key ring. Google never forgets one, nor its keys."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,63}$", var.name))
    error_message = "name: write 1 to 63 of letters, digits, _ and -."
  }
}

variable "region" {
  description = "Region of the key ring."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: write one like europe-west1."
  }
}

variable "labels" {
  description = "Labels of the keys."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels: write a-z, 0-9, _ and -."
  }
}

variable "decrypters" {
  description = "IAM members that read secrets.yaml."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for who in values(var.decrypters) : can(regex("^serviceAccount:", who))])
    error_message = "decrypters: write serviceAccount:…; people belong to editors."
  }
}

variable "editors" {
  description = "IAM members that read and write secrets.yaml."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for who in var.editors : can(regex("^(user|group):[^@ ]+@[^@ ]+$", who))])
    error_message = "editors: write user:name@example.com or group:name@example.com."
  }
}
