# A key for each purpose, so that who may use one can use no other.
locals {
  purposes = toset([
    "sops",    # config/<env>/secrets.yaml
    "cluster", # Kubernetes Secrets in etcd
    "backup",  # the bucket
  ])
}

data "google_project" "this" {}

data "google_storage_project_service_account" "this" {}

resource "google_kms_key_ring" "this" {
  name     = var.name
  location = var.region
}

resource "google_kms_crypto_key" "this" {
  for_each = local.purposes

  name            = each.key
  key_ring        = google_kms_key_ring.this.id
  purpose         = "ENCRYPT_DECRYPT"
  rotation_period = "7776000s" # 90 days; old versions go on decrypting
  labels          = var.labels
  # Thirty days to notice that a version was destroyed.
  destroy_scheduled_duration = "2592000s"

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true # what it encrypted could never be read again
  }
}
