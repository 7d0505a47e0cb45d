#!/usr/bin/env bash
# Checks what no compiler does: secrets, Terraform, workflows, YAML and shell. What a machine has no tool
# for is skipped, and that is said; with REQUIRE_ALL=1, as in CI, it is a failure.
. "${0%/*}/common.sh" || exit
cd "${0%/*}/.."

# has TOOL HOW: how to install it.
has() {
    command -v "$1" > /dev/null && return
    [[ -z ${REQUIRE_ALL-} ]] || fail "$1 isn't on PATH: $2"
    say "skipped $1, which isn't on PATH: $2"
    return 1
}

scripts/secrets.sh check
scripts/test-scripts.sh
scripts/test-secrets.sh
scripts/test-images.sh
scripts/terraform.sh check
# Each exception stands in the file that needs it, with its reason.
if has checkov "pip install checkov"; then checkov --directory terraform --framework terraform --quiet --compact --skip-download; fi
if has yamllint "pip install yamllint"; then
    yamllint --strict .github .sops.yaml config/*/values.yaml helm/todoozle/values.yaml helm/todoozle/Chart.yaml monitoring/*.yaml
fi
if has shellcheck "apt-get install shellcheck"; then
    shellcheck scripts/*.sh tests/cluster/{check,cut,down,image,node,possible,prepare,up,with,*.sh}
fi
if has actionlint "install what scripts/tools.sh actionlint builds"; then actionlint; fi
