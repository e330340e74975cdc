#!/usr/bin/env bash
# Formatting and lints of everything that is written by hand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo '== cargo fmt'
cargo fmt --all --check
echo '== cargo clippy'
cargo clippy --locked --workspace --all-targets -- -D warnings
echo '== gofmt'
unformatted=$(gofmt -l e2e)
if [[ -n $unformatted ]]; then
    printf 'not formatted (make fmt):\n%s\n' "$unformatted" >&2
    exit 1
fi
echo '== go vet'
(cd e2e/control-plane && go vet -tags assets ./...)
(cd e2e/control-plane && CGO_ENABLED=0 go vet -trimpath ./internal/component)
echo '== shellcheck'
if command -v shellcheck >/dev/null; then
    git ls-files -z -- '*.sh' .ci/run | xargs -0 shellcheck
else
    echo 'skipped: no shellcheck on this machine'
fi
