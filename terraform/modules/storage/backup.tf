# pgBackRest's archive. It rewrites its own lists and deletes what has expired, so nothing forbids that; what was
# deleted or written over comes back for as many days (`gcloud storage restore`, by an owner of the project), whoever did it.
resource "google_storage_bucket" "backup" {
  # checkov:skip=CKV_GCP_78: soft delete keeps what was written over as well, by one way back and with a bound to its cost
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

  soft_delete_policy {
    retention_duration_seconds = var.backup.days * 86400
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The pods of the database, by who Kubernetes says they are. There is no key that could leak.
resource "google_storage_bucket_iam_member" "writers" {
  for_each = toset(var.backup.writers)

  bucket = google_storage_bucket.backup.name
  role   = "roles/storage.objectUser"
  member = "${var.backup.pool}/subject/ns/${split("/", each.value)[0]}/sa/${split("/", each.value)[1]}"
}

resource "google_storage_bucket_iam_member" "readers" {
  for_each = toset(var.backup.readers)

  bucket = google_storage_bucket.backup.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
