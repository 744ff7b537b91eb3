//! Settings and properties that NetworkManager knows: a table made from its own (tests/oracle/network-manager-keys), and what is
//! written otherwise in a key file than in the table (nm-settings-keyfile(5)).

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("keys.txt");

/// Shorter names of settings.
const ALIASES: [(&str, &str); 3] = [
    ("ethernet", "802-3-ethernet"),
    ("wifi", "802-11-wireless"),
    ("wifi-security", "802-11-wireless-security"),
];
/// Groups that are no settings, or have keys of the user's.
const FREE: [&str; 8] = [
    ".nmmeta",
    "ethernet-s390-options",
    "user",
    "vpn",
    "vpn-secrets",
    "ovs-external-ids",
    "ovs-other-config",
    "generic",
];
/// Options of bonds, which are keys of their own there (src/libnm-core-public/nm-setting-bond.h).
pub const BOND: [&str; 31] = [
    "mode",
    "miimon",
    "downdelay",
    "updelay",
    "arp_interval",
    "arp_ip_target",
    "arp_validate",
    "primary",
    "balance-slb",
    "primary_reselect",
    "fail_over_mac",
    "use_carrier",
    "ad_select",
    "xmit_hash_policy",
    "resend_igmp",
    "lacp_rate",
    "active_slave",
    "ad_actor_sys_prio",
    "ad_actor_system",
    "ad_user_port_key",
    "all_slaves_active",
    "arp_all_targets",
    "min_links",
    "num_grat_arp",
    "num_unsol_na",
    "packets_per_slave",
    "tlb_dynamic_lb",
    "lp_interval",
    "peer_notif_delay",
    "arp_missed_max",
    "lacp_active",
];
/// Keys whose names have a number or a word at their end: the setting and the beginning.
const FAMILIES: [(&str, &str, &str); 16] = [
    ("ipv4", "addresses", "addresses"),
    ("ipv4", "address", "addresses"),
    ("ipv4", "routes", "routes"),
    ("ipv4", "route", "routes"),
    ("ipv4", "routing-rule", "any"),
    ("ipv6", "addresses", "addresses"),
    ("ipv6", "address", "addresses"),
    ("ipv6", "routes", "routes"),
    ("ipv6", "route", "routes"),
    ("ipv6", "routing-rule", "any"),
    ("sriov", "vf.", "any"),
    ("tc", "qdisc.", "any"),
    ("tc", "tfilter.", "any"),
    ("ethtool", "feature-", "any"),
    ("ethtool", "coalesce-", "any"),
    ("ethtool", "ring-", "any"),
];
/// Keys of a peer of WireGuard.
const PEER: [&str; 5] = [
    "endpoint",
    "preshared-key",
    "preshared-key-flags",
    "persistent-keepalive",
    "allowed-ips",
];

/// What is known of a key.
pub enum Known {
    /// Any key is one.
    Free,
    /// It is one of this type.
    As(&'static str),
    /// It is none; these are.
    Not(Vec<String>),
}

type Settings = HashMap<&'static str, HashMap<&'static str, &'static str>>;

fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let mut settings = Settings::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut parts = line.split('\t');
            let mut part = || parts.next().unwrap_or_default();
            let (setting, property, kind) = (part(), part(), part());
            settings.entry(setting).or_default().insert(property, kind);
        }
        settings
    })
}

/// The setting that a group is for.
pub fn setting_of(group: &str) -> Option<&'static str> {
    if let Some((_, setting)) = ALIASES.iter().find(|(alias, _)| *alias == group) {
        return Some(setting);
    }
    if group.starts_with("wireguard-peer.") {
        return Some("wireguard-peer");
    }
    let own = settings().keys().copied().chain(FREE);
    own.into_iter().find(|setting| *setting == group)
}

/// Names of groups.
pub fn groups() -> Vec<&'static str> {
    let short = |setting: &'static str| {
        ALIASES
            .iter()
            .find(|(_, of)| *of == setting)
            .map_or(setting, |(alias, _)| alias)
    };
    let mut names: Vec<&'static str> = settings().keys().map(|setting| short(setting)).collect();
    names.sort_unstable();
    names
}

/// The groups that have a key.
pub fn groups_with(key: &str) -> Vec<&'static str> {
    let has = |group: &&str| {
        setting_of(group)
            .and_then(|setting| settings().get(setting))
            .is_some_and(|keys| keys.contains_key(key))
    };
    groups().into_iter().filter(has).collect()
}

/// What is known of a key of a setting.
pub fn known(setting: &'static str, key: &str) -> Known {
    if FREE.contains(&setting) {
        return Known::Free;
    }
    let family = FAMILIES.iter().find(|(of, start, _)| {
        *of == setting
            && key
                .strip_prefix(start)
                .is_some_and(|rest| is_numbered(start, rest))
    });
    if let Some((_, _, kind)) = family {
        return Known::As(kind);
    }
    let own = settings().get(setting);
    if let Some(kind) = own.and_then(|keys| keys.get(key)) {
        return Known::As(kind);
    }
    let more: &[&str] = match setting {
        "bond" => &BOND,
        "wireguard-peer" => &PEER,
        // Read for old files (nm-keyfile.c).
        "802-11-wireless" | "802-3-ethernet" => &["security", "interface-name", "s390-options"],
        _ => &["interface-name"],
    };
    if let Some(index) = more.iter().position(|known| *known == key) {
        return Known::As(if setting == "bond" {
            BOND[index]
        } else {
            "any"
        });
    }
    let names = own
        .into_iter()
        .flat_map(|keys| keys.keys().copied())
        .chain(more.iter().copied());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.extend(
        FAMILIES
            .iter()
            .filter(|(of, _, _)| *of == setting)
            .map(|(_, start, _)| format!("{start}1")),
    );
    names.sort_unstable();
    Known::Not(names)
}

/// What may follow the beginning of such a name.
fn is_numbered(start: &str, rest: &str) -> bool {
    if start.ends_with(['.', '-']) {
        return !rest.is_empty();
    }
    let number = rest.strip_suffix("_options").unwrap_or(rest);
    number.chars().all(|c| c.is_ascii_digit())
}
