output "name" {
  description = "The cluster's name."
  value       = google_container_cluster.this.name
}

output "workload_pool" {
  description = "The pool that says who pods are. It is there once the cluster is."
  value       = google_container_cluster.this.workload_identity_config[0].workload_pool
}

output "endpoint" {
  description = "DNS name of the API server."
  value       = google_container_cluster.this.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
}
