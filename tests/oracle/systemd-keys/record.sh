#!/bin/sh
# What systemd knows in unit files, and in the files of networkd and udev, from systemd itself: record.sh FOLDER NETWORK writes keys.txt into
# each folder, one line for each section, key and parser of the value, with the first of these releases that has it, and choices.txt, the
# words of parsers that take one of several. FOLDER is src/tree/unit, NETWORK is src/host_files/networkd. Needs apt-get, and a Debian mirror
# in DEBIAN_MIRROR.
#
# Each Debian release has one systemd, and every systemd prints what it reads (`--dump-configuration-items`). They are unpacked beside the
# libraries that they were linked with, and started with those: nothing is installed. Which function reads a value is in the table of the
# source (src/core/load-fragment-gperf), and the words are in tables of strings there: parsers.awk and choices.awk read them. The next
# release of systemd is one more suite below.
set -eu

SUITES='bullseye bookworm trixie forky'
folder=${1:?the folder that gets keys.txt and choices.txt of units}
network=${2:?the folder that gets those of networkd and udev}
here=$(cd "$(dirname "$0")" && pwd)
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
    for kind in deb deb-src; do
        echo "$kind [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
    done >"$state/sources.list"
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

# source_of SUITE: the parsers of its systemd's settings, and the words of those that take one.
source_of() {
    apt "$1" source --download-only systemd >&2
    mkdir -p "$work/$1/source"
    tar -xzf "$work/$1/debs"/systemd_*.orig.tar.gz -C "$work/$1/source" --strip-components=1
    awk -f "$here/parsers.awk" "$work/$1/source"/src/core/load-fragment-gperf.gperf* >"$work/$1/parsers"
    # The last five are settings of programs: networkd.conf and so on.
    for kind in network:network/networkd-network netdev:network/netdev/netdev link:udev/net/link-config \
        networkd:network/networkd resolved:resolve/resolved timesyncd:timesync/timesyncd logind:login/logind journald:journal/journald; do
        awk -v kind="${kind%%:*}" -f "$here/network.awk" "$work/$1/source/src/${kind#*:}-gperf.gperf"
    done | sed "s/\$/\t$(cat "$work/$1/version")/" >"$work/$1/network"
    find "$work/$1/source/src" -name '*.[ch]' | LC_ALL=C sort | xargs cat | awk -f "$here/choices.awk" >"$work/$1/choices"
}

for suite in $SUITES; do
    dump "$suite"
    source_of "$suite"
    version=$(cat "$work/$suite/version")
    awk -v version="$version" '
        /^\[/ { section = substr($0, 2, length($0) - 2); next }
        /=/ { at = index($0, "="); print section "\t" substr($0, 1, at - 1) "\t" substr($0, at + 1) "\t" version }
    ' "$work/$suite/items"
done >"$work/all"

for suite in $SUITES; do
    cat "$work/$suite/parsers"
done >"$work/parsers"
{
    echo '# Section, key, parser, first systemd that has it (the oldest one here: that or older). Made by tests/oracle/systemd-keys/record.sh.'
    # The parser of a later release wins; what it no longer lists stays, since nodes may run the older one. [Install] has no parsers.
    awk -F '\t' '
        NR == FNR { parser[$1 "\t" $2] = $3; next }
        { id = $1 "\t" $2; if (!(id in since)) since[id] = $4 }
        END {
            for (id in since) {
                of = parser[id]
                if (id ~ /^Install\t/) of = (id ~ /DefaultInstance/ ? "name" : "install")
                print id "\t" of "\t" since[id]
            }
        }
    ' "$work/parsers" "$work/all" | LC_ALL=C sort
} >"$folder/keys.txt"
# words PARSERS COLUMN: all words of all releases, of the parsers in a column of a file.
words() {
    echo '# Parser and the words that it takes; "boolean" is yes and no in all spellings. Made by tests/oracle/systemd-keys/record.sh.'
    for suite in $SUITES; do
        cat "$work/$suite/choices"
    done | awk -F '\t' -v column="$2" '
        NR == FNR { split($column, parts, ":"); used[parts[1]] = 1; next }
        !($1 in used) { next }
        {
            count = split($2, word, " ")
            for (i = 1; i <= count; i++)
                if (!(($1, word[i]) in seen)) {
                    seen[$1, word[i]] = 1
                    all[$1] = all[$1] " " word[i]
                }
        }
        END { for (name in all) print name "\t" substr(all[name], 2) }
    ' "$1" - | LC_ALL=C sort
}

words "$work/parsers" 3 >"$folder/choices.txt"

for suite in $SUITES; do
    cat "$work/$suite/network"
done >"$work/network"
{
    echo '# Kind of file, section, key, parser, first systemd that has it (the oldest one here: that or older).'
    echo '# Made by tests/oracle/systemd-keys/record.sh.'
    # Later releases read all keys of a section by one function, and the older ones say more of the value; but what was a boolean or a
    # number may have become more.
    awk -F '\t' '
        {
            id = $1 "\t" $2 "\t" $3
            if (!(id in since)) { since[id] = $5; of[id] = $4 }
            if (of[id] ~ /^(bool|tristate|u?int(8|16|32)?|sec)$/) of[id] = $4
        }
        END { for (id in since) print id "\t" of[id] "\t" since[id] }
    ' "$work/network" | LC_ALL=C sort
} >"$network/keys.txt"
# The table of another program has the name of the time zone's.
words "$work/network" 4 | grep -v '^timezone' >"$network/choices.txt"
