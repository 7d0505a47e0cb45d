# The way out for machines without an address of their own: images of other registries, e-mail, webhooks.
resource "google_compute_router" "this" {
  name    = var.names.router
  network = google_compute_network.this.id
  region  = var.region
}

# Kept when the NAT is made anew: others may have let it in by its number.
resource "google_compute_address" "nat" {
  name         = var.names.nat
  region       = var.region
  address_type = "EXTERNAL"
}

resource "google_compute_router_nat" "this" {
  name                               = var.names.nat
  router                             = google_compute_router.this.name
  region                             = var.region
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.nat.self_link]
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"
  # One address has 64,512 ports: a node gets few, and more while it needs them.
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false # the two exclude each other
  min_ports_per_vm                    = 64
  max_ports_per_vm                    = 4096

  subnetwork {
    name                    = google_compute_subnetwork.private.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
