resource "google_container_cluster" "this" {
  # checkov:skip=CKV_GCP_12: Dataplane V2 enforces NetworkPolicies by itself; the block is for the older Calico, and excludes it
  # checkov:skip=CKV_GCP_20: no address of the API server exists to authorise networks for; its name lets in whom IAM knows
  # checkov:skip=CKV_GCP_65: needs an organisation's Google Workspace; rights are given to one service account, which people act as
  # checkov:skip=CKV_GCP_66: images are named by digest and come from one registry; signing them is not done yet
  name                = var.name
  location            = var.region # a region: the control plane outlives a zone
  node_locations      = var.zones
  resource_labels     = var.labels
  deletion_protection = var.protected

  network                     = var.network.network
  subnetwork                  = var.network.subnetwork
  networking_mode             = "VPC_NATIVE"
  datapath_provider           = "ADVANCED_DATAPATH" # Dataplane V2: NetworkPolicies are enforced
  enable_intranode_visibility = true
  default_max_pods_per_node   = var.pods_per_node

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  # No address from outside, neither of nodes nor of the API server. It is reached by its DNS name,
  # where Google asks IAM before a packet gets through.
  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
  }

  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }
    ip_endpoints_config {
      enabled = false
    }
  }

  # Pods have identities of their own, and never the node's.
  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  database_encryption {
    state    = "ENCRYPTED"
    key_name = var.key
  }

  # Neither passwords nor certificates of clients, and nobody unknown gets past the probes.
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  anonymous_authentication_config {
    mode = "LIMITED"
  }

  rbac_binding_config {
    enable_insecure_binding_system_unauthenticated = false
    enable_insecure_binding_system_authenticated   = false
  }

  enable_legacy_abac    = false
  enable_shielded_nodes = true

  release_channel {
    channel = var.channel
  }

  maintenance_policy {
    recurring_window {
      # The first day has passed, so that the window counts from now on.
      start_time = "2026-01-01T${var.maintenance.start}:00Z"
      end_time   = "2026-01-01T${var.maintenance.end}:00Z"
      recurrence = "FREQ=WEEKLY;BYDAY=${join(",", var.maintenance.days)}"
    }
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]
    managed_prometheus {
      enabled = true
    }
  }

  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  cost_management_config {
    enabled = true
  }

  addons_config {
    gce_persistent_disk_csi_driver_config {
      enabled = true # the database's volumes
    }
  }

  node_pool_defaults {
    node_config_defaults {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }

  # A cluster can't be made without a pool; this one is gone again at once.
  remove_default_node_pool = true
  initial_node_count       = 1

  node_config {
    service_account = var.nodes_account
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [node_config, initial_node_count] # of the pool that is gone
  }
}
