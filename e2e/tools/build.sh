#!/usr/bin/env bash
# Builds Helm, which renders and installs the chart in tests, if its version
# has changed, and prints where the binary is.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR source=../go-build.sh
. ../go-build.sh

# As Helm's own Makefile does. Otherwise it renders for Kubernetes 1.20, and
# refuses charts that ask for a newer one.
helm=$(awk '$1 == "helm.sh/helm/v3" { print $2 }' go.mod)
client=$(awk '$1 == "k8s.io/client-go" { print $2 }' go.mod)
IFS=. read -r _ minor _ <<<"$client"
flags="-s -w -X helm.sh/helm/v3/internal/version.version=$helm"
for package in pkg/chartutil pkg/lint/rules; do
  flags+=" -X helm.sh/helm/v3/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/$package.k8sVersionMinor=$minor"
done
cached_go_build helm "$helm from source: about 90 seconds the first time on two cores" \
  -ldflags "$flags" helm.sh/helm/v3/cmd/helm
