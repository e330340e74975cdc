#!/usr/bin/env bash
# Runs commands at the same time, each line of output labelled; stops all when one fails, and fails with its status.
# usage: side-by-side.sh LABEL COMMAND [LABEL COMMAND]...
set -euo pipefail

if (($# == 0 || $# % 2)); then
    echo "usage: ${0##*/} LABEL COMMAND [LABEL COMMAND]..." >&2
    exit 2
fi

declare -A label_of=()

stop() {
    for pid in "${!label_of[@]}"; do
        # The whole process group: compilers are children of what was started here.
        kill -TERM -- "-$pid" 2>/dev/null || true
    done
    # Not the shell's own word on each job that was ended.
    wait 2>/dev/null
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

set -m # a process group for each job
while (($#)); do
    label=$1 command=$2
    shift 2
    (
        set -o pipefail
        bash -c "$command" </dev/null 2>&1 | while IFS= read -r line; do printf '[%s] %s\n' "$label" "$line"; done
    ) &
    label_of[$!]=$label
done

while ((${#label_of[@]})); do
    status=0
    wait -n -p pid "${!label_of[@]}" || status=$?
    label=${label_of[$pid]}
    unset "label_of[$pid]"
    if ((status)); then
        printf '[%s] failed with status %d; stopping the rest\n' "$label" "$status" >&2
        stop
        exit "$status"
    fi
    printf '[%s] done after %ds\n' "$label" "$SECONDS"
done
