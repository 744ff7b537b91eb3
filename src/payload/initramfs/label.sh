# Gives what was copied the labels that SELinux has for it, by the policy and the setfiles of the root that this runs in.
set -u
list=/etc/nodebake/unlabelled
[ -s "$list" ] || exit 0
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
policy=
while IFS= read -r line || [ -n "$line" ]; do
    case $line in SELINUXTYPE=*) policy=${line#SELINUXTYPE=} ;; esac
done </etc/selinux/config
policy=${policy%%[!A-Za-z0-9_-]*}
contexts=/etc/selinux/$policy/contexts/files/file_contexts

# setfiles goes down into a directory that it is given, and what else the image has there keeps its labels. So directories
# get theirs by way of empty ones, which it labels as those of this root.
like=/etc/nodebake/like
each_directory() {
    while IFS= read -r path; do
        if [ -d "$path" ] && [ ! -L "$path" ]; then
            "$@" || return 1
        fi
    done <"$list"
}
make_like() { mkdir -p "$like$path"; }
label_like() { chcon --reference="$like$path" "$path"; }
others() {
    while IFS= read -r path; do
        [ -d "$path" ] && [ ! -L "$path" ] || printf '%s\n' "$path"
    done <"$list"
}

rm -rf "$like"
if others | setfiles -F -f - "$contexts" && (umask 077 && mkdir "$like") && each_directory make_like &&
    setfiles -F -r "$like" "$contexts" "$like" && each_directory label_like; then
    rm -rf "$like" "$list"
else
    rm -rf "$like"
    echo "nodebake: what $list names has no SELinux labels: setfiles and chcon did not set them" >&2
    exit 1
fi
