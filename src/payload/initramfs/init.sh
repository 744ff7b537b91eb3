#!/bin/sh
# The first program of a system whose root is the initramfs, by the kernel argument rdinit=/usr/lib/nodebake/init. The
# kernel's own rootfs cannot be left by pivot_root(2), so no container could start on it: the root is mounted once more,
# over itself, which copies nothing, and the system starts there. NODEBAKE_INIT=/path on the kernel's command line names
# the program to start.
umask 022

say() {
    echo "nodebake: $*" >&2
}

# The last file of each archive tells that all of it is here: the kernel goes on without one that is missing, is cut or
# does not fit. It ends here with a panic, after which the machine does what `panic=` on its command line says.
folder=/usr/lib/nodebake
if ! [ -f $folder/needs ]; then
    say "not all of the node's initramfs payload was unpacked: it is damaged, or the memory is too small for it"
    exit 1
fi
needs='' here=''
read -r needs <$folder/needs
[ ! -f $folder/assets ] || read -r here <$folder/assets
if [ "$needs" != "$here" ] && [ -n "$needs" ]; then
    say "the initrd lacks $needs, which this node needs beside its own payload${here:+ (there is $here)}"
    exit 1
fi

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
