#!/bin/sh
# Builds containerd: build.sh VERSION FILE. 2.x comes from upstream's Go modules and needs Go 1.21 or newer, which fetches the release that
# the module asks for. 1.x comes from upstream's repository, or from CONTAINERD_REPOSITORY, because its modules lack the packages that it
# was built with. The result is kept in the cache under version and recipe.
set -eu

version=${1:?build.sh VERSION FILE}
file=${2:?build.sh VERSION FILE}
here=$(cd "$(dirname "$0")" && pwd)
recipe=$(sha256sum "$here/build.sh" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles
key=containerd-$version-$(go env GOARCH)-$recipe

# The copy is renamed into place, so that a run that dies leaves no half a program.
take_from_cache() {
    [ -x "$cache/$key" ] || return 1
    cmp -s "$cache/$key" "$file" || { cp "$cache/$key" "$file.new" && mv "$file.new" "$file"; }
}

build() {
    unset GOFLAGS
    case $version in
    v1.*)
        source=src/github.com/containerd/containerd
        git clone --quiet --depth 1 --branch "$version" "${CONTAINERD_REPOSITORY:-https://github.com/containerd/containerd}" $source
        output=$PWD/containerd
        export GOPATH="$PWD" GO111MODULE=off
        cd $source
        CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags no_btrfs -o "$output" \
            -ldflags "-s -w -X github.com/containerd/containerd/version.Version=$version" ./cmd/containerd
        return
        ;;
    esac
    go mod init oracle
    go mod edit -require="github.com/containerd/containerd/v2@$version"
    # Without cgo there is no btrfs; what is asked of it is to read its configuration.
    CGO_ENABLED=0 go build -mod=mod -trimpath -buildvcs=false -tags no_btrfs -o containerd \
        -ldflags "-s -w -X github.com/containerd/containerd/v2/version.Version=$version" github.com/containerd/containerd/v2/cmd/containerd
}

mkdir -p "$(dirname "$file")"
if take_from_cache; then
    exit 0
fi
printf 'containerd oracle: building %s, some minutes once\n' "$version"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! (cd "$work" && build) >"$work/build.log" 2>&1; then
    tail -n 20 "$work/build.log" >&2
    exit 1
fi
mkdir -p "$cache"
mv "$work/containerd" "$cache/$key.new.$$"
mv "$cache/$key.new.$$" "$cache/$key"
take_from_cache
