#!/usr/bin/env bash
# The types that Grafana publishes, and a compiler, for the test of the dashboards: once, and again when the lock changes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../e2e/grafana"

installed=node_modules/.package-lock.json
if [[ -f $installed && ! package-lock.json -nt $installed ]]; then
    exit
fi
if ! command -v npm >/dev/null; then
    echo 'no npm on this machine' >&2
    exit 1
fi
echo 'fetching the types of Grafana: about 40 MB, the first time only'
npm ci --no-audit --no-fund --loglevel=error
