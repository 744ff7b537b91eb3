#!/bin/sh
# Makes the initrds that Debian's own tools make for the kernel for clouds: one by initramfs-tools, one by dracut with systemd in it. They are
# what `boots` appends overlays to.
#
# usage: initrds.sh FOLDER
#
# Needs root and mmdebstrap. A minute or two once; the result is kept in the user's cache under a digest of this recipe.
set -eu

out=$1
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/judges/initrds-$(sha256sum <"$here/initrds.sh" | cut -c1-16)

if [ ! -e "$cache/initrd-dracut" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    mmdebstrap --quiet --variant=minbase --mode=root \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include=systemd,systemd-sysv,udev,kmod,busybox,zstd,initramfs-tools,dracut-core,linux-image-cloud-amd64 \
        --customize-hook='chroot "$1" sh -euc "
            version=\$(ls /lib/modules)
            cp /boot/vmlinuz-\$version /boot/kernel
            cp /boot/initrd.img-\$version /boot/initrd-initramfs-tools
            dracut --quiet --force --no-hostonly --zstd --kver \$version \
                --modules \"systemd systemd-initrd dracut-systemd udev-rules base fs-lib rootfs-block kernel-modules shutdown\" \
                --drivers \"virtio_pci virtio_blk ext4\" /boot/initrd-dracut"' \
        --customize-hook="mkdir $work/made" \
        --customize-hook="cp \"\$1\"/boot/kernel \"\$1\"/boot/initrd-initramfs-tools \"\$1\"/boot/initrd-dracut $work/made/" \
        bookworm /dev/null
    mkdir -p "${cache%/*}"
    rm -rf "$cache.new.$$"
    cp -r "$work/made" "$cache.new.$$"
    rm -rf "$cache"
    mv "$cache.new.$$" "$cache"
fi
mkdir -p "$out"
cp "$cache/kernel" "$cache/initrd-initramfs-tools" "$cache/initrd-dracut" "$out/"
