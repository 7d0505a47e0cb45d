mock_provider "google" {}

variables {
  project       = "acme-todoozle-dev"
  name          = "todoozle-dev"
  region        = "europe-west1"
  zones         = ["europe-west1-b", "europe-west1-c"]
  labels        = { app = "todoozle" }
  network       = { network = "n", subnetwork = "s" }
  key           = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/cluster"
  nodes_account = "nodes@acme-todoozle-dev.iam.gserviceaccount.com"
  pods_per_node = 32
  channel       = "REGULAR"
  maintenance   = { days = ["TU", "WE", "TH"], start = "02:00", end = "06:00" }
  protected     = true
  pools = {
    system = { name = "system", machine = "e2-standard-2", least = 1, most = 2, disk_gb = 50, labels = {}, taints = [], surge = 1 }
    edge = {
      name   = "edge", machine = "e2-standard-2", least = 1, most = 4, disk_gb = 50, surge = 1
      labels = { "todoozle/tier" = "edge" }
      taints = [{ key = "todoozle/tier", value = "edge", effect = "NO_SCHEDULE" }]
    }
  }
}

run "neither_nodes_nor_the_api_server_have_an_address_from_outside" {
  command = plan

  assert {
    condition = (
      google_container_cluster.this.private_cluster_config[0].enable_private_nodes &&
      !google_container_cluster.this.control_plane_endpoints_config[0].ip_endpoints_config[0].enabled
    )
    error_message = "something can be reached by its address"
  }
}

run "policies_identities_and_secrets_are_guarded" {
  command = plan

  assert {
    condition = (
      google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH" &&
      google_container_cluster.this.workload_identity_config[0].workload_pool == "acme-todoozle-dev.svc.id.goog" &&
      google_container_cluster.this.database_encryption[0].state == "ENCRYPTED" &&
      google_container_cluster.this.enable_shielded_nodes && google_container_cluster.this.deletion_protection
    )
    error_message = "a guard is off"
  }

  assert {
    condition     = google_container_cluster.this.location == "europe-west1"
    error_message = "a zone is no region"
  }
}

run "upgrades_come_in_the_window" {
  command = plan

  assert {
    condition     = google_container_cluster.this.maintenance_policy[0].recurring_window[0].recurrence == "FREQ=WEEKLY;BYDAY=TU,WE,TH"
    error_message = "got ${google_container_cluster.this.maintenance_policy[0].recurring_window[0].recurrence}"
  }
}

run "every_node_is_shielded_and_hides_its_own_identity" {
  command = plan

  assert {
    condition = alltrue([for pool in values(google_container_node_pool.this) :
      pool.node_config[0].shielded_instance_config[0].enable_secure_boot &&
      pool.node_config[0].workload_metadata_config[0].mode == "GKE_METADATA" &&
      pool.node_config[0].service_account == "nodes@acme-todoozle-dev.iam.gserviceaccount.com"
    ])
    error_message = "a pool isn't like the others"
  }
}

run "a_pool_has_the_taint_that_was_decided" {
  command = plan

  assert {
    condition = (
      length(google_container_node_pool.this["system"].node_config[0].taint) == 0 &&
      google_container_node_pool.this["edge"].node_config[0].taint[0].value == "edge" &&
      google_container_node_pool.this["edge"].node_config[0].taint[0].effect == "NO_SCHEDULE"
    )
    error_message = "got ${jsonencode(google_container_node_pool.this["edge"].node_config[0].taint)}"
  }
}

run "an_upgrade_takes_no_node_before_there_is_another" {
  command = plan

  assert {
    condition     = alltrue([for pool in values(google_container_node_pool.this) : pool.upgrade_settings[0].max_unavailable == 0 && pool.upgrade_settings[0].max_surge == 1])
    error_message = "nodes would be missing"
  }
}

run "only_tainted_pools_are_refused" {
  command = plan
  variables {
    pools = {
      edge = {
        name   = "edge", machine = "e2-standard-2", least = 1, most = 4, disk_gb = 50, surge = 1, labels = {}
        taints = [{ key = "todoozle/tier", value = "edge", effect = "NO_SCHEDULE" }]
      }
    }
  }
  expect_failures = [var.pools]
}

run "a_window_that_google_would_refuse" {
  command = plan
  variables { maintenance = { days = ["TU"], start = "02:00", end = "06:00" } }
  expect_failures = [var.maintenance]
}

run "a_window_past_midnight" {
  command = plan
  variables { maintenance = { days = ["TU", "WE", "TH"], start = "22:00", end = "02:00" } }
  expect_failures = [var.maintenance]
}

run "a_zone_of_another_region" {
  command = plan
  variables { zones = ["us-central1-a"] }
  expect_failures = [var.zones]
}
