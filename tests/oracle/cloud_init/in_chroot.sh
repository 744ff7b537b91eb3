#!/bin/sh
# Applies user-data to a scratch root as cloud-init would: in_chroot.sh ROOT USER_DATA APPLY_PY MODULES
# MODULES is a folder with cloud-init's Python modules, or empty where they are installed.
# Runs as root in a mount namespace of its own (`unshare -m`): of the host only /usr (read-only), /proc and /dev/null
# are there, and $CD, a folder that stands for whatever is mounted (not every kernel here has iso9660). $DISKS names the folders on which cloud-init mounts disks of its own making.
set -eu
root=$1
mkdir -p "$root/usr" "$root/proc" "$root/dev" "$root/etc" "$root/tmp" "$root/var" "$root/.oracle"
for link in bin sbin lib lib64; do ln -sfn "usr/$link" "$root/$link"; done
cp /etc/passwd /etc/group "$root/etc/"
cp "$2" "$root/.oracle/user-data"
cp "$3" "$root/.oracle/apply.py"
if [ -n "$4" ]; then
    cp -r "$4" "$root/.oracle/modules"
    mkdir -p "$root/.oracle/bin"
    cp "$4/../../../bin/cloud-init-per" "$root/.oracle/bin/"
fi
# What cloud-init itself keeps of user-data.
mkdir -p "$root/var/lib/cloud/instances/i" "$root/run/cloud-init"
for copy in user-data.txt user-data.txt.i cloud-config.txt obj.pkl; do
    cp "$2" "$root/var/lib/cloud/instances/i/$copy"
done
ln -sfn instances/i "$root/var/lib/cloud/instance"
mount --make-rprivate /
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount --bind /proc "$root/proc"
: >"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
# systemctl then only changes files: it would else look for a running system.
if [ -n "${CD-}" ]; then
    mkdir -p "$root/.oracle/bin"
    cp -r "$CD" "$root/.oracle/cd"
    printf '#!/bin/sh\nfor at in "$@"; do :; done\ncp /.oracle/cd/* "$at"; echo "$*" >>/.oracle/mounted\n' >"$root/.oracle/bin/mount"
    printf '#!/bin/sh\nrm -f "$1"/*\n' >"$root/.oracle/bin/umount"
    chmod 755 "$root/.oracle/bin/mount" "$root/.oracle/bin/umount"
fi
export SYSTEMD_OFFLINE=1 PATH=/.oracle/bin:/usr/sbin:/usr/bin PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/.oracle/modules LC_ALL=C.UTF-8
umask 022
chroot "$root" /usr/bin/python3 /.oracle/apply.py /.oracle/user-data bootcmd >"$root/.oracle/bootcmd"
chroot "$root" /bin/sh -eu /.oracle/bootcmd
chroot "$root" /usr/bin/python3 /.oracle/apply.py /.oracle/user-data write_files >"$root/.oracle/runcmd"
# The disks that cloud-init makes after that, beside what already lies there.
for disk in ${DISKS-}; do
    mkdir -p "$root$disk"
    mount -t tmpfs -o mode=0755 disk "$root$disk"
done
# Twice: the commands must be safe to run again. -e: each of them must work.
chroot "$root" /bin/sh -eu /.oracle/runcmd
chroot "$root" /bin/sh -eu /.oracle/runcmd
# At the next boot of the same instance.
chroot "$root" /bin/sh -eu /.oracle/bootcmd
# The disks go with the namespace: what is on them stays beside the root.
for disk in ${DISKS-}; do
    mkdir -p "$root/.oracle/disks$disk"
    cp -a "$root$disk/." "$root/.oracle/disks$disk/"
done
