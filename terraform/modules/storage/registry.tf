resource "google_artifact_registry_repository" "this" {
  # checkov:skip=CKV_GCP_84: images are built from public source; a key of ours would protect nothing
  count = var.registry ? 1 : 0

  repository_id = var.names.registry
  location      = var.region
  format        = "DOCKER"
  description   = "Images of Todoozle"
  labels        = var.labels

  docker_config {
    immutable_tags = true # what was tested under a name is what runs under it
  }

  # Of what nobody named, the last month; of what has a tag, everything.
  cleanup_policies {
    id     = "untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "writer" {
  count = var.registry ? 1 : 0

  location   = var.region
  repository = google_artifact_registry_repository.this[0].name
  role       = "roles/artifactregistry.writer"
  member     = var.writer
}

resource "google_artifact_registry_repository_iam_member" "readers" {
  for_each = var.registry ? merge(
    { nodes = var.nodes },
    { for who in var.readers : who => "serviceAccount:${who}" },
  ) : {}

  location   = var.region
  repository = google_artifact_registry_repository.this[0].name
  role       = "roles/artifactregistry.reader"
  member     = each.value
}
