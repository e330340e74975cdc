#!/usr/bin/env bash
# Prometheus, promtool and Alertmanager for the tests and the demo, and where they are: those of the machine, or else
# Debian's packages, unpacked into a cache. Nothing is installed on the machine and no service is started.
# With --installed nothing is downloaded either: where a Prometheus is, and status 1 where there is none.
set -euo pipefail

packages=(prometheus prometheus-alertmanager)
programs=(prometheus promtool prometheus-alertmanager)
cache=${TAGWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch}

if [[ ${1-} == --installed ]]; then
    unpacked=("$cache"/monitoring-*/usr/bin)
    if command -v prometheus >/dev/null; then
        dirname "$(command -v prometheus)"
    elif [[ -x ${unpacked[-1]}/prometheus ]]; then
        echo "${unpacked[-1]}"
    else
        echo 'no prometheus on the PATH; hack/prometheus.sh downloads one into a cache' >&2
        exit 1
    fi
    exit
fi

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
folder=$cache/monitoring-$versions
if [[ ! -d $folder ]]; then
    mkdir -p "$cache"
    unpacked=$(mktemp -d "$cache/unpacking-XXXXXX")
    trap 'rm -rf -- "$unpacked"' EXIT
    echo "downloading Debian's ${packages[*]}, with the scripts of their pages: about 35 MB, the first time only" >&2
    # Scripts, styles and fonts of the pages are packages of their own; their links to each other are relative.
    needed() {
        apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
            --no-enhances "${packages[@]}" | awk '/^(libjs|fonts)-/' | sort -u
    }
    download() {
        local pages
        mapfile -t pages < <(needed)
        (cd "$unpacked" && apt-get download -qq -o APT::Sandbox::User=root "${packages[@]}" "${pages[@]}" >&2)
    }
    # The lists may be older than the archive.
    download || { ((EUID == 0)) && apt-get update -qq >&2 && download; }
    for package in "$unpacked"/*.deb; do
        dpkg-deb -x "$package" "$unpacked"
        rm -- "$package"
    done
    chmod 755 "$unpacked"
    # Debian's programs find the templates of their pages by an absolute path, and Alertmanager does not start without.
    # Ours have them below the folder that they are started in; the new path is as long as the old one.
    LC_ALL=C sed -i 's|/usr/share/prometheus/alertmanager|usr//share/prometheus/alertmanager|g' \
        "$unpacked/usr/bin/prometheus-alertmanager"
    LC_ALL=C sed -i 's|/usr/share/prometheus/web|usr//share/prometheus/web|g' "$unpacked/usr/bin/prometheus"
    # A parallel run that was faster has made the same; a folder is not moved over another.
    mv -T -- "$unpacked" "$folder" 2>/dev/null || [[ -d $folder ]]
fi
echo "$folder/usr/bin"
