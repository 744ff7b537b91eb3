//! Plugins that a configuration of a pod network names: each is a program in a folder of the runtime's (the CNI specification,
//! "Execution of network configurations"), and those that other plugins call.

use crate::host_files::yaml_text;
use crate::report::Report;
use crate::tree::Position;
use crate::yaml::{Located, Value};

/// Called by flannel where its configuration says nothing else (flannel-io/cni-plugin, `flannel_linux.go`).
const OF_FLANNEL: [&str; 2] = ["bridge", "host-local"];

/// A plugin, and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CniPlugin {
    /// The program's file name.
    pub name: String,
    /// Its place in the text.
    pub position: Position,
}

/// The plugins of a configuration, each once; none of a text that is not one.
pub fn plugins(text: &str) -> Vec<CniPlugin> {
    let mut found = Vec::new();
    if let Some(root) = crate::yaml::parse(&"".into(), text, &mut Report::default()) {
        collect(&root, &mut found);
    }
    found
}

fn collect(at: &Located, found: &mut Vec<CniPlugin>) {
    let items = |key: &str| match at.get(key).map(|value| &value.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    let kind = at.get("type");
    if let Some(value) = kind
        && let Some(name) = value.as_str().filter(|name| !name.is_empty())
    {
        add(name, value, found);
        let delegate = at.get("delegate");
        let delegates_itself = delegate.is_some_and(|delegate| delegate.get("type").is_some());
        if name == "flannel" {
            let ours = OF_FLANNEL.iter().skip(usize::from(delegates_itself));
            ours.for_each(|name| add(name, value, found));
        }
    }
    for of in ["ipam", "delegate"] {
        if let Some(inner) = at.get(of) {
            collect(inner, found);
        }
    }
    // `delegates` is multus'; each may be a list of plugins again.
    for inner in items("plugins").iter().chain(items("delegates")) {
        collect(inner, found);
    }
}

fn add(name: &str, at: &Located, found: &mut Vec<CniPlugin>) {
    if found.iter().all(|known| known.name != name) {
        found.push(CniPlugin {
            name: name.to_owned(),
            position: yaml_text::position(&at.location),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_found_in_lists_addresses_and_delegates() {
        for (text, names) in [
            (
                r#"{"name": "a", "type": "bridge", "ipam": {"type": "host-local"}}"#,
                &["bridge", "host-local"][..],
            ),
            (
                r#"{"name": "a", "plugins": [{"type": "calico", "ipam": {"type": "calico-ipam"}}, {"type": "portmap"}, {"type": "bandwidth"}]}"#,
                &["calico", "calico-ipam", "portmap", "bandwidth"],
            ),
            (
                r#"{"name": "a", "plugins": [{"type": "flannel", "delegate": {"isDefaultGateway": true}}]}"#,
                &["flannel", "bridge", "host-local"],
            ),
            (
                r#"{"name": "a", "type": "flannel", "delegate": {"type": "macvlan"}}"#,
                &["flannel", "host-local", "macvlan"],
            ),
            (
                r#"{"name": "m", "type": "multus", "delegates": [{"type": "ptp", "ipam": {"type": "dhcp"}}, {"plugins": [{"type": "tuning"}]}]}"#,
                &["multus", "ptp", "dhcp", "tuning"],
            ),
            ("{", &[]),
            (r#"{"name": "a"}"#, &[]),
        ] {
            let found = plugins(text);
            let found: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
            assert_eq!(found, names, "{text}");
        }
        let at = plugins("{\"name\": \"a\",\n \"type\": \"bridge\"}")[0].position;
        assert_eq!((at.line, at.column), (2, 10));
    }
}
