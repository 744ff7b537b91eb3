//! Addresses of nodes and interfaces, and the cluster's own networks.

use super::Row;

/// What is wrong, and its findings.
pub const BAD: &[Row] = &[
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
];
