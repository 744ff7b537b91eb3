# Writes what the initrd carries ($1/root, by the lists $1/list.*) into the root that is mounted at $2, or into its own
# root where that is empty. A list that was carried before is passed over: what changed on the node since then stays.
set -eu
umask 077
carry=$1 root=$2
tab=$(printf '\t')

fail() {
    echo "nodebake: $*" >&2
    echo "nodebake: $*" >/dev/kmsg 2>/dev/null || :
    exit 1
}

# locate PATH: sets $at to where it lies below the root. Links above it lead where they lead on the running system, which
# has that root as its own.
locate() {
    at= rest=$1 hops=0
    while :; do
        case $rest in
        */*) step=${rest%%/*} rest=${rest#*/} ;;
        *) break ;;
        esac
        case $step in
        '' | .) ;;
        ..) at=${at%/*} ;;
        *)
            if [ -L "$root$at/$step" ]; then
                hops=$((hops + 1))
                [ $hops -lt 40 ] || fail "/$1: links lead in a circle"
                step=$(readlink "$root$at/$step")
                case $step in /*) at= ;; esac
                rest=$step/$rest
            else
                at=$at/$step
            fi
            ;;
        esac
    done
    above=$root$at
    at=$above/$rest
}

is_mounted() {
    if [ -z "$root" ]; then
        mountpoint -q "$1" 2>/dev/null
    else
        while read -r _ point _; do
            [ "$point" != "$root$1" ] || return 0
        done </proc/mounts
        return 1
    fi
}

# File systems of their own that are mounted later would hide what is written below their mount points.
points=
locate etc/fstab
if [ -f "$at" ]; then
    while read -r device point kind _; do
        case $device,$kind,$point in
        '#'* | *,swap,* | *,none | *,/ | ,*) ;;
        *,/*) is_mounted "$point" || points="$points $point" ;;
        esac
    done <"$at"
fi

check() {
    while IFS="$tab" read -r kind _ _ _ _ _ path _; do
        case $kind in
        '#dir' | '#file' | '#link')
            locate "$path"
            for point in $points; do
                case $at in
                "$root$point"/*) fail "/$path lies on the file system of $point, which is not mounted yet" ;;
                esac
            done
            ;;
        esac
    done <"$1"
}

# What is no directory makes room for a file or link; a directory never does.
clear() {
    if [ -d "$at" ] && [ ! -L "$at" ]; then
        fail "/$1 is a directory here"
    fi
    rm -f "$at"
}

put() {
    while IFS="$tab" read -r kind mode uid gid _ _ path target; do
        case $kind in
        '#dir' | '#file' | '#link') ;;
        *) continue ;;
        esac
        if [ "$kind" = '#dir' ]; then
            # Where the image has a link instead, what it leads to is the directory.
            locate "$path/"
        else
            locate "$path"
        fi
        # Directories above a path are made where they are missing, and else left as they are.
        [ -d "$above" ] || (umask 022 && mkdir -p "$above")
        case $kind in
        '#dir')
            chown "$uid:$gid" "$above"
            chmod "$mode" "$above"
            ;;
        '#file')
            # Whole or not at all, also when the power fails.
            cp "$carry/root/$path" "$at.nodebake-new"
            chown "$uid:$gid" "$at.nodebake-new"
            chmod "$mode" "$at.nodebake-new"
            clear "$path"
            mv -f "$at.nodebake-new" "$at"
            ;;
        '#link')
            clear "$path"
            ln -s "$target" "$at"
            chown -h "$uid:$gid" "$at"
            ;;
        esac
    done <"$1"
}

flush() {
    ! command -v sync >/dev/null || sync
}

# What comes in an archive of its own may be missing, or be another node's.
for need in "$carry"/needs.*; do
    [ -f "$need" ] || continue
    list=$carry/list.${need##*.}
    head=
    [ ! -f "$list" ] || read -r head <"$list"
    read -r name <"$need"
    [ "$head" = "$name" ] || fail "the initrd lacks ${name##*"$tab"}, which this node needs beside its own files"
done

for list in "$carry"/list.*; do
    locate "etc/nodebake/carried.${list##*.}"
    stamp=$at folder=$above
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$list")" ]; then
        continue
    fi
    check "$list"
    rm -f "$stamp"
    put "$list"
    flush
    (umask 022 && mkdir -p "$folder" && cp "$list" "$stamp.new")
    mv -f "$stamp.new" "$stamp"
    flush
done
