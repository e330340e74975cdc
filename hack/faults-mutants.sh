#!/usr/bin/env bash
# Tests the fault bench: plants each bug of e2e/faults/mutants in a clone of the last commit, runs the bench there, and
# prints which bugs it found. Arguments name some of them. Fails when one is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# More plans than `make test` runs: each bug shows in several of them.
: "${TAGWATCH_FAULT_PLANS:=400}"
export TAGWATCH_FAULT_PLANS
# Beside the other targets, so that dependencies are built once.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/mutants
clone=$target/clone
export CARGO_TARGET_DIR=$target
# A bug may keep the bench from coming to its end.
limit=900

rm -rf -- "$clone"
mkdir -p "$target"
git clone --quiet . "$clone"
names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
    for patch in "$clone"/e2e/faults/mutants/*.patch; do
        names+=("$(basename "$patch" .patch)")
    done
fi

bench() {
    (cd "$clone" && cargo test --locked --quiet --package tagwatch-faults --test simulated "$@")
}

echo '== without a bug'
bench --no-run
if ! timeout "$limit" bash -c "$(declare -f bench); clone='$clone' bench" >"$target/log" 2>&1; then
    tail -n 40 "$target/log" >&2
    echo 'the bench fails without any bug' >&2
    exit 1
fi

missed=0
for name in "${names[@]}"; do
    patch=$clone/e2e/faults/mutants/$name.patch
    git -C "$clone" apply "$patch"
    if ! bench --no-run >"$target/log" 2>&1; then
        verdict='DOES NOT BUILD'
        missed=$((missed + 1))
    elif timeout "$limit" bash -c "$(declare -f bench); clone='$clone' bench" >"$target/log" 2>&1; then
        verdict=MISSED
        missed=$((missed + 1))
    else
        found=$(grep -oE '[0-9]+ of [0-9]+ plans fail' "$target/log" | head -n 1 || true)
        verdict="caught ${found:+($found)}"
    fi
    printf '| %-42s | %-32s | %s\n' "$name" "$verdict" "$(head -n 1 "$patch")"
    git -C "$clone" checkout --quiet .
done
echo "${#names[@]} bugs, $missed missed"
[[ $missed -eq 0 ]]
