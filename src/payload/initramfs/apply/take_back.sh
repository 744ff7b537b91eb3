# What was copied before and is not any more.

# What any list here has, $kept: it stays, whichever list had it before.
find_kept() {
    nl='
'
    kept=$nl
    for list in "$copy"/list.*; do
        while IFS="$tab" read -r kind _ _ _ _ _ path _; do
            kept=$kept$kind$tab$path$nl
        done <"$list"
    done
}

# take_back LIST: removes what was copied by that list and is in none now. Folders last, what is in them before them.
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

# What the kubelet keeps by settings that are others now: each line has their digest, and the path of what was made by them.
take_back_state() {
    now=$copy/root/etc/nodebake/kubelet-state
    locate etc/nodebake/kubelet-state
    before=$at
    if [ ! -f "$now" ] || [ ! -f "$before" ]; then return 0; fi
    while IFS="$tab" read -r made path; do
        while IFS="$tab" read -r makes same; do
            if [ "$path" != "$same" ] || [ "$made" = "$makes" ]; then continue; fi
            locate "$path"
            if is_hidden; then
                echo "nodebake: /$path must go, and stays: the file system of $point is not mounted yet" >&2
            else
                remove '#file' "$path"
            fi
        done <"$now"
    done <"$before"
}
