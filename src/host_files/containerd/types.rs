//! The tables of containerd's CRI plugins by the types of its release: a value of the wrong type, with which containerd does not
//! start, and a setting that it passes over. Source: containerd `internal/cri/config/config.go` (pkg/cri/config in 1.x).

use crate::host_files::containerd::{CRI_V2, CRI_V3};
use crate::host_files::fault::Fault;
use crate::host_files::toml_text::{Table, Toml, TomlText, Value, find};
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::kubernetes::value::nanoseconds;
use crate::report::Id;

/// The last release of 1.x as the table counts: what a file of version 2 has is that of 1.7, and 2.x moves it.
const LAST_OF_1: u32 = 7;
/// Settings whose text is a duration (ValidatePluginConfig and its successors).
const DURATIONS: [&str; 3] = [
    "stream_idle_timeout",
    "image_pull_progress_timeout",
    "drain_exec_sync_io_timeout",
];
/// Options of runc's shim (containerd `api/types/runc/options/oci.proto`), and whether each is true or false, a number or a text.
const RUNC: [(&str, FieldKind); 12] = [
    ("NoPivotRoot", FieldKind::Bool),
    ("NoNewKeyring", FieldKind::Bool),
    ("ShimCgroup", FieldKind::String),
    ("IoUid", NUMBER),
    ("IoGid", NUMBER),
    ("BinaryName", FieldKind::String),
    ("Root", FieldKind::String),
    ("CriuPath", FieldKind::String),
    ("SystemdCgroup", FieldKind::Bool),
    ("CriuImagePath", FieldKind::String),
    ("CriuWorkPath", FieldKind::String),
    ("TaskApiAddress", FieldKind::String),
];
const NUMBER: FieldKind = FieldKind::Int {
    bits: 32,
    signed: false,
};

/// Checks the tables of a file of some version; `release` is containerd's, where it is known.
pub fn check(
    text: &TomlText<'_>,
    version: i64,
    release: Option<(u32, u32)>,
    faults: &mut Vec<Fault>,
) {
    let (_, newest) = Schema::containerd().minors().into_inner();
    let number = release.map(|(major, minor)| match major {
        0 | 1 => minor,
        _ => 8 + minor,
    });
    let tables: &[(&str, &str)] = match version {
        1 => &[("cri", "PluginConfig")],
        2 => &[(CRI_V2, "PluginConfig")],
        _ => &[
            (CRI_V3[0], "ImageConfig"),
            (CRI_V3[1], "RuntimeConfig"),
            (CRI_V2, "ServerConfig"),
        ],
    };
    for (plugin, of) in tables {
        let table = find(text.root(), &["plugins", plugin]);
        let table = table.and_then(|table| table.get_ref().as_table());
        let (Some(table), Some(of)) = (table, Schema::containerd().structure(of)) else {
            continue;
        };
        let counted = number.unwrap_or(newest).min(newest);
        let mut types = Types {
            text,
            number: if version < 3 {
                counted.min(LAST_OF_1)
            } else {
                counted
            },
            is_known: number.is_some_and(|number| number <= newest)
                && (version > 2 || number <= Some(LAST_OF_1)),
            // The old plugin's table in a newer file has its own rule.
            is_whole: !(version > 2 && *plugin == CRI_V2),
            faults,
        };
        types.table(table, of, "");
    }
}

struct Types<'a, 't> {
    text: &'a TomlText<'t>,
    /// The release as the table counts.
    number: u32,
    /// Whether that is the node's, and not a guess.
    is_known: bool,
    /// Whether settings that are not in the struct are passed over.
    is_whole: bool,
    faults: &'a mut Vec<Fault>,
}

impl<'t> Types<'_, 't> {
    fn table(&mut self, table: &Table<'t>, of: TypeRef, path: &str) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            match of.field(name, self.number) {
                FieldAnswer::Found(kind) => {
                    self.value(value, kind, &path);
                    if DURATIONS.contains(&name) {
                        self.duration(value, &path);
                    }
                }
                FieldAnswer::Unknown { suggestion } if self.is_whole => {
                    let rule = format!("containerd passes over {path}: there is no such setting");
                    let help = match suggestion {
                        Some(name) => format!("did you mean {name}?"),
                        None => {
                            "move it into the table that it belongs to, or remove it".to_owned()
                        }
                    };
                    let at = self.text.at(key.span());
                    self.faults
                        .push(Fault::at(Id::ContainerdKeyUnknown, at, rule).help(help));
                }
                FieldAnswer::NotYet { .. } | FieldAnswer::Gone { .. } if self.is_known => {
                    let rule =
                        format!("containerd passes over {path}: this release does not have it");
                    let at = self.text.at(key.span());
                    self.faults
                        .push(Fault::at(Id::ContainerdKeyUnknown, at, rule).help("remove it"));
                }
                _ => {}
            }
        }
        if of.name() == "Runtime" {
            self.options(table, path);
        }
    }

    fn invalid(&mut self, value: &Value<'t>, path: &str, rule: &str) {
        let at = self.text.at(value.span());
        let fault = Fault::at(Id::ContainerdConfigInvalid, at, format!("{path}: {rule}"));
        self.faults.push(fault);
    }

    fn value(&mut self, value: &Value<'t>, kind: &FieldKind, path: &str) {
        let wrong = || Err(format!("must be {}", kind.describe()));
        let checked = match (kind, value.get_ref()) {
            (FieldKind::Any, _) => Ok(()),
            (FieldKind::Struct(of), Toml::Table(table)) => return self.table(table, *of, path),
            (FieldKind::Map(of), Toml::Table(table)) => {
                for (key, value) in table {
                    self.value(value, of, &format!("{path}.{}", key.get_ref()));
                }
                Ok(())
            }
            (FieldKind::List(of), Toml::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, of, &format!("{path}[{index}]"));
                }
                Ok(())
            }
            (FieldKind::Struct(_) | FieldKind::Map(_), _) => Err("must be a table".to_owned()),
            (_, Toml::String(text)) => kind.check_text(text, self.number),
            (_, Toml::Boolean(truth)) => kind.check_bool(*truth),
            (_, Toml::Integer(number)) => {
                let number = i128::from_str_radix(number.as_str(), number.radix());
                number.map_or_else(|_| wrong(), |number| kind.check_integer(number))
            }
            (_, Toml::Float(number)) => kind.check_float(number.as_str()),
            _ => wrong(),
        };
        if let Err(rule) = checked {
            self.invalid(value, path, &rule);
        }
    }

    fn duration(&mut self, value: &Value<'t>, path: &str) {
        let text = value.get_ref().as_str().filter(|text| !text.is_empty());
        if let Some(Err(rule)) = text.map(nanoseconds) {
            let at = self.text.at(value.span());
            let rule = format!("{path}: {rule}, and the CRI plugin does not start without it");
            self.faults.push(Fault::at(Id::ContainerdCriOff, at, rule));
        }
    }

    /// Options of runc, which containerd reads when it starts a pod. Other runtimes have others.
    fn options(&mut self, runtime: &Table<'t>, path: &str) {
        let kind = runtime
            .get("runtime_type")
            .and_then(|kind| kind.get_ref().as_str());
        let is_runc = kind.map_or(path.ends_with(".runc"), |kind| {
            kind.starts_with("io.containerd.runc.")
        });
        let options = runtime.get("options").filter(|_| is_runc);
        let options = options.and_then(|options| options.get_ref().as_table());
        for (key, value) in options.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            let path = format!("{path}.options.{name}");
            let known = RUNC
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some((_, kind)) = known {
                self.value(value, kind, &path);
                continue;
            }
            let plain = |text: &str| text.replace('_', "").to_lowercase();
            let near = RUNC.iter().find(|(known, _)| plain(known) == plain(name));
            let rule = format!("containerd passes over {path}: runc's shim has no such option");
            let fault = Fault::at(Id::ContainerdKeyUnknown, self.text.at(key.span()), rule);
            self.faults.push(match near {
                Some((known, _)) => fault.help(format!("did you mean {known}?")),
                None => fault.help("remove it"),
            });
        }
    }
}
