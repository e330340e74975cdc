#!/usr/bin/env bash
# Formatting and lints of everything that is written by hand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo '== cargo fmt'
cargo fmt --all --check
echo '== cargo clippy'
cargo clippy --locked --workspace --all-targets -- -D warnings
echo '== features'
# A crate whose features differ between these two is compiled for `make demo`, and once more for `make test`.
features() {
    cargo tree --locked --workspace --edges "$1" --prefix none --format '{p} {f}' | sed 's/ (\*)$//' | LC_ALL=C sort -u
}
twice=$(LC_ALL=C comm -23 <(features normal,build) <(features normal,build,dev))
if [[ -n $twice ]]; then
    printf 'tests add features to these crates; name the features in e2e/features/Cargo.toml:\n%s\n' "$twice" >&2
    exit 1
fi
echo '== planted bugs'
# `make faults-mutants` takes half an hour, and a patch that follows no change of the code would be found there alone.
for patch in e2e/faults/mutants/*.patch; do
    git apply --check "$patch"
done
echo '== gofmt'
unformatted=$(gofmt -l e2e)
if [[ -n $unformatted ]]; then
    printf 'not formatted (make fmt):\n%s\n' "$unformatted" >&2
    exit 1
fi
echo '== go vet'
(cd e2e/control-plane && go vet -tags assets ./...)
(cd e2e/control-plane && CGO_ENABLED=0 go vet -trimpath ./internal/component)
(cd e2e/yaml && go vet .)
echo '== shellcheck'
if command -v shellcheck >/dev/null; then
    git ls-files -z -- '*.sh' .ci/run | xargs -0 shellcheck
else
    echo 'skipped: no shellcheck on this machine'
fi
