//! Configurations of pod networks (the CNI specification, "Network configuration format"; containernetworking/cni,
//! `libcni/conf.go`): the runtime takes the first file by name that it can read.

mod plugins;

use crate::host_files::fault::Fault;
use crate::host_files::{json_text, yaml_text};
use crate::report::Id;
use crate::yaml::{Located, Value};

pub use crate::host_files::cni::plugins::{CniPlugin, plugins};

/// Released versions of the specification.
const VERSIONS: [&str; 9] = [
    "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", "", "0.0.1",
];
/// Endings that runtimes read (go-cni, ocicni).
const ENDINGS: [&str; 3] = [".conf", ".conflist", ".json"];

/// Whether runtimes read a file of this name.
pub fn is_read(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether the runtime takes a configuration of this name.
pub fn is_readable(name: &str, text: &str) -> bool {
    is_read(name) && read(name, text).is_empty()
}

/// Reads a configuration; `name` is the file's.
pub fn read(name: &str, text: &str) -> Vec<Fault> {
    let root = match json_text::read(text, Id::CniConfigInvalid) {
        Ok(root) => root,
        Err(faults) => return faults,
    };
    let mut faults = Vec::new();
    let mut fault = |value: &Located, rule: &str| {
        faults.push(Fault::at(
            Id::CniConfigInvalid,
            yaml_text::position(&value.location),
            rule,
        ));
    };
    if root.as_map().is_none() {
        fault(&root, "a network's configuration must be a JSON object");
        return faults;
    }
    match root.get("name") {
        Some(value) if is_name(value) => {}
        other => fault(
            other.unwrap_or(&root),
            "name: must be letters, digits, \"_\", \".\" and \"-\"",
        ),
    }
    if let Some(version) = root.get("cniVersion")
        && !version
            .as_str()
            .is_some_and(|version| VERSIONS.contains(&version))
    {
        fault(
            version,
            "cniVersion: must be a version of the CNI specification (for example \"1.0.0\")",
        );
    }
    let is_list = name.ends_with(".conflist");
    match root.get("plugins").map(|plugins| (plugins, &plugins.value)) {
        Some((plugins, Value::List(list))) if is_list => {
            if list.is_empty() {
                fault(plugins, "plugins: must have a plugin");
            }
            for plugin in list.iter().filter(|plugin| !has_type(plugin)) {
                fault(
                    plugin,
                    "plugins: each must have a type, which is the plugin's file name",
                );
            }
        }
        Some((plugins, _)) if is_list => fault(plugins, "plugins: must be a list"),
        None if is_list => fault(&root, "a .conflist must have plugins"),
        Some((plugins, _)) => fault(
            plugins,
            "plugins: a list of plugins is read from a file that ends in .conflist only",
        ),
        None if !has_type(&root) => fault(&root, "type: must be the plugin's file name"),
        None => {}
    }
    faults
}

fn has_type(plugin: &Located) -> bool {
    let kind = plugin.get("type").and_then(Located::as_str);
    kind.is_some_and(|kind| !kind.is_empty() && !kind.contains('/'))
}

/// libcni's `utils.ValidateNetworkName`.
fn is_name(value: &Located) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    value.as_str().is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(fits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_libcni_reads_them() {
        for (name, text, line) in [
            (
                "a.conf",
                r#"{"cniVersion": "0.3.1", "name": "a", "type": "bridge"}"#,
                None,
            ),
            (
                "a.conflist",
                r#"{"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}, {"type": "portmap"}]}"#,
                None,
            ),
            (
                "a.conflist",
                "{\"name\": \"a\",\n\"plugins\": [{\"type\": \"bridge\"},]}",
                Some(2),
            ),
            (
                "a.conflist",
                "{\"name\": \"a\", \"type\": \"bridge\"}",
                Some(1),
            ),
            (
                "a.conf",
                "{\"name\": \"a\",\n\"plugins\": [{\"type\": \"bridge\"}]}",
                Some(2),
            ),
            ("a.conf", "{\"name\": \"a\"}", Some(1)),
            ("a.conf", "{\"type\": \"bridge\"}", Some(1)),
            (
                "a.conf",
                "{\"name\": \"a/b\", \"type\": \"bridge\"}",
                Some(1),
            ),
            (
                "a.conf",
                "{\"cniVersion\": \"2\", \"name\": \"a\", \"type\": \"bridge\"}",
                Some(1),
            ),
            ("a.conflist", "{\"name\": \"a\", \"plugins\": []}", Some(1)),
            (
                "a.conflist",
                "{\"name\": \"a\", \"plugins\": [{\"ipam\": {}}]}",
                Some(1),
            ),
            ("a.conf", "name: a\ntype: bridge\n", Some(1)),
        ] {
            let found = read(name, text);
            let lines: Vec<usize> = found
                .iter()
                .filter_map(|fault| Some(fault.position?.line))
                .collect();
            assert_eq!(lines.first().copied(), line, "{text}: {found:?}");
        }
    }
}
