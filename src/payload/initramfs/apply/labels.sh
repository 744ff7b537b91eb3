# Labels of SELinux: where it is on, what is written before the root's policy is loaded has none. It is listed, for label.sh.

# Whether it is on, $labels: where the list is, or nothing.
find_labels() {
    labels=
    locate etc/selinux/config
    [ -f "$at" ] || return 0
    on=
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        SELINUX=enforcing* | SELINUX=permissive*) on=yes ;;
        SELINUX=*) on= ;;
        esac
    done <"$at"
    [ -n "$on" ] || return 0
    locate etc/nodebake/unlabelled
    new=
    [ -d "$above" ] || new=$above
    (umask 022 && mkdir -p "$above")
    labels=$at
    [ -z "$new" ] || unlabelled "$new"
}

unlabelled() {
    unlabelled=${1#"$root"}
    [ -z "$labels" ] || printf '%s\n' "${unlabelled%/}" >>"$labels"
}
