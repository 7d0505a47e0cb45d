# What `pg-cluster backup` wrote. Until its days are over nobody deletes or overwrites it, not even an owner
# of the project once the policy is locked, which is done by hand because it can't be undone.
resource "google_storage_bucket" "backup" {
  # checkov:skip=CKV_GCP_78: no version could ever be older than the object: the retention policy forbids overwriting
  # checkov:skip=CKV_GCP_62: reads and writes are in the audit log (audit.tf), which nobody can edit; a log bucket would be a second copy
  name                        = var.names.backup
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  encryption {
    default_kms_key_name = var.backup.key
  }

  retention_policy {
    retention_period = var.backup.days * 86400
  }

  # One day later they go, so that the cost has a bound.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.backup.days + 1
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# To create is not to read, replace or delete.
resource "google_storage_bucket_iam_member" "writer" {
  bucket = google_storage_bucket.backup.name
  role   = "roles/storage.objectCreator"
  member = var.backup.writer
}

resource "google_storage_bucket_iam_member" "readers" {
  for_each = toset(var.backup.readers)

  bucket = google_storage_bucket.backup.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
