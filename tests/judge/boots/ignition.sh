#!/bin/sh
# Makes a Debian system whose initrd applies a configuration at the first boot: dracut makes the initrd, with the module of Debian's own package
# of Ignition in it as it is packaged, and containerd is in the system. It is what `ignition_boots`, and the virtual machine that joins from
# Ignition, boot with a config.ign.
#
# usage: ignition.sh FOLDER
#
# Needs root, mmdebstrap and mke2fs. Some minutes once; the result is kept in the user's cache under a digest of this recipe.
set -eu

out=$1
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/judges/ignition-image-$(sha256sum <"$here/ignition.sh" | cut -c1-16)

if [ ! -e "$cache/disk" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$work/made"
    # Debian's engine labels what it writes, whether the system has SELinux or not: it finds a policy that labels nothing.
    printf 'SELINUX=disabled\nSELINUXTYPE=none\n' >"$work/selinux"
    printf '/.* <<none>>\n' >"$work/contexts"
    # The module asks for dracut's network and url-lib, and for nothing that reads QEMU's configuration device: its driver is added.
    mmdebstrap --quiet --variant=minbase --mode=root \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include=systemd,systemd-sysv,udev,dbus,kmod,iproute2,procps,zstd,curl,dracut,dracut-network,linux-image-cloud-amd64,ignition,policycoreutils,containerd,containernetworking-plugins,iptables,ca-certificates \
        --customize-hook='chroot "$1" sh -euc "
            version=\$(ls /lib/modules)
            rm -f /boot/initrd.img-*
            dracut --quiet --force --no-hostonly --zstd --kver \$version --add ignition \
                --add-drivers \"virtio_pci virtio_blk ext4 qemu_fw_cfg\" /boot/initrd-ignition"' \
        --customize-hook="install -D -m 644 $work/selinux \"\$1\"/etc/selinux/config" \
        --customize-hook="install -D -m 644 $work/contexts \"\$1\"/etc/selinux/none/contexts/files/file_contexts" \
        --customize-hook='echo "/dev/vda / ext4 rw 0 1" >"$1"/etc/fstab' \
        --customize-hook="cp \"\$1\"/boot/vmlinuz-* $work/made/kernel" \
        --customize-hook="mv \"\$1\"/boot/initrd-ignition $work/made/initrd" \
        bookworm "$work/root"
    # A first boot, at which systemd applies presets: mmdebstrap leaves an empty file, which says that it is none.
    echo uninitialized >"$work/root/etc/machine-id"
    mke2fs -q -t ext4 -d "$work/root" "$work/made/disk" 2G
    mkdir -p "${cache%/*}"
    rm -rf "$cache.new.$$"
    cp -r --sparse=always "$work/made" "$cache.new.$$"
    rm -rf "$cache"
    mv "$cache.new.$$" "$cache"
fi
mkdir -p "$out"
for file in kernel initrd disk; do
    ln -sf "$cache/$file" "$out/$file"
done
