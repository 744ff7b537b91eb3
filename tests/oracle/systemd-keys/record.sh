#!/bin/sh
# What systemd knows in unit files, from systemd itself: record.sh prints src/node/unit/keys.txt, one line for each section, key and type of
# value, with the first of these releases that has it. Needs apt-get, and a Debian mirror in DEBIAN_MIRROR.
#
# Each Debian release has one systemd, and every systemd prints what it reads (`--dump-configuration-items`). They are unpacked beside the
# libraries that they were linked with, and started with those: nothing is installed. The next release of systemd is one more suite below.
set -eu

SUITES='bullseye bookworm trixie forky'
mirror=${DEBIAN_MIRROR:?the mirror of Debian to read, as apt has it}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
arch=$(dpkg --print-architecture)

say() { printf 'systemd keys: %s\n' "$*" >&2; }

# apt SUITE COMMAND…: apt-get with lists of its own.
apt() {
    suite=$1
    shift
    state=$work/$suite
    mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/debs"
    : >"$state/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
    (cd "$state/debs" && apt-get -qq -o Dir::State="$state" -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" \
        -o Dir::Cache="$state" -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=- -o APT::Architecture="$arch" \
        -o APT::Sandbox::User=root "$@")
}

# dump SUITE: its systemd's list.
dump() {
    apt "$1" update >&2
    packages=$(apt "$1" install -y --no-install-recommends --print-uris systemd | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p")
    # shellcheck disable=SC2086 # a list of words
    apt "$1" download $packages >&2
    for deb in "$work/$1/debs"/*.deb; do
        dpkg-deb -x "$deb" "$work/$1/root"
    done
    root=$work/$1/root
    folders=$(find "$root" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
    loader=$(find "$root" -name 'ld-linux-*.so*' | head -n 1)
    systemd=$(find "$root" -path '*/lib/systemd/systemd' -type f | head -n 1)
    run() { "$loader" --library-path "$folders" "$systemd" "$@"; }
    run --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p' >"$work/$1/version"
    run --dump-configuration-items >"$work/$1/items"
    say "$1 has $(cat "$work/$1/version")"
}

for suite in $SUITES; do
    dump "$suite"
    version=$(cat "$work/$suite/version")
    awk -v version="$version" '
        /^\[/ { section = substr($0, 2, length($0) - 2); next }
        /=/ { at = index($0, "="); print section "\t" substr($0, 1, at - 1) "\t" substr($0, at + 1) "\t" version }
    ' "$work/$suite/items"
done >"$work/all"

echo '# Section, key, value, first systemd that has it (the oldest one here: that or older). Made by tests/oracle/systemd-keys/record.sh.'
# What a later release calls the type of a value wins; what it no longer lists stays, since nodes may run the older one.
awk -F '\t' '
    { id = $1 "\t" $2; if (!(id in since)) since[id] = $4; type[id] = $3 }
    END { for (id in since) print id "\t" type[id] "\t" since[id] }
' "$work/all" | LC_ALL=C sort
