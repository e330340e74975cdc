#!/usr/bin/env bash
# The registry that tests of `outdated-image` ask: Debian's package docker-registry. Where it is there already, or cannot
# be installed, nothing is done; the tests that need it are then named as skipped.
set -euo pipefail

if command -v docker-registry >/dev/null; then
    exit 0
fi
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo 'docker-registry is not installed, and this is not root on Debian: tests that ask a real registry are skipped'
    exit 0
fi
echo '== apt-get install docker-registry: the registry that tests ask (a package of Debian, removed by apt-get as usual)'
# The package would start a service of its own; tests start theirs on a port of the loopback interface.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f -- "$policy"' EXIT
fi
# A new machine may have no lists, and one of long ago old ones.
apt-get update --quiet >/dev/null || true
if ! DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends docker-registry >/dev/null; then
    echo 'docker-registry cannot be installed: tests that ask a real registry are skipped'
fi
