# modules/plan decides, the others make.
module "plan" {
  source = "./modules/plan"

  environment = var.environment
  project     = var.project
  region      = var.region
  zones       = var.zones
  range       = var.range
  pools       = var.pools
  promoters   = var.promoters
}

module "network" {
  source     = "./modules/network"
  depends_on = [google_project_service.this]

  names         = module.plan.names
  region        = var.region
  ranges        = module.plan.ranges
  source_ranges = var.source_ranges
}

module "accounts" {
  source     = "./modules/accounts"
  depends_on = [google_project_service.this]

  project     = var.project
  environment = var.environment
  ids         = module.plan.accounts
  names       = module.plan.names
  repository  = var.repository
  operators   = var.operators
  promoters   = var.promoters
}

module "keys" {
  source     = "./modules/keys"
  depends_on = [google_project_service.this]

  name       = module.plan.names.key_ring
  region     = var.region
  labels     = module.plan.labels
  decrypters = { deployer = module.accounts.members.deployer }
  editors    = var.operators
}

module "cluster" {
  source = "./modules/cluster"

  project       = var.project
  name          = module.plan.names.cluster
  region        = var.region
  zones         = module.plan.zones
  labels        = module.plan.labels
  network       = module.network
  key           = module.keys.cluster
  nodes_account = module.accounts.emails.nodes
  pods_per_node = module.plan.pods_per_node
  pools         = module.plan.pools
  channel       = var.channel
  maintenance   = var.maintenance
  protected     = var.protected
}

data "google_project" "this" {
  project_id = var.project
}

module "storage" {
  source     = "./modules/storage"
  depends_on = [google_project_service.this]

  region   = var.region
  names    = module.plan.names
  labels   = module.plan.labels
  registry = var.registry
  writer   = module.accounts.members.builder
  nodes    = module.accounts.members.nodes
  readers  = var.image_readers

  backup = {
    pool    = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${module.cluster.workload_pool}"
    writers = module.plan.archivers
    readers = var.operators
    key     = module.keys.backup
    days    = var.backup_days
  }
}
