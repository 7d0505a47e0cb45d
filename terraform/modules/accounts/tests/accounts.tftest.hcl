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
}

variables {
  project     = "acme-todoozle-dev"
  environment = "dev"
  ids         = { nodes = "todoozle-dev-nodes", builder = "todoozle-dev-builder", deployer = "todoozle-dev-deployer" }
  names       = { connect_role = "todoozle_dev_connect", federation = "todoozle-dev" }
  repository  = "acme/todoozle"
  operators   = ["group:ops@example.com"]
  promoters   = []
}

run "to_connect_is_no_right_inside" {
  command = plan

  assert {
    condition     = toset(google_project_iam_custom_role.connect.permissions) == toset(["container.clusters.connect", "container.clusters.get"])
    error_message = "got ${jsonencode(google_project_iam_custom_role.connect.permissions)}"
  }
}

run "nodes_have_one_role_of_the_project" {
  command = plan

  assert {
    condition     = google_project_iam_member.nodes.role == "roles/container.defaultNodeServiceAccount"
    error_message = "got ${google_project_iam_member.nodes.role}"
  }
}

run "a_workflow_deploys_from_its_environment_and_builds_from_main" {
  command = plan

  assert {
    condition = { for duty, grant in google_service_account_iam_member.workflow : duty => grant.member } == {
      builder  = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/todoozle-dev/subject/repo:acme/todoozle:ref:refs/heads/main"
      deployer = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/todoozle-dev/subject/repo:acme/todoozle:environment:dev"
    }
    error_message = "got ${jsonencode(google_service_account_iam_member.workflow)}"
  }

  assert {
    condition = (
      google_iam_workload_identity_pool_provider.github[0].attribute_condition ==
      "assertion.sub == 'repo:acme/todoozle:ref:refs/heads/main' || assertion.sub == 'repo:acme/todoozle:environment:dev'"
    )
    error_message = "got ${google_iam_workload_identity_pool_provider.github[0].attribute_condition}"
  }
}

run "without_a_repository_no_workflow_gets_in" {
  command = plan
  variables { repository = null }

  assert {
    condition     = length(google_iam_workload_identity_pool.this) == 0 && length(google_service_account_iam_member.workflow) == 0
    error_message = "there is nobody to let in"
  }
}

run "a_service_account_is_no_operator" {
  command = plan
  variables { operators = ["serviceAccount:a@b.iam.gserviceaccount.com"] }
  expect_failures = [var.operators]
}

run "everybody_is_no_operator" {
  command = plan
  variables { operators = ["allUsers"] }
  expect_failures = [var.operators]
}
