# The cloud of `prod`: what differs from terraform/variables.tf, which says what each value is.
# Yours: project, operators and repository; nobody has these.
environment = "prod"
project     = "acme-todoozle-prod"
region      = "europe-west1"
zones       = ["b", "c", "d"] # one member of the database in each
range       = "10.24.0.0/14"
operators   = ["group:todoozle-ops@example.com"]
repository  = "acme/todoozle"

pools = {
  system   = { machine = "e2-standard-2", least = 1, most = 2 }
  edge     = { machine = "e2-standard-4", least = 1, most = 4 }
  database = { machine = "e2-standard-4", least = 1, most = 2, disk_gb = 100 }
}

channel     = "STABLE"
backup_days = 35
