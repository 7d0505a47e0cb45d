locals {
  descriptions = {
    nodes    = "Nodes: write logs and metrics, pull images"
    builder  = "Workflows: push images"
    deployer = "Workflows: reach the cluster, decrypt secrets"
  }
}

resource "google_service_account" "this" {
  for_each = var.ids

  account_id   = each.value
  display_name = "Todoozle ${var.environment} ${each.key}"
  description  = local.descriptions[each.key]
}

# What Google names as the least that a node needs. Instead of the default account, which may do anything.
resource "google_project_iam_member" "nodes" {
  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.this["nodes"].member
}
