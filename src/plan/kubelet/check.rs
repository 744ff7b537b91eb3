//! The types of a configuration: every field checked against what its version takes, and then upstream's rules.

use crate::inventory::child_path;
use crate::kubernetes::BrokenRule;
use crate::kubernetes::gates::Gates;
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::kubernetes::moves::{self, Home};
use crate::kubernetes::rules::{self, Verdict};
use crate::plan::kubelet::{knows, object};
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Map, Value};

/// Adds everything that is wrong with a configuration whose strings may be templates, and returns what the rules said.
pub fn check_config(config: &Located, minor: u32, path: &str, report: &mut Report) -> Verdict {
    Walk { minor, report }.fields(config, Schema::load().root(), path);
    let json = serde_json::to_value(config).unwrap_or_default();
    let verdict = if knows(minor) {
        rules::check(&json, minor, is_template)
    } else {
        Verdict::default()
    };
    for broken in &verdict.broken {
        report.add(finding(config, broken, path));
    }
    verdict
}

/// What is wrong with one node's configuration that could not be known before it was rendered. `config` is the one
/// with the templates, `said` what the rules found in it.
pub fn check_rendered(
    (config, said): (&Located, &Verdict),
    rendered: &serde_json::Value,
    minor: u32,
) -> Vec<Finding> {
    if !said.open {
        return Vec::new();
    }
    let verdict = rules::check(rendered, minor, |_| false);
    let new = verdict.broken.into_iter();
    let new = new.filter(|broken| !said.broken.contains(broken));
    new.map(|broken| finding(config, &broken, "kubelet.config"))
        .collect()
}

/// A broken rule as a finding: at the value if it was written, else as near above it as something was.
fn finding(config: &Located, broken: &BrokenRule, path: &str) -> Finding {
    let mut at = config;
    let mut shown = path.to_owned();
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
    Finding {
        help: broken.help.as_deref().map(Box::from),
        ..Finding::new(broken.id, &at.location, shown, &*broken.message)
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
