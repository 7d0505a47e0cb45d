# To reach the API server, and no more: what they may do there is said by Kubernetes' own roles.
resource "google_project_iam_custom_role" "connect" {
  role_id     = var.names.connect_role
  title       = "Todoozle ${var.environment}: reach the cluster"
  description = "Find the cluster's address and connect to it, without any right inside."
  permissions = ["container.clusters.connect", "container.clusters.get"]
}

resource "google_project_iam_member" "connect" {
  for_each = merge(
    { deployer = google_service_account.this["deployer"].member },
    { for who in var.promoters : who => "serviceAccount:${who}" },
  )

  project = var.project
  role    = google_project_iam_custom_role.connect.id
  member  = each.value
}
