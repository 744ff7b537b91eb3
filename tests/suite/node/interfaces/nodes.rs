//! What two nodes have in common.

use std::collections::BTreeSet;

use super::{findings, findings_of};

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
