#!/bin/sh
# Makes the initrds that Debian's own tools make for the kernel for clouds: one by initramfs-tools, one by dracut with systemd in it. They are
# what the tests of `boot` append initramfs payloads to.
#
# usage: initrds.sh FOLDER [kept], as keep.sh says
set -eu

image=initrds files='kernel initrd-initramfs-tools initrd-dracut'
here=$(cd "$(dirname "$0")" && pwd)
. "$here/keep.sh"

debian systemd,systemd-sysv,udev,kmod,busybox,zstd,initramfs-tools,dracut-core,linux-image-cloud-amd64 /dev/null \
    --customize-hook='chroot "$1" sh -euc "
        version=\$(ls /lib/modules)
        cp /boot/vmlinuz-\$version /boot/kernel
        cp /boot/initrd.img-\$version /boot/initrd-initramfs-tools
        dracut --quiet --force --no-hostonly --zstd --kver \$version \
            --modules \"systemd systemd-initrd dracut-systemd udev-rules base fs-lib rootfs-block kernel-modules shutdown\" \
            --drivers \"virtio_pci virtio_blk ext4\" /boot/initrd-dracut"' \
    --customize-hook="cp \"\$1\"/boot/kernel \"\$1\"/boot/initrd-initramfs-tools \"\$1\"/boot/initrd-dracut $work/made/"
keep
