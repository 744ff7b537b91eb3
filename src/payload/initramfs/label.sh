# Gives what was carried the labels that SELinux has for it, by the policy and the setfiles of the root that this runs in.
set -u
list=/etc/nodebake/unlabelled
[ -s "$list" ] || exit 0
PATH=${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin
policy=
while IFS= read -r line || [ -n "$line" ]; do
    case $line in SELINUXTYPE=*) policy=${line#SELINUXTYPE=} ;; esac
done </etc/selinux/config
policy=${policy%%[!A-Za-z0-9_-]*}
if setfiles -F -f "$list" "/etc/selinux/$policy/contexts/files/file_contexts"; then
    rm -f "$list"
else
    echo "nodebake: what $list names has no SELinux labels: setfiles did not set them" >&2
    exit 1
fi
