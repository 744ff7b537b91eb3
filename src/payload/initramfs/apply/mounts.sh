# File systems of their own that are mounted later, which would hide what is written below their mount points.

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

# Finds the mount points, $points.
find_points() {
    points=
    locate etc/fstab
    [ -f "$at" ] || return 0
    # The last line of a file may lack its end.
    while read -r device point kind _ || [ -n "$device" ]; do
        case $device,$kind,$point in
        '#'* | *,swap,* | *,none | *,/ | ,*) ;;
        *,/*) is_mounted "$point" || points="$points $point" ;;
        esac
    done <"$at"
}

# Whether what was located is below such a mount point, $point.
is_hidden() {
    for point in $points; do
        case $at in "$root$point"/*) return 0 ;; esac
    done
    return 1
}

# check LIST: whether all that it lists can be written.
check() {
    while IFS="$tab" read -r kind _ _ _ _ _ path _; do
        case $kind in
        '#dir' | '#file' | '#link')
            locate "$path"
            ! is_hidden || fail "/$path is on the file system of $point, which is not mounted yet"
            ;;
        esac
    done <"$1"
}
