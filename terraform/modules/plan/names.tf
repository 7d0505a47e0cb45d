locals {
  prefix = "todoozle-${var.environment}"

  names = {
    network    = local.prefix
    public     = "${local.prefix}-public"
    private    = "${local.prefix}-private"
    router     = local.prefix
    nat        = local.prefix
    cluster    = local.prefix
    key_ring   = local.prefix
    registry   = "todoozle"
    federation = local.prefix
    # Bucket names are the whole world's, and so are ids of projects.
    backup = "${var.project}-${local.prefix}-backup"
    # Custom roles know no dashes.
    connect_role = "todoozle_${var.environment}_connect"
  }

  # Who runs what: nodes pull images and write logs, the builder pushes images, the deployer deploys.
  accounts = { for duty in ["nodes", "builder", "deployer"] : duty => "${local.prefix}-${duty}" }

  zones = [for zone in var.zones : "${var.region}-${zone}"]

  labels = {
    app         = "todoozle"
    environment = var.environment
    managed-by  = "terraform"
  }
}
