variables {
  environment = "dev"
  project     = "acme-todoozle-dev"
  region      = "europe-west1"
  zones       = ["b", "c", "d"]
  range       = "10.16.0.0/14"
  pools = {
    system   = { machine = "e2-standard-2", least = 1, most = 2 }
    edge     = { machine = "e2-standard-2", least = 1, most = 4 }
    database = { machine = "e2-standard-4", least = 1, most = 2, disk_gb = 100 }
  }
}

run "ranges_are_cut_one_after_the_other" {
  command = plan

  assert {
    condition = output.ranges == {
      pods     = "10.16.0.0/16"
      services = "10.17.0.0/20"
      private  = "10.17.16.0/20"
      public   = "10.17.32.0/24"
    }
    error_message = "got ${jsonencode(output.ranges)}"
  }
}

run "the_database_archives_as_itself" {
  command = plan

  assert {
    condition     = output.archivers == ["todoozle/todoozle-patroni", "todoozle/todoozle-drill"]
    error_message = "got ${jsonencode(output.archivers)}"
  }
}

run "the_smallest_range_has_room_too" {
  command = plan
  variables { range = "172.16.0.0/16" }

  assert {
    condition     = output.ranges.pods == "172.16.0.0/18" && output.ranges.public == "172.16.72.0/26"
    error_message = "got ${jsonencode(output.ranges)}"
  }
}

run "more_nodes_than_the_pods_range_has_room_for_are_refused" {
  command = plan
  variables {
    range = "10.16.0.0/16"
    zones = ["a", "b", "c", "d", "e"]
    pools = {
      system   = { machine = "e2-standard-2", least = 1, most = 20 }
      edge     = { machine = "e2-standard-2", least = 1, most = 20 }
      database = { machine = "e2-standard-4", least = 1, most = 20 }
    }
  }
  expect_failures = [output.ranges]
}

run "every_name_says_its_environment_and_is_short_enough" {
  command = plan
  variables { environment = "abcdefghijkl" }

  assert {
    condition     = alltrue([for id in values(output.accounts) : length(id) <= 30 && can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", id))])
    error_message = "got ${jsonencode(output.accounts)}"
  }

  assert {
    condition     = output.names.backup == "acme-todoozle-dev-todoozle-abcdefghijkl-backup" && length(output.names.backup) <= 63
    error_message = "got ${output.names.backup}"
  }

  assert {
    condition     = alltrue([for key, name in output.names : strcontains(name, "abcdefghijkl") if key != "registry"])
    error_message = "got ${jsonencode(output.names)}"
  }
}

run "only_the_system_pool_takes_everybody" {
  command = plan

  assert {
    condition     = [for name, pool in output.pools : name if length(pool.taints) == 0] == ["system"]
    error_message = "the cluster's own pods need a pool without a taint, and nobody else does"
  }

  assert {
    condition     = output.pools.edge.taints[0].effect == "NO_SCHEDULE" && output.pools.database.taints[0].effect == "PREFER_NO_SCHEDULE"
    error_message = "got ${jsonencode(output.pools)}"
  }

  # A toleration and a selector of the chart name both by one key and value.
  assert {
    condition     = alltrue([for pool in values(output.pools) : alltrue([for taint in pool.taints : pool.labels[taint.key] == taint.value])])
    error_message = "got ${jsonencode(output.pools)}"
  }
}

run "the_database_pool_can_be_closed" {
  command = plan
  variables { database_taint = "NO_SCHEDULE" }

  assert {
    condition     = output.pools.database.taints[0].effect == "NO_SCHEDULE"
    error_message = "got ${jsonencode(output.pools.database)}"
  }
}

run "zones_carry_their_region" {
  command = plan

  assert {
    condition     = output.zones == ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
    error_message = "got ${jsonencode(output.zones)}"
  }
}

run "the_deployer_gets_one_namespace_and_nothing_of_the_cluster" {
  command = plan

  assert {
    condition = [for text in split("---\n", output.access) : join(" ", [yamldecode(text).kind, yamldecode(text).metadata.name])] == [
      "Namespace todoozle",
      "RoleBinding todoozle-deployer",
      "Role todoozle-bind",
      "RoleBinding todoozle-bind",
      "ClusterRole todoozle-namespace-todoozle",
      "ClusterRoleBinding todoozle-namespace-todoozle",
    ]
    error_message = output.access
  }

  assert {
    condition = yamldecode(split("---\n", output.access)[4]).rules == [{
      apiGroups = [""], resources = ["namespaces"], resourceNames = ["todoozle"], verbs = ["get", "patch"]
    }]
    error_message = output.access
  }

  assert {
    condition = yamldecode(split("---\n", output.access)[2]).rules == [{
      apiGroups = ["rbac.authorization.k8s.io"], resources = ["roles"], resourceNames = ["todoozle-edge", "todoozle-patroni"], verbs = ["bind"]
    }]
    error_message = output.access
  }

  assert {
    condition     = yamldecode(split("---\n", output.access)[1]).subjects[0].name == "todoozle-dev-deployer@acme-todoozle-dev.iam.gserviceaccount.com"
    error_message = output.access
  }
}

run "another_environment_reads_configmaps_and_no_secret" {
  command = plan
  variables { promoters = ["todoozle-staging-deployer@acme-todoozle-staging.iam.gserviceaccount.com"] }

  assert {
    condition = yamldecode(split("---\n", output.access)[6]).rules == [
      { apiGroups = [""], resources = ["configmaps"], verbs = ["get", "list"] },
      { apiGroups = [""], resources = ["pods"], verbs = ["list"] },
    ]
    error_message = output.access
  }

  assert {
    condition     = yamldecode(split("---\n", output.access)[7]).subjects[0].name == var.promoters[0]
    error_message = output.access
  }
}
