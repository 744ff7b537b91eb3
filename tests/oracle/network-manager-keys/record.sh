#!/bin/sh
# What NetworkManager knows in connections, from NetworkManager itself: record.sh REPOSITORY FILE writes one line for each setting and property,
# with the type of the property and the first of these releases that has it. REPOSITORY is a clone of NetworkManager, FILE is
# src/host_files/keyfile/keys.txt. The next release is one more below.
set -eu

RELEASES='1.42.0 1.46.0 1.52.0 1.56.0'
METADATA=src/libnm-core-impl/gen-metadata-nm-settings-libnm-core.xml.in
repository=${1:?the clone of NetworkManager}
file=${2:?the file that gets the keys}

{
    echo '# Setting, property, type, first NetworkManager that has it (the oldest one here: that or older).'
    echo '# Made by tests/oracle/network-manager-keys/record.sh.'
    for release in $RELEASES; do
        git -C "$repository" show "$release:$METADATA" | awk -F '"' -v release="$release" '
            function flush() { if (property != "") print setting "\t" property "\t" type "\t" release; property = "" }
            /<setting name=/ { flush(); setting = $2 }
            /<property name=/ { flush(); property = $2; type = "text" }
            /gprop-type=/ { type = $2 }
            END { flush() }
        '
    done | awk -F '\t' '
        { id = $1 "\t" $2; if (!(id in since)) since[id] = $4; of[id] = $3 }
        END { for (id in since) print id "\t" of[id] "\t" since[id] }
    ' | LC_ALL=C sort
} >"$file"
