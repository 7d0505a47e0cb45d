# An environment as it is configured: -test-directory=tests/environment -var-file=config/<env>/terraform.tfvars.
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "1" }
  }
}

run "what_is_configured_can_be_made" {
  command = plan

  assert {
    condition     = output.cluster == "todoozle-${var.environment}"
    error_message = "got ${output.cluster}"
  }
}
