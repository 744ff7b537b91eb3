#!/bin/sh
# Prints what systemd-networkd, or udev of links, says of the files of a folder as it reads them:
#
#   unshare -n -m -p -f --mount-proc sh networkd_says.sh networkd|udev|timesyncd|logind FOLDER
#
# Settings of these programs are drop-ins: files that end in .networkd.conf and so on.
#
# Nothing outside the namespaces changes: /run and /sys are other ones here.
set -eu
program=$1
files=$2

mount -t tmpfs tmpfs /run
mount -t sysfs -o ro sysfs /sys
for folder in network netif/links netif/leases netif/lldp; do mkdir -p "/run/systemd/$folder"; done
chown -R systemd-network /run/systemd/netif
cp -R "$files"/. /run/systemd/network
for daemon in networkd timesyncd logind; do
    mkdir -p "/run/systemd/$daemon.conf.d"
    for file in "$files"/*."$daemon".conf; do
        [ ! -e "$file" ] || cp "$file" "/run/systemd/$daemon.conf.d"
    done
done
export SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_COLOR=0
if [ "$program" = udev ]; then
    # It reads all links before it looks at the device, which it does not find here.
    SYSTEMD_LOG_LEVEL=debug udevadm test-builtin net_setup_link /sys/class/net/lo 2>&1 || true
    exit 0
fi
if [ "$program" != networkd ]; then
    # They read their settings before they look for a bus, which is not here.
    SYSTEMD_LOG_LEVEL=info timeout 5 "/lib/systemd/systemd-$program" 2>&1 || true
    echo "Settings were read"
    exit 0
fi
SYSTEMD_LOG_LEVEL=info /lib/systemd/systemd-networkd >/run/log 2>&1 &
tries=0
until grep -q 'Enumeration completed' /run/log || [ $tries = 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
# The namespace of processes ends with this script, and networkd with it.
cat /run/log
