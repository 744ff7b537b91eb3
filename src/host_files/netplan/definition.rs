//! What holds for an interface of netplan as a whole (netplan, src/validation.c, `validate_netdef_grammar`), and for what
//! interfaces say of one another.

use crate::host_files::fault::Fault;
use crate::host_files::netplan::{Definition, Netplan, Place, value};
use crate::report::Id;

/// A rule that is broken, and where.
pub(super) type Broken = Result<(), (Place, String)>;

impl Netplan {
    /// What netplan looks at when it has read a file.
    pub(super) fn end_of_file(&mut self) {
        let references = std::mem::take(&mut self.references);
        let mut defined = std::mem::take(&mut self.defined);
        for reference in &references {
            let is_defined =
                self.definitions.contains_key(&reference.to) || defined.contains(&reference.to);
            if is_defined || self.may_be_absent(&reference.of) {
                continue;
            }
            let rule =
                "netplan must know the interface: neither this file nor one before it defines it";
            let fault = Fault::at(Id::NetplanInterfaceUnknown, reference.place.position, rule);
            let help = format!(
                "define it, for example `ethernets: {{{}: {{}}}}`: netplan merges definitions",
                reference.to
            );
            self.add(reference.place, fault.got(&reference.to).help(help));
        }
        defined.sort();
        defined.dedup();
        for id in &defined {
            let Some(definition) = self.definitions.get(id) else {
                continue;
            };
            let broken = [
                common(definition),
                by_kind(definition),
                self.peers(id, definition),
            ];
            for (place, rule) in broken.into_iter().filter_map(Result::err) {
                self.fault(place, rule, None);
            }
        }
    }

    /// NetworkManager makes a VLAN or a pair without knowing the other interface.
    fn may_be_absent(&self, id: &str) -> bool {
        let of = self.definitions.get(id);
        of.is_some_and(|of| {
            matches!(of.kind, "vlans" | "virtual-ethernets") && self.is_network_manager(of)
        })
    }

    /// Two ends of a pair name each other.
    fn peers(&self, id: &str, definition: &Definition) -> Broken {
        if definition.kind != "virtual-ethernets" {
            return Ok(());
        }
        let Some(peer) = definition.get("peer") else {
            return Err((
                definition.place,
                "peer: a virtual Ethernet must have one".to_owned(),
            ));
        };
        if peer.text == id {
            return Err((peer.place, "peer: must be another interface".to_owned()));
        }
        let Some(other) = self.definitions.get(&peer.text) else {
            return Ok(());
        };
        if other.kind != "virtual-ethernets" {
            return Err((
                peer.place,
                "peer: must be one of virtual-ethernets".to_owned(),
            ));
        }
        if other.text("peer").is_some_and(|back| back != id) {
            return Err((
                peer.place,
                "peer: is the peer of another interface".to_owned(),
            ));
        }
        Ok(())
    }
}

fn common(definition: &Definition) -> Broken {
    if let Some(name) = definition.get("set-name")
        && definition.get("match").is_none()
    {
        let rule = "set-name: needs `match:`, which says of which device it is the name";
        return Err((name.place, rule.to_owned()));
    }
    let is_psk = definition
        .text("auth.key-management")
        .is_some_and(|words| words.starts_with("psk"));
    if let Some(password) = definition.get("auth.password").filter(|_| is_psk)
        && !value::is_passphrase(&password.text)
    {
        let rule = "password: must have 8 to 63 characters, or be 64 digits of hexadecimal";
        return Err((password.place, rule.to_owned()));
    }
    match (
        definition.get("ipv6-address-generation"),
        definition.get("ipv6-address-token"),
    ) {
        (Some(_), Some(token)) => {
            let rule = "ipv6-address-token: cannot be had together with ipv6-address-generation";
            Err((token.place, rule.to_owned()))
        }
        _ => Ok(()),
    }
}

fn by_kind(definition: &Definition) -> Broken {
    let missing = |rule: &str| Err((definition.place, rule.to_owned()));
    let lacks = |key: &str| definition.get(key).is_none();
    match definition.kind {
        "wifis" if lacks("access-points") => {
            missing("access-points: a wireless interface must have one")
        }
        "vlans" if lacks("link") => missing("link: a VLAN must have the interface that carries it"),
        "vlans" if lacks("id") => missing("id: a VLAN must have one"),
        "vlans" => at_most(definition, "id", 4094),
        "vrfs" if lacks("table") => missing("table: a VRF must have one"),
        "vrfs" => vrf(definition),
        "tunnels" => tunnel(definition),
        "nm-devices" if lacks("networkmanager.passthrough.connection.type") => {
            missing("networkmanager: needs passthrough: {connection.type: …}")
        }
        _ => Ok(()),
    }
}

fn at_most(definition: &Definition, key: &str, most: u32) -> Broken {
    match (definition.get(key), definition.number(key)) {
        (Some(written), Some(number)) if number > most => Err((
            written.place,
            format!("{key}: must be from 0 to {most}; got {number}"),
        )),
        _ => Ok(()),
    }
}

/// Routes and rules of a VRF are in its table.
fn vrf(definition: &Definition) -> Broken {
    let table = definition.number("table");
    for (_, values, _) in &definition.items {
        if let Some(other) = values.get("table")
            && value::unsigned(&other.text) != table
        {
            let rule = "table: of a VRF's routes and rules must be the VRF's, or left out";
            return Err((other.place, rule.to_owned()));
        }
    }
    Ok(())
}

/// `validate_tunnel_grammar`.
fn tunnel(definition: &Definition) -> Broken {
    let Some(mode) = definition.text("mode") else {
        return Err((definition.place, "mode: a tunnel must have one".to_owned()));
    };
    match mode {
        "wireguard" => return wireguard_key(definition),
        "vxlan" => vxlan(definition)?,
        _ => {}
    }
    keys(definition)?;
    if definition.get("remote").is_none() && mode != "vxlan" {
        return Err((
            definition.place,
            "remote: a tunnel must have one".to_owned(),
        ));
    }
    if let Some(ttl) = definition.get("ttl")
        && definition.number("ttl").is_some_and(|ttl| ttl > 255)
    {
        return Err((
            ttl.place,
            format!("ttl: must be from 1 to 255; got {}", ttl.text),
        ));
    }
    let is_6 = |key: &str| definition.text(key).map(value::is_ip6);
    if mode == "vxlan" {
        return match (is_6("local"), is_6("remote"), definition.get("remote")) {
            (Some(local), Some(remote), Some(written)) if local != remote => Err((
                written.place,
                "remote: must be of the family of `local`".to_owned(),
            )),
            _ => Ok(()),
        };
    }
    let wants_6 = matches!(mode, "ipip6" | "ip6ip6" | "ip6gre" | "ip6gretap" | "vti6");
    for key in ["local", "remote"] {
        if let Some(written) = definition.get(key)
            && is_6(key) != Some(wants_6)
        {
            let family = if wants_6 { "IPv6" } else { "IPv4" };
            return Err((
                written.place,
                format!("{key}: must be an {family} address for the mode {mode}"),
            ));
        }
    }
    Ok(())
}

fn wireguard_key(definition: &Definition) -> Broken {
    match definition.get("keys.private") {
        Some(key) if !key.text.starts_with('/') && !value::is_wireguard_key(&key.text) => Err((
            key.place,
            "the private key must be 32 bytes in base64, or a path".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn vxlan(definition: &Definition) -> Broken {
    let Some(id) = definition.get("id") else {
        return Err((definition.place, "id: a VXLAN must have one".to_owned()));
    };
    let number = definition.number("id");
    if number.is_some_and(|number| !(1..=16_777_215).contains(&number)) {
        return Err((
            id.place,
            format!("id: must be from 1 to 16777215; got {}", id.text),
        ));
    }
    at_most(definition, "flow-label", 1_048_575)
}

/// Keys of other tunnels: a number or four of them with dots.
fn keys(definition: &Definition) -> Broken {
    for key in ["keys.input", "keys.output"] {
        if let Some(written) = definition.get(key)
            && value::unsigned(&written.text).is_none()
            && !value::is_ip4(&written.text)
        {
            return Err((
                written.place,
                "the key of a tunnel must be a number".to_owned(),
            ));
        }
    }
    Ok(())
}
