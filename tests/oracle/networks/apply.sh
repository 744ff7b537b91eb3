#!/bin/sh
# Has a network manager configure two interfaces from files of ours and prints what the kernel has then, as JSON:
#
#   unshare -n -m -p -f --mount-proc sh apply.sh networkd|NetworkManager FOLDER
#
# FOLDER has the files: networkd's, or key files. The interfaces lan0 and lan1 are one end of a cable each. At the other end, in a namespace of its
# own, systemd-networkd sends router advertisements and leases addresses. Nothing outside the namespaces changes: /run,
# /var/lib and /sys are other ones here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
manager=$1
files=$2
networkd=/lib/systemd/systemd-networkd

mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
# Network managers take a /sys that cannot be written as a machine without udev, and do not wait for it.
mount -t sysfs -o ro sysfs /sys
echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits
ip link set lo up
unshare -n -m sh "$here/peer.sh" "$networkd" &
peer=$!
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
for number in 0 1; do
    ip link add lan$number type veth peer name peer$number
    ip link set lan$number address 52:54:00:00:00:0$((number + 1))
    ip link set peer$number netns $peer
done

case $manager in
networkd)
    for folder in /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp; do mkdir -p $folder; done
    chown -R systemd-network /run/systemd/netif
    # A cable of the kernel's has no burnt-in address.
    for file in "$files"/*; do sed 's/^PermanentMACAddress=/MACAddress=/' "$file" >"/run/systemd/network/${file##*/}"; done
    SYSTEMD_LOG_TARGET=console $networkd >/run/log 2>&1 &
    ;;
NetworkManager)
    mkdir -p /run/dbus /run/connections /var/lib/NetworkManager
    cp "$files"/*.nmconnection /run/connections/
    chown root:root /run/connections/*
    chmod 600 /run/connections/*
    cat >/run/nm.conf <<CONF
[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
no-auto-default=*
dhcp=internal
[keyfile]
path=/run/connections
[device-cables]
match-device=type:veth
managed=1
CONF
    cat >/run/bus.conf <<CONF
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
CONF
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
    export DBUS_SYSTEM_BUS_ADDRESS
    dbus-daemon --config-file=/run/bus.conf --fork
    network-manager --no-daemon --config=/run/nm.conf --config-dir=/run/none --log-level=WARN >/run/log 2>&1 &
    ;;
esac
# The namespace of processes ends with this script, and all that it started.
/usr/bin/python3 "$here/state.py" "$manager" || { cat /run/log >&2; exit 1; }
