#!/usr/bin/env bash
# How long `make demo DEMO_ONCE=1` takes from empty caches, at HEAD and at another commit: both at the same time, each on
# a core of its own, so that whatever else the machine does slows both alike. On two free cores one of them takes a
# little more than half as long. Needs 12 GB in TMPDIR, and about half an hour.
# usage: time-to-demo.sh COMMIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# != 1)); then
    echo "usage: ${0##*/} COMMIT" >&2
    exit 2
fi
other=$(git rev-parse --short "$1^{commit}")
here=$(git rev-parse --short HEAD)
folder=$(mktemp -d)
mapfile -t cores < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' | awk -F- '{ for (i = $1; i <= $NF; i++) print i }')
((${#cores[@]} >= 2)) || { echo 'two cores are needed' >&2; exit 1; }

pids=()
trap 'for pid in "${pids[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done; rm -rf -- "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run COMMIT CORE: every line of its output behind the seconds since the start, and the sums of `time` in the end.
run() {
    local at=$folder/$1
    mkdir -p "$at/checkout"
    git archive "$1" | tar -x -C "$at/checkout"
    cd "$at/checkout"
    export CARGO_HOME=$at/cargo CARGO_TARGET_DIR=$at/target GOCACHE=$at/go GOMODCACHE=$at/modules TAGWATCH_CACHE=$at/cache
    # A module cache that can be removed without further ado.
    export GOFLAGS="${GOFLAGS:-} -modcacherw"
    local begin=$EPOCHSECONDS TIMEFORMAT='%R %U %S'
    { time taskset -c "$2" make demo DEMO_ONCE=1 </dev/null >"$at/pipe" 2>&1; } 2>"$at/time" &
    local demo=$!
    while IFS= read -r line; do
        printf '%d %s\n' $((EPOCHSECONDS - begin)) "$line"
    done <"$at/pipe" >"$at/output"
    wait "$demo"
}

for commit in "$other" "$here"; do
    mkdir -p "$folder/$commit"
    mkfifo "$folder/$commit/pipe"
done
echo "Building $other on core ${cores[0]} and $here on core ${cores[1]}; output in $folder/COMMIT/output until the end"
set -m # a process group for each
run "$other" "${cores[0]}" &
pids+=($!)
run "$here" "${cores[1]}" &
pids+=($!)
set +m
for pid in "${pids[@]}"; do
    wait "$pid" || { tail -n 20 "$folder"/*/output >&2; exit 1; }
done
pids=()

# first COMMIT PATTERN: the second in which a line that begins so was printed.
first() { awk -v pattern="$2" 'index($0, pattern) { print $1; exit }' "$folder/$1/output"; }
minutes() { awk -v seconds="${1:-0}" 'BEGIN { if (seconds) printf "%d:%02d", seconds / 60, seconds % 60; else printf "-" }'; }

printf '| Minutes, one core each | %s | %s |\n|---|---|---|\n' "$other" "$here"
row() { printf '| %s | %s | %s |\n' "$1" "$(minutes "$2")" "$(minutes "$3")"; }
row 'Scan of the samples shown' "$(first "$other" '==> config/samples, as')" "$(first "$here" '==> config/samples, as')"
row 'Control plane starts' "$(first "$other" '==> A control plane')" "$(first "$here" '==> A control plane')"
column() { awk -v column="$2" '{ print column == 2 ? $2 + $3 : $1 }' "$folder/$1/time"; }
row 'All shown' "$(column "$other" 1)" "$(column "$here" 1)"
row 'CPU time, user and system' "$(column "$other" 2)" "$(column "$here" 2)"
