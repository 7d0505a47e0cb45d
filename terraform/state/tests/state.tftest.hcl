mock_provider "google" {}

variables {
  project = "acme-todoozle-dev"
  region  = "europe-west1"
}

run "old_states_are_kept_and_nobody_else_sees_them" {
  command = plan

  assert {
    condition = (
      google_storage_bucket.state.name == "acme-todoozle-dev-todoozle-state" &&
      google_storage_bucket.state.versioning[0].enabled &&
      google_storage_bucket.state.public_access_prevention == "enforced"
    )
    error_message = "got ${google_storage_bucket.state.name}"
  }
}
