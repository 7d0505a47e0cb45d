output "network" {
  description = "The network's id."
  value       = google_compute_network.this.id
}

output "subnetwork" {
  description = "Id of the private subnet."
  value       = google_compute_subnetwork.private.id
}

output "nat_address" {
  description = "The address that the nodes' own requests come from."
  value       = google_compute_address.nat.address
}
