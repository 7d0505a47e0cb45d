# The cloud of `staging`: what differs from terraform/variables.tf, which says what each value is.
# Yours: project, operators and repository; nobody has these.
environment = "staging"
project     = "acme-todoozle-staging"
region      = "europe-west1"
zones       = ["b", "c"]
range       = "10.20.0.0/14"
operators   = ["group:todoozle-ops@example.com"]
repository  = "acme/todoozle"

# Prod takes the component that is live here.
promoters = ["todoozle-prod-deployer@acme-todoozle-prod.iam.gserviceaccount.com"]

pools = {
  system   = { machine = "e2-standard-2", least = 1, most = 2 }
  edge     = { machine = "e2-standard-2", least = 1, most = 3 }
  database = { machine = "e2-standard-4", least = 1, most = 2 }
}

backup_days = 7
