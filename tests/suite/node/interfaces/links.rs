//! Ports, MAC addresses, VLANs, bonds, bridges and MTUs.

use super::Row;

/// What is wrong, and its findings.
pub const BAD: &[Row] = &[
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
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], miimon: 100, arpInterval: 1000, arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: 802.3ad, arpInterval: 1000, arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: balance-tlb, arpInterval: 1000, arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], mode: balance-alb, arpInterval: 1000, arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: []}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpValidate: all}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.0.1], arpValidate: filter}, addresses: [10.@.0.5/24]}}",
        "value-not-a-choice",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 0, arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 2147483648, arpIpTargets: [10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: ['fd00:@::1']}, addresses: [10.@.0.5/24, 'fd00:@::5/64']}}",
        "address-invalid",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.0.5]}, addresses: [10.@.0.5/24]}}",
        "bond-target-unusable",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.0.255]}, addresses: [10.@.0.5/24]}}",
        "bond-target-unusable",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [0.0.0.0]}, addresses: [10.@.0.5/24]}}",
        "bond-target-unusable",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.1.1]}, addresses: [10.@.0.5/24], gateways: [10.@.0.1]}}",
        "bond-target-unusable",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.0.1, 10.@.0.1]}, addresses: [10.@.0.5/24]}}",
        "bond-target-unusable",
    ),
    (
        "interfaces: {e1: {}, e2: {addresses: [10.@.1.5/24]}, b: {bond: {members: [e1], arpInterval: 1000, arpIpTargets: [10.@.1.1]}, addresses: [10.@.0.5/24]}}",
        "bond-target-unusable",
    ),
    (
        "interfaces: {e1: {}, b: {bond: {members: [e1], arpInterval: 9, arpIpTargets: [10.@.0.1, 10.@.0.2, 10.@.0.3, 10.@.0.4, 10.@.0.6, 10.@.0.7, 10.@.0.8, 10.@.0.9, 10.@.0.10, 10.@.0.11, 10.@.0.12, 10.@.0.13, 10.@.0.14, 10.@.0.15, 10.@.0.16, 10.@.0.17, 10.@.0.18]}, addresses: [10.@.0.5/24]}}",
        "bond-target-unusable",
    ),
    // Bridges.
    (
        "interfaces: {br0: {bridge: {members: []}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {br0: {bridge: {}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {br0: {bridge: {members: [e9]}, addresses: [10.@.0.5/24]}}",
        "interface-unknown",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}}, br1: {bridge: {members: [br0]}, addresses: [10.@.0.5/24]}}",
        "interface-unknown",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1, e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}, br1: {bridge: {members: [e1]}, addresses: [10.@.1.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1]}, addresses: [10.@.1.5/24]}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {addresses: [10.@.1.5/24]}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1]}, addresses: [10.@.1.5/24]}, br0: {bridge: {members: [b0]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, v5: {vlan: {id: 5, link: e1}, dhcp: ipv4}, br0: {bridge: {members: [v5]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {dns: {servers: [10.0.0.2]}}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {v5: {vlan: {id: 5, link: br0}}, br0: {bridge: {members: [v5]}, addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, b0: {bond: {members: [e1]}, bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "fields-exclusive",
    ),
    (
        "interfaces: {e1: {}, b0: {vlan: {id: 5, link: e1}, bridge: {members: [e1]}, addresses: [10.@.0.5/24]}}",
        "fields-exclusive",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, mac: '52:54:00:aa:#:01', addresses: [10.@.0.5/24]}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, dhcp: ipv4}}",
        "bridge-mac-open",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1], forwardDelay: 4}, addresses: [10.@.0.5/24]}}",
        "bridge-option-unused",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1], stp: true, forwardDelay: 1}, addresses: [10.@.0.5/24]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1], stp: true, forwardDelay: 31}, addresses: [10.@.0.5/24]}}",
        "value-out-of-range",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, mtu: 9000, addresses: [10.@.0.5/24]}}",
        "bridge-port-mtu",
    ),
    (
        "interfaces: {e1: {mtu: 9000}, v5: {vlan: {id: 5, link: e1}, mtu: 1400}, br0: {bridge: {members: [v5]}, mtu: 1500, addresses: [10.@.0.5/24]}}",
        "bridge-port-mtu",
    ),
    // Packets that wake the machine.
    (
        "interfaces: {e1: {}, v5: {vlan: {id: 5, link: e1}, dhcp: ipv4, wakeOnLan: true}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {}, br0: {bridge: {members: [e1]}, addresses: [10.@.0.5/24], wakeOnLan: true}}",
        "interface-invalid",
    ),
    (
        "interfaces: {e1: {dhcp: ipv4, wakeOnLan: true}}, os: {network: networkd}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {e1: {dhcp: ipv4, wakeOnLan: true}}, os: {network: netplan}",
        "network-setting-unsupported",
    ),
    (
        "interfaces: {e1: {dhcp: ipv4, optional: 'yes'}}",
        "value-type-wrong",
    ),
];
