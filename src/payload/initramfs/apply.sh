# Writes what the initrd carries (/run/root, by the lists /run/list.*) into this root; run inside it, with its own
# programs. A list that was carried before is passed over: what changed on the node since then stays.
set -eu
umask 077
tab=$(printf '\t')

fail() {
    echo "nodebake: $*" >&2
    exit 1
}

# File systems of their own that are mounted later would hide what is written below their mount points.
points=
if [ -f /etc/fstab ]; then
    while read -r device point kind _; do
        case $device,$kind,$point in
        '#'* | *,swap,* | *,none | *,/ | ,*) ;;
        *,/*) mountpoint -q "$point" 2>/dev/null || points="$points $point" ;;
        esac
    done </etc/fstab
fi

check() {
    while IFS="$tab" read -r kind _ _ _ _ _ path _; do
        case $kind in
        '#dir' | '#file' | '#link')
            for point in $points; do
                case /$path in
                "$point"/*) fail "/$path lies on the file system of $point, which is not mounted yet" ;;
                esac
            done
            ;;
        esac
    done <"$1"
}

# Directories above a path are made where they are missing, and else left as they are.
above() {
    case $1 in
    */*) [ -d "/${1%/*}" ] || (umask 022 && mkdir -p "/${1%/*}") ;;
    esac
}

# What is no directory makes room; a directory never does.
clear() {
    if [ -d "/$1" ] && [ ! -L "/$1" ]; then
        fail "/$1 is a directory here"
    fi
    rm -f "/$1"
}

put() {
    while IFS="$tab" read -r kind mode uid gid _ _ path target; do
        case $kind in
        '#dir')
            above "$path"
            [ -d "/$path" ] || mkdir "/$path"
            chown "$uid:$gid" "/$path"
            chmod "$mode" "/$path"
            ;;
        '#file')
            above "$path"
            # Whole or not at all, also when the power fails.
            cp "/run/root/$path" "/$path.nodebake-new"
            chown "$uid:$gid" "/$path.nodebake-new"
            chmod "$mode" "/$path.nodebake-new"
            clear "$path"
            mv -f "/$path.nodebake-new" "/$path"
            ;;
        '#link')
            above "$path"
            clear "$path"
            ln -s "$target" "/$path"
            chown -h "$uid:$gid" "/$path"
            ;;
        esac
    done <"$1"
}

for list in /run/list.*; do
    stamp=/etc/nodebake/carried.${list##*.}
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$list")" ]; then
        continue
    fi
    check "$list"
    rm -f "$stamp"
    put "$list"
    sync
    (umask 022 && mkdir -p /etc/nodebake && cp "$list" "$stamp.new")
    mv -f "$stamp.new" "$stamp"
    sync
done
