# Shell functions for paths below a root that is mounted at $root, or is the shell's own where that is empty.

fail() {
    echo "nodebake: $*" >&2
    echo "nodebake: $*" >/dev/kmsg 2>/dev/null || :
    exit 1
}

# locate PATH: sets $at to where it is below the root. Links above it lead where they lead on the running system, which
# has that root as its own.
locate() {
    at='' rest=$1 hops=0
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

# remove KIND PATH: what an earlier payload installed at a path. A directory goes only when it is empty, and nothing that is of
# another kind by now.
remove() {
    locate "$2"
    [ -e "$at" ] || [ -L "$at" ] || return 0
    if [ -L "$at" ] || [ ! -d "$at" ]; then
        [ "$1" = '#dir' ] || rm -f -- "$at"
    elif [ "$1" = '#dir' ]; then
        # systemd's initrds by dracut have only the second one.
        rmdir -- "$at" 2>/dev/null || rm -d -- "$at" 2>/dev/null || :
    else
        echo "nodebake: /$2 is a directory here, and stays" >&2
    fi
}
