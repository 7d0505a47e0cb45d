# The cloud of `dev`: what differs from terraform/variables.tf, which says what each value is.
# Yours: project, operators and repository; nobody has these.
environment = "dev"
project     = "acme-todoozle-dev"
region      = "europe-west1"
zones       = ["b"] # one is enough to try things out
range       = "10.16.0.0/14"
operators   = ["group:todoozle-ops@example.com"]
repository  = "acme/todoozle"

# Images are built here, and the other environments' nodes pull them.
registry = true
image_readers = [
  "todoozle-staging-nodes@acme-todoozle-staging.iam.gserviceaccount.com",
  "todoozle-prod-nodes@acme-todoozle-prod.iam.gserviceaccount.com",
]

# Staging takes the component that is live here.
promoters = ["todoozle-staging-deployer@acme-todoozle-staging.iam.gserviceaccount.com"]

pools = {
  system   = { machine = "e2-standard-2", least = 1, most = 2 }
  edge     = { machine = "e2-standard-2", least = 1, most = 2 }
  database = { machine = "e2-standard-2", least = 1, most = 2 }
}

channel     = "RAPID" # what breaks, breaks here first
backup_days = 7
protected   = false
