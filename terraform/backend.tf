# The bucket that state/ makes; scripts/terraform.sh names it. GCS locks the state by itself, so two
# runs at once can't spoil it.
terraform {
  backend "gcs" {
    prefix = "todoozle"
  }
}
