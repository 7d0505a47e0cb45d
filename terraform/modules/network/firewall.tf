# Closed, and opened by source. GKE adds rules of its own (priority 1000) for its control plane, and for
# each Service of type LoadBalancer one with that Service's loadBalancerSourceRanges.

resource "google_compute_firewall" "deny" {
  name          = "${var.names.network}-deny"
  description   = "Refuses whatever no other rule lets in, as Google would anyway, but leaves a log."
  network       = google_compute_network.this.id
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "EXCLUDE_ALL_METADATA"
  }
}

resource "google_compute_firewall" "inside" {
  name               = "${var.names.network}-inside"
  description        = "Nodes and pods reach each other; NetworkPolicies say which pods."
  network            = google_compute_network.this.id
  direction          = "INGRESS"
  priority           = 900
  source_ranges      = [var.ranges.private, var.ranges.pods]
  destination_ranges = [var.ranges.private, var.ranges.pods]

  dynamic "allow" {
    for_each = ["tcp", "udp", "icmp"]
    content {
      protocol = allow.value
    }
  }
}

resource "google_compute_firewall" "health" {
  name               = "${var.names.network}-health"
  description        = "Google's health checks reach node ports; which nodes serve is known from them."
  network            = google_compute_network.this.id
  direction          = "INGRESS"
  priority           = 900
  source_ranges      = ["35.191.0.0/16", "130.211.0.0/22", "209.85.152.0/22", "209.85.204.0/22"]
  destination_ranges = [var.ranges.private]

  allow {
    protocol = "tcp"
    ports    = ["10256", "30000-32767"]
  }
}

resource "google_compute_firewall" "public" {
  count = length(var.source_ranges) == 0 ? 0 : 1

  name               = "${var.names.network}-public"
  description        = "Who may reach the machines of the public subnet."
  network            = google_compute_network.this.id
  direction          = "INGRESS"
  priority           = 900
  source_ranges      = var.source_ranges
  destination_ranges = [var.ranges.public]

  allow {
    protocol = "tcp"
    ports    = ["443"]
  }
}
