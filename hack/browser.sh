#!/usr/bin/env bash
# What the browser checks of the console need: Chromium from the distribution, and two npm packages, kept in a cache
# outside the repository. Prints the folder of the packages. Safe to repeat; does nothing where all of it is there.
# Ends with status 3, and says why, where it cannot be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../e2e/browser"

say() { printf 'browser: %s\n' "$*" >&2; }
cannot() {
    say "$*"
    exit 3
}

cache=${TAGWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch}
mkdir -p "$cache"
# Several tests may ask at once.
if command -v flock >/dev/null; then
    exec 9>"$cache/browser.lock"
    flock 9
fi

node_major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || true
((${node_major:-0} >= 20)) && command -v npm >/dev/null || cannot 'node 20 or newer and npm are needed, and not here'

if [[ ! -x /usr/bin/chromium ]]; then
    command -v apt-get >/dev/null && ((EUID == 0)) ||
        cannot 'no /usr/bin/chromium, and only root on Debian can install it here: apt-get install chromium fonts-inter'
    say 'installing chromium and fonts-inter from Debian'
    { apt-get update && apt-get install --yes --no-install-recommends chromium fonts-inter fonts-jetbrains-mono; } \
        >"$cache/browser.log" 2>&1 || cannot "apt-get failed: see $cache/browser.log"
fi

packages=$cache/browser-$(cat package.json package-lock.json | sha256sum | cut -c1-16)
if [[ ! -e $packages/complete ]]; then
    say "installing playwright-core and axe-core into $packages"
    mkdir -p "$packages"
    cp package.json package-lock.json .npmrc "$packages"
    (cd "$packages" && npm ci --ignore-scripts >"$cache/browser.log" 2>&1) || cannot "npm ci failed: see $cache/browser.log"
    touch "$packages/complete"
fi
printf '%s\n' "$packages"
