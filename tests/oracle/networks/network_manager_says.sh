#!/bin/sh
# Prints what NetworkManager says of the connections of a folder as it loads them:
#
#   unshare -n -m -p -f --mount-proc sh network_manager_says.sh FOLDER
#
# Nothing outside the namespaces changes: /run, /var/lib and /sys are other ones here.
set -eu
files=$1

mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t sysfs -o ro sysfs /sys
mkdir -p /run/dbus /run/connections /var/lib/NetworkManager
cp "$files"/* /run/connections/
chown root:root /run/connections/*
cat >/run/nm.conf <<CONF
[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
no-auto-default=*
[keyfile]
path=/run/connections
unmanaged-devices=*
CONF
cat >/run/bus.conf <<CONF
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
CONF
DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
export DBUS_SYSTEM_BUS_ADDRESS
dbus-daemon --config-file=/run/bus.conf --fork
network-manager --debug --config=/run/nm.conf --config-dir=/run/none --log-level=DEBUG --log-domains=SETTINGS,CORE >/run/log 2>&1 &
tries=0
# It has loaded all connections when it goes on to the devices.
until grep -q 'startup complete\|manager: starting up\|hostname: ' /run/log || [ $tries = 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
sleep 1
cat /run/log
