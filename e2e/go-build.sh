# shellcheck shell=bash
# Builds of Go programs that stay outside the repository; sourced by the
# build.sh of each module.
#
# A binary lies in the cache under a hash of everything it is made from, so it
# is built once for each state of its sources, whichever checkout asks for it.

# How packages are compiled: without inlining, which takes a quarter off the time
# to build and runs a little slower, but for the standard library. Debug
# information would be linked away again.
compile=('-gcflags=all=-l -dwarf=false' -gcflags=std=-dwarf=false)

cache=${TAGWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch}

say() { printf '%s\n' "$*" >&2; }

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }

# cached_go_build NAME HINT GO_BUILD_ARGUMENT... PACKAGE
# Builds the module in the current folder and prints the path of the binary.
# With TAGWATCH_BUILD_PACKAGES=FILE the number of packages that the binary is
# made of goes to that file, and the name of each to standard error once it is
# compiled.
cached_go_build() {
  local name=$1 hint=$2
  shift 2
  if ! command -v go >/dev/null; then
    say "$name: Go is needed to build it, and there is no 'go' on PATH"
    return 1
  fi
  # No C compiler is needed, and the binary runs on any libc.
  export CGO_ENABLED=0
  local key binary
  set -- "${compile[@]}" "$@"
  key=$(inputs "$@" | sha256 | cut -c1-16)
  binary=$cache/$name-$key/$name
  if [ ! -x "$binary" ]; then
    mkdir -p "$cache/$name-$key"
    # The lock only saves work: without flock(1) two builds at once both finish,
    # and the last rename wins.
    if command -v flock >/dev/null; then
      exec 9>"$cache/$name-$key/lock"
      flock -n 9 || { say "$name: another build of it is under way, waiting for it"; flock 9; }
    fi
  fi
  if [ ! -x "$binary" ]; then
    say "$name: building ($hint)"
    local begin=$SECONDS
    if [ -n "${TAGWATCH_BUILD_PACKAGES:-}" ]; then
      go list -deps "${@: -1}" | wc -l >"$TAGWATCH_BUILD_PACKAGES"
      set -- -v "$@"
    fi
    go build -trimpath -buildvcs=false -o "$binary.$$" "$@" >&2 || {
      rm -f "$binary.$$"
      say "$name: the build failed"
      return 1
    }
    mv "$binary.$$" "$binary"
    say "$name: built in $((SECONDS - begin)) s, kept in $cache"
  fi
  touch "$cache/$name-$key"
  # States of the sources that no build has used for a month.
  find "$cache" -mindepth 1 -maxdepth 1 -name "$name-*" -mtime +30 -exec rm -rf {} +
  printf '%s\n' "$binary"
}

# Files that the binary is made from, beside Go sources, go.mod and go.sum.
more_inputs=()

# inputs prints what the binary depends on: the toolchain, the way it is built
# and the sources.
inputs() {
  go version
  go env GOOS GOARCH
  printf '%s\n' "$@"
  [ ${#more_inputs[@]} -eq 0 ] || cat "${more_inputs[@]}"
  find . -type f \( -name go.mod -o -name go.sum -o -name '*.go' ! -name '*_test.go' \) |
    LC_ALL=C sort | while IFS= read -r file; do
    printf '%s\n' "$file"
    cat "$file"
  done
}
