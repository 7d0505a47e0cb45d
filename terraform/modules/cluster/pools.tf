resource "google_container_node_pool" "this" {
  for_each = var.pools

  name               = each.value.name
  cluster            = google_container_cluster.this.id
  node_locations     = var.zones
  initial_node_count = each.value.least
  max_pods_per_node  = var.pods_per_node

  autoscaling {
    min_node_count  = each.value.least
    max_node_count  = each.value.most
    location_policy = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  # A new node is there before an old one goes. PodDisruptionBudgets are heeded for up to an hour.
  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = each.value.surge
    max_unavailable = 0
  }

  node_config {
    machine_type    = each.value.machine
    disk_size_gb    = each.value.disk_gb
    disk_type       = "pd-balanced"
    image_type      = "COS_CONTAINERD"
    labels          = each.value.labels
    resource_labels = var.labels
    service_account = var.nodes_account
    # Google's advice: every scope, and the account's roles say what is allowed.
    oauth_scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    metadata     = { disable-legacy-endpoints = "true" }

    dynamic "taint" {
      for_each = each.value.taints
      content {
        key    = taint.value.key
        value  = taint.value.value
        effect = taint.value.effect
      }
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count] # the autoscaler's, from then on
  }
}
