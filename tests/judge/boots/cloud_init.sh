#!/bin/sh
# Makes a Debian system with cloud-init and containerd, as an image for clouds has it: a kernel, its initrd and a root file system, as a disk
# image and as an archive. It is what `seed_boots` boots beside a seed, and what nodes that join as virtual machines are made of: all that is
# not from their payload.
#
# usage: cloud_init.sh FOLDER
#
# Needs root, mmdebstrap and mke2fs. Some minutes once; the result is kept in the user's cache under a digest of this recipe.
set -eu

out=$1
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/judges/cloud-image-$(sha256sum <"$here/cloud_init.sh" | cut -c1-16)

if [ ! -e "$cache/disk" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$work/cfg" "$work/made"
    # Without locales cloud-init's own would fail; no other data source is looked for, which takes a minute each.
    printf 'locale: C.UTF-8\ndatasource_list: [NoCloud, None]\n' >"$work/cfg/90-judge.cfg"
    mmdebstrap --quiet --variant=minbase --mode=root \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include=systemd,systemd-sysv,udev,dbus,kmod,iproute2,netbase,procps,initramfs-tools,linux-image-cloud-amd64,cloud-init,containerd,containernetworking-plugins,iptables,ca-certificates \
        --customize-hook="cp $work/cfg/90-judge.cfg \"\$1\"/etc/cloud/cloud.cfg.d/" \
        --customize-hook='echo "/dev/vda / ext4 rw 0 1" >"$1"/etc/fstab' \
        --customize-hook="cp \"\$1\"/boot/vmlinuz-* $work/made/kernel" \
        --customize-hook="cp \"\$1\"/boot/initrd.img-* $work/made/initrd" \
        bookworm "$work/root"
    # A first boot, at which systemd applies presets: mmdebstrap leaves an empty file, which says that it is none.
    echo uninitialized >"$work/root/etc/machine-id"
    mke2fs -q -t ext4 -d "$work/root" "$work/made/disk" 2G
    tar -C "$work/root" --numeric-owner -cf "$work/made/root.tar" .
    mkdir -p "${cache%/*}"
    rm -rf "$cache.new.$$"
    cp -r --sparse=always "$work/made" "$cache.new.$$"
    rm -rf "$cache"
    mv "$cache.new.$$" "$cache"
fi
mkdir -p "$out"
for file in kernel initrd disk root.tar; do
    ln -sf "$cache/$file" "$out/$file"
done
