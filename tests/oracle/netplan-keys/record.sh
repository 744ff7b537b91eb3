#!/bin/sh
# What netplan knows, from netplan itself: record.sh REPOSITORY FILE writes one line for each key of its tables, with the type of the value, the
# function that reads it, and the first of these releases that has it. REPOSITORY is a clone of canonical/netplan, FILE is
# src/host_files/netplan/keys.txt. The next release of netplan is one more below.
set -eu

RELEASES='0.101 0.103 0.104 0.105 0.106 0.107 1.0 1.1 1.2'
repository=${1:?the clone of canonical/netplan}
file=${2:?the file that gets the keys}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for release in $RELEASES; do
    git -C "$repository" show "$release:src/parse.c" | awk -f "$here/keys.awk" | sed "s/\$/\t$release/"
done >"$work/all"
{
    echo '# Table, key, type of the value, function that reads it, first netplan that has it (the oldest one here: that or older).'
    echo '# Made by tests/oracle/netplan-keys/record.sh.'
    # The function of a later release wins; what it no longer lists stays, since nodes may run the older one.
    awk -F '\t' '
        { id = $1 "\t" $2; if (!(id in since)) since[id] = $5; of[id] = $3 "\t" $4 }
        END { for (id in since) print id "\t" of[id] "\t" since[id] }
    ' "$work/all" | LC_ALL=C sort
} >"$file"
