//! A pod walked by the types of its minor: what the kubelet's decoder refuses, which is a value of the wrong type, and what it passes
//! over without a word, which is a field that the minor does not have (it decodes leniently: `pkg/kubelet/config/common.go`,
//! tryDecodeSinglePod). Each struct is handed to the rules of the API's validation on the way.

use crate::host_files::Around;
use crate::host_files::fault::Fault;
use crate::host_files::yaml_text::position;
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema, TypeRef};
use crate::report::Id;
use crate::yaml::{Located, Value};

/// Checks a struct whose fields have been checked for their types.
pub type Rules = fn(&mut Walk<'_>, TypeRef, &Located);

/// A walk through one pod.
pub struct Walk<'f> {
    /// The kubelet's minor.
    pub minor: u32,
    /// Whether the kubelet obeys resources of a pod as a whole.
    pub has_pod_resources: bool,
    /// Whether it mounts volumes with their SELinux label.
    pub has_selinux_mount: bool,
    faults: &'f mut Vec<Fault>,
    /// What else is checked of each struct.
    rules: Rules,
    /// Names of fields and numbers of items from the pod to here.
    path: Vec<String>,
}

impl<'f> Walk<'f> {
    /// Walks through a pod.
    pub fn pod(root: &Located, around: &Around, rules: Rules, faults: &'f mut Vec<Fault>) {
        let mut walk = Self {
            minor: around.minor,
            has_pod_resources: around.has_pod_resources,
            has_selinux_mount: around.has_selinux_mount,
            faults,
            rules,
            path: Vec::new(),
        };
        walk.structure(root, Schema::pod().root());
    }

    /// Whether a struct has a field in this minor.
    pub fn has(&self, of: TypeRef, field: &str) -> bool {
        matches!(of.field(field, self.minor), FieldAnswer::Found(_))
    }

    /// The path of a field below here, as `spec.containers[0].ports[0].hostPort`.
    pub fn path_of(&self, field: &str) -> String {
        let mut path = self.path.concat();
        if !field.is_empty() {
            path.push('.');
            path.push_str(field);
        }
        path.trim_start_matches('.').to_owned()
    }

    /// A fault of another kind than a broken rule.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// A rule that a field below here breaks; an empty field is the struct itself.
    pub fn invalid(&mut self, value: &Located, field: &str, rule: &str) {
        let rule = format!("{}: {rule}", self.path_of(field));
        self.faults.push(Fault::at(
            Id::StaticPodInvalid,
            position(&value.location),
            rule,
        ));
    }

    fn structure(&mut self, value: &Located, of: TypeRef) {
        let Some(map) = value.as_map() else {
            return self.invalid(value, "", "must be a map");
        };
        for (key, field) in map.iter() {
            match of.field(key, self.minor) {
                FieldAnswer::Found(kind) => {
                    self.path.push(format!(".{key}"));
                    self.value(&field.value, kind);
                    self.path.pop();
                }
                other => self.unknown(key, field, &other),
            }
        }
        (self.rules)(self, of, value);
    }

    fn unknown(&mut self, key: &str, field: &crate::yaml::Field, answer: &FieldAnswer) {
        let (path, minor) = (self.path_of(key), self.minor);
        let (rule, repair) = match answer {
            FieldAnswer::NotYet { since } => (
                format!(
                    "{path}: the kubelet passes over it: it came with Kubernetes 1.{since}, and this kubelet is 1.{minor}"
                ),
                Some("remove it, or set a newer kubernetes version".to_owned()),
            ),
            FieldAnswer::Gone { until, .. } => (
                format!(
                    "{path}: the kubelet passes over it: it was dropped after Kubernetes 1.{until}, and this kubelet is 1.{minor}"
                ),
                Some("remove it".to_owned()),
            ),
            FieldAnswer::Unknown { suggestion } => (
                format!("{path}: the kubelet passes over it: a pod has no such field here"),
                suggestion.map(|name| format!("did you mean {name}?")),
            ),
            FieldAnswer::Found(_) => return,
        };
        let position = position(&field.key);
        let is_misspelt = matches!(
            answer,
            FieldAnswer::Unknown {
                suggestion: Some(_)
            }
        );
        let id = if is_misspelt {
            Id::StaticPodFieldMisspelt
        } else {
            Id::StaticPodFieldUnknown
        };
        let fault = Fault::at(id, position, rule);
        self.faults.push(match repair {
            Some(repair) => fault.help(repair),
            None => fault,
        });
    }

    fn value(&mut self, value: &Located, kind: &FieldKind) {
        let checked = match (kind, &value.value) {
            (_, Value::Null) | (FieldKind::Any, _) => return,
            (FieldKind::Struct(of), _) => return self.structure(value, *of),
            (FieldKind::List(of), Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(format!("[{index}]"));
                    self.value(item, of);
                    self.path.pop();
                }
                return;
            }
            (FieldKind::Map(of), Value::Map(map)) => {
                for (key, field) in map.iter() {
                    self.path.push(format!("[{key}]"));
                    self.value(&field.value, of);
                    self.path.pop();
                }
                return;
            }
            (FieldKind::List(_) | FieldKind::Map(_), _) => {
                Err(format!("must be {}", kind.describe()))
            }
            // Which words of an enumeration count is a matter of the validation.
            (FieldKind::Enum(_), Value::String(_)) => return,
            (_, Value::String(text)) => kind.check_text(text.trim(), self.minor),
            (_, Value::Int(number)) => kind.check_integer(i128::from(*number)),
            (_, Value::Float(number)) => kind.check_float(&number.to_string()),
            (_, Value::Bool(truth)) => kind.check_bool(*truth),
            (_, Value::List(_) | Value::Map(_)) => Err(format!(
                "must be {}, not {}",
                kind.describe(),
                value.value.kind()
            )),
        };
        if let Err(rule) = checked {
            self.invalid(value, "", &rule);
            let is_text = matches!(kind, FieldKind::String | FieldKind::Enum(_));
            let is_scalar = !matches!(value.value, Value::List(_) | Value::Map(_));
            if let Some(fault) = self.faults.last_mut().filter(|_| is_text && is_scalar) {
                fault.help = Some("put it in quotes".to_owned());
            }
        }
    }

    /// Goes into an item of a list for the time of a check.
    pub fn item(&mut self, field: &str, index: usize, check: impl FnOnce(&mut Self)) {
        self.path.push(format!(".{field}[{index}]"));
        check(self);
        self.path.pop();
    }
}

/// The value of a field, unless it is null.
pub fn set<'v>(of: &'v Located, key: &str) -> Option<&'v Located> {
    of.get(key).filter(|value| value.value != Value::Null)
}

/// A field's text, if it is one and not empty.
pub fn text<'v>(of: &'v Located, key: &str) -> Option<&'v str> {
    set(of, key)?.as_str().filter(|text| !text.is_empty())
}

/// Whether a field is true.
pub fn is_true(of: &Located, key: &str) -> bool {
    set(of, key).is_some_and(|value| value.value == Value::Bool(true))
}

/// A field's whole number.
pub fn number(of: &Located, key: &str) -> Option<i64> {
    match set(of, key)?.value {
        Value::Int(number) => Some(number),
        _ => None,
    }
}

/// The items of a field that is a list.
pub fn items<'v>(of: &'v Located, key: &str) -> &'v [Located] {
    match set(of, key).map(|value| &value.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}
