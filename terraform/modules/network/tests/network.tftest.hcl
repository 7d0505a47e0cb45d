mock_provider "google" {}

variables {
  names  = { network = "net", public = "net-public", private = "net-private", router = "net", nat = "net" }
  region = "europe-west1"
  ranges = { pods = "10.16.0.0/16", services = "10.17.0.0/20", private = "10.17.16.0/20", public = "10.17.32.0/24" }

  source_ranges = []
}

run "nothing_but_google_and_the_inside_gets_in" {
  command = plan

  assert {
    condition     = length(google_compute_firewall.public) == 0
    error_message = "nobody asked for the public subnet to be open"
  }

  assert {
    condition     = toset(google_compute_firewall.inside.source_ranges) == toset(["10.16.0.0/16", "10.17.16.0/20"])
    error_message = "inside are nodes and pods"
  }

  assert {
    condition = alltrue([for rule in [google_compute_firewall.inside, google_compute_firewall.health] :
    rule.priority < 1000 && !contains(rule.source_ranges, "0.0.0.0/0")])
    error_message = "a rule lets everybody in, or doesn't count"
  }

  assert {
    condition     = google_compute_firewall.deny.priority == 65534 && length(google_compute_firewall.deny.allow) == 0
    error_message = "the last rule has to deny, and to be the last"
  }
}

run "the_public_subnet_is_opened_by_source" {
  command = plan
  variables { source_ranges = ["203.0.113.0/24"] }

  assert {
    condition = (
      toset(google_compute_firewall.public[0].source_ranges) == toset(["203.0.113.0/24"]) &&
      toset(google_compute_firewall.public[0].destination_ranges) == toset(["10.17.32.0/24"])
    )
    error_message = "got ${jsonencode(google_compute_firewall.public[0].source_ranges)}"
  }
}

run "pods_and_services_have_ranges_that_the_cluster_names" {
  command = plan

  assert {
    condition     = { for range in google_compute_subnetwork.private.secondary_ip_range : range.range_name => range.ip_cidr_range } == { pods = "10.16.0.0/16", services = "10.17.0.0/20" }
    error_message = "got ${jsonencode(google_compute_subnetwork.private.secondary_ip_range)}"
  }
}

run "only_the_private_subnet_goes_out_by_the_nat" {
  command = plan

  assert {
    condition     = length(google_compute_router_nat.this.subnetwork) == 1 && google_compute_router_nat.this.source_subnetwork_ip_ranges_to_nat == "LIST_OF_SUBNETWORKS"
    error_message = "the public subnet has addresses of its own"
  }
}

run "the_whole_world_is_no_source" {
  command = plan
  variables { source_ranges = ["0.0.0.0/0"] }
  expect_failures = [var.source_ranges]
}
