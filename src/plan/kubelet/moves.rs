//! Settings of a profile go where the node's version wants them: a flag to its field, a later field to the flag that
//! it came from, and what the kubelet does by itself to nowhere.
//!
//! The line between moving and telling is the file. A profile serves nodes of several versions, so what it says is
//! meant for each of them in that version's words; `cluster.yaml` names the versions itself, so what is in it for
//! the wrong one is a mistake and is told. Nothing moves that would mean something else there. What a profile asks of
//! a version that has no such thing yet is left out: silently where the profile is built in and says so, with a warning
//! where it is the user's own.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::inventory::{Spec, Text, child_path};
use crate::kubernetes::gates::Gates;
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::kubernetes::moves::{self, Home};
use crate::model::{FieldLocation, Location};
use crate::plan::kubelet::convert;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Field, Located, Map, Value};

/// What a kubelet is told, and what became of settings that were elsewhere.
pub struct Settings {
    /// KubeletConfiguration without taints, kind and apiVersion.
    pub config: Located,
    /// Flags in order, without those that are made from labels and taints.
    pub flags: Vec<(String, Option<Text>)>,
    /// What moved or was left out.
    pub moved: Vec<Moved>,
}

/// A setting that is not where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where it was written: `kubelet.flags.volume-plugin-dir`.
    pub path: String,
    /// What became of it, and why.
    pub why: String,
}

/// Puts every setting of the profiles where its version wants it.
pub fn settle(
    spec: &Spec,
    (written, location): (&Located, &FieldLocation),
    gates: &Gates,
    report: &mut Report,
) -> Settings {
    let mut settle = Settle {
        minor: spec.kubernetes.value.minor(),
        gates,
        written,
        given: &spec.kubelet.flags,
        flags: Vec::new(),
        added: Vec::new(),
        moved: Vec::new(),
        report,
    };
    for (name, value) in &spec.kubelet.flags {
        settle.flag(name, value.as_ref());
    }
    let mut config = if settle.minors_are_known() {
        settle.fields(written, Schema::load().root(), "", &location.path)
    } else {
        written.clone()
    };
    for (path, value) in std::mem::take(&mut settle.added) {
        config = with(&config, path, value);
    }
    Settings {
        config,
        flags: settle.flags,
        moved: settle.moved,
    }
}

struct Settle<'a> {
    minor: u32,
    gates: &'a Gates,
    written: &'a Located,
    given: &'a [(String, Option<Text>)],
    flags: Vec<(String, Option<Text>)>,
    added: Vec<(&'static str, Located)>,
    moved: Vec<Moved>,
    report: &'a mut Report,
}

impl Settle<'_> {
    fn minors_are_known(&self) -> bool {
        Schema::load().minors().contains(&self.minor)
    }

    fn note(&mut self, path: String, why: String) {
        self.moved.push(Moved { path, why });
    }

    /// Leaves a setting out; the user's own profiles are told so.
    fn leave_out(&mut self, location: &Location, path: &str, why: &str) {
        if !location.file.starts_with("built-in:") {
            let rule = format!(
                "{why}, and a kubelet here is 1.{}: it is left out",
                self.minor
            );
            let repair = "set it to null in `cluster.yaml` or in a profile of those nodes";
            self.report
                .add(Finding::new(Id::KubeletFieldUnsupported, location, path, rule).help(repair));
        }
        self.note(path.to_owned(), format!("left out: {why}"));
    }

    fn flag(&mut self, name: &str, value: Option<&Text>) {
        let home = match value {
            Some(text) if is_profile(&text.location.at) && self.minors_are_known() => {
                moves::flag(name, &text.text, self.minor)
            }
            _ => Home::Here,
        };
        let keep = match (home, value) {
            (Home::Implied(why), Some(text)) => {
                self.note(text.location.path.to_string(), format!("left out: {why}"));
                false
            }
            (Home::NotYet(since), Some(text)) => {
                let why = format!("--{name} came with Kubernetes 1.{since}");
                self.leave_out(&text.location.at, &text.location.path, &why);
                false
            }
            (Home::Field(path), Some(text)) => !self.put_into_field(name, text, path),
            _ => true,
        };
        if keep {
            self.flags.push((name.to_owned(), value.cloned()));
        }
    }

    /// Whether the flag's value is now in its field.
    fn put_into_field(&mut self, name: &str, text: &Text, path: &'static str) -> bool {
        let FieldAnswer::Found(kind) = Schema::load().path(path, self.minor) else {
            return false;
        };
        let there = path
            .split('.')
            .try_fold(self.written, |at, key| at.get(key))
            .is_some();
        if there {
            let why = format!("left out: {path} is set beside it");
            self.note(text.location.path.to_string(), why);
            return true;
        }
        let Some(value) = convert::to_value(name, text, kind) else {
            return false;
        };
        self.added.push((path, value));
        let why = format!("moved to kubelet.config.{path}, which --{name} sets");
        self.note(text.location.path.to_string(), why);
        true
    }

    /// The fields that stay. `below` is the path in the configuration, `shown` the whole one.
    fn fields(&mut self, at: &Located, of: TypeRef, below: &str, shown: &str) -> Located {
        let Value::Map(map) = &at.value else {
            return at.clone();
        };
        let mut kept: Map = IndexMap::with_capacity(map.len());
        for (key, field) in map.iter() {
            let inner = match below {
                "" => key.to_string(),
                below => format!("{below}.{key}"),
            };
            if let Some(value) = self.field(field, (of, key), &inner, &child_path(shown, key)) {
                let key_location = field.key.clone();
                let field = Field {
                    key: key_location,
                    value,
                };
                kept.insert(key.clone(), field);
            }
        }
        Located {
            location: at.location.clone(),
            value: Value::Map(Arc::new(kept)),
        }
    }

    fn field(
        &mut self,
        field: &Field,
        (of, key): (TypeRef, &str),
        inner: &str,
        shown: &str,
    ) -> Option<Located> {
        if let FieldAnswer::Found(FieldKind::Struct(of)) = of.field(key, self.minor) {
            return Some(self.fields(&field.value, *of, inner, shown));
        }
        if !is_profile(&field.key) {
            return Some(field.value.clone());
        }
        match moves::field(inner, self.minor, self.gates) {
            Home::Flag(flag) => {
                if self.put_into_flag(field, inner, shown, flag) {
                    None
                } else {
                    Some(field.value.clone())
                }
            }
            Home::NotYet(since) => {
                let why = format!("{key} came with Kubernetes 1.{since}");
                self.leave_out(&field.key, shown, &why);
                None
            }
            Home::Gated(gate) => {
                let why = format!("{key} needs the feature gate {gate}");
                self.leave_out(&field.key, shown, &why);
                None
            }
            _ => Some(field.value.clone()),
        }
    }

    /// Whether the field's value is now in a flag.
    fn put_into_flag(
        &mut self,
        field: &Field,
        inner: &str,
        shown: &str,
        flag: &'static str,
    ) -> bool {
        if self.given.iter().any(|(name, _)| name == flag) {
            let why = format!("left out: --{flag} is set beside it");
            self.note(shown.to_owned(), why);
            return true;
        }
        let Some(text) = convert::to_text(inner, &field.value) else {
            return false;
        };
        let text = Text {
            text: text.into(),
            location: FieldLocation::new(field.value.location.clone(), shown),
        };
        self.flags.push((flag.to_owned(), Some(text)));
        let since = match Schema::load().path(inner, self.minor) {
            FieldAnswer::NotYet { since } => format!("the field came with Kubernetes 1.{since}"),
            _ => "the field is gone".to_owned(),
        };
        self.note(shown.to_owned(), format!("moved to --{flag}: {since}"));
        true
    }
}

/// Whether a value was written for nodes of any version.
fn is_profile(location: &Location) -> bool {
    location.file.starts_with("built-in:") || location.file.starts_with("profiles/")
}

/// The map with a value at a path of keys, all others as they were.
fn with(at: &Located, path: &str, value: Located) -> Located {
    let mut map = at.as_map().map(|map| Map::clone(map)).unwrap_or_default();
    let (key, value) = match path.split_once('.') {
        None => (path, value),
        Some((key, rest)) => {
            let inner = at.get(key).cloned();
            let inner = inner.unwrap_or_else(|| Located::map(&value.location, []));
            (key, with(&inner, rest, value))
        }
    };
    let field = Field {
        key: value.location.clone(),
        value,
    };
    map.insert(key.into(), field);
    Located {
        location: at.location.clone(),
        value: Value::Map(Arc::new(map)),
    }
}
