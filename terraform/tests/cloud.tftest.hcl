# What would be made, with a google provider that makes nothing.
mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = {
      email  = "todoozle-dev-mock@acme-todoozle-dev.iam.gserviceaccount.com"
      member = "serviceAccount:todoozle-dev-mock@acme-todoozle-dev.iam.gserviceaccount.com"
      name   = "projects/acme-todoozle-dev/serviceAccounts/todoozle-dev-mock@acme-todoozle-dev.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_iam_workload_identity_pool" {
    defaults = { name = "projects/1/locations/global/workloadIdentityPools/todoozle-dev" }
  }

  mock_resource "google_iam_workload_identity_pool_provider" {
    defaults = { name = "projects/1/locations/global/workloadIdentityPools/todoozle-dev/providers/github" }
  }

  mock_resource "google_artifact_registry_repository" {
    defaults = { registry_uri = "europe-west1-docker.pkg.dev/acme-todoozle-dev/todoozle" }
  }

  mock_data "google_project" {
    defaults = { number = "1" }
  }

  mock_data "google_storage_project_service_account" {
    defaults = { member = "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com" }
  }
}

variables {
  environment = "dev"
  project     = "acme-todoozle-dev"
  region      = "europe-west1"
  zones       = ["b", "c"]
  range       = "10.16.0.0/14"
  operators   = ["group:ops@example.com"]
  repository  = "acme/todoozle"
  registry    = true
  pools = {
    system   = { machine = "e2-standard-2", least = 1, most = 2 }
    edge     = { machine = "e2-standard-2", least = 1, most = 4 }
    database = { machine = "e2-standard-4", least = 1, most = 2, disk_gb = 100 }
  }
}

run "everything_fits_together" {
  command = plan

  assert {
    condition     = output.cluster == "todoozle-dev" && output.backup == "acme-todoozle-dev-todoozle-dev-backup"
    error_message = "got ${output.cluster} and ${output.backup}"
  }

  assert {
    condition     = output.registry != null && output.federation != null
    error_message = "a registry and a federation were asked for"
  }
}

run "an_environment_without_registry_and_workflows" {
  command = plan
  variables {
    registry   = false
    repository = null
  }

  assert {
    condition     = output.registry == null && output.federation == null
    error_message = "neither was asked for"
  }
}

run "nobody_to_run_it_is_refused" {
  command = plan
  variables { operators = [] }
  expect_failures = [var.operators]
}

run "the_whole_world_is_refused" {
  command = plan
  variables { source_ranges = ["0.0.0.0/0"] }
  expect_failures = [var.source_ranges]
}
