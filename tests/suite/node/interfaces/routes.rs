//! Gateways, routes, routing tables and the rules that lead there.

use super::Row;

/// What is wrong, and its findings.
pub const BAD: &[Row] = &[
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
    // Routing tables and rules.
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1, table: 0}]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1, table: 255}]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1, table: 4294967295}]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1, table: 100}]}}",
        "routing-table-unconnected",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], rules: [{from: 10.9.0.0/16, table: 100, priority: 5}]}}",
        "routing-table-unconnected",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}, {to: 0.0.0.0/0, via: 10.@.0.2, table: 9}], rules: [{from: 10.9.0.0/16, table: 9, priority: 5}]}}",
        "default-route-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.1.1, table: 9}], rules: [{from: 10.9.0.0/16, table: 9, priority: 5}]}}",
        "gateway-unreachable",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 10.9.0.0/16, table: 9, priority: 5}, {to: 10.9.0.0/16, table: 9, priority: 5}]}}",
        "routing-rule-repeated",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{table: 9, priority: 5}]}}",
        "field-missing",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 10.9.0.0/16, table: 9}]}}",
        "field-missing",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 10.9.0.0/16, table: 9, priority: 0}]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 10.9.0.0/16, to: 'fd00::/64', table: 9, priority: 5}]}}",
        "route-families-mixed",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 10.9.0.1/16, table: 9, priority: 5}]}}",
        "cidr-invalid",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 0.0.0.0/0, via: 10.@.0.1, table: 9}], rules: [{from: 'fd00::/64', table: 9, priority: 5}]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {rules: [{from: 10.9.0.0/16, table: 254, priority: 5}]}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
];
