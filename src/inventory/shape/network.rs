//! A node's interfaces.

use crate::inventory::interfaces::{HASH_POLICIES, MODES};
use crate::inventory::shape::Shape::{Integer, List, Map, Struct as Keys, Text, Words};
use crate::inventory::shape::{Entries, Field, Struct, field, text};

static INTERFACE: Struct = Struct {
    name: "interface",
    groups: &[&[
        field(
            "mac",
            Text(&text::MAC),
            "the port's MAC address, by which it is found",
        ),
        field(
            "addresses",
            List(&Text(&text::HOST_CIDR)),
            "addresses with the prefix of their network",
        ),
        field(
            "dhcp",
            Words(&["both", "ipv4", "ipv6", "none"]),
            "which addresses come by DHCP",
        )
        .default("\"none\""),
        field("gateways", List(&Text(&text::ADDRESS)), "default routes"),
        field("dns", Keys(&DNS), "servers and domains for names"),
        field("routes", List(&Keys(&ROUTE)), "further routes"),
        field(
            "mtu",
            Integer(0, u16::MAX as i64),
            "the largest packet in bytes",
        ),
        field("bond", Keys(&BOND), "ports that are one interface"),
        field(
            "vlan",
            Keys(&VLAN),
            "a VLAN inside another interface's network",
        ),
    ]],
    told_by: "",
};

static DNS: Struct = Struct {
    name: "dns",
    groups: &[&[
        field("servers", List(&Text(&text::ADDRESS)), "servers"),
        field(
            "search",
            List(&Text(&text::DOMAIN)),
            "domains that names are looked up in",
        ),
    ]],
    told_by: "",
};

static ROUTE: Struct = Struct {
    name: "route",
    groups: &[&[
        field("to", Text(&text::CIDR), "a network").required(),
        field("via", Text(&text::ADDRESS), "its gateway").required(),
        field("metric", Integer(0, u32::MAX as i64), "the lower one wins"),
    ]],
    told_by: "",
};

static BOND: Struct = Struct {
    name: "bond",
    groups: &[&[
        field(
            "members",
            List(&Text(&text::INTERFACE)),
            "its ports, which are interfaces beside it",
        ),
        field("mode", Words(&MODES), "how frames are divided").default("\"active-backup\""),
        field(
            "miimon",
            Integer(0, u32::MAX as i64),
            "how often links are looked at, in milliseconds",
        )
        .default("100"),
        field(
            "lacpRate",
            Words(&["slow", "fast"]),
            "how often LACP speaks, in mode 802.3ad",
        ),
        field(
            "hashPolicy",
            Words(&HASH_POLICIES),
            "what chooses a frame's port",
        ),
        field(
            "primary",
            Text(&text::INTERFACE),
            "the port that is used while it works, in mode active-backup",
        ),
    ]],
    told_by: "",
};

static VLAN: Struct = Struct {
    name: "vlan",
    groups: &[&[
        field("id", Integer(1, 4094), "its number").required(),
        field(
            "link",
            Text(&text::INTERFACE),
            "the interface that carries it",
        )
        .required(),
    ]],
    told_by: "",
};

/// `interfaces`.
pub static INTERFACES: Field = field(
    "interfaces",
    Map(&Entries {
        key: &text::INTERFACE,
        value: Keys(&INTERFACE),
    }),
    "network interfaces by name; omit it where the image or DHCP configures the network",
);
