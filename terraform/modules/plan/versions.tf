# No provider: whatever is decided here can be tested on any machine.
terraform {
  required_version = ">= 1.9, < 2.0"
}
