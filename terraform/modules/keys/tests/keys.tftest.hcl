mock_provider "google" {
  override_during = plan

  override_resource {
    target = google_kms_crypto_key.this["sops"]
    values = { id = "projects/p/locations/europe-west1/keyRings/todoozle-dev/cryptoKeys/sops" }
  }

  override_resource {
    target = google_kms_crypto_key.this["cluster"]
    values = { id = "projects/p/locations/europe-west1/keyRings/todoozle-dev/cryptoKeys/cluster" }
  }

  override_resource {
    target = google_kms_crypto_key.this["backup"]
    values = { id = "projects/p/locations/europe-west1/keyRings/todoozle-dev/cryptoKeys/backup" }
  }

  mock_data "google_project" {
    defaults = { number = "1" }
  }

  mock_data "google_storage_project_service_account" {
    defaults = { member = "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com" }
  }
}

variables {
  name       = "todoozle-dev"
  region     = "europe-west1"
  labels     = { app = "todoozle" }
  decrypters = { deployer = "serviceAccount:deployer@acme.iam.gserviceaccount.com" }
  editors    = ["group:ops@example.com"]
}

run "the_deployer_decrypts_and_people_edit" {
  command = plan

  assert {
    condition = (
      google_kms_crypto_key_iam_member.decrypters["deployer"].role == "roles/cloudkms.cryptoKeyDecrypter" &&
      google_kms_crypto_key_iam_member.editors["group:ops@example.com"].role == "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    )
    error_message = "the deployer may not write secrets"
  }

  assert {
    condition = (
      google_kms_crypto_key_iam_member.decrypters["deployer"].crypto_key_id == google_kms_crypto_key.this["sops"].id &&
      google_kms_crypto_key_iam_member.cluster.crypto_key_id == google_kms_crypto_key.this["cluster"].id &&
      google_kms_crypto_key_iam_member.backup.crypto_key_id == google_kms_crypto_key.this["backup"].id
    )
    error_message = "a grant is for another key"
  }
}

run "keys_rotate" {
  command = plan

  assert {
    condition     = alltrue([for key in values(google_kms_crypto_key.this) : key.rotation_period == "7776000s"])
    error_message = "a key doesn't rotate"
  }
}

run "a_person_is_no_decrypter" {
  command = plan
  variables { decrypters = { me = "user:me@example.com" } }
  expect_failures = [var.decrypters]
}
