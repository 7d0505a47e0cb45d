# What the deployer may do inside the cluster, as Kubernetes objects: everything in one namespace,
# and of the cluster's own objects nothing but that namespace itself. The namespace is in it, so that
# nobody has to have the right to make any.
locals {
  deployer = "${local.accounts.deployer}@${var.project}.iam.gserviceaccount.com"
  group    = "rbac.authorization.k8s.io"

  deployer_user  = { apiGroup = local.group, kind = "User", name = local.deployer }
  promoter_users = [for who in var.promoters : { apiGroup = local.group, kind = "User", name = who }]

  deployer_objects = [
    {
      apiVersion = "v1"
      kind       = "Namespace"
      metadata   = { name = var.namespace }
    },
    {
      apiVersion = "${local.group}/v1"
      kind       = "RoleBinding"
      metadata   = { name = "todoozle-deployer", namespace = var.namespace }
      roleRef    = { apiGroup = local.group, kind = "ClusterRole", name = "admin" }
      subjects   = [local.deployer_user]
    },
    {
      # The roles that the stack gives its own pods. `admin` may give what it has, but to find that out the API
      # server has to see the role, which a dry run of the first deploy hasn't made.
      apiVersion = "${local.group}/v1"
      kind       = "Role"
      metadata   = { name = "todoozle-bind", namespace = var.namespace }
      rules = [{
        apiGroups     = [local.group]
        resources     = ["roles"]
        resourceNames = [var.app, "${var.database}-patroni"]
        verbs         = ["bind"]
      }]
    },
    {
      apiVersion = "${local.group}/v1"
      kind       = "RoleBinding"
      metadata   = { name = "todoozle-bind", namespace = var.namespace }
      roleRef    = { apiGroup = local.group, kind = "Role", name = "todoozle-bind" }
      subjects   = [local.deployer_user]
    },
    {
      # pg-cluster labels its namespace.
      apiVersion = "${local.group}/v1"
      kind       = "ClusterRole"
      metadata   = { name = "todoozle-namespace-${var.namespace}" }
      rules = [{
        apiGroups     = [""]
        resources     = ["namespaces"]
        resourceNames = [var.namespace]
        verbs         = ["get", "patch"]
      }]
    },
    {
      apiVersion = "${local.group}/v1"
      kind       = "ClusterRoleBinding"
      metadata   = { name = "todoozle-namespace-${var.namespace}" }
      roleRef    = { apiGroup = local.group, kind = "ClusterRole", name = "todoozle-namespace-${var.namespace}" }
      subjects   = [local.deployer_user]
    },
  ]

  # `make promote` reads the pointer, the parts it names, and which images run. Kubernetes can't limit a right
  # to names that change, so this is every ConfigMap of the namespace; passwords are in Secrets.
  promoter_objects = [
    {
      apiVersion = "${local.group}/v1"
      kind       = "Role"
      metadata   = { name = "todoozle-promoter", namespace = var.namespace }
      rules = [
        { apiGroups = [""], resources = ["configmaps"], verbs = ["get", "list"] },
        { apiGroups = [""], resources = ["pods"], verbs = ["list"] }, # which images run
      ]
    },
    {
      apiVersion = "${local.group}/v1"
      kind       = "RoleBinding"
      metadata   = { name = "todoozle-promoter", namespace = var.namespace }
      roleRef    = { apiGroup = local.group, kind = "Role", name = "todoozle-promoter" }
      subjects   = local.promoter_users
    },
  ]

  access = join("---\n", concat(
    [for object in local.deployer_objects : yamlencode(object)],
    [for object in local.promoter_objects : yamlencode(object) if length(var.promoters) > 0],
  ))
}
