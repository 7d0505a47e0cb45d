# Nothing has an address from outside but what is put into the public subnet on purpose, and
# Google's load balancers, which are in none.
resource "google_compute_network" "this" {
  name                            = var.names.network
  auto_create_subnetworks         = false
  routing_mode                    = "REGIONAL"
  delete_default_routes_on_create = false # Cloud NAT needs the one to the outside
}

resource "google_compute_subnetwork" "public" {
  name                     = var.names.public
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.ranges.public
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_5_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_subnetwork" "private" {
  name                     = var.names.private
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.ranges.private
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = var.ranges.pods
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = var.ranges.services
  }

  log_config {
    aggregation_interval = "INTERVAL_5_MIN"
    flow_sampling        = 0.1
    metadata             = "EXCLUDE_ALL_METADATA"
  }
}
