#!/usr/bin/env bash
# Builds the control plane, if its sources have changed, and prints where the
# binary is. With --optimised calls are inlined, for measurements, and with
# --kubernetes 1.33 it is that older version, one of those in the folder versions.
# With KUBEBUILDER_ASSETS set only the launcher is built, which then runs the upstream
# binaries from that folder.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR source=../go-build.sh
. ../go-build.sh

name=control-plane
module=go.mod
while [ $# -gt 0 ]; do
  case $1 in
  --optimised)
    # shellcheck disable=SC2034 # go-build.sh reads it
    compile=(-gcflags=all=-dwarf=false)
    ;;
  --kubernetes)
    module=versions/${2:-}.mod
    if [ ! -f "$module" ]; then
      say "build.sh: there is no $module: the versions are $(cd versions && printf '%s ' *.mod)"
      exit 2
    fi
    name=control-plane-${2}
    # shellcheck disable=SC2034 # go-build.sh reads it
    more_inputs=("$module" "${module%.mod}.sum")
    export GOFLAGS="${GOFLAGS:-} -modfile=$module"
    shift
    ;;
  *)
    say "build.sh: unknown argument $1: expected --optimised or --kubernetes VERSION"
    exit 2
    ;;
  esac
  shift
done

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  cached_go_build control-plane "the launcher only, for KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS: some seconds" \
    -tags assets .
  exit
fi

# Without a version of its own the API server answers one that kubectl cannot parse.
version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$module")
IFS=. read -r major minor _ <<<"${version#v}"
stamp=k8s.io/component-base/version
cached_go_build "$name" \
  "etcd and Kubernetes $version from source: some minutes and 4 GB of disk the first time, seconds after that" \
  -ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor" .
