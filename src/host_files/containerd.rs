//! containerd's configuration and what it imports. Source: containerd `cmd/containerd/server/config/config.go` and
//! `internal/cri/config/config.go`; in 1.x `services/server/config` and `pkg/cri/config`.

pub mod named;
pub mod runtimes;
mod server;
mod types;

use crate::closest::closest;
use crate::host_files::fault::Fault;
use crate::host_files::toml_text::{Table, Toml, TomlText, Value, find};
use crate::report::Id;

/// The plugin in files of version 2.
const CRI_V2: &str = "io.containerd.grpc.v1.cri";
/// What became of it in files of version 3.
const CRI_V3: [&str; 2] = [
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
];
/// What the old plugin still reads in a file of version 3: its server's settings (plugins/cri/cri.go).
const CRI_SERVER: [&str; 5] = [
    "disable_tcp_service",
    "stream_server_address",
    "stream_server_port",
    "stream_idle_timeout",
    "enable_tls_streaming",
];
/// A table of the server's settings, which is one of them too.
const CRI_SERVER_TABLE: &str = "x509_key_pair_streaming";
/// Top-level keys of all releases from 1.5 to 2.3.
const KEYS: [&str; 19] = [
    "version",
    "root",
    "state",
    "temp",
    "plugin_dir",
    "grpc",
    "ttrpc",
    "debug",
    "metrics",
    "disabled_plugins",
    "required_plugins",
    "plugins",
    "oom_score",
    "cgroup",
    "proxy_plugins",
    "timeouts",
    "imports",
    "stream_processors",
    "no_subreaper",
];

/// Reads the configuration, or a file that it imports. `release` is containerd's, where it is known.
pub fn read(text: &str, release: Option<(u32, u32)>) -> Vec<Fault> {
    match TomlText::read(text, Id::ContainerdConfigInvalid) {
        Ok(text) => Config { text, release }.check(),
        Err(faults) => faults,
    }
}

/// The name of the table below `plugins` that tells of registries, in a file of this text's version.
pub fn registry_plugin(text: &str) -> &'static str {
    let Ok(text) = TomlText::read(text, Id::ContainerdConfigInvalid) else {
        return CRI_V2;
    };
    match (Config {
        text,
        release: None,
    })
    .version()
    {
        Ok(1) => "cri",
        Ok(3..) => CRI_V3[0],
        _ => CRI_V2,
    }
}

/// The newest version of the configuration that a release reads (containerd `version/version.go`).
fn newest_version((major, minor): (u32, u32)) -> i64 {
    match (major, minor) {
        (0 | 1, _) => 2,
        (2, 0..=2) => 3,
        _ => 4,
    }
}

struct Config<'t> {
    text: TomlText<'t>,
    release: Option<(u32, u32)>,
}

impl Config<'_> {
    fn check(&self) -> Vec<Fault> {
        let version = match self.version() {
            Ok(version) => version,
            Err(fault) => return vec![fault],
        };
        let mut faults = Vec::new();
        self.keys(&mut faults);
        self.server(&mut faults);
        self.plugin_names(version, &mut faults);
        self.lists(version, &mut faults);
        self.cri_tables(version, &mut faults);
        self.registries(&mut faults);
        types::check(&self.text, version, self.release, &mut faults);
        faults
    }

    fn root(&self) -> &Table<'_> {
        self.text.root()
    }

    fn fault(&self, id: Id, value: &Value<'_>, rule: impl Into<String>) -> Fault {
        Fault::at(id, self.text.at(value.span()), rule)
    }

    /// The version of the file; a file without one is of version 1.
    fn version(&self) -> Result<i64, Fault> {
        let Some(value) = self.root().get("version") else {
            return Ok(1);
        };
        let number = value.get_ref().as_integer();
        let number =
            number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        let newest = self.release.map_or(4, newest_version);
        match number {
            // 1.x takes any later version for its own one.
            Some(2..) if self.is_old() => Ok(2),
            Some(number) if (0..=newest).contains(&number) => Ok(number.max(1)),
            _ => {
                let of = match self.release {
                    Some((major, minor)) => format!("containerd {major}.{minor}"),
                    None => "containerd".to_owned(),
                };
                let rule = format!("version: must be a number up to {newest} for {of}");
                let got = number.map_or("no number".to_owned(), |number| number.to_string());
                let fault = self
                    .fault(Id::ContainerdConfigInvalid, value, rule)
                    .got(got);
                Err(fault.help("write the version that the image's containerd reads, or set containerd.version"))
            }
        }
    }

    /// Top-level keys: 1.x ignores those that it does not know, 2.x logs a warning.
    fn keys(&self, faults: &mut Vec<Fault>) {
        for (key, value) in self.root() {
            let name = key.get_ref().as_ref();
            if KEYS.contains(&name) {
                let is_table = value.get_ref().is_table();
                let wants_table = matches!(
                    name,
                    "grpc"
                        | "ttrpc"
                        | "debug"
                        | "metrics"
                        | "plugins"
                        | "cgroup"
                        | "proxy_plugins"
                        | "timeouts"
                        | "stream_processors"
                );
                if wants_table != is_table {
                    let rule = if wants_table {
                        "must be a table"
                    } else {
                        "must not be a table"
                    };
                    faults.push(self.fault(
                        Id::ContainerdConfigInvalid,
                        value,
                        format!("{name}: {rule}"),
                    ));
                }
                continue;
            }
            let at = self.text.at(key.span());
            let fault = Fault::at(
                Id::ContainerdKeyUnknown,
                at,
                format!("containerd ignores {name}: there is no such key"),
            );
            faults.push(match closest(name, KEYS.into_iter()) {
                Some(near) => fault.help(format!("did you mean {near}?")),
                None if name.starts_with("io.containerd.") => {
                    fault.help(format!("write [plugins.{name:?}]"))
                }
                None => fault.help("move it into the table that it belongs to, or remove it"),
            });
        }
    }

    fn plugins(&self) -> Option<&Table<'_>> {
        self.root().get("plugins")?.get_ref().as_table()
    }

    fn is_old(&self) -> bool {
        self.release.is_some_and(|(major, _)| major < 2)
    }

    /// Files of version 1 name plugins by their last part, later ones by the whole.
    fn plugin_names(&self, version: i64, faults: &mut Vec<Fault>) {
        for (key, _) in self.plugins().into_iter().flatten() {
            let name = key.get_ref().as_ref();
            let is_whole = name.starts_with("io.containerd.") && name.splitn(4, '.').count() == 4;
            let at = self.text.at(key.span());
            // 2.x reads whole names in a file of version 1 too (v1Migrate).
            if version == 1 && is_whole && self.release.is_none_or(|(major, _)| major < 2) {
                let rule = "containerd 1.x reads no table of this name in a file of version 1, which a file without version is";
                let fault = Fault::at(Id::ContainerdKeyUnread, at, rule).got(name);
                faults.push(fault.help("write `version = 2` at the top of the file"));
            } else if version >= 2 && !is_whole {
                let rule = format!(
                    "plugins: a file of version {version} must name plugins by the whole (for example {CRI_V2:?})"
                );
                let fault = Fault::at(Id::ContainerdConfigInvalid, at, rule).got(name);
                faults.push(match (name.split('.').next(), version) {
                    // [plugins.io.containerd.grpc.v1.cri] without quotes is a table in a table in a table.
                    (Some("io"), _) => fault.help("put the name in quotes"),
                    (Some("cri"), 2) => fault.help(format!("write [plugins.{CRI_V2:?}]")),
                    (Some("cri"), _) => fault.help(format!("write [plugins.{:?}]", CRI_V3[1])),
                    _ => fault,
                });
            }
        }
    }

    /// `disabled_plugins` and `required_plugins`.
    fn lists(&self, version: i64, faults: &mut Vec<Fault>) {
        for list in ["disabled_plugins", "required_plugins", "imports"] {
            let Some(value) = self.root().get(list) else {
                continue;
            };
            let Some(items) = value.get_ref().as_array() else {
                faults.push(self.fault(
                    Id::ContainerdConfigInvalid,
                    value,
                    format!("{list}: must be a list of strings"),
                ));
                continue;
            };
            for item in items {
                let Some(name) = item.get_ref().as_str() else {
                    faults.push(self.fault(
                        Id::ContainerdConfigInvalid,
                        item,
                        format!("{list}: must be a list of strings"),
                    ));
                    continue;
                };
                match list {
                    "disabled_plugins" if is_cri(name) => {
                        let rule = "disabled_plugins: the kubelet talks to containerd's CRI plugin, and this switches it off";
                        let fault = self.fault(Id::ContainerdCriOff, item, rule).got(name);
                        faults.push(fault.help("remove it from disabled_plugins"));
                    }
                    "imports" => {}
                    _ if version >= 2 && !name.contains('.') => {
                        let rule = format!(
                            "{list}: a file of version {version} must name plugins by the whole (for example {CRI_V2:?})"
                        );
                        faults.push(
                            self.fault(Id::ContainerdConfigInvalid, item, rule)
                                .got(name),
                        );
                    }
                    _ => {}
                }
            }
        }
    }

    /// The CRI plugin's tables: each version of the file has its own.
    fn cri_tables(&self, version: i64, faults: &mut Vec<Fault>) {
        let plugins = self.plugins();
        let table = |name: &str| plugins?.get_key_value(name);
        if version >= 3
            && let Some((key, value)) = table(CRI_V2)
            && let Some(settings) = value.get_ref().as_table()
        {
            for (setting, _) in settings {
                let name = setting.get_ref().as_ref();
                if CRI_SERVER.contains(&name) || name == CRI_SERVER_TABLE {
                    continue;
                }
                let at = self.text.at(setting.span());
                let rule = format!(
                    "containerd does not read {name} of {} in a file of version {version}",
                    key.get_ref()
                );
                let home = if matches!(
                    name,
                    "registry" | "sandbox_image" | "image_decryption" | "max_concurrent_downloads"
                ) {
                    CRI_V3[0]
                } else {
                    CRI_V3[1]
                };
                let repair = format!("write it below [plugins.{home:?}], or `version = 2`");
                faults.push(Fault::at(Id::ContainerdKeyUnread, at, rule).help(repair));
            }
        }
        if version == 2 && self.is_old() {
            for name in CRI_V3 {
                let Some((key, _)) = table(name) else {
                    continue;
                };
                let at = self.text.at(key.span());
                let rule = format!("containerd 1.x has no plugin {name}");
                let fault = Fault::at(Id::ContainerdKeyUnread, at, rule);
                faults.push(fault.help(format!("write [plugins.{CRI_V2:?}]")));
            }
        }
    }

    /// Both ways to tell of registries exclude each other: the plugin does not start (ValidatePluginConfig).
    fn registries(&self, faults: &mut Vec<Fault>) {
        for plugin in ["cri", CRI_V2, CRI_V3[0]] {
            let Some(registry) = find(self.root(), &["plugins", plugin, "registry"]) else {
                continue;
            };
            let Some(registry) = registry.get_ref().as_table() else {
                continue;
            };
            let path = registry
                .get("config_path")
                .and_then(|path| path.get_ref().as_str());
            if path.is_none_or(str::is_empty) {
                continue;
            }
            let rule = |what: &str| {
                format!(
                    "registry.{what}: excludes config_path, and with both the CRI plugin does not start"
                )
            };
            let repair = "move it to hosts.toml files below config_path, or remove config_path";
            let has_entries = |value: &Value<'_>| {
                value
                    .get_ref()
                    .as_table()
                    .is_some_and(|table| !table.is_empty())
            };
            if let Some((key, _)) = registry
                .get_key_value("mirrors")
                .filter(|(_, value)| has_entries(value))
            {
                let at = self.text.at(key.span());
                faults.push(Fault::at(Id::ContainerdCriOff, at, rule("mirrors")).help(repair));
            }
            let configs = registry
                .get("configs")
                .and_then(|configs| configs.get_ref().as_table());
            // 2.x knows no tls there, and passes over it.
            let is_old = plugin != CRI_V3[0] && self.release.is_none_or(|(major, _)| major < 2);
            for (_, config) in configs.into_iter().flatten().filter(|_| is_old) {
                if let Some(tls) = find_in(config, "tls") {
                    faults.push(
                        self.fault(Id::ContainerdCriOff, tls, rule("configs.tls"))
                            .help(repair),
                    );
                }
            }
        }
    }
}

fn find_in<'a, 't>(value: &'a Value<'t>, key: &str) -> Option<&'a Value<'t>> {
    match value.get_ref() {
        Toml::Table(table) => table.get(key),
        _ => None,
    }
}

/// Whether it is one of the names under which the CRI plugin, or a part without which it does not start, is switched off.
fn is_cri(name: &str) -> bool {
    name == "cri" || name == CRI_V2 || CRI_V3.contains(&name)
}

#[cfg(test)]
mod tests;
