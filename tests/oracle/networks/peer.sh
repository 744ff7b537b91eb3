#!/bin/sh
# The other end of the two cables: peer.sh PATH-OF-NETWORKD. A client that calls itself by its MAC address has a lease of its own.
set -eu
mount -t tmpfs tmpfs /run
mount -t sysfs -o ro sysfs /sys
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network /run/systemd/netif
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
# peer NUMBER THE-CLIENT'S-LEASE PREFIX: one end.
peer() {
    net=$(($1 + 1))
    cat >"/run/systemd/network/peer$1.network" <<CONF
[Match]
Name=peer$1
[Network]
Address=10.$net.0.1/24
Address=fd00:$net::1/64
DHCPServer=yes
IPv6SendRA=yes
[DHCPServer]
PoolOffset=20
PoolSize=20
EmitDNS=no
EmitRouter=yes
[DHCPServerStaticLease]
MACAddress=52:54:00:00:00:0$net
Address=10.$net.0.$2
[IPv6SendRA]
EmitDNS=no
[IPv6Prefix]
Prefix=fd00:$3::/64
CONF
}
peer 0 77 aa
peer 1 78 bb
until [ -e /sys/class/net/peer1 ]; do sleep 0.1; done
exec env SYSTEMD_LOG_TARGET=console "$1" >/run/log 2>&1
