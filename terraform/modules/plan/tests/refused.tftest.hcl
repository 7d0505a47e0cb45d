# Each value that is refused, by the variable that refuses it.
variables {
  environment = "dev"
  project     = "acme-todoozle-dev"
  region      = "europe-west1"
  zones       = ["b"]
  range       = "10.16.0.0/14"
  pools = {
    system   = { machine = "e2-standard-2", least = 1, most = 2 }
    edge     = { machine = "e2-standard-2", least = 1, most = 4 }
    database = { machine = "e2-standard-4", least = 1, most = 2 }
  }
}

run "an_environment_in_capitals" {
  command = plan
  variables { environment = "Dev" }
  expect_failures = [var.environment]
}

run "a_long_environment" {
  command = plan
  variables { environment = "abcdefghijklm" }
  expect_failures = [var.environment]
}

run "a_project_s_number" {
  command = plan
  variables { project = "123456789" }
  expect_failures = [var.project]
}

run "a_zone_as_region" {
  command = plan
  variables { region = "europe-west1-b" }
  expect_failures = [var.region]
}

run "no_zone" {
  command = plan
  variables { zones = [] }
  expect_failures = [var.zones]
}

run "a_zone_twice" {
  command = plan
  variables { zones = ["b", "b"] }
  expect_failures = [var.zones]
}

run "a_whole_zone" {
  command = plan
  variables { zones = ["europe-west1-b"] }
  expect_failures = [var.zones]
}

run "a_public_range" {
  command = plan
  variables { range = "8.8.0.0/14" }
  expect_failures = [var.range]
}

run "a_small_range" {
  command = plan
  variables { range = "10.16.0.0/20" }
  expect_failures = [var.range]
}

run "a_range_that_is_a_host" {
  command = plan
  variables { range = "10.17.1.1/14" }
  expect_failures = [var.range]
}

run "a_range_that_is_none" {
  command = plan
  variables { range = "10.16" }
  expect_failures = [var.range]
}

run "a_missing_pool" {
  command = plan
  variables { pools = { system = { machine = "e2-standard-2", least = 1, most = 2 } } }
  expect_failures = [var.pools]
}

run "a_pool_without_nodes" {
  command = plan
  variables { pools = { system = { machine = "e2-standard-2", least = 1, most = 2 }, edge = { machine = "e2-standard-2", least = 0, most = 2 }, database = { machine = "e2-standard-2", least = 1, most = 2 } } }
  expect_failures = [var.pools]
}

run "a_pool_that_is_upside_down" {
  command = plan
  variables { pools = { system = { machine = "e2-standard-2", least = 1, most = 2 }, edge = { machine = "e2-standard-2", least = 3, most = 2 }, database = { machine = "e2-standard-2", least = 1, most = 2 } } }
  expect_failures = [var.pools]
}

run "half_a_node" {
  command = plan
  variables { pools = { system = { machine = "e2-standard-2", least = 1, most = 2 }, edge = { machine = "e2-standard-2", least = 1.5, most = 2 }, database = { machine = "e2-standard-2", least = 1, most = 2 } } }
  expect_failures = [var.pools]
}

run "a_tiny_disk" {
  command = plan
  variables { pools = { system = { machine = "e2-standard-2", least = 1, most = 2 }, edge = { machine = "e2-standard-2", least = 1, most = 2, disk_gb = 5 }, database = { machine = "e2-standard-2", least = 1, most = 2 } } }
  expect_failures = [var.pools]
}

run "a_machine_that_is_none" {
  command = plan
  variables { pools = { system = { machine = "e2-standard-2", least = 1, most = 2 }, edge = { machine = "fast", least = 1, most = 2 }, database = { machine = "e2-standard-2", least = 1, most = 2 } } }
  expect_failures = [var.pools]
}

run "an_unknown_taint" {
  command = plan
  variables { database_taint = "NoSchedule" }
  expect_failures = [var.database_taint]
}

run "the_system_s_namespace" {
  command = plan
  variables { namespace = "kube-system" }
  expect_failures = [var.namespace]
}

run "the_default_namespace" {
  command = plan
  variables { namespace = "default" }
  expect_failures = [var.namespace]
}

run "an_app_with_a_dot" {
  command = plan
  variables { app = "todoozle.edge" }
  expect_failures = [var.app]
}

run "a_promoter_who_is_a_person" {
  command = plan
  variables { promoters = ["a@example.com"] }
  expect_failures = [var.promoters]
}

run "a_database_with_a_dot" {
  command = plan
  variables { database = "todo.zle" }
  expect_failures = [var.database]
}
