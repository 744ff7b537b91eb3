//! The types of a configuration: every field checked against what its version takes, and then upstream's rules on what
//! flags, file and drop-ins are together.

use crate::inventory::{Text, child_path};
use crate::kubernetes::BrokenRule;
use crate::kubernetes::effective::{DROP_INS, Effective, Layers, Source};
use crate::kubernetes::gates::Gates;
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::kubernetes::moves::{self, Home};
use crate::kubernetes::rules::{self, Settings, Verdict};
use crate::model::FieldLocation;
use crate::plan::ClassPlan;
use crate::plan::kubelet::{knows, object};
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Map, Value};

/// Flags in order.
type Flags = [(String, Option<Text>)];

/// Adds everything that is wrong with a configuration file whose strings may be templates, where no flag sets a field, and
/// returns what the rules said.
pub fn check_config(config: &Located, minor: u32, path: &str, report: &mut Report) -> Verdict {
    check_all((config, path), &[], minor, report)
}

/// Everything that is wrong with the names and types of a configuration, or of a part of one.
pub fn check_types(config: &Located, minor: u32) -> Report {
    let mut report = Report::default();
    let mut walk = Walk {
        minor,
        report: &mut report,
    };
    walk.fields(config, Schema::load().root(), "");
    report
}

/// Adds everything that is wrong with a configuration file and flags whose texts may be templates, and returns what the
/// rules said.
pub fn check_all(
    (config, path): (&Located, &str),
    flags: &Flags,
    minor: u32,
    report: &mut Report,
) -> Verdict {
    Walk { minor, report }.fields(config, Schema::load().root(), path);
    if !knows(minor) {
        return Verdict::default();
    }
    if has_drop_ins(flags, minor) {
        // Drop-ins are files of the node, and known with its tree.
        return Verdict {
            open: rules::all(),
            ..Verdict::default()
        };
    }
    let json = serde_json::to_value(config).unwrap_or_default();
    let texts = texts(flags);
    let (effective, verdict) = checked(&json, &texts, minor);
    let at = Places {
        config,
        path,
        flags,
        drop_ins: &[],
    };
    let broken = verdict.broken.iter().chain(&effective.broken);
    for broken in broken {
        report.add(at.finding(&effective, broken));
    }
    verdict
}

/// Whether a kubelet is given a folder of drop-ins.
pub fn has_drop_ins(flags: &Flags, minor: u32) -> bool {
    let is_set = |text: &Option<Text>| text.as_ref().is_some_and(|text| !text.text.is_empty());
    let is_folder = |(name, text): &(String, _)| name == "config-dir" && is_set(text);
    minor >= DROP_INS && flags.iter().any(is_folder)
}

fn checked<'a>(
    json: &'a serde_json::Value,
    flags: &'a [(&'a str, &'a str)],
    minor: u32,
) -> (Effective<'a>, Verdict) {
    let layers = Layers {
        file: json,
        drop_ins: None,
        flags,
        minor,
    };
    let effective = Effective::combine(&layers, is_template);
    let settings = Settings {
        config: &effective.config,
        flags,
        minor,
    };
    let verdict = rules::check(&settings, is_template);
    (effective, verdict)
}

/// Flags as the rules read them: `true` for one without a value.
fn texts(flags: &Flags) -> Vec<(&str, &str)> {
    let mut texts = Vec::with_capacity(flags.len());
    for (name, text) in flags {
        let text = text.as_ref().map_or("true", |text| &*text.text);
        texts.push((name.as_str(), text));
    }
    texts
}

/// What is wrong with one node's configuration and flags that could not be known before they were rendered.
pub fn check_rendered(
    class: &ClassPlan,
    config: &serde_json::Value,
    flags: &[(&str, &str)],
) -> Vec<Finding> {
    let said = &class.rules;
    let minor = class.spec.kubernetes.value.minor();
    if said.open.is_empty() || has_drop_ins(&class.kubelet_flags, minor) {
        return Vec::new();
    }
    check_again(class, config, (None, &[]), flags)
}

/// A drop-in of the node, and where it was written.
pub struct DropIn {
    /// The file on the node, or where the user asked for it.
    pub location: FieldLocation,
    /// What it says.
    pub patch: serde_json::Value,
}

/// What is wrong with the configuration of a node that has drop-ins.
pub fn check_drop_ins(
    class: &ClassPlan,
    config: &serde_json::Value,
    drop_ins: &[DropIn],
    flags: &[(&str, &str)],
) -> Vec<Finding> {
    let patches: Vec<serde_json::Value> = drop_ins.iter().map(|one| one.patch.clone()).collect();
    check_again(class, config, (Some(&patches), drop_ins), flags)
}

fn check_again(
    class: &ClassPlan,
    config: &serde_json::Value,
    (patches, drop_ins): (Option<&[serde_json::Value]>, &[DropIn]),
    flags: &[(&str, &str)],
) -> Vec<Finding> {
    let minor = class.spec.kubernetes.value.minor();
    if !knows(minor) {
        return Vec::new();
    }
    let said = &class.rules;
    let layers = Layers {
        file: config,
        drop_ins: patches,
        flags: if class.flags_set_fields { flags } else { &[] },
        minor,
    };
    let effective = Effective::combine(&layers, |_| false);
    let settings = Settings {
        config: &effective.config,
        flags,
        minor,
    };
    let at = Places {
        config: &class.kubelet_config,
        path: "kubelet.config",
        flags: &class.kubelet_flags,
        drop_ins,
    };
    let broken = rules::check_open(&settings, &said.open);
    let of_drop_ins: &[BrokenRule] = match patches {
        Some(_) => &effective.broken,
        None => &[],
    };
    let new = broken.iter().chain(of_drop_ins);
    let new = new.filter(|broken| !said.broken.contains(broken));
    let mut findings: Vec<Finding> = new.map(|broken| at.finding(&effective, broken)).collect();
    for (index, broken) in &effective.of_drop_ins {
        if let Some(drop_in) = drop_ins.get(*index) {
            findings.push(with_help(
                drop_in.location.finding(broken.id, &*broken.message),
                broken,
            ));
        }
    }
    findings
}

/// Where everything was written that the rules read.
struct Places<'a> {
    config: &'a Located,
    path: &'a str,
    flags: &'a Flags,
    drop_ins: &'a [DropIn],
}

impl Places<'_> {
    /// A broken rule as a finding, at the layer whose value counts.
    fn finding(&self, effective: &Effective<'_>, broken: &BrokenRule) -> Finding {
        if let Some(flag) = broken.flag {
            return self.of_flag(flag, broken);
        }
        match effective.source(&broken.path) {
            Some(Source::Flag(flag)) => self.of_flag(flag, broken),
            Some(Source::DropIn(index)) => match self.drop_ins.get(*index) {
                Some(drop_in) => {
                    let message = format!("{}: {}", broken.path.join("."), broken.message);
                    with_help(drop_in.location.finding(broken.id, message), broken)
                }
                None => self.of_field(broken),
            },
            None => self.of_field(broken),
        }
    }

    fn of_flag(&self, flag: &str, broken: &BrokenRule) -> Finding {
        let found = self.flags.iter().rev().find(|(name, _)| name == flag);
        match found.and_then(|(_, text)| text.as_ref()) {
            Some(text) => with_help(text.location.finding(broken.id, &*broken.message), broken),
            None => self.of_field(broken),
        }
    }

    /// At the value if it was written, else as near above it as something was.
    fn of_field(&self, broken: &BrokenRule) -> Finding {
        let mut at = self.config;
        let mut shown = self.path.to_owned();
        for key in &broken.path {
            let inner = match (&at.value, key.parse::<usize>()) {
                (Value::List(items), Ok(index)) => items.get(index),
                _ => at.get(key),
            };
            shown = match (&at.value, key.parse::<usize>()) {
                (Value::List(_), Ok(index)) => format!("{shown}[{index}]"),
                _ => child_path(&shown, key),
            };
            at = inner.unwrap_or(at);
        }
        with_help(
            Finding::new(broken.id, &at.location, shown, &*broken.message),
            broken,
        )
    }
}

fn with_help(finding: Finding, broken: &BrokenRule) -> Finding {
    Finding {
        help: broken.help.as_deref().map(Box::from),
        ..finding
    }
}

/// Whether a string is a template, whose rendered value alone can be checked.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

struct Walk<'r> {
    minor: u32,
    report: &'r mut Report,
}

impl Walk<'_> {
    fn fields(&mut self, at: &Located, of: TypeRef, path: &str) {
        let Some(map) = self.map(at, path) else {
            return;
        };
        if !knows(self.minor) {
            return;
        }
        for (key, field) in map.iter() {
            let path = child_path(path, key);
            match of.field(key, self.minor) {
                FieldAnswer::Found(kind) => self.value(&field.value, kind, &path),
                answer => {
                    let home = self.home(of, key);
                    object(
                        answer,
                        key,
                        (self.minor, &home),
                        (&field.key, path),
                        self.report,
                    );
                }
            }
        }
    }

    /// Where a field belongs that is not here: only those at the top ever came from flags.
    fn home(&self, of: TypeRef, key: &str) -> Home {
        if of == Schema::load().root() {
            moves::field(key, self.minor, &Gates::new(Default::default(), self.minor))
        } else {
            Home::Nowhere
        }
    }

    fn map<'l>(&mut self, at: &'l Located, path: &str) -> Option<&'l Map> {
        match &at.value {
            Value::Map(map) => Some(map),
            other => {
                let rule = format!("must be a map, not {}", other.kind());
                self.report
                    .add(Finding::new(Id::KubeletFieldType, &at.location, path, rule));
                None
            }
        }
    }

    fn value(&mut self, at: &Located, kind: &FieldKind, path: &str) {
        match (kind, &at.value) {
            (_, Value::Null) => {}
            // What a template renders to is checked then.
            (_, Value::String(text)) if is_template(text) => {}
            (FieldKind::Struct(of), _) => self.fields(at, *of, path),
            (FieldKind::Map(of), _) => {
                let entries = self.map(at, path).into_iter().flat_map(|map| map.iter());
                for (key, field) in entries {
                    self.value(&field.value, of, &child_path(path, key));
                }
            }
            (FieldKind::List(of), Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, of, &format!("{path}[{index}]"));
                }
            }
            (kind, _) => {
                if let Err(rule) = check_scalar(kind, at, self.minor) {
                    self.report
                        .add(Finding::new(Id::KubeletFieldType, &at.location, path, rule));
                }
            }
        }
    }
}

/// Checks a rendered value against its field.
pub fn check_value(kind: &FieldKind, at: &Located, minor: u32, path: &str) -> Report {
    let mut report = Report::default();
    Walk {
        minor,
        report: &mut report,
    }
    .value(at, kind, path);
    report
}

/// Whether a scalar fits its field.
fn check_scalar(kind: &FieldKind, at: &Located, minor: u32) -> Result<(), String> {
    match &at.value {
        Value::Null => Ok(()),
        Value::Bool(value) => kind.check_bool(*value),
        Value::Int(value) => kind.check_integer(i128::from(*value)),
        Value::Float(value) => kind.check_float(&value.to_string()),
        Value::String(text) => kind.check_text(text, minor),
        other => Err(format!("must be {}, not {}", kind.describe(), other.kind())),
    }
}
