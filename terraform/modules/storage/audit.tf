# Who read or wrote a backup.
resource "google_project_iam_audit_config" "storage" {
  project = google_storage_bucket.backup.project
  service = "storage.googleapis.com"

  dynamic "audit_log_config" {
    for_each = ["DATA_READ", "DATA_WRITE"]
    content {
      log_type = audit_log_config.value
    }
  }
}
