//! A registry's hosts.toml below containerd's `config_path` (containerd `core/remotes/docker/config/hosts.go`): a fault in it
//! makes each pull from that registry fail.

use crate::host_files::fault::Fault;
use crate::host_files::toml_text::{Table, TomlText, Value};
use crate::report::Id;

/// Keys of a host; the file itself has them too, for the server.
const KEYS: [&str; 9] = [
    "server",
    "capabilities",
    "ca",
    "client",
    "skip_verify",
    "header",
    "override_path",
    "dial_timeout",
    "host",
];

/// Reads the file.
pub fn read(text: &str) -> Vec<Fault> {
    let text = match TomlText::read(text, Id::RegistryHostsInvalid) {
        Ok(text) => text,
        Err(faults) => return faults,
    };
    let mut faults = Vec::new();
    let mut check = |table: &Table<'_>| {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let rule = if KEYS.contains(&name) {
                rule(name, value)
            } else {
                Some("is not a key of hosts.toml, so containerd ignores it".to_owned())
            };
            if let Some(rule) = rule {
                let at = text.at(key.span());
                faults.push(Fault::at(
                    Id::RegistryHostsInvalid,
                    at,
                    format!("{name}: {rule}"),
                ));
            }
        }
    };
    check(text.root());
    let hosts = text
        .root()
        .get("host")
        .and_then(|hosts| hosts.get_ref().as_table());
    for (_, host) in hosts.into_iter().flatten() {
        if let Some(host) = host.get_ref().as_table() {
            check(host);
        }
    }
    faults
}

fn rule(name: &str, value: &Value<'_>) -> Option<String> {
    let value = value.get_ref();
    let is_text_or_list = || value.is_str() || value.is_array();
    let (is_right, wanted) = match name {
        "server" | "dial_timeout" => (value.is_str(), "a string"),
        "skip_verify" | "override_path" => (value.is_bool(), "true or false"),
        "ca" => (is_text_or_list(), "a path or a list of paths"),
        "client" => (is_text_or_list(), "a path, or a list of pairs"),
        "header" | "host" => (value.is_table(), "a table"),
        _ => {
            let known = ["pull", "resolve", "push"];
            let list = value.as_array().map(|list| {
                list.iter()
                    .map(|item| item.get_ref().as_str())
                    .collect::<Vec<_>>()
            });
            let is_right = list.is_some_and(|list| {
                list.iter()
                    .all(|item| item.is_some_and(|item| known.contains(&item)))
            });
            (is_right, "a list of pull, resolve and push")
        }
    };
    (!is_right).then(|| format!("must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_read_as_containerd_reads_them() {
        for (text, line) in [
            (
                "server = \"https://docker.io\"\n[host.\"https://m\"]\ncapabilities = [\"pull\", \"resolve\"]\nca = \"/x.crt\"\nskip_verify = false\n[host.\"https://m\".header]\nx = [\"y\"]\n",
                None,
            ),
            (
                "server = \"https://docker.io\"\n[host.\"https://m\"]\ncapabilities = [\"pull\", \"fetch\"]\n",
                Some(3),
            ),
            ("[host.\"https://m\"]\nskip-verify = true\n", Some(2)),
            ("[host.\"https://m\"]\nskip_verify = \"true\"\n", Some(2)),
            ("server = \n", Some(1)),
        ] {
            let found = read(text);
            let line_of = found.first().and_then(|fault| Some(fault.position?.line));
            assert_eq!(line_of, line, "{text}: {found:?}");
        }
    }
}
