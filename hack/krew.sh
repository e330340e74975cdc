#!/usr/bin/env bash
# The manifest of the kubectl plugin for krew, from the archives of a release: hack/krew.sh FOLDER BASE_URL
# FOLDER holds tagwatch-OS-ARCH.tar.gz, each with kubectl-tagwatch and LICENSE; they are downloaded from BASE_URL.
# `hack/krew.sh --archive BINARY OS ARCH FOLDER` makes one.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=$(awk -F '"' '/^version = / { print $2; exit }' "$root/Cargo.toml")

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }

archive() {
    local binary=$1 os=$2 arch=$3 folder=$4 work
    work=$(mktemp -d)
    cp "$binary" "$work/kubectl-tagwatch"
    cp "$root/LICENSE" "$work"
    tar -C "$work" -czf "$folder/tagwatch-$os-$arch.tar.gz" kubectl-tagwatch LICENSE
    rm -r -- "$work"
}

manifest() {
    local folder=$1 url=${2%/} file name
    local archives=("$folder"/tagwatch-*-*.tar.gz)
    if [[ ! -f ${archives[0]} ]]; then
        echo "krew: $folder holds no tagwatch-OS-ARCH.tar.gz" >&2
        return 1
    fi
    cat <<EOF
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: tagwatch
spec:
  version: v$version
  shortDescription: Find workloads whose images can change under them
  description: |
    Lists mutable tags, and pull policies that let nodes run different builds
    of one tag: in manifests (\`kubectl tagwatch scan\`), and in a cluster that
    tagwatch watches (\`kubectl tagwatch issues\`).
  platforms:
EOF
    for file in "${archives[@]}"; do
        name=${file##*/tagwatch-}
        name=${name%.tar.gz}
        cat <<EOF
  - selector:
      matchLabels:
        os: ${name%-*}
        arch: ${name##*-}
    uri: $url/${file##*/}
    sha256: $(sha256 <"$file")
    bin: kubectl-tagwatch
    files:
    - from: kubectl-tagwatch
      to: .
    - from: LICENSE
      to: .
EOF
    done
}

case ${1-} in
--archive) archive "${@:2:4}" ;;
*)
    if (($# != 2)); then
        echo 'usage: hack/krew.sh FOLDER BASE_URL' >&2
        exit 2
    fi
    manifest "$1" "$2"
    ;;
esac
