# Workflows prove who they are with GitHub's own token, so there is no key that could leak.
resource "google_iam_workload_identity_pool" "this" {
  count = var.repository == null ? 0 : 1

  workload_identity_pool_id = var.names.federation
  display_name              = "Todoozle ${var.environment}"
  description               = "Workflows of ${var.repository}"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  # checkov:skip=CKV_GCP_125: the condition names whole subjects; checkov can't see that, because the repository is a variable
  count = var.repository == null ? 0 : 1

  workload_identity_pool_id          = google_iam_workload_identity_pool.this[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"
  attribute_condition                = "assertion.sub == 'repo:${var.repository}:ref:refs/heads/main' || assertion.sub == 'repo:${var.repository}:environment:${var.environment}'"

  attribute_mapping = {
    "google.subject" = "assertion.sub"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

locals {
  # A job of the environment deploys: GitHub lets it start only after that environment's approval.
  # A job of main builds; a pull request's can do neither.
  subjects = var.repository == null ? {} : {
    builder  = "repo:${var.repository}:ref:refs/heads/main"
    deployer = "repo:${var.repository}:environment:${var.environment}"
  }
}

resource "google_service_account_iam_member" "workflow" {
  for_each = local.subjects

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.this[0].name}/subject/${each.value}"
}

# People deploy as the deployer, too, so that one set of rights is enough and is tried every day.
resource "google_service_account_iam_member" "operators" {
  for_each = toset(var.operators)

  service_account_id = google_service_account.this["deployer"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
