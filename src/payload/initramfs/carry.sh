#!/bin/sh
# Carries the node's files to the real root before the initrd switches to it. Called with the folder where that is
# mounted, by a unit in systemd's initrds and by a script in those of initramfs-tools.
set -eu
root=$1

fail() {
    echo "nodebake: $*" >&2
    echo "nodebake: $*" >/dev/kmsg 2>/dev/null || :
    exit 1
}

[ -x "$root/bin/sh" ] || [ -L "$root/bin/sh" ] || fail "$root has no /bin/sh: is the root mounted?"
[ -d "$root/run" ] || fail "$root has no /run"
# Initrds mount it read-only; it is given back as it was.
writable= device=none
while read -r from point _ options _; do
    if [ "$point" = "$root" ]; then
        device=$from
        case $options in rw | rw,*) writable=yes ;; *) writable= ;; esac
    fi
done </proc/mounts
[ -n "$writable" ] || mount -o remount,rw "$device" "$root" || fail "making $root writable failed"
carried=
# Inside the root, so that its own links lead where they lead on the running system.
if mount -o bind /nodebake/carry "$root/run"; then
    if chroot "$root" /bin/sh /run/apply; then
        carried=yes
    fi
    umount "$root/run"
fi
[ -n "$writable" ] || mount -o remount,ro "$device" "$root" || :
[ -n "$carried" ] || fail "carrying the files to the root failed"
