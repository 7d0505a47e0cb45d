output "registry" {
  description = "Where images are pushed to; null without a registry."
  value       = one(google_artifact_registry_repository.this[*].registry_uri)
}

output "backup" {
  description = "The bucket of backups."
  value       = google_storage_bucket.backup.name
}
