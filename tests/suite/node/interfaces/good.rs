//! Networks in which nothing is wrong.

/// Interfaces of one node each, of several kinds.
pub const GOOD: &[&str] = &[
    "addresses: [10.@.0.5], interfaces: {lan0: {mac: '52:54:00:#:00:01', addresses: [10.@.0.5/24], gateways: [10.@.0.1], dns: {servers: [10.@.0.2]}}}",
    // Two default routes that are not equal.
    "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1]}, b: {addresses: [10.@.1.5/24], gateways: [{via: 10.@.1.1, metric: 200}]}}",
    "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1], routes: [{to: 0.0.0.0/0, via: 10.@.0.2, metric: 9}]}}",
    "interfaces: {a: {addresses: [10.@.0.5/24, 'fd00:@::5/64'], gateways: [10.@.0.1, 'fe80::1']}}",
    // A router that is a neighbour all the same.
    "addresses: [10.@.0.5, 'fd00:@::2'], interfaces: {wan0: {addresses: [10.@.0.5/32, 'fd00:@::2/64'], gateways: [{via: 172.31.1.1, onLink: true}, 'fe80::1']}}",
    "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 172.31.1.1, onLink: true}]}}",
    // Networks of two addresses and of one have no broadcast address.
    "interfaces: {a: {addresses: [10.@.0.0/31], gateways: [10.@.0.1]}, b: {addresses: ['fd00:@::/127'], gateways: ['fd00:@::1']}}",
    // What comes by DHCP may be anywhere.
    "addresses: [10.@.0.5], interfaces: {a: {dhcp: ipv4, routes: [{to: 10.9.0.0/16, via: 10.@.0.3}]}}",
    "addresses: [10.@.0.5, 'fd00:@::5'], interfaces: {a: {dhcp: ipv4, acceptRA: true}}",
    "interfaces: {a: {dhcp: ipv4, addresses: ['fd00:@::5/64'], gateways: ['fd00:@::1']}}",
    "interfaces: {a: {dhcp: ipv4, addresses: [10.@.0.5/24], gateways: [{via: 10.@.0.1, metric: 50}]}}",
    // VLANs, in a bond, in one another, with an id on each of two parents.
    "interfaces: {e1: {mac: '52:54:00:#:00:01'}, e2: {}, b0: {bond: {members: [e1, e2], mode: 802.3ad, lacpRate: fast, hashPolicy: layer3+4}, mtu: 9000}, v5: {vlan: {id: 5, link: b0}, mtu: 9000, addresses: [10.@.0.5/24]}, v6: {vlan: {id: 6, link: b0}, dhcp: ipv4}}",
    "interfaces: {e1: {}, e2: {dhcp: ipv4}, s: {vlan: {id: 5, link: e1}}, c: {vlan: {id: 5, link: s}, dhcp: ipv4}, d: {vlan: {id: 5, link: e2}, dhcp: ipv4}}",
    "interfaces: {e1: {mtu: 9000}, v: {vlan: {id: 4094, link: e1}, mtu: 1500, dhcp: ipv4}, w: {vlan: {id: 1, link: e1}, dhcp: ipv4}}",
    // Modes with an active port.
    "interfaces: {e1: {}, e2: {}, b0: {bond: {members: [e1, e2], mode: balance-tlb, primary: e1, hashPolicy: layer2}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, e2: {}, b0: {bond: {members: [e1, e2], mode: balance-alb, primary: e2}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], primary: e1}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], mode: balance-xor, hashPolicy: encap3+4}, addresses: [10.@.0.5/24]}}, os: {network: netplan}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], mode: 802.3ad, hashPolicy: vlan+srcmac}, addresses: [10.@.0.5/24]}}, os: {network: networkManager}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], primary: e1}, addresses: [10.@.0.5/24]}}, os: {network: networkManager}",
    // MTUs up to the kernel's bounds.
    "interfaces: {a: {addresses: [10.@.0.5/24], mtu: 68}, b: {addresses: ['fd00:@::5/64'], mtu: 1280}, c: {dhcp: ipv4, mtu: 65535}}",
    // DHCPv6 without router advertisements, where the files can say so.
    "interfaces: {a: {dhcp: ipv6, acceptRA: false}}, os: {network: networkd}",
    "interfaces: {a: {dhcp: ipv6, acceptRA: false}}, os: {network: networkManager}",
    "interfaces: {a: {dhcp: both, acceptRA: true}}, os: {network: netplan}",
    // DNS servers of the family that the node speaks on another interface; domains for routing only.
    "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: ['fd00:@::53', 10.@.0.53], search: [example.com, ~corp.example, local]}}, b: {addresses: ['fd00:@::5/64']}}, os: {network: networkd}",
    "interfaces: {a: {addresses: [10.@.0.5/24]}, bond0.1_x-y+z: {dhcp: ipv4}}",
    // Link-local addresses beside others, the same on two links.
    "interfaces: {a: {addresses: [10.@.0.5/24, 'fe80::5/64']}, b: {addresses: ['fe80::5/64']}}",
    // The same network twice on one interface; a network of one address beside it.
    "interfaces: {a: {addresses: [10.@.0.5/24, 10.@.0.6/24]}, b: {addresses: [10.@.0.7/32]}}",
    // Routes to pods, as one without a pod network has them; two to one network that are not equal.
    "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.244.1.0/24, via: 10.@.0.6}, {to: 10.244.1.0/24, via: 10.@.0.7, metric: 5}, {to: 10.244.2.0/24, via: 10.@.0.7}]}}",
    "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.@.0.0/24, via: 10.@.0.6, metric: 5}, {to: 10.7.0.9/32, via: 10.@.0.6}]}}",
    // Bridges over ports, bonds and VLANs; under VLANs; for other machines alone.
    "interfaces: {e1: {mac: '52:54:00:#:00:01'}, e2: {}, br0: {bridge: {members: [e1, e2]}, dhcp: ipv4}}",
    "interfaces: {e1: {mac: '52:54:00:#:00:01', mtu: 9000}, br0: {bridge: {members: [e1], stp: true, forwardDelay: 2}, mtu: 9000, addresses: [10.@.0.5/24], gateways: [10.@.0.1]}}",
    "interfaces: {e1: {}, e2: {}, b0: {bond: {members: [e1, e2]}, mtu: 9000}, v5: {vlan: {id: 5, link: b0}}, br0: {bridge: {members: [v5], forwardDelay: 30, stp: true}, mtu: 9000, addresses: [10.@.0.5/24]}, br1: {bridge: {members: [b0]}, addresses: [10.@.1.5/24]}}",
    "interfaces: {e1: {mac: '52:54:00:#:00:01'}, b0: {bond: {members: [e1]}}, v5: {vlan: {id: 5, link: b0}}, br0: {bridge: {members: [v5]}, dhcp: both}}",
    "interfaces: {e1: {}, br0: {bridge: {members: [e1], stp: false}, addresses: [10.@.0.5/24]}, v5: {vlan: {id: 5, link: br0}, addresses: [10.@.1.5/24]}}",
    "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}, v5: {vlan: {id: 5, link: e1}, addresses: [10.@.1.5/24]}}",
    "interfaces: {e1: {addresses: [10.@.0.5/24]}, e2: {}, br0: {bridge: {members: [e2]}}}",
    // Bonds that ask machines by ARP.
    "interfaces: {e1: {}, b0: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.0.1, 10.@.0.2]}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], mode: balance-xor, miimon: 0, arpInterval: 1, arpIpTargets: [10.@.0.1], arpValidate: all}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], mode: balance-rr, arpInterval: 2147483647, arpIpTargets: [10.@.0.1], arpValidate: none}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], mode: broadcast, arpInterval: 500, arpIpTargets: [10.@.0.1]}}, br0: {bridge: {members: [b0]}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], arpInterval: 500, arpIpTargets: [10.@.0.1], arpValidate: active}}, v5: {vlan: {id: 5, link: b0}, addresses: [10.@.0.5/24]}}",
    "interfaces: {e1: {mac: '52:54:00:#:00:01'}, b0: {bond: {members: [e1], arpInterval: 500, arpIpTargets: [10.@.0.1], arpValidate: backup}, dhcp: ipv4}}",
    "interfaces: {e1: {}, b0: {bond: {members: [e1], arpValidate: none}, addresses: [10.@.0.5/24]}}",
    // Links that nobody waits for, and those that wake the machine.
    "interfaces: {a: {mac: '52:54:00:#:00:01', dhcp: ipv4, optional: true, wakeOnLan: true}, b: {addresses: [10.@.0.5/24], optional: false, wakeOnLan: false}}",
    "interfaces: {a: {dhcp: ipv4, wakeOnLan: true}}, os: {network: networkManager}",
    // Routing tables.
    "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1]}, b: {addresses: [10.@.1.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.1.1, table: 100}, {to: 10.9.0.0/16, via: 10.@.1.2, table: 100}], rules: [{from: 10.@.1.0/24, table: 100, priority: 100}, {to: 10.9.0.0/16, table: 100, priority: 101}]}}",
    "interfaces: {a: {addresses: [10.@.0.5/24, 'fd00:@::5/64'], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 4294967294}, {to: '::/0', via: 'fd00:@::1', table: 4294967294}], rules: [{from: 10.7.0.0/16, to: 10.8.0.0/16, table: 4294967294, priority: 1}, {from: 'fd07::/64', table: 4294967294, priority: 1}]}}",
    "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1], routes: [{to: 0.0.0.0/0, via: 10.@.0.2, table: 253}, {to: 10.9.0.0/16, via: 10.@.0.3, table: 254}], rules: [{from: 10.7.0.0/16, table: 254, priority: 40000}]}}",
    "interfaces: {a: {dhcp: ipv4, routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 10.@.0.0/24, table: 9, priority: 9}]}}",
    // What the image's cloud-init can write, or may be able to.
    "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1]}}, os: {network: none, cloudInit: {version: '24.2', renderer: networkd}}",
    "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1]}}, os: {network: none, cloudInit: {version: '22.4.2-1+deb12u4', renderer: sysconfig}}",
    "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24], optional: true}}, os: {network: none, cloudInit: {version: '20.4', renderer: netplan}}",
    "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}, os: {network: none, cloudInit: {version: '25.1'}}",
    "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}, os: {cloudInit: {version: '20.4', renderer: networkd}}, output: {formats: [tarball]}",
    "interfaces: {a: {dhcp: ipv4}}, os: {network: none, cloudInit: {}}",
];
