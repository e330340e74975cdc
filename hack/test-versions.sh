#!/usr/bin/env bash
# The e2e suite on older versions of Kubernetes: those of e2e/control-plane/versions, or of TAGWATCH_KUBERNETES. Each is
# built once, which takes many minutes. Arguments go to the test runner.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

read -ra versions <<<"${TAGWATCH_KUBERNETES:-$(cd e2e/control-plane/versions && printf '%s ' *.mod | sed 's/\.mod//g')}"

cargo build --locked --package tagwatch
status=0
summary=()
for version in "${versions[@]}"; do
    echo "== Kubernetes $version"
    TAGWATCH_CONTROL_PLANE=$(e2e/control-plane/build.sh --kubernetes "$version")
    export TAGWATCH_CONTROL_PLANE
    log=$(mktemp)
    cargo test --locked --package tagwatch --package tagwatch-e2e --test e2e -- "$@" 2>&1 | tee "$log" || status=1
    summary+=("Kubernetes $version: $(grep '^test result: ' "$log" || echo 'the suite did not come to its end')")
    rm -f -- "$log"
done
printf '%s\n' "${summary[@]}"
exit "$status"
