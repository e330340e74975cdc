#!/usr/bin/env bash
# Tests the fault bench: plants each bug of e2e/faults/mutants in a clone of the last commit, runs the bench there until a
# plan fails, and prints how many plans that took and which oracles found it. A patch may name the family of plans that
# makes its situation; the others meet plans of all families. Arguments name some of the bugs. Fails when one is missed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# More plans than `make test` runs: some bugs show in few of them.
: "${TAGWATCH_FAULT_PLANS:=160}"
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
if ! TAGWATCH_FAULT_PLANS=64 timeout "$limit" bash -c "$(declare -f bench); clone='$clone' bench" \
    >"$target/log" 2>&1; then
    tail -n 40 "$target/log" >&2
    echo 'the bench fails without any bug' >&2
    exit 1
fi

missed=0
# After the run without a bug, which is to show all of its failures.
export TAGWATCH_FAULT_STOP=1
for name in "${names[@]}"; do
    patch=$clone/e2e/faults/mutants/$name.patch
    git -C "$clone" apply "$patch"
    unset TAGWATCH_FAULT_FAMILY
    family=$(sed -n 's/^Family: //p' "$patch")
    [[ -z $family ]] || export TAGWATCH_FAULT_FAMILY=$family
    if ! bench --no-run >"$target/log" 2>&1; then
        verdict='DOES NOT BUILD'
        missed=$((missed + 1))
    else
        status=0
        timeout "$limit" bash -c "$(declare -f bench); clone='$clone' bench" >"$target/log" 2>&1 || status=$?
        case $status in
        0)
            verdict=MISSED
            missed=$((missed + 1))
            ;;
        124) verdict="not over after $limit s" ;;
        *)
            verdict=$(sed -nE 's/^.*[0-9]+ of ([0-9]+) plans fail, found by (.*):$/plan \1: \2/p' "$target/log" | head -n 1)
            # It shows before any plan begins.
            : "${verdict:=run without faults}"
            ;;
        esac
    fi
    printf '| %-42s | %-14s | %-32s | %s |\n' "$name" "${family:-all}" "$verdict" "$(head -n 1 "$patch")"
    git -C "$clone" checkout --quiet .
done
echo "${#names[@]} bugs, $missed missed"
[[ $missed -eq 0 ]]
