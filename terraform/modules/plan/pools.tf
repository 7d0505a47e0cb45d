# Three pools. What belongs to the cluster itself (names, metrics) tolerates no taint of ours, so one
# pool has none; without it those pods would have nowhere to go.
locals {
  tier = "todoozle/tier" # label and taint of a node

  taints = {
    system = []
    # The chart has tolerations and nodeSelector, so nobody else gets in.
    edge = [{ key = local.tier, value = "edge", effect = "NO_SCHEDULE" }]
    # pg-cluster has node_affinity and no tolerations: others keep off while there is room elsewhere.
    database = [{ key = local.tier, value = "database", effect = var.database_taint }]
  }

  pools = { for name, pool in var.pools : name => {
    name    = name
    machine = pool.machine
    least   = pool.least
    most    = pool.most
    disk_gb = pool.disk_gb
    labels  = { (local.tier) = name }
    taints  = local.taints[name]
    # A database's node is replaced only after its successor is there, and one at a time.
    surge = 1
  } }
}
