#!/bin/sh
# systemd-timesyncd reads a drop-in and says which servers it took: read.sh PROGRAM DROPIN. The caller gives it namespaces of its own for mounts
# and the network, so that it asks nobody.
set -eu
mount -t tmpfs none /run
mount -t tmpfs none /etc/systemd
mkdir -p /etc/systemd/timesyncd.conf.d /run/systemd/timesync /run/systemd/netif/links
cp "$2" /etc/systemd/timesyncd.conf.d/
# Its own user, whom a machine without it lacks.
for file in passwd group; do grep -v '^systemd-timesync:' /etc/$file >/run/$file || true; done
echo 'systemd-timesync:x:997:997::/:/usr/sbin/nologin' >>/run/passwd
echo 'systemd-timesync:x:997:' >>/run/group
for file in passwd group; do mount --bind /run/$file /etc/$file; done
SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console timeout 2 "$1" 2>&1 | grep -E 'server |Unknown|ignoring' || true
