output "cluster" {
  description = "Name of the cluster: gcloud container clusters get-credentials NAME --dns-endpoint."
  value       = module.cluster.name
}

output "endpoint" {
  description = "DNS name of the API server."
  value       = module.cluster.endpoint
}

output "access" {
  description = "Kubernetes objects that let the deployer in: make access ENV=… applies them."
  value       = module.plan.access
}

output "accounts" {
  description = "E-mail addresses of the service accounts. Others name nodes in image_readers and deployer in promoters."
  value       = module.accounts.emails
}

output "federation" {
  description = "Provider that workflows present their token to."
  value       = module.accounts.federation
}

output "sops_key" {
  description = "Key for this environment's line in .sops.yaml."
  value       = module.keys.sops
}

output "registry" {
  description = "Where images are pushed to; null where another environment has the registry."
  value       = module.storage.registry
}

output "backup" {
  description = "Bucket for backups."
  value       = module.storage.backup
}

output "nat_address" {
  description = "Where requests from the cluster come from."
  value       = module.network.nat_address
}
