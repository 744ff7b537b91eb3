#!/bin/sh
# The first process of a machine that configures its network: udev names the ports, systemd-networkd does the rest, both by files of ours.
# Prints what the kernel has then, one JSON text a line, and switches the machine off.
PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs run /run
echo 1 >/proc/sys/kernel/printk
echo "NODE cmdline $(cat /proc/cmdline)"
while read -r module options; do
    # shellcheck disable=SC2086 # a list of words
    insmod "/modules/$module.ko" $options || echo "NODE trouble: $module"
done </modules/list
# The shell has an ip of its own.
/bin/ip link set lo up
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R 998 /run/systemd/netif
/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add --subsystem-match=net
udevadm settle
SYSTEMD_LOG_TARGET=console /lib/systemd/systemd-networkd >/run/log 2>&1 &
last='' same=0 round=0
# It has to stay as it is for three seconds.
while [ $same -lt 6 ] && [ $round -lt 240 ]; do
    sleep 0.5
    round=$((round + 1))
    now=$(/bin/ip -d addr && /bin/ip route show table all && /bin/ip -6 route show table all && cat /run/systemd/netif/links/*)
    now=$(echo "$now" | grep -v timer)
    case $now in
    *ADMIN_STATE=configuring* | *ADMIN_STATE=pending* | *tentative*) same=0 ;;
    "$last") same=$((same + 1)) ;;
    *) same=0 ;;
    esac
    last=$now
done
[ $round -lt 240 ] || { echo "NODE trouble: not configured in time" && cat /run/log; }
echo "NODE links $(/bin/ip -j -d addr show)"
echo "NODE routes $(/bin/ip -j -4 route show table all)"
echo "NODE routes $(/bin/ip -j -6 route show table all)"
echo "NODE rules $(/bin/ip -j -4 rule show)"
echo "NODE rules $(/bin/ip -j -6 rule show)"
grep -iE 'ignoring|failed|could not|unknown' /run/log | grep -v 'runtime directory' | sed 's/^/NODE trouble: /'
echo "NODE end"
poweroff -f
