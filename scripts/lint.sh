#!/usr/bin/env bash
# Checks what no compiler does: secrets, Terraform, workflows, YAML and shell. What a machine has no tool
# for is skipped, and that is said; with REQUIRE_ALL=1, as in CI, it is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
    [[ -z ${REQUIRE_ALL-} ]] || { echo "lint: $1 isn't on PATH" >&2; exit 1; }
    echo "lint: skipped $1, which isn't on PATH" >&2
}
has() { command -v "$1" > /dev/null || { skip "$1"; return 1; }; }

scripts/secrets.sh check
scripts/test-secrets.sh
scripts/test-images.sh
scripts/terraform.sh check
# Each exception stands in the file that needs it, with its reason.
if has checkov; then checkov --directory terraform --framework terraform --quiet --compact --skip-download; fi
if has yamllint; then yamllint --strict .github .sops.yaml config/*/values.yaml helm/todoozle/values.yaml helm/todoozle/Chart.yaml; fi
if has shellcheck; then shellcheck scripts/*.sh; fi
if has actionlint; then actionlint; fi
