# Writing what a list says.

# Directories above a path are made where they are missing, and else left as they are.
make_above() {
    made=$above
    while [ ! -d "$made/" ]; do
        unlabelled "$made"
        made=${made%/*}
    done
    (umask 022 && mkdir -p "$above")
}

# What is no directory makes room for a file or link; a directory never does.
clear() {
    if [ -d "$at" ] && [ ! -L "$at" ]; then
        fail "/$1 is a directory here"
    fi
    rm -f "$at"
}

# put LIST: what there is at a path makes room for what is copied.
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
            cp "$copy/root/$path" "$at.nodebake-new"
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
