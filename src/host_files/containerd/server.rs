//! Types of containerd's own settings, which are beside those of plugins (containerd `services/server/config/config.go`, in 2.x
//! `cmd/containerd/server/config/config.go`): with a value of another type it does not start.

use crate::host_files::containerd::Config;
use crate::host_files::fault::Fault;
use crate::host_files::toml_text::{Toml, Value};
use crate::report::Id;

/// What a value must be.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Truth,
    Texts,
}

/// Keys at the top, or of a table there; `*` is any name.
const KEYS: [(&str, &[(&str, Kind)]); 10] = [
    (
        "",
        &[
            ("root", Kind::Text),
            ("state", Kind::Text),
            ("temp", Kind::Text),
            ("plugin_dir", Kind::Text),
            ("oom_score", Kind::Number),
            ("no_subreaper", Kind::Truth),
        ],
    ),
    (
        "grpc",
        &[
            ("address", Kind::Text),
            ("tcp_address", Kind::Text),
            ("tcp_tls_ca", Kind::Text),
            ("tcp_tls_cert", Kind::Text),
            ("tcp_tls_key", Kind::Text),
            ("uid", Kind::Number),
            ("gid", Kind::Number),
            ("max_recv_message_size", Kind::Number),
            ("max_send_message_size", Kind::Number),
        ],
    ),
    ("ttrpc", &SOCKET),
    ("debug", &SOCKET),
    ("debug", &[("level", Kind::Text), ("format", Kind::Text)]),
    (
        "metrics",
        &[("address", Kind::Text), ("grpc_histogram", Kind::Truth)],
    ),
    ("cgroup", &[("path", Kind::Text)]),
    ("timeouts", &[("*", Kind::Text)]),
    (
        "proxy_plugins.*",
        &[("type", Kind::Text), ("address", Kind::Text)],
    ),
    (
        "stream_processors.*",
        &[
            ("accepts", Kind::Texts),
            ("returns", Kind::Text),
            ("path", Kind::Text),
            ("args", Kind::Texts),
            ("env", Kind::Texts),
        ],
    ),
];
const SOCKET: [(&str, Kind); 3] = [
    ("address", Kind::Text),
    ("uid", Kind::Number),
    ("gid", Kind::Number),
];

impl Config<'_> {
    /// Adds a fault for each setting of another type.
    pub(super) fn server(&self, faults: &mut Vec<Fault>) {
        for (table, keys) in KEYS {
            let (name, is_of_names) = match table.strip_suffix(".*") {
                Some(name) => (name, true),
                None => (table, false),
            };
            if name.is_empty() {
                for (key, value) in self.root() {
                    self.typed("", key.get_ref(), value, keys, faults);
                }
                continue;
            }
            let Some(value) = self.root().get(name) else {
                continue;
            };
            let Some(map) = value.get_ref().as_table() else {
                continue;
            };
            for (key, value) in map {
                if !is_of_names {
                    self.typed(name, key.get_ref(), value, keys, faults);
                    continue;
                }
                let path = format!("{name}.{}", key.get_ref());
                let Some(map) = value.get_ref().as_table() else {
                    let rule = format!("{path}: must be a table");
                    faults.push(self.fault(Id::ContainerdConfigInvalid, value, rule));
                    continue;
                };
                for (key, value) in map {
                    self.typed(&path, key.get_ref(), value, keys, faults);
                }
            }
        }
    }

    fn typed(
        &self,
        path: &str,
        key: &str,
        value: &Value<'_>,
        keys: &[(&str, Kind)],
        faults: &mut Vec<Fault>,
    ) {
        let known = keys.iter().find(|(name, _)| *name == key || *name == "*");
        let Some((_, kind)) = known else { return };
        if let Err(rule) = is_of(value, *kind) {
            let dot = if path.is_empty() { "" } else { "." };
            let rule = format!("{path}{dot}{key}: {rule}");
            faults.push(self.fault(Id::ContainerdConfigInvalid, value, rule));
        }
    }
}

fn is_of(value: &Value<'_>, kind: Kind) -> Result<(), &'static str> {
    let is_text = |value: &Value<'_>| value.get_ref().as_str().is_some();
    let (fits, rule) = match (kind, value.get_ref()) {
        // That is a finding of its own.
        (_, Toml::Table(_)) => (true, ""),
        (Kind::Text, _) => (is_text(value), "must be a string"),
        (Kind::Number, Toml::Integer(_)) | (Kind::Truth, Toml::Boolean(_)) => (true, ""),
        (Kind::Number, _) => (false, "must be a whole number without quotes"),
        (Kind::Truth, _) => (false, "must be true or false without quotes"),
        (Kind::Texts, Toml::Array(items)) => {
            (items.iter().all(is_text), "must be a list of strings")
        }
        (Kind::Texts, _) => (false, "must be a list of strings"),
    };
    if fits { Ok(()) } else { Err(rule) }
}
