//! What the network manager behind netplan cannot do, so that `netplan generate` refuses it (netplan, src/networkd.c, nm.c,
//! validation.c).

use crate::host_files::netplan::definition::Broken;
use crate::host_files::netplan::{Definition, Netplan, value};

/// Settings that networkd has once for both families.
const OVERRIDES: [&str; 9] = [
    "hostname",
    "route-metric",
    "send-hostname",
    "use-dns",
    "use-domains",
    "use-hostname",
    "use-mtu",
    "use-ntp",
    "use-routes",
];
/// Tunnels that may have keys, by network manager.
const KEYED_NETWORKD: [&str; 7] = [
    "vti",
    "vti6",
    "wireguard",
    "gre",
    "ip6gre",
    "gretap",
    "ip6gretap",
];
const KEYED_NETWORK_MANAGER: [&str; 5] = ["gre", "ip6gre", "wireguard", "gretap", "ip6gretap"];

impl Netplan {
    /// Checks all interfaces when all files have been read.
    pub(super) fn backends(&mut self) {
        let switched = self.of_open_vswitch();
        let mut broken = self.open_vswitch(&switched);
        for (id, definition) in &self.definitions {
            if switched.contains(id.as_str()) {
                continue;
            }
            let result = if self.is_network_manager(definition) {
                network_manager(definition)
            } else {
                networkd(definition)
            };
            broken.extend(result.err());
            broken.extend(self.virtual_functions(definition).err());
        }
        for (place, rule) in broken {
            self.fault(place, rule, None);
        }
    }

    /// Whether NetworkManager gets an interface.
    pub(super) fn is_network_manager(&self, definition: &Definition) -> bool {
        let own = definition
            .text("renderer")
            .filter(|renderer| *renderer != "sriov");
        let renderer = own
            .or(definition.renderer.as_deref())
            .or(self.renderer.as_deref());
        renderer == Some("NetworkManager") || definition.kind == "nm-devices"
    }

    /// `validate_sriov_rules`: only a card with virtual functions can wait for them.
    fn virtual_functions(&self, definition: &Definition) -> Broken {
        const KEY: &str = "delay-virtual-functions-rebind";
        let Some(written) = definition.get(KEY) else {
            return Ok(());
        };
        let has = |key: &str| definition.get(key).is_some();
        let is_named = |id: &String| {
            self.definitions
                .values()
                .any(|other| other.kind == "ethernets" && other.text("link") == Some(id))
        };
        let own = self
            .definitions
            .iter()
            .find(|(_, other)| std::ptr::eq(*other, definition));
        let is_card = has("virtual-function-count")
            || has("embedded-switch-mode")
            || own.is_some_and(|(id, _)| is_named(id));
        if definition.is_set(KEY) && !is_card {
            let rule = format!("{KEY}: the interface has no virtual functions");
            return Err((written.place, rule));
        }
        Ok(())
    }
}

fn networkd(definition: &Definition) -> Broken {
    if definition.kind == "modems" {
        return Err((
            definition.place,
            "modems: networkd cannot do them; set renderer: NetworkManager".to_owned(),
        ));
    }
    if let Some(settings) = definition.get("networkmanager") {
        let is_used = definition
            .values
            .keys()
            .any(|path| path.starts_with("networkmanager."));
        if is_used {
            let rule = "networkmanager: is for interfaces with the renderer NetworkManager";
            return Err((settings.place, rule.to_owned()));
        }
    }
    for (table, values, place) in &definition.items {
        if *table != "wifi_access_point" {
            continue;
        }
        if values
            .keys()
            .any(|path| path.starts_with("networkmanager."))
        {
            let rule = "networkmanager: is for interfaces with the renderer NetworkManager";
            return Err((*place, rule.to_owned()));
        }
        if values.get("mode").is_some_and(|mode| mode.text == "ap") {
            return Err((
                *place,
                "mode: networkd cannot make an access point".to_owned(),
            ));
        }
    }
    if let Some(words) = definition.get("wakeonwlan")
        && words
            .text
            .split(' ')
            .any(|word| word.eq_ignore_ascii_case("tcp"))
    {
        return Err((words.place, "wakeonwlan: networkd cannot do tcp".to_owned()));
    }
    if let Some(mac) = definition.get("macaddress")
        && matches!(mac.text.as_str(), "preserve" | "stable" | "stable-ssid")
    {
        return Err((
            mac.place,
            format!("macaddress: networkd cannot do {}", mac.text),
        ));
    }
    if let Some(by) = definition
        .get("match")
        .filter(|_| definition.kind == "wifis")
    {
        let rule = "match: networkd has wireless interfaces by name only";
        return Err((by.place, rule.to_owned()));
    }
    overrides(definition)?;
    match definition.text("mode") {
        Some(mode) if definition.kind == "tunnels" => tunnel(definition, mode, &KEYED_NETWORKD),
        _ => Ok(()),
    }
}

/// `combine_dhcp_overrides`.
fn overrides(definition: &Definition) -> Broken {
    if !(definition.is_set("dhcp4") && definition.is_set("dhcp6")) {
        return Ok(());
    }
    for key in OVERRIDES {
        let of = |family: &str| definition.get(&format!("{family}-overrides.{key}"));
        // What is not there has its default, which is yes.
        let means = |family: &str| match of(family).map(|written| written.text.as_str()) {
            None if key.starts_with("use-") && key != "use-domains" || key == "send-hostname" => {
                Some("true".to_owned())
            }
            Some(text) if key != "hostname" && key != "use-domains" => match value::truth(text) {
                Some(truth) => Some(truth.to_string()),
                None => Some(text.to_owned()),
            },
            other => other.map(str::to_owned),
        };
        if means("dhcp4") != means("dhcp6")
            && let Some(written) = of("dhcp6").or(of("dhcp4"))
        {
            let rule = format!(
                "{key}: networkd must have one value in dhcp4-overrides and dhcp6-overrides"
            );
            return Err((written.place, rule));
        }
    }
    Ok(())
}

fn tunnel(definition: &Definition, mode: &str, keyed: &[&str]) -> Broken {
    if mode == "isatap" && keyed.len() == KEYED_NETWORKD.len() {
        return Err((
            definition.place,
            "mode: networkd cannot do isatap".to_owned(),
        ));
    }
    match definition
        .get("keys.input")
        .or(definition.get("keys.output"))
    {
        Some(written) if !keyed.contains(&mode) => Err((
            written.place,
            format!("a tunnel of the mode {mode} has no keys"),
        )),
        _ => Ok(()),
    }
}

fn network_manager(definition: &Definition) -> Broken {
    if let Some(mode) = definition.get("activation-mode")
        && mode.text != "manual"
    {
        return Err((
            mode.place,
            format!("activation-mode: NetworkManager cannot do {}", mode.text),
        ));
    }
    if let Some(mtu) = definition.get("ipv6-mtu") {
        return Err((
            mtu.place,
            "ipv6-mtu: NetworkManager cannot do it".to_owned(),
        ));
    }
    if let Some(driver) = definition.get("match.driver")
        && definition.get("set-name").is_none()
    {
        return Err((
            driver.place,
            "driver: NetworkManager needs set-name with it".to_owned(),
        ));
    }
    if let Some(written) = definition
        .values
        .get("addresses.*.lifetime")
        .or(definition.get("addresses.*.label"))
    {
        return Err((
            written.place,
            "addresses: NetworkManager has no lifetimes and labels".to_owned(),
        ));
    }
    for (table, values, place) in &definition.items {
        let kind = values
            .get("type")
            .map(|written| written.text.to_ascii_lowercase());
        if *table == "routes" && kind.is_some_and(|kind| kind != "unicast") {
            return Err((
                *place,
                "type: NetworkManager can do unicast routes only".to_owned(),
            ));
        }
        if *table == "ip_rules" && !values.contains_key("priority") {
            return Err((*place, "priority: NetworkManager needs it".to_owned()));
        }
    }
    match definition.text("mode") {
        Some(mode) if definition.kind == "tunnels" => {
            tunnel(definition, mode, &KEYED_NETWORK_MANAGER)
        }
        _ => Ok(()),
    }
}
