# Writes what the initrd carries ($1/root, by the lists $1/list.*) into the root that is mounted at $2, or into its own
# root where that is empty. A list that was carried before is passed over: what changed on the node since then stays.
# What another list carried before and none does now is removed, by path: whoever changed it since.
set -eu
umask 077
carry=$1 root=$2
tab=$(printf '\t')

is_mounted() {
    if [ -z "$root" ]; then
        mountpoint -q "$1" 2>/dev/null
    else
        while read -r _ mounted _; do
            [ "$mounted" != "$root$1" ] || return 0
        done </proc/mounts
        return 1
    fi
}

# File systems of their own that are mounted later would hide what is written below their mount points.
points=
locate etc/fstab
if [ -f "$at" ]; then
    # The last line of a file may lack its end.
    while read -r device point kind _ || [ -n "$device" ]; do
        case $device,$kind,$point in
        '#'* | *,swap,* | *,none | *,/ | ,*) ;;
        *,/*) is_mounted "$point" || points="$points $point" ;;
        esac
    done <"$at"
fi

# Whether what was located lies below such a mount point, $point.
is_hidden() {
    for point in $points; do
        case $at in "$root$point"/*) return 0 ;; esac
    done
    return 1
}

check() {
    while IFS="$tab" read -r kind _ _ _ _ _ path _; do
        case $kind in
        '#dir' | '#file' | '#link')
            locate "$path"
            ! is_hidden || fail "/$path lies on the file system of $point, which is not mounted yet"
            ;;
        esac
    done <"$1"
}

# What any list here has: it stays, whichever list had it before.
nl='
'
kept=$nl
for list in "$carry"/list.*; do
    while IFS="$tab" read -r kind _ _ _ _ _ path _; do
        kept=$kept$kind$tab$path$nl
    done <"$list"
done

# take_back LIST: removes what was carried by that list and is in none now. Folders last, what is in them before them.
take_back() {
    folders=
    while IFS="$tab" read -r kind _ _ _ _ _ path _; do
        case $kind in '#dir' | '#file' | '#link') ;; *) continue ;; esac
        case $kept in *"$nl$kind$tab$path$nl"*) continue ;; esac
        locate "$path"
        if is_hidden; then
            echo "nodebake: /$path stays: the file system of $point is not mounted yet" >&2
        elif [ "$kind" = '#dir' ]; then
            folders=$path$nl$folders
        else
            remove "$kind" "$path"
        fi
    done <"$1"
    while [ -n "$folders" ]; do
        remove '#dir' "${folders%%"$nl"*}"
        folders=${folders#*"$nl"}
    done
}

# Where the root's SELinux is on, what is written before its policy is loaded has no labels: it is listed, for label.sh.
labels=
locate etc/selinux/config
if [ -f "$at" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        SELINUX=enforcing* | SELINUX=permissive*) labels=yes ;;
        SELINUX=*) labels= ;;
        esac
    done <"$at"
fi

unlabelled() {
    unlabelled=${1#"$root"}
    [ -z "$labels" ] || printf '%s\n' "${unlabelled%/}" >>"$labels"
}

# Directories above a path are made where they are missing, and else left as they are.
make_above() {
    made=$above
    while [ ! -d "$made/" ]; do
        unlabelled "$made"
        made=${made%/*}
    done
    (umask 022 && mkdir -p "$above")
}

if [ -n "$labels" ]; then
    labels=
    locate etc/nodebake/unlabelled
    new=
    [ -d "$above" ] || new=$above
    (umask 022 && mkdir -p "$above")
    labels=$at
    [ -z "$new" ] || unlabelled "$new"
fi

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
        make_above
        unlabelled "$at"
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
            ln -s -- "$target" "$at"
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

# What came in such an archive before, and now there is none.
locate etc/nodebake/carried.layer
if [ -f "$at" ] && [ ! -f "$carry/list.layer" ]; then
    stamp=$at
    take_back "$stamp"
    rm -f "$stamp"
fi

for list in "$carry"/list.*; do
    locate "etc/nodebake/carried.${list##*.}"
    stamp=$at folder=$above
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$list")" ]; then
        continue
    fi
    check "$list"
    # Without a stamp this begins again when the power fails; what may lie there by then is known all the same.
    (umask 022 && mkdir -p "$folder" && : >>"$stamp.before")
    [ ! -f "$stamp" ] || cat "$stamp" >>"$stamp.before"
    cat "$list" >>"$stamp.before"
    flush
    rm -f "$stamp"
    take_back "$stamp.before"
    put "$list"
    flush
    (umask 022 && cp "$list" "$stamp.new")
    mv -f "$stamp.new" "$stamp"
    unlabelled "$stamp"
    rm -f "$stamp.before"
    flush
done
