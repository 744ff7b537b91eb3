#!/bin/sh
# Makes a Debian system whose initrd applies a configuration at the first boot: dracut makes the initrd, with the modules of Debian's own packages
# for Ignition and for live systems in it as they are packaged, and containerd is in the system. It is what `boot::ignition`, `boot::coreos_live`
# and the virtual machine that joins from Ignition boot: from its disk, or squashed and carried in the initrd.
#
# usage: ignition.sh FOLDER [kept], as keep.sh says
set -eu

here=$(cd "$(dirname "$0")" && pwd)
image=ignition-image files='kernel initrd disk live.img' parts=$(cd "$here" && find live -type f | LC_ALL=C sort)
. "$here/keep.sh"

# Debian's engine labels what it writes, whether the system has SELinux or not: it finds a policy that labels nothing.
printf 'SELINUX=disabled\nSELINUXTYPE=none\n' >"$work/selinux"
printf '/.* <<none>>\n' >"$work/contexts"
# The module asks for dracut's network and url-lib, and for nothing that reads QEMU's configuration device: its driver is added, and what no
# machine here has is left out. Into the initrd goes what distributions add to the module, from `live`.
debian systemd,systemd-sysv,udev,dbus,kmod,iproute2,procps,zstd,curl,dmsetup,dracut,dracut-network,dracut-live,linux-image-cloud-amd64,ignition,policycoreutils,containerd,containernetworking-plugins,iptables,ca-certificates \
    "$work/root" \
    --customize-hook="cp -r $here/live \"\$1\"/boot/live" \
    --customize-hook='chroot "$1" sh -euc "
        version=\$(ls /lib/modules)
        rm -f /boot/initrd.img-*
        chown -R 0:0 /boot/live; chmod -R u=rwX,go=rX /boot/live
        dracut --quiet --force --no-hostonly --zstd --kver \$version --add \"ignition dmsquash-live\" \
            --omit \"crypt ifcfg kernel-modules-extra lunmask nvdimm resume virtiofs\" --filesystems \"ext4 overlay squashfs\" \
            --drivers \"ext4 loop overlay qemu_fw_cfg squashfs virtio_blk virtio_net virtio_pci\" --include /boot/live / /boot/initrd-ignition
        rm -r /boot/live"' \
    --customize-hook="install -D -m 644 $work/selinux \"\$1\"/etc/selinux/config" \
    --customize-hook="install -D -m 644 $work/contexts \"\$1\"/etc/selinux/none/contexts/files/file_contexts" \
    --customize-hook='echo "/dev/vda / ext4 rw 0 1" >"$1"/etc/fstab' \
    --customize-hook="cp \"\$1\"/boot/vmlinuz-* $work/made/kernel" \
    --customize-hook="mv \"\$1\"/boot/initrd-ignition $work/made/initrd"
disk
# A live system has no disk to name, and is held in memory.
mksquashfs "$work/root" "$work/made/live.img" -quiet -no-progress -no-xattrs -comp zstd -Xcompression-level 3 \
    -e boot etc/fstab var/cache var/lib/apt usr/lib/udev/hwdb.bin
keep
