//! The kubelet's configuration: every field checked against what its version takes, taints moved to where that
//! version wants them.

use std::sync::Arc;

use crate::inventory::{Spec, Spot, Taint, Text, child_path};
use crate::kubernetes::kubelet_config::{FieldAnswer, Kind, Schema, TypeRef};
use crate::report::{Finding, Report};
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
        for (key, field) in map.iter() {
            let path = child_path(path, key);
            match of.field(key, self.minor) {
                FieldAnswer::Found(kind) => self.value(&field.value, kind, &path),
                answer => {
                    if let Some((rule, repair)) = answer.objection(key, self.minor) {
                        let mut finding = Finding::error(&field.key, path, rule);
                        finding.repair = repair;
                        self.report.add(finding);
                    }
                }
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
