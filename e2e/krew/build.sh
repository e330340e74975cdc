#!/usr/bin/env bash
# Builds krew's own validator of plugin manifests, if its version has changed,
# and prints where the binary is.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR source=../go-build.sh
. ../go-build.sh

cached_go_build validate-krew-manifest "krew's validator from source: some seconds" \
  sigs.k8s.io/krew/cmd/validate-krew-manifest
