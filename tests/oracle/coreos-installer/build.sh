#!/bin/sh
# Builds coreos-installer from its crate: build.sh VERSION FILE. Needs Rust and the headers of OpenSSL and zstd (Debian: libssl-dev,
# libzstd-dev, pkg-config). The result is kept in the cache under version and recipe.
set -eu

version=${1:?build.sh VERSION FILE}
file=${2:?build.sh VERSION FILE}
here=$(cd "$(dirname "$0")" && pwd)
recipe=$(sha256sum "$here/build.sh" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles
key=coreos-installer-$version-$(uname -m)-$recipe

# The copy is renamed into place, so that a run that dies leaves no half a program.
take_from_cache() {
    [ -x "$cache/$key" ] || return 1
    cmp -s "$cache/$key" "$file" || { cp "$cache/$key" "$file.new" && mv "$file.new" "$file"; }
}

mkdir -p "$(dirname "$file")"
if take_from_cache; then
    exit 0
fi
printf 'coreos-installer oracle: building %s, some minutes once\n' "$version"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Optimising it would take twice as long, and nobody waits for it.
if ! CARGO_TARGET_DIR=$work/target cargo install --locked --quiet --debug --root "$work" coreos-installer --version "$version" >"$work/build.log" 2>&1; then
    tail -n 20 "$work/build.log" >&2
    exit 1
fi
mkdir -p "$cache"
strip -o "$cache/$key.new.$$" "$work/bin/coreos-installer" 2>/dev/null || cp "$work/bin/coreos-installer" "$cache/$key.new.$$"
mv "$cache/$key.new.$$" "$cache/$key"
take_from_cache
