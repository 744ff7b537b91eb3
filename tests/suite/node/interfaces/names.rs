//! Names of interfaces, DNS, and what nobody reads or writes.

use super::Row;

/// What is wrong, and its findings.
pub const BAD: &[Row] = &[
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
    // The image's cloud-init.
    (
        "interfaces: {a: {dhcp: ipv4}}, os: {network: none, cloudInit: {version: '20.4', renderer: networkd}}",
        "cloud-init-network-unsupported",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}, os: {network: none, cloudInit: {version: '25.2', renderer: networkd}}",
        "cloud-init-network-unsupported",
    ),
    (
        "interfaces: {a: {addresses: [10.@.0.5/24], routes: [{to: 10.9.0.0/16, via: 10.@.0.1, metric: 5}]}}, os: {network: none, cloudInit: {version: '22.4', renderer: sysconfig}}",
        "cloud-init-network-unsupported",
    ),
    (
        "interfaces: {a: {dhcp: ipv4}}, os: {network: none, cloudInit: {version: '25.3', renderer: networkd}}",
        "cloud-init-setting-unsupported",
    ),
    (
        "interfaces: {a: {dhcp: ipv4}}, os: {network: none, cloudInit: {version: new}}",
        "version-invalid",
    ),
    (
        "interfaces: {a: {dhcp: ipv4}}, os: {network: none, cloudInit: {version: 22.4}}",
        "value-type-wrong",
    ),
    (
        "interfaces: {a: {dhcp: ipv4}}, os: {network: none, cloudInit: {renderer: wicked}}",
        "value-not-a-choice",
    ),
];
