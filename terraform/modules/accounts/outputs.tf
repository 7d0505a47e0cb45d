output "emails" {
  description = "E-mail addresses of the service accounts, by duty."
  value       = { for duty, account in google_service_account.this : duty => account.email }
}

output "members" {
  description = "The same as IAM members."
  value       = { for duty, account in google_service_account.this : duty => account.member }
}

output "federation" {
  description = "Name of the provider that workflows present their token to; null without a repository."
  value       = one(google_iam_workload_identity_pool_provider.github[*].name)
}
