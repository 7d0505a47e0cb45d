# One range a network, cut the same way in each. Of 10.16.0.0/14:
#   pods 10.16.0.0/16, services 10.17.0.0/20, private 10.17.16.0/20, public 10.17.32.0/24.
# More than half stays free.
locals {
  cut = cidrsubnets(var.range, 2, 6, 6, 10)

  ranges = {
    pods     = local.cut[0]
    services = local.cut[1]
    private  = local.cut[2]
    public   = local.cut[3]
  }

  # 32 pods on a node take a /26 (twice as many addresses), so that a freed address rests.
  pods_per_node = 32
  node_prefix   = 26

  most_nodes = pow(2, local.node_prefix - tonumber(split("/", local.ranges.pods)[1]))
  # And one more of each pool in each zone while it is upgraded.
  planned_nodes = length(var.zones) * sum([for pool in values(var.pools) : pool.most + 1])
}
