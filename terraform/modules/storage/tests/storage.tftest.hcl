mock_provider "google" {
  override_during = plan
}

variables {
  region   = "europe-west1"
  names    = { registry = "todoozle", backup = "acme-todoozle-dev-backup" }
  labels   = { app = "todoozle" }
  registry = true
  writer   = "serviceAccount:builder@acme.iam.gserviceaccount.com"
  nodes    = "serviceAccount:nodes@acme.iam.gserviceaccount.com"
  readers  = ["todoozle-prod-nodes@acme-prod.iam.gserviceaccount.com"]
  backup = {
    pool    = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/acme.svc.id.goog"
    writers = ["todoozle/todoozle-patroni"]
    readers = ["group:ops@example.com"]
    key     = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/backup"
    days    = 30
  }
}

run "what_is_rewritten_or_deleted_comes_back" {
  command = plan

  assert {
    condition     = google_storage_bucket.backup.soft_delete_policy[0].retention_duration_seconds == 30 * 86400
    error_message = "it would be gone"
  }

  assert {
    condition     = length(google_storage_bucket.backup.retention_policy) == 0
    error_message = "pgBackRest could not rewrite its lists"
  }

  assert {
    condition     = length(google_storage_bucket.backup.lifecycle_rule) == 0
    error_message = "a backup that is still good could go"
  }

  assert {
    condition     = google_storage_bucket.backup.public_access_prevention == "enforced" && google_storage_bucket.backup.uniform_bucket_level_access
    error_message = "somebody could make a backup public"
  }
}

run "the_databases_pods_archive_and_nobody_else" {
  command = plan

  assert {
    condition = (
      [for grant in values(google_storage_bucket_iam_member.writers) : grant.member] ==
      ["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/acme.svc.id.goog/subject/ns/todoozle/sa/todoozle-patroni"]
    )
    error_message = "got ${jsonencode([for grant in values(google_storage_bucket_iam_member.writers) : grant.member])}"
  }

  assert {
    condition     = toset([for grant in values(google_storage_bucket_iam_member.readers) : grant.role]) == toset(["roles/storage.objectViewer"])
    error_message = "who restores may change an archive"
  }
}

run "other_environments_nodes_pull_and_do_not_push" {
  command = plan

  assert {
    condition     = toset([for grant in values(google_artifact_registry_repository_iam_member.readers) : grant.role]) == toset(["roles/artifactregistry.reader"])
    error_message = "a reader may do more than read"
  }

  assert {
    condition     = google_artifact_registry_repository.this[0].docker_config[0].immutable_tags
    error_message = "a tag could come to mean another image"
  }
}

run "without_a_registry_nobody_pulls" {
  command = plan
  variables {
    registry = false
    readers  = []
  }

  assert {
    condition     = length(google_artifact_registry_repository.this) == 0 && length(google_artifact_registry_repository_iam_member.readers) == 0
    error_message = "there is no registry"
  }
}

run "readers_of_no_registry_are_refused" {
  command = plan
  variables { registry = false }
  expect_failures = [var.registry]
}

run "a_bucket_that_brings_nothing_back_is_refused" {
  command = plan
  variables {
    backup = {
      pool = "p", writers = [], readers = [], key = "k", days = 1
    }
  }
  expect_failures = [var.backup]
}
