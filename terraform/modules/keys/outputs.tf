# Whoever gets one of these gets it after the agent that uses it may.
output "sops" {
  description = "The key for .sops.yaml."
  value       = google_kms_crypto_key.this["sops"].id
}

output "cluster" {
  description = "The key for Kubernetes Secrets."
  value       = google_kms_crypto_key.this["cluster"].id
  depends_on  = [google_kms_crypto_key_iam_member.cluster]
}

output "backup" {
  description = "The key for the bucket."
  value       = google_kms_crypto_key.this["backup"].id
  depends_on  = [google_kms_crypto_key_iam_member.backup]
}
