#!/usr/bin/env bash
# What reads the outputs of a scan, for the tests: once, and again when the lock changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../e2e/consumers"

installed=node_modules/.package-lock.json
if [[ -f $installed && ! package-lock.json -nt $installed ]]; then
    exit
fi
if ! command -v npm >/dev/null; then
    echo 'no npm on this machine' >&2
    exit 1
fi
echo 'fetching a validator of SARIF and a reader of JUnit: about 100 MB, the first time only'
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
