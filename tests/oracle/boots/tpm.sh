#!/bin/sh
# Makes a Debian 13 system with cloud-init and the libraries of TPMs, whose systemd opens sealed credentials: a kernel, its initrd and a root file
# system as a disk image. It is what `boot::sealed` boots beside a seed and a TPM.
#
# usage: tpm.sh FOLDER [kept], as keep.sh says
set -eu

image=tpm-image files='kernel initrd disk'
here=$(cd "$(dirname "$0")" && pwd)
. "$here/keep.sh"

# The driver of the disk is loaded by name: on a busy host udev in the initrd finds it too late, or not at all.
#
# As in cloud_init.sh. Debian's systemd only suggests the libraries, and finds them when it needs them.
printf 'locale: C.UTF-8\ndatasource_list: [NoCloud, None]\n' >"$work/90-oracle.cfg"
mmdebstrap --quiet --variant=minbase --mode=root \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include=systemd,systemd-sysv,udev,dbus,kmod,iproute2,netbase,procps,initramfs-tools,linux-image-cloud-amd64,cloud-init,ca-certificates,libtss2-esys-3.0.2-0t64,libtss2-mu-4.0.1-0t64,libtss2-rc0t64,libtss2-tcti-device0t64 \
    --customize-hook="cp $work/90-oracle.cfg \"\$1\"/etc/cloud/cloud.cfg.d/" \
    --customize-hook='echo "/dev/vda / ext4 rw 0 1" >"$1"/etc/fstab' \
    --customize-hook='chroot "$1" sh -euc "printf \"virtio_pci\\nvirtio_blk\\next4\\n\" >>/etc/initramfs-tools/modules; update-initramfs -u"' \
    --customize-hook="cp \"\$1\"/boot/vmlinuz-* $work/made/kernel" \
    --customize-hook="cp \"\$1\"/boot/initrd.img-* $work/made/initrd" \
    trixie "$work/root"
disk
keep
