//! The kubelet's configuration: every field checked against what its version takes, taints moved to where that
//! version wants them.

use std::sync::Arc;

use crate::inventory::{Spec, Spot, Taint, Text, child_path};
use crate::kubernetes::flags::check_flag;
use crate::kubernetes::kubelet_config::{FieldAnswer, Kind, Schema, TypeRef};
use crate::report::{Finding, Place, Report};
use crate::yaml::{Located, Map, Value};

/// The API group and version of KubeletConfiguration in every minor from 1.16 on.
const API_VERSION: &str = "kubelet.config.k8s.io/v1beta1";

/// The configuration with taints in it, and the flag for taints where the version has no field for them.
pub fn config(spec: &Spec, report: &mut Report) -> (Located, Option<Text>) {
    let spot = spec.kubernetes.spot.clone();
    let (written, spot) = spec
        .kubelet_config
        .clone()
        .unwrap_or_else(|| (Located::map(&spot.place, []), spot));
    let minor = spec.kubernetes.value.minor();
    let root = Schema::load().root();
    Walk { minor, report }.fields(&written, root, &spot.path);
    let place = spot.place.clone();
    let text = |text: &str| Located::string(&place, text);
    let mut entries: Vec<(Arc<str>, Located)> = vec![
        ("kind".into(), text("KubeletConfiguration")),
        ("apiVersion".into(), text(API_VERSION)),
    ];
    let fields = written.as_map().into_iter().flat_map(|map| map.iter());
    let fields = fields.filter(|(key, _)| !matches!(&***key, "kind" | "apiVersion"));
    entries.extend(fields.map(|(key, field)| (key.clone(), field.value.clone())));
    let mut taint_flag = None;
    if !spec.taints.is_empty() {
        match root.field("registerWithTaints", minor) {
            FieldAnswer::Found(_) => {
                let list = spec
                    .taints
                    .iter()
                    .map(|taint| taint_entry(taint, &spot))
                    .collect();
                let list = Located {
                    place: place.clone(),
                    value: Value::List(Arc::new(list)),
                };
                entries.retain(|(key, _)| &**key != "registerWithTaints");
                entries.push(("registerWithTaints".into(), list));
            }
            _ => taint_flag = Some(taints_flag(&spec.taints, &spot)),
        }
    }
    (Located::map(&place, entries), taint_flag)
}

fn taint_entry(taint: &Taint, spot: &Spot) -> Located {
    let text = |text: &str| Located::string(&spot.place, text);
    let mut entries = vec![("key".into(), text(&taint.key))];
    if !taint.value.is_empty() {
        entries.push(("value".into(), text(&taint.value)));
    }
    entries.push(("effect".into(), text(&taint.effect)));
    Located::map(&spot.place, entries)
}

/// `key=value:effect,…`, the form of `--register-with-taints`.
fn taints_flag(taints: &[Taint], spot: &Spot) -> Text {
    let one = |taint: &Taint| format!("{}={}:{}", taint.key, taint.value, taint.effect);
    let list: Vec<String> = taints.iter().map(one).collect();
    Text {
        text: list.join(",").into(),
        spot: spot.clone(),
    }
}

/// Of other minors nothing is known, which is a finding of its own.
fn knows(minor: u32) -> bool {
    Schema::load().minors().contains(&minor)
}

/// Checks flags by name and value; what a template renders to is not known yet.
pub fn check_flags(flags: &[(String, Option<Text>)], minor: u32, report: &mut Report) {
    if !knows(minor) {
        return;
    }
    for (name, text) in flags {
        let Some(text) = text else { continue };
        match Schema::load().flag(name, minor) {
            FieldAnswer::Found(_) if text.is_template() => {}
            FieldAnswer::Found(_) => {
                if let Err(rule) = check_flag(name, &text.text, minor) {
                    report.add(text.spot.error(rule));
                }
            }
            answer => {
                let spot = (&text.spot.place, text.spot.path.to_string());
                object(answer, name, minor, spot, report);
            }
        }
    }
}

/// Adds what is wrong with a name. Nobody can edit what is built in, but a layer above can take it away.
fn object(
    answer: FieldAnswer,
    name: &str,
    minor: u32,
    (place, path): (&Place, String),
    report: &mut Report,
) {
    let Some((rule, repair)) = answer.objection(name, minor) else {
        return;
    };
    let mut finding = Finding::error(place, path, rule);
    finding.repair = match place.file.starts_with("built-in:") {
        true => {
            repair.map(|repair| repair.replace("remove it", "set it to null in a layer of yours"))
        }
        false => repair,
    };
    report.add(finding);
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
                answer => object(answer, key, self.minor, (&field.key, path), self.report),
            }
        }
    }

    fn map<'l>(&mut self, at: &'l Located, path: &str) -> Option<&'l Map> {
        match &at.value {
            Value::Map(map) => Some(map),
            other => {
                let rule = format!("must be a map, not {}", other.kind());
                self.report.add(Finding::error(&at.place, path, rule));
                None
            }
        }
    }

    fn value(&mut self, at: &Located, kind: &Kind, path: &str) {
        match (kind, &at.value) {
            (_, Value::Null) => {}
            // What a template renders to is checked then.
            (_, Value::String(text)) if is_template(text) => {}
            (Kind::Struct(of), _) => self.fields(at, *of, path),
            (Kind::Map(of), _) => {
                let entries = self.map(at, path).into_iter().flat_map(|map| map.iter());
                for (key, field) in entries {
                    self.value(&field.value, of, &child_path(path, key));
                }
            }
            (Kind::List(of), Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, of, &format!("{path}[{index}]"));
                }
            }
            (kind, _) => {
                if let Err(rule) = check_scalar(kind, at, self.minor) {
                    self.report.add(Finding::error(&at.place, path, rule));
                }
            }
        }
    }
}

/// Checks a rendered value against its field.
pub fn check_value(kind: &Kind, at: &Located, minor: u32, path: &str) -> Report {
    let mut report = Report::default();
    Walk {
        minor,
        report: &mut report,
    }
    .value(at, kind, path);
    report
}

/// Whether a scalar fits its field.
fn check_scalar(kind: &Kind, at: &Located, minor: u32) -> Result<(), String> {
    match &at.value {
        Value::Null => Ok(()),
        Value::Bool(value) => kind.check_bool(*value),
        Value::Int(value) => kind.check_integer(i128::from(*value)),
        Value::Float(value) => kind.check_float(&value.to_string()),
        Value::String(text) => kind.check_text(text, minor),
        other => Err(format!("must be {}, not {}", kind.describe(), other.kind())),
    }
}
