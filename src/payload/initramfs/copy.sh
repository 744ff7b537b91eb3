#!/bin/sh
# Copies the node's files to the real root before the initrd switches to it. Called with the folder where that is
# mounted, by a unit in systemd's initrds and by a script in those of initramfs-tools.
set -eu
root=$1

fail() {
    echo "nodebake: $*" >&2
    echo "nodebake: $*" >/dev/kmsg 2>/dev/null || :
    exit 1
}

# Initrds mount it read-only; it is given back as it was.
writable='' device=''
while read -r from point _ options _; do
    if [ "$point" = "$root" ]; then
        device=$from
        case $options in rw | rw,*) writable=yes ;; *) writable= ;; esac
    fi
done </proc/mounts
[ -n "$device" ] || fail "nothing is mounted at $root"
[ -n "$writable" ] || mount -o remount,rw "$device" "$root" || fail "making $root writable failed"
copied=
if ! command -v chroot >/dev/null; then
    # systemd's initrds by dracut have no chroot, but the other programs.
    if /bin/sh /nodebake/copy/apply /nodebake/copy "$root"; then
        copied=yes
        # A unit can have another root without that program.
        [ ! -s "$root/etc/nodebake/unlabelled" ] || systemctl start nodebake-label.service || :
    fi
elif [ ! -d "$root/run" ]; then
    fail "$root has no /run"
elif mount -o bind /nodebake/copy "$root/run"; then
    # With the root's own programs: small initrds of initramfs-tools have too few.
    if chroot "$root" /bin/sh /run/apply /run ''; then
        copied=yes
        # setfiles sets labels by way of /proc.
        if [ -s "$root/etc/nodebake/unlabelled" ] && mount -t proc proc "$root/proc"; then
            chroot "$root" /bin/sh /run/label || :
            umount "$root/proc"
        fi
    fi
    umount "$root/run"
fi
[ -n "$writable" ] || mount -o remount,ro "$device" "$root" || :
[ -n "$copied" ] || fail "copying the files to the root failed"
