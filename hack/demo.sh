#!/usr/bin/env bash
# `make demo`: builds what the demo runs, then runs it. The control plane takes longest to build. Until it is there, the
# demo shows a scan of the samples, which needs only a small part of the Rust build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# CPU seconds that the two halves of a build from empty caches took on an AMD EPYC. They weigh the halves against each
# other in the estimate; the speed is that of this run.
rust_seconds=330
go_seconds=720
# One crate of this repository takes as long as this many others.
own_crate=10
# Seconds between two lines of progress.
interval=${TAGWATCH_DEMO_INTERVAL:-20}

programs=${CARGO_TARGET_DIR:-target}/debug
log=$(mktemp -d)
declare -A running=()

end() {
    for pid in "${running[@]}"; do
        # The whole process group: compilers are children of what was started here.
        kill -TERM -- "-$pid" 2>/dev/null || true
    done
    rm -rf -- "$log"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: in the background, as a process group; its output goes to a log of that name.
start() {
    set -m
    "${@:2}" </dev/null >"$log/$1" 2>&1 &
    running[$1]=$!
    set +m
}

is_running() { [[ -n ${running[$1]:-} ]]; }

# Takes note of what has ended. When something failed, shows the end of its log and ends.
reap() {
    local name status
    for name in "${!running[@]}"; do
        if kill -0 "${running[$name]}" 2>/dev/null; then continue; fi
        status=0
        wait "${running[$name]}" || status=$?
        unset "running[$name]"
        if ((status)); then
            printf 'Building %s failed with status %d:\n' "$name" "$status" >&2
            tail -n 40 "$log/$name" >&2
            exit "$status"
        fi
    done
}

# until_done NAME: reports progress meanwhile.
until_done() {
    local next=$((SECONDS + interval))
    reap
    while is_running "$1"; do
        sleep 0.2
        reap
        if ((SECONDS >= next)); then
            progress
            next=$((SECONDS + interval))
        fi
    done
}

# count PATTERN FILE...: lines that match, in all files that are there.
count() { cat -- "${@:2}" 2>/dev/null | grep -c -- "$1" || true; }

# What is done of what there is, and how long the rest takes at the speed so far. What comes from a cache is not compiled
# and not counted, so with warm caches the end comes sooner than this says.
progress() {
    if [[ ! -s $log/crates ]]; then
        cargo tree --locked --workspace --edges normal,build --prefix none --format '{p}' 2>/dev/null |
            sed 's/ (\*)$//' | sort -u >"$log/crates" || true
    fi
    awk -v seconds="$SECONDS" -v own="$own_crate" -v rust="$rust_seconds" -v go="$go_seconds" \
        -v crates="$(count . "$log/crates")" -v own_crates="$(count '^tagwatch' "$log/crates")" \
        -v compiled="$(count '^ *Compiling ' "$log/scan" "$log/tagwatch")" \
        -v own_compiled="$(count '^ *Compiling tagwatch' "$log/scan" "$log/tagwatch")" \
        -v rust_is_done="$([[ -e $log/tagwatch ]] && ! is_running tagwatch && echo 1)" \
        -v packages="$(cat "$log/packages" 2>/dev/null)" \
        -v built="$(count '^[^ :/][^ :]*$' "$log/control-plane")" '
        BEGIN {
            text = rust_is_done ? "tagwatch is built" : "tagwatch: " compiled " of " crates " crates"
            if (packages) {
                text = text "; control plane: " built " of " packages " packages"
                share = rust_is_done ? 1 : (compiled + own_compiled * (own - 1)) / (crates + own_crates * (own - 1) + 1)
                done = share * rust + built / packages * go
                # At the beginning most of the time goes into downloads.
                if (done > 0.05 * (rust + go)) {
                    left = seconds * (rust + go - done) / done
                    text = text sprintf("; at this speed %d min %d s left", left / 60, left % 60)
                }
            }
            printf "    %d:%02d  %s\n", seconds / 60, seconds % 60, text
        }'
}

echo 'Building; the first time takes some minutes, after that seconds.'
if [[ -z ${DEMO_CONTEXT:-} ]]; then
    # Behind the Rust build, which is the first to have something to show.
    TAGWATCH_BUILD_PACKAGES=$log/packages start control-plane nice -n 10 e2e/control-plane/build.sh
    start scan cargo build --locked --workspace --example scan
    until_done scan
    if is_running control-plane; then
        echo '==> config/samples, as a scan in CI reports it; the control plane is still being built'
        "$programs/examples/scan" config/samples/*.yaml
        echo
    fi
fi
start tagwatch cargo build --locked --workspace --bin tagwatch --bin demo
until_done tagwatch
until_done control-plane
rm -rf -- "$log"
exec "$programs/demo"
