#!/usr/bin/env bash
# Prometheus, promtool and Alertmanager for the tests, and where they are: those of the machine, or else Debian's
# packages, unpacked into a cache. Nothing is installed on the machine and no service is started.
set -euo pipefail

packages=(prometheus prometheus-alertmanager)
programs=(prometheus promtool prometheus-alertmanager)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch

found=0
for program in "${programs[@]}"; do
    if command -v "$program" >/dev/null; then found=$((found + 1)); fi
done
if ((found == ${#programs[@]})); then
    dirname "$(command -v prometheus)"
    exit
fi
if ! command -v apt-get >/dev/null; then
    echo "no ${programs[*]} on the PATH, and no apt-get that could download ${packages[*]}" >&2
    exit 1
fi

version() { apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }'; }
if [[ -z $(version prometheus) && $EUID -eq 0 ]]; then
    apt-get update -qq >&2
fi
versions=$(for package in "${packages[@]}"; do version "$package"; done | paste -sd_ | tr -c '[:alnum:].+_\n-' -)
folder=$cache/prometheus-$versions
if [[ ! -d $folder ]]; then
    mkdir -p "$cache"
    unpacked=$(mktemp -d "$cache/unpacking-XXXXXX")
    trap 'rm -rf -- "$unpacked"' EXIT
    echo "downloading Debian's ${packages[*]}: about 30 MB, the first time only" >&2
    download() { (cd "$unpacked" && apt-get download -qq -o APT::Sandbox::User=root "${packages[@]}" >&2); }
    # The lists may be older than the archive.
    download || { ((EUID == 0)) && apt-get update -qq >&2 && download; }
    for package in "$unpacked"/*.deb; do
        dpkg-deb -x "$package" "$unpacked"
        rm -- "$package"
    done
    chmod 755 "$unpacked"
    # Debian's Alertmanager finds its templates by an absolute path, and does not start without them. Ours has them below
    # the folder that it is started in; the new path is as long as the old one.
    LC_ALL=C sed -i 's|/usr/share/prometheus/alertmanager|usr//share/prometheus/alertmanager|g' \
        "$unpacked/usr/bin/prometheus-alertmanager"
    # Whoever was faster has made the same; a folder is not moved over another.
    mv -T -- "$unpacked" "$folder" 2>/dev/null || [[ -d $folder ]]
fi
echo "$folder/usr/bin"
