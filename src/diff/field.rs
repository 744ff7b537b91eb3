//! Two structured values, field by field. In: JSON-like values, whatever they were read from. Out: the fields that
//! differ, with what is secret hidden.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::inventory::child_path;

/// The text in place of a value that is not shown.
pub const HIDDEN: &str = "<hidden>";

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Where it is: `a.b`, `a["b.c"]`, `list[0]`, and `list[name=x]` where items have names.
    pub path: String,
    /// What it was; absent where it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What it is now; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

impl FieldChange {
    /// A change of a value that people may see.
    pub fn new(path: impl Into<String>, old: Option<Value>, new: Option<Value>) -> Self {
        Self {
            path: path.into(),
            old,
            new,
        }
    }
}

/// Which fields may be shown.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// All but those whose names say that they hold a secret.
    Usual,
    /// Of a document that holds secrets: only these fields and what is below them. A path is given as keys; `*` is
    /// any key and any item.
    Only(&'a [&'a [&'a str]]),
}

/// Keys whose values are secrets wherever they are, in lower case without dashes and underscores.
const SECRET_KEYS: [&str; 17] = [
    "accesstoken",
    "apikey",
    "authorization",
    "bearertoken",
    "clientkeydata",
    "clientsecret",
    "hashedpasswd",
    "passphrase",
    "password",
    "passwordhash",
    "plaintextpasswd",
    "privatekey",
    "psk",
    "secret",
    "secretkey",
    "token",
    "tokensecret",
];

/// The fields in which two values differ.
pub fn compare(old: Option<&Value>, new: Option<&Value>, shown: Shown<'_>) -> Vec<FieldChange> {
    let mut comparing = Comparing {
        shown,
        keys: Vec::new(),
        changes: Vec::new(),
    };
    comparing.value("", old, new);
    comparing.changes
}

/// The fields in which two maps differ; one that is not there has none.
pub fn compare_maps(old: Option<&Value>, new: Option<&Value>) -> Vec<FieldChange> {
    let empty = Value::Object(Map::new());
    let all = [old, new].map(|value| Some(value.unwrap_or(&empty)));
    compare(all[0], all[1], Shown::Usual)
}

struct Comparing<'a> {
    shown: Shown<'a>,
    /// The keys above the value that is looked at; `*` for items of lists.
    keys: Vec<String>,
    changes: Vec<FieldChange>,
}

impl Comparing<'_> {
    fn value(&mut self, path: &str, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => self.maps(path, old, new),
            (Some(Value::Array(old)), Some(Value::Array(new))) => self.lists(path, old, new),
            _ => {
                let old = old.map(|value| self.redacted(value));
                let new = new.map(|value| self.redacted(value));
                self.changes.push(FieldChange::new(path, old, new));
            }
        }
    }

    fn maps(&mut self, path: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let added = new.keys().filter(|key| !old.contains_key(*key));
        for key in old.keys().chain(added) {
            self.keys.push(key.clone());
            self.value(&child_path(path, key), old.get(key), new.get(key));
            self.keys.pop();
        }
    }

    fn lists(&mut self, path: &str, old: &[Value], new: &[Value]) {
        self.keys.push("*".to_owned());
        if let (Some(old_names), Some(new_names)) = (names(old), names(new)) {
            self.named(path, (old, &old_names), (new, &new_names));
        } else if old.len() == new.len() && old.iter().chain(new).all(Value::is_object) {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                self.value(&format!("{path}[{index}]"), Some(old), Some(new));
            }
        } else {
            let all = |items: &[Value]| items.iter().map(|item| self.redacted(item)).collect();
            let (old, new) = (Value::Array(all(old)), Value::Array(all(new)));
            self.changes
                .push(FieldChange::new(path, Some(old), Some(new)));
        }
        self.keys.pop();
    }

    /// Lists whose items have names: an item that was put before others changes none of them.
    fn named(&mut self, path: &str, old: (&[Value], &[&str]), new: (&[Value], &[&str])) {
        let find = |(items, names): (&[Value], &[&str]), name: &str| {
            let at = names.iter().position(|other| *other == name)?;
            items.get(at).cloned()
        };
        let before = self.changes.len();
        let added = new.1.iter().filter(|name| !old.1.contains(name));
        for name in old.1.iter().chain(added) {
            let path = format!("{path}[name={name}]");
            let (old, new) = (find(old, name), find(new, name));
            self.value(&path, old.as_ref(), new.as_ref());
        }
        if self.changes.len() == before {
            let order = |names: &[&str]| Some(Value::from(names.to_vec()));
            self.changes.push(FieldChange::new(
                format!("{path}[].name"),
                order(old.1),
                order(new.1),
            ));
        }
    }

    /// The value as it may be shown, with hidden fields of its own.
    fn redacted(&self, value: &Value) -> Value {
        redacted(value, &self.keys, self.shown)
    }
}

/// The names of a list's items, if each is a map with one of its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = items
        .iter()
        .map(|item| item.get("name")?.as_str())
        .collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

fn redacted(value: &Value, keys: &[String], shown: Shown<'_>) -> Value {
    // Ignition has all users below `passwd`, cloud-init a user's hash.
    let leaf = keys.last().is_some_and(|key| key == "passwd") && value.is_string();
    if leaf || keys.iter().any(|key| is_secret_key(key)) {
        return HIDDEN.into();
    }
    let below = |key: &str, value: &Value| {
        let mut keys = keys.to_vec();
        keys.push(key.to_owned());
        redacted(value, &keys, shown)
    };
    match value {
        Value::Object(map) => {
            let all = map
                .iter()
                .map(|(key, value)| (key.clone(), below(key, value)));
            Value::Object(all.collect())
        }
        Value::Array(items) => items.iter().map(|item| below("*", item)).collect(),
        _ if !is_shown(keys, shown) => HIDDEN.into(),
        Value::String(text) => without_passwords(text).into(),
        other => other.clone(),
    }
}

fn is_shown(keys: &[String], shown: Shown<'_>) -> bool {
    let Shown::Only(paths) = shown else {
        return true;
    };
    paths.iter().any(|path| {
        path.len() <= keys.len()
            && path
                .iter()
                .zip(keys)
                .all(|(wanted, key)| *wanted == "*" || wanted == key)
    })
}

fn is_secret_key(key: &str) -> bool {
    let bare: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_KEYS.contains(&bare.as_str())
}

/// A text without what is before the `@` of a URL: proxies and mirrors are often given with a password.
pub fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\''))
            .unwrap_or(tail.len());
        rest = match tail[..end].rfind('@') {
            Some(user) => {
                out.push_str(HIDDEN);
                &tail[user..]
            }
            None => tail,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(old: Value, new: Value, shown: Shown<'_>) -> Vec<String> {
        let word = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        compare(Some(&old), Some(&new), shown)
            .iter()
            .map(|change| {
                format!(
                    "{}: {} {}",
                    change.path,
                    word(&change.old),
                    word(&change.new)
                )
            })
            .collect()
    }

    #[test]
    fn every_field_that_differs_is_named() {
        for (old, new, expected) in [
            (json!({"a": 1}), json!({"a": 1}), &[][..]),
            (
                json!({"a": 1, "b": {"c": 2}}),
                json!({"a": 1, "b": {"c": 3}}),
                &["b.c: 2 3"],
            ),
            (json!({"a": null}), json!({}), &["a: null -"]),
            (json!({"a": "1"}), json!({"a": 1}), &["a: \"1\" 1"]),
            (
                json!({}),
                json!({"x.y/z": {"d": true}}),
                &["[\"x.y/z\"]: - {\"d\":true}"],
            ),
            (json!([1, 2]), json!([2]), &[": [1,2] [2]"]),
            (
                json!({"l": [{"k": 1}, {"k": 2}]}),
                json!({"l": [{"k": 1}, {"k": 3}]}),
                &["l[1].k: 2 3"],
            ),
            (
                json!({"l": [{"name": "a", "v": 1}]}),
                json!({"l": [{"name": "b"}, {"name": "a", "v": 2}]}),
                &["l[name=a].v: 1 2", "l[name=b]: - {\"name\":\"b\"}"],
            ),
            (
                json!([{"name": "a"}, {"name": "b"}]),
                json!([{"name": "b"}, {"name": "a"}]),
                &["[].name: [\"a\",\"b\"] [\"b\",\"a\"]"],
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": [1]}),
                &["a: {\"b\":1} [1]"],
            ),
        ] {
            assert_eq!(said(old, new, Shown::Usual), expected);
        }
    }

    #[test]
    fn secrets_are_hidden_however_deep_and_in_urls() {
        for (old, new) in [
            (
                json!({"u": {"token": "s3cret1"}}),
                json!({"u": {"token": "s3cret2"}}),
            ),
            (json!({}), json!({"a": [{"client-key-data": "s3cret"}]})),
            (
                json!({"passwd": {"users": [{"name": "a", "passwd": "s3cret"}]}}),
                json!({"passwd": {"users": [{"name": "a", "passwd": "s3cret4"}]}}),
            ),
            (
                json!({"password": {"x": "s3cret"}}),
                json!({"password": {"x": "s3cret3"}}),
            ),
            (
                json!({"p": "http://u:s3cret@h/"}),
                json!({"p": "a=http://v:s3cret@h,https://w:s3cret@x y"}),
            ),
        ] {
            let said = said(old, new, Shown::Usual);
            assert!(!said.is_empty());
            assert!(!said.concat().contains("s3cret"), "{said:?}");
        }
    }

    #[test]
    fn of_a_secret_document_only_what_is_named_is_shown() {
        let only = Shown::Only(&[&["clusters", "*", "server"], &["kind"]]);
        let old =
            json!({"kind": "A", "clusters": [{"server": "x", "proxy": "s3cret"}], "o": "s3cret"});
        let new = json!({"kind": "B", "clusters": [{"server": "y", "proxy": "s3cret2"}], "o": {"kind": "s3cret"}});
        assert_eq!(
            said(old, new, only),
            [
                "kind: \"A\" \"B\"",
                "clusters[0].server: \"x\" \"y\"",
                "clusters[0].proxy: \"<hidden>\" \"<hidden>\"",
                "o: \"<hidden>\" {\"kind\":\"<hidden>\"}",
            ]
        );
    }
}
