#!/usr/bin/env bash
# Builds the reader of kubectl that the differential test of the scan's YAML asks,
# if its sources have changed, and prints where the binary is.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR source=../go-build.sh
. ../go-build.sh

cached_go_build kubectl-yaml "kubectl's reader of YAML from source: some seconds" .
