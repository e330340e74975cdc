#!/usr/bin/env bash
# Every test: the launcher's in Go, then the whole Rust workspace, unit to e2e. What the demo, the tests and the
# benchmarks need is built or downloaded first, side by side.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

log=$(mktemp -d)
trap 'rm -rf -- "$log"' EXIT

hack/side-by-side.sh \
    go 'e2e/yaml/build.sh && e2e/krew/build.sh && e2e/control-plane/build.sh && e2e/tools/build.sh' \
    rust 'cargo build --locked --workspace --all-targets' \
    prometheus 'hack/prometheus.sh || echo "the tests that need Prometheus will be skipped"' \
    grafana 'hack/grafana.sh || echo "the test that needs the types of Grafana will be skipped"' \
    consumers 'hack/consumers.sh || echo "the test that needs readers of SARIF and JUnit will be skipped"'

hack/docker-registry.sh

status=0
echo '== go test: the launcher of the control plane'
# The tag leaves the upstream components out: what is tested here is our own part.
(cd e2e/control-plane && go test -tags assets -v ./...) | tee "$log/go" || status=$?

# Where the canonical definitions of the report API lie beside the checkout, the tests that need them run too; elsewhere
# they are named as skipped.
ignored=()
if [[ -d ${TAGWATCH_CANONICAL_CRDS:=$PWD/../shared/crds} ]]; then
    export TAGWATCH_CANONICAL_CRDS
    ignored=(--include-ignored)
else
    unset TAGWATCH_CANONICAL_CRDS
fi

echo '== cargo test: the workspace, unit to e2e'
cargo test --locked --workspace --no-fail-fast -- "${ignored[@]}" 2>&1 | tee "$log/rust" || status=$?

# The sums of what the two runners printed; a skipped test has been named above by the one that skipped it.
awk -v status="$status" '
    /^ *--- PASS: / { passed++ }
    /^ *--- FAIL: / { failed++ }
    /^ *--- SKIP: / { skipped++; print "skipped: " $3 }
    /^test .* \.\.\. ignored/ { print "skipped: " $0 }
    /^test result: / {
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^passed/) passed += $(i - 1)
            if ($i ~ /^failed/) failed += $(i - 1)
            if ($i ~ /^ignored/) skipped += $(i - 1)
        }
    }
    END {
        if (status != 0 && failed == 0) print "a test runner failed before it could count: see above"
        printf "tests: %d passed, %d failed, %d skipped\n", passed, failed, skipped
        if (passed == 0) exit 1
    }
' "$log/go" "$log/rust" || status=1
exit "$status"
