output "names" {
  description = "Names of what there is one of."
  value       = local.names
}

output "accounts" {
  description = "Ids of the service accounts, by duty."
  value       = local.accounts
}

output "labels" {
  description = "Labels of everything that can have any."
  value       = local.labels
}

output "zones" {
  description = "Zones that have nodes."
  value       = local.zones
}

output "ranges" {
  description = "Ranges of the network."
  value       = local.ranges

  precondition {
    condition     = local.planned_nodes <= local.most_nodes
    error_message = "range ${var.range} has room for pods on ${local.most_nodes} nodes, and pools may grow to ${local.planned_nodes}: write a larger range or fewer nodes."
  }
}

output "pods_per_node" {
  description = "The most pods on a node; the pods' range is cut by it."
  value       = local.pods_per_node
}

output "pools" {
  description = "Node pools, with their labels and taints."
  value       = local.pools
}

output "archivers" {
  description = "Which pods reach the archive: namespace/ServiceAccount, as pg-cluster calls them."
  value       = [for duty in ["patroni", "drill"] : "${var.namespace}/${var.database}-${duty}"]
}

output "access" {
  description = "Kubernetes objects that let the deployer in, as YAML."
  value       = local.access
}
