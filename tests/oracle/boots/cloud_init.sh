#!/bin/sh
# Makes a Debian system with cloud-init and containerd, as an image for clouds has it: a kernel, its initrd and a root file system, as a disk
# image and as an archive. It is what `boot::seed` boots beside a seed, and what nodes that join as virtual machines are made of: all that is
# not from their payload.
#
# usage: cloud_init.sh FOLDER [kept], as keep.sh says
set -eu

image=cloud-image files='kernel initrd disk root.tar'
here=$(cd "$(dirname "$0")" && pwd)
. "$here/keep.sh"

# Without locales cloud-init's own would fail; no other data source is looked for, which takes a minute each.
printf 'locale: C.UTF-8\ndatasource_list: [NoCloud, None]\n' >"$work/90-oracle.cfg"
debian systemd,systemd-sysv,udev,dbus,kmod,iproute2,netbase,procps,initramfs-tools,linux-image-cloud-amd64,cloud-init,containerd,containernetworking-plugins,iptables,ca-certificates \
    "$work/root" \
    --customize-hook="cp $work/90-oracle.cfg \"\$1\"/etc/cloud/cloud.cfg.d/" \
    --customize-hook='echo "/dev/vda / ext4 rw 0 1" >"$1"/etc/fstab' \
    --customize-hook="cp \"\$1\"/boot/vmlinuz-* $work/made/kernel" \
    --customize-hook="cp \"\$1\"/boot/initrd.img-* $work/made/initrd"
disk
tar -C "$work/root" --numeric-owner -cf "$work/made/root.tar" .
keep
