#!/bin/sh
# The first program of a system whose root is the initramfs, by the kernel argument rdinit=/usr/lib/nodebake/hop. The
# kernel's own rootfs cannot be left by pivot_root(2), so no container could start on it: the root is mounted once more,
# over itself, which copies nothing, and the system starts there. NODEBAKE_INIT=/path on the kernel's command line names
# the program to start.
umask 022

say() {
    echo "nodebake: $*" >&2
}

# A root on a tmpfs may fill half of the memory; containers and their images are in it too. A ramfs, which the kernel
# takes when its command line has root=, has no limit and refuses.
mount -o remount,size=85% rootfs / 2>/dev/null || say "the root keeps its size"
mkdir -p /mnt
if mount -o bind / /mnt && cd /mnt && mount -o move . /; then
    for init in "$NODEBAKE_INIT" /sbin/init /init; do
        # A link may lead to a path of the new root.
        if [ -n "$init" ] && { [ -x ".$init" ] || [ -L ".$init" ]; }; then
            exec chroot . "$init" "$@"
        fi
    done
    say "there is no /sbin/init and no /init to start"
fi
say "the root could not be mounted over itself"
exec /bin/sh
