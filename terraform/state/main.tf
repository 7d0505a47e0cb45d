# The bucket of the remote state: what has to be there before anything else. Its own state is a file
# beside it, which may be lost: everything below can be imported, and nothing ever changes.
terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.40, < 8.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_project_service" "storage" {
  service            = "storage.googleapis.com"
  disable_on_destroy = false
}

resource "google_storage_bucket" "state" {
  # checkov:skip=CKV_GCP_62: who reads it is in the project's audit log; a log bucket would need one, too
  depends_on = [google_project_service.storage]

  name                        = "${var.project}-todoozle-state"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = { app = "todoozle", managed-by = "terraform" }

  versioning {
    enabled = true # back to the state before a mistake
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 30
      with_state         = "ARCHIVED"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

output "bucket" {
  description = "The bucket."
  value       = google_storage_bucket.state.name
}
