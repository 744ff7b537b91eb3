#!/bin/sh
# Builds etcd from upstream's Go modules, so that it needs no library and can be the only file of an image: build.sh VERSION FILE. Needs Go 1.21
# or newer, which fetches the release that the module asks for. The result is kept in the cache under version and recipe.
set -eu

version=${1:?build.sh VERSION FILE}
file=${2:?build.sh VERSION FILE}
here=$(cd "$(dirname "$0")" && pwd)
recipe=$(sha256sum "$here/build.sh" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles
key=etcd-$version-$(go env GOARCH)-$recipe

# The copy is renamed into place, so that a run that dies leaves no half a program.
take_from_cache() {
    [ -x "$cache/$key" ] || return 1
    cmp -s "$cache/$key" "$file" || { cp "$cache/$key" "$file.new" && mv "$file.new" "$file"; }
}

build() {
    unset GOFLAGS
    go mod init oracle
    go mod edit -require="go.etcd.io/etcd/server/v3@$version"
    CGO_ENABLED=0 go build -mod=mod -trimpath -buildvcs=false -o etcd -ldflags '-s -w' go.etcd.io/etcd/server/v3
}

mkdir -p "$(dirname "$file")"
if take_from_cache; then
    exit 0
fi
printf 'etcd oracle: building %s, some minutes once\n' "$version"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! (cd "$work" && build) >"$work/build.log" 2>&1; then
    tail -n 20 "$work/build.log" >&2
    exit 1
fi
mkdir -p "$cache"
mv "$work/etcd" "$cache/$key.new.$$"
mv "$cache/$key.new.$$" "$cache/$key"
take_from_cache
