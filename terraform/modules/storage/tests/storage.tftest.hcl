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
    writer  = "serviceAccount:deployer@acme.iam.gserviceaccount.com"
    readers = ["group:ops@example.com"]
    key     = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/backup"
    days    = 30
  }
}

run "a_backup_stays_its_days_and_goes_after_them" {
  command = plan

  assert {
    condition     = tonumber(google_storage_bucket.backup.retention_policy[0].retention_period) == 30 * 86400 && one(google_storage_bucket.backup.lifecycle_rule[0].condition).age == 31
    error_message = "it would go before its time, or never"
  }

  assert {
    condition     = google_storage_bucket.backup.public_access_prevention == "enforced" && google_storage_bucket.backup.uniform_bucket_level_access
    error_message = "somebody could make a backup public"
  }
}

run "who_stores_a_backup_can_not_read_it" {
  command = plan

  assert {
    condition     = google_storage_bucket_iam_member.writer.role == "roles/storage.objectCreator"
    error_message = "got ${google_storage_bucket_iam_member.writer.role}"
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

run "a_bucket_without_retention_is_refused" {
  command = plan
  variables {
    backup = {
      writer = "serviceAccount:a@b.iam.gserviceaccount.com", readers = [], key = "k", days = 0
    }
  }
  expect_failures = [var.backup]
}
