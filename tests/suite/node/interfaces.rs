//! Interfaces that contradict one another, the node or the kernel, each beside right ones that look alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value as Json;

use crate::support::fixture::{Project, text};

/// A network of several kinds of interfaces in which nothing is wrong.
const GOOD: &[&str] = &[
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
];

/// What is wrong, and its findings.
const BAD: &[(&str, &str)] = &[
    // The node's address.
    (
        "addresses: [10.@.0.6], interfaces: {lan0: {addresses: [10.@.0.5/24]}}",
        "node-address-on-no-interface",
    ),
    (
        "addresses: [10.@.0.5, 'fd00:@::5'], interfaces: {lan0: {addresses: [10.@.0.5/24]}}",
        "node-address-on-no-interface",
    ),
    (
        "addresses: [10.@.0.5, 'fd00:@::5'], interfaces: {lan0: {dhcp: ipv4}}",
        "node-address-on-no-interface",
    ),
    // Addresses.
    (
        "interfaces: {a: {addresses: [10.@.0.5/24]}, b: {addresses: [10.@.0.5/24]}}",
        "interface-address-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24]}, b: {addresses: [10.@.0.5/32]}}",
        "interface-address-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24, 10.@.0.5/16]}}",
        "interface-address-repeated",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64', 'fd00:@:0:0::5/64']}}",
        "interface-address-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24]}, b: {addresses: [10.@.0.6/24]}}",
        "interface-network-shared",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24]}, b: {addresses: [10.@.3.6/16]}}",
        "interface-network-shared",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64']}, b: {addresses: ['fd00:@::6/64']}}",
        "interface-network-shared",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.0/24]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.255/24]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: [127.0.0.1/8]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: [0.0.0.0/24]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: [224.0.0.5/24]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: [255.255.255.255/32]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/0]}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['::1/128']}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['ff02::5/64']}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['::/128']}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['::ffff:10.0.0.5/120']}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['fe80::5/64']}}",
        "interface-address-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::/64']}}",
        "interface-address-anycast",
    ),
    ("interfaces: {a: {addresses: [10.@.0.5]}}", "cidr-invalid"),
    (
        "interfaces: {a: {addresses: [10.@.0.5/33]}}",
        "cidr-invalid",
    ),
    // Gateways.
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.1.1]}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/32], gateways: [172.31.1.1]}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [{via: 10.@.1.1, onLink: false}]}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], gateways: ['fd00:@:1::1']}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.1.1]}, b: {addresses: [10.@.1.5/24]}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.5]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.0]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.255]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [0.0.0.0]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [127.0.0.1]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], gateways: ['ff02::2']}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], gateways: ['fd00:@::5']}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.1.6]}, b: {addresses: [10.@.1.6/24]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: ['fe80::1']}}",
        "gateway-without-address",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], gateways: [10.@.0.1]}}",
        "gateway-without-address",
    ),
    (
        "interfaces: {a: {dhcp: ipv6, gateways: [10.@.0.1]}}",
        "gateway-without-address",
    ),
    (
        "interfaces: {a: {gateways: [10.@.0.1]}, v: {vlan: {id: 5, link: a}, addresses: [10.@.0.5/24]}}",
        "gateway-without-address",
    ),
    (
        "interfaces: {a: {dhcp: ipv4, gateways: [10.@.0.1]}}",
        "default-route-dynamic",
    ),
    (
        "interfaces: {a: {dhcp: ipv4, addresses: [10.@.0.5/24], gateways: [10.@.0.1]}}",
        "default-route-dynamic",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], gateways: ['fe80::1']}, b: {acceptRA: true}}",
        "default-route-dynamic",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1, 10.@.0.2]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1, 10.@.0.1]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1]}, b: {addresses: [10.@.1.5/24], gateways: [10.@.1.1]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [10.@.0.1], routes: [{to: 0.0.0.0/0, via: 10.@.0.2}]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [{via: 10.@.0.1, metric: 9}, {via: 10.@.0.2, metric: 9}]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], gateways: ['fe80::1', {via: 'fe80::2', metric: 1024}]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [{via: 10.@.0.1, metric: 4294967295}]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], gateways: [{onLink: true}]}}",
        "field-missing",
    ),
    // Routes.
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 172.16.0.1}]}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.255}]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.5}]}}",
        "gateway-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 'fd09::/48', via: 'fd00:@::1'}]}}",
        "gateway-without-address",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 'fd00:@::1'}]}}",
        "route-families-mixed",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 'fd09::/48', via: 10.@.0.1}]}}",
        "route-families-mixed",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.1.0/16, via: 10.@.0.1}]}}",
        "cidr-invalid",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1}, {to: 10.9.0.0/16, via: 10.@.0.2}]}}",
        "route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1}]}, b: {addresses: [10.@.1.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.1.1}]}}",
        "route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.@.0.0/24, via: 10.@.0.1}]}}",
        "route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.96.9.0/24, via: 10.@.0.1}]}}",
        "interface-in-services",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1, metric: 4294967295}]}}",
        "value-out-of-range",
    ),
    // The cluster's own networks.
    (
        "interfaces: {a: {addresses: [10.96.@.5/24], gateways: [10.96.@.1]}}",
        "interface-in-services",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [10.96.0.10]}}}",
        "interface-in-services",
    ),
    (
        "interfaces: {a: {addresses: [10.241.0.5/12]}}",
        "interface-network-hidden",
    ),
    // MAC addresses.
    (
        "interfaces: {a: {mac: '01:54:00:aa:#:01', dhcp: ipv4}}",
        "mac-unusable",
    ),
    (
        "interfaces: {a: {mac: '00:00:00:00:00:00', dhcp: ipv4}}",
        "mac-unusable",
    ),
    (
        "interfaces: {a: {mac: 'ff:ff:ff:ff:ff:ff', dhcp: ipv4}}",
        "mac-unusable",
    ),
    ("macs: ['33:33:00:aa:#:01']", "mac-unusable"),
    (
        "interfaces: {a: {mac: '52:54:00:aa:#:01', dhcp: ipv4}, b: {mac: '52-54-00-AA-#-01'}, v: {vlan: {id: 5, link: b}, dhcp: ipv4}}",
        "mac-repeated",
    ),
    (
        "interfaces: {a: {mac: '52:54:00:aa:#', dhcp: ipv4}}",
        "mac-invalid",
    ),
    // VLANs.
    (
        "interfaces: {a: {}, v: {vlan: {id: 5, link: a}, dhcp: ipv4}, w: {vlan: {id: 5, link: a}, dhcp: ipv4}}",
        "vlan-repeated",
    ),
    (
        "interfaces: {a: {mtu: 1500}, v: {vlan: {id: 5, link: a}, dhcp: ipv4, mtu: 9000}}",
        "vlan-mtu-above-parent",
    ),
    (
        "interfaces: {a: {}, v: {vlan: {id: 5, link: a}, dhcp: ipv4, mtu: 1501}}",
        "vlan-mtu-above-parent",
    ),
    (
        "interfaces: {a: {mtu: 9000}, v: {vlan: {id: 5, link: a}, mtu: 4000, dhcp: ipv4}, w: {vlan: {id: 6, link: v}, dhcp: ipv4, mtu: 4001}}",
        "vlan-mtu-above-parent",
    ),
    (
        "interfaces: {a: {}, v: {vlan: {id: 0, link: a}, dhcp: ipv4}}",
        "interface-invalid",
    ),
    (
        "interfaces: {a: {}, v: {vlan: {id: 4095, link: a}, dhcp: ipv4}}",
        "interface-invalid",
    ),
    (
        "interfaces: {v: {vlan: {id: 5, link: v}, dhcp: ipv4}}",
        "interface-invalid",
    ),
    (
        "interfaces: {v: {vlan: {id: 5, link: w}, dhcp: ipv4}, w: {vlan: {id: 6, link: v}, dhcp: ipv4}}",
        "interface-invalid",
    ),
    (
        "interfaces: {v: {vlan: {id: 5, link: lan9}, dhcp: ipv4}}",
        "interface-unknown",
    ),
    (
        "interfaces: {a: {}, b: {bond: {members: [a]}, addresses: [10.@.0.5/24]}, v: {vlan: {id: 5, link: a}, dhcp: ipv4}}",
        "interface-invalid",
    ),
    // MTUs.
    ("interfaces: {a: {dhcp: ipv4, mtu: 67}}", "mtu-invalid"),
    ("interfaces: {a: {dhcp: ipv4, mtu: 0}}", "mtu-invalid"),
    ("interfaces: {a: {dhcp: ipv4, mtu: 65536}}", "mtu-invalid"),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], mtu: 1279}}",
        "mtu-invalid",
    ),
    ("interfaces: {a: {dhcp: both, mtu: 1200}}", "mtu-invalid"),
    // Bonds.
    (
        "interfaces: {e1: {mtu: 1500}, b: {bond: {members: [e1]}, mtu: 9000, addresses: [10.@.0.5/24]}}",
        "bond-port-mtu",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: active-backup, hashPolicy: layer2}, addresses: [10.@.0.5/24]}}",
        "bond-option-unused",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], miimon: 0}, addresses: [10.@.0.5/24]}}",
        "bond-unwatched",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], miimon: 2147483648}, addresses: [10.@.0.5/24]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: 802.3ad, primary: e1}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: active-backup, lacpRate: fast}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, e2: {dhcp: ipv4}, b: {bond: {members: [e1], primary: e2}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1, e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {b: {bond: {members: []}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1]}, addresses: [10.@.0.5/24]}, c: {bond: {members: [e1]}, addresses: [10.@.1.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {addresses: [10.@.1.5/24]}, b: {bond: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {acceptRA: true}, b: {bond: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {dns: {servers: [10.@.0.2]}}, b: {bond: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {gateways: [10.@.0.1]}, b: {bond: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "gateway-without-address",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [b]}, addresses: [10.@.0.5/24]}, v: {vlan: {id: 5, link: e1}, dhcp: ipv4}}",
        "interface-unknown",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1]}, dhcp: ipv4}}",
        "bond-mac-open",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: 802.3ad, hashPolicy: vlan+srcmac}, addresses: [10.@.0.5/24]}}, os: {network: networkd}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: 802.3ad, hashPolicy: vlan+srcmac}, addresses: [10.@.0.5/24]}}, os: {network: netplan}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {e1: {mac: '52:54:00:aa:#:01'}, b: {bond: {members: [e1], primary: e1}, addresses: [10.@.0.5/24]}}, os: {network: networkManager}",
        "bond-primary-by-mac",
    ),
    // Names.
    ("interfaces: {lo: {dhcp: ipv4}}", "interface-name-reserved"),
    ("interfaces: {all: {dhcp: ipv4}}", "interface-name-reserved"),
    (
        "interfaces: {default: {dhcp: ipv4}}",
        "interface-name-reserved",
    ),
    (
        "interfaces: {'..': {dhcp: ipv4}}",
        "interface-name-reserved",
    ),
    (
        "interfaces: {'100': {dhcp: ipv4}}",
        "interface-name-reserved",
    ),
    (
        "interfaces: {bonding_masters: {dhcp: ipv4}}",
        "interface-name-reserved",
    ),
    ("interfaces: {cali0: {dhcp: ipv4}}", "interface-name-taken"),
    (
        "interfaces: {docker0: {dhcp: ipv4}}",
        "interface-name-taken",
    ),
    ("interfaces: {veth1: {dhcp: ipv4}}", "interface-name-taken"),
    ("interfaces: {wlan0: {dhcp: ipv4}}", "interface-wireless"),
    (
        "interfaces: {abcdefghijklmnop: {dhcp: ipv4}}",
        "name-invalid",
    ),
    ("interfaces: {'lan/0': {dhcp: ipv4}}", "name-invalid"),
    ("interfaces: {'!eth0': {dhcp: ipv4}}", "name-invalid"),
    ("interfaces: {'en*': {dhcp: ipv4}}", "name-invalid"),
    // DNS.
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: ['fd00:@::53']}}}, os: {network: networkd}",
        "dns-family-unspoken",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: ['fd00:@::53']}}, b: {addresses: ['fd00:@::5/64']}}, os: {network: networkManager}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {a: {addresses: ['fd00:@::5/64'], dns: {servers: [10.0.0.53]}}, b: {addresses: [10.@.0.5/24]}}, os: {network: networkManager}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [127.0.0.53]}}}",
        "dns-server-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [0.0.0.0]}}}",
        "dns-server-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [10.@.0.255]}}}",
        "dns-server-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [224.0.0.251]}}}",
        "dns-server-unusable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [127.0.0.1]}}}",
        "dns-server-loopback",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [10.0.0.51, 10.0.0.52, 10.0.0.53]}}, b: {addresses: [10.@.1.5/24], dns: {servers: [10.0.0.54]}}}",
        "dns-servers-many",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [10.0.0.51, 10.0.0.51]}}}",
        "dns-servers-many",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {servers: [dns.example.com]}}}",
        "address-invalid",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {search: ['a b']}}}",
        "dns-search-invalid",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {search: ['']}}}",
        "dns-search-invalid",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {search: ['a..b']}}}",
        "dns-search-invalid",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], dns: {search: ['*.example.com']}}}",
        "dns-search-invalid",
    ),
    (
        "interfaces: {a: {dns: {servers: [10.0.0.2]}}, v: {vlan: {id: 5, link: a}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    // Interfaces without a use, and what cannot be said.
    ("interfaces: {a: {}}", "interface-invalid"),
    ("interfaces: {a: {acceptRA: false}}", "interface-invalid"),
    (
        "interfaces: {a: {dhcp: ipv4}}, os: {network: none}, output: {formats: [tarball]}",
        "interfaces-unused",
    ),
    (
        "interfaces: {a: {dhcp: ipv6, acceptRA: false}}, os: {network: netplan}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {a: {dhcp: both, acceptRA: false}}, os: {network: none}, output: {formats: [cloudInit]}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {a: {dhcp: ipv4, acceptRA: 'no'}}",
        "value-type-wrong",
    ),
];

/// The ids of the findings of each node, by its place in the inventory.
fn findings(rows: &[&str]) -> BTreeMap<usize, BTreeSet<String>> {
    findings_of(rows, "10.96.0.10")
}

/// The same where the cluster's own DNS has an address.
fn findings_of(rows: &[&str], cluster_dns: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let head = head.replace("10.96.0.10", cluster_dns);
    let mut all = format!("{head}nodes:\n");
    for (index, row) in rows.iter().enumerate() {
        let number = index + 11;
        let row = row.replace('@', &number.to_string());
        let row = row.replace('#', &format!("{:02x}", number % 256));
        all += &format!("  - {{name: r-{index}, {row}}}\n");
    }
    fs::write(&file, all).unwrap();
    let output = project.run(&["check", "--format", "json"]);
    let said: Json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for finding in said["findings"].as_array().unwrap() {
        let path = finding["path"].as_str().unwrap_or_default();
        let row = path
            .strip_prefix("nodes[")
            .and_then(|rest| rest.split_once(']'));
        if let Some((row, _)) = row {
            let id = finding["id"].as_str().unwrap().to_owned();
            found.entry(row.parse().unwrap()).or_default().insert(id);
        }
    }
    found
}

#[test]
fn what_is_right_is_not_found() {
    let found = findings(GOOD);
    for (row, ids) in &found {
        assert!(ids.is_empty(), "{}: {ids:?}", GOOD[*row]);
    }
}

#[test]
fn what_is_wrong_is_found_and_nothing_else() {
    let rows: Vec<&str> = BAD.iter().map(|(row, _)| *row).collect();
    let found = findings(&rows);
    let mut wrong = String::new();
    for (index, (row, expected)) in BAD.iter().enumerate() {
        let ids = found.get(&index).cloned().unwrap_or_default();
        let expected: BTreeSet<String> = expected.split(' ').map(str::to_owned).collect();
        if ids != expected {
            wrong += &format!("{row}\n  expected {expected:?}\n  found {ids:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Addresses and MAC addresses of a node that another node has, in any of the two ways that a node has them.
#[test]
fn two_nodes_share_nothing() {
    for (rows, expected) in [
        (
            [
                "interfaces: {a: {addresses: [10.1.0.5/24]}}",
                "interfaces: {a: {addresses: [10.1.0.6/16]}}",
            ],
            Some("interface-prefixes-differ"),
        ),
        (
            [
                "interfaces: {a: {addresses: ['fd00:1::5/64']}}",
                "interfaces: {a: {addresses: ['fd00:1::6/48']}}",
            ],
            Some("interface-prefixes-differ"),
        ),
        (
            [
                "interfaces: {a: {addresses: [10.1.0.5/24, 10.3.0.5/32]}}",
                "interfaces: {a: {addresses: [10.1.0.6/24, 10.2.0.5/16, 10.3.0.6/16]}}",
            ],
            None,
        ),
        (
            [
                "interfaces: {a: {addresses: [10.1.0.5/24]}}",
                "interfaces: {b: {addresses: [10.1.0.5/24]}}",
            ],
            Some("interface-address-repeated"),
        ),
        (
            [
                "addresses: [10.1.0.5]",
                "interfaces: {b: {addresses: [10.1.0.5/24]}}",
            ],
            Some("interface-address-repeated"),
        ),
        (
            [
                "interfaces: {b: {addresses: [10.1.0.5/24]}}",
                "addresses: [10.1.0.5]",
            ],
            Some("interface-address-repeated"),
        ),
        (
            [
                "addresses: [10.1.0.5], interfaces: {b: {addresses: [10.1.0.5/24]}}",
                "addresses: [10.1.0.5], interfaces: {b: {addresses: [10.1.0.5/24]}}",
            ],
            Some("node-address-repeated"),
        ),
        (
            [
                "interfaces: {a: {mac: '52:54:00:00:00:05', dhcp: ipv4}}",
                "interfaces: {b: {mac: '52:54:00:00:00:05', dhcp: ipv4}}",
            ],
            Some("mac-repeated"),
        ),
        (
            [
                "macs: ['52:54:00:00:00:05']",
                "interfaces: {b: {mac: '52:54:00:00:00:05', dhcp: ipv4}}",
            ],
            Some("mac-repeated"),
        ),
        (
            [
                "interfaces: {b: {mac: '52:54:00:00:00:05', dhcp: ipv4}}",
                "macs: ['52:54:00:00:00:05']",
            ],
            Some("mac-repeated"),
        ),
        (
            [
                "macs: ['52:54:00:00:00:05'], interfaces: {a: {mac: '52:54:00:00:00:05', dhcp: ipv4}}",
                "macs: ['52:54:00:00:00:06'], interfaces: {a: {mac: '52:54:00:00:00:06', dhcp: ipv4}}",
            ],
            None,
        ),
        (
            [
                "interfaces: {a: {addresses: ['fe80::5/64', 10.1.0.5/24]}}",
                "interfaces: {a: {addresses: ['fe80::5/64', 10.1.0.6/24]}}",
            ],
            None,
        ),
    ] {
        let found: BTreeSet<String> = findings(&rows).into_values().flatten().collect();
        let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(found, expected, "{rows:?}");
    }
}

#[test]
fn the_clusters_own_dns_answers_no_node() {
    let row = "interfaces: {a: {addresses: [10.1.0.5/24], dns: {servers: [169.254.20.10]}}}";
    let found = |dns: &str| findings_of(&[row], dns).into_values().flatten().count();
    assert_eq!(found("10.96.0.10"), 0);
    assert_eq!(found("169.254.20.10"), 1);
}
