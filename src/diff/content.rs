//! Two contents of one file: field by field where the file has fields, as a unified diff where it is text, and by size
//! and digest where it is neither.

use serde::Serialize;
use serde_json::{Map, Value, json};
use similar::TextDiff;

use crate::diff::field::{FieldChange, Shown, compare, without_passwords};
use crate::diff::walk::of_part;
use crate::tree::{UNIT_FOLDER, read_unit};
use crate::yaml;

/// The longest file that is read into memory and compared by its content, in bytes; longer ones are told by their digests.
pub const LONGEST: u64 = 256 * 1024;
/// The most lines of a text that is compared line by line: the work grows with their square.
const MOST_LINES: usize = 4096;

/// Of kubeconfigs, which hold tokens and keys, only this is shown.
const KUBECONFIG: [&[&str]; 10] = [
    &["apiVersion"],
    &["kind"],
    &["current-context"],
    &["preferences"],
    &["clusters", "*", "name"],
    &["clusters", "*", "cluster", "server"],
    &["clusters", "*", "cluster", "tls-server-name"],
    &["clusters", "*", "cluster", "certificate-authority-data"],
    &["contexts"],
    &["users", "*", "name"],
];

/// How contents are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// YAML documents, field by field.
    Yaml,
    /// A JSON document, field by field.
    Json,
    /// Sections with assignments, as systemd's and NetworkManager's files have.
    Ini,
    /// Line by line.
    Text,
    /// Neither; or too long to look at.
    Binary,
    /// It holds secrets, and is not shown.
    Secret,
    /// The bundle does not hold it where it can be read.
    Unread,
}

/// What differs between two contents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContentChange {
    /// How they were compared.
    pub form: Form,
    /// The fields that differ; none where only layout, order or comments do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// A unified diff, as `patch -p1` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unified: Option<String>,
}

impl ContentChange {
    /// A change that is not shown.
    pub fn of(form: Form) -> Self {
        Self {
            form,
            fields: Vec::new(),
            unified: None,
        }
    }
}

/// Compares two contents of a file that anybody may read. `old` is None for a file that is new.
pub fn public(path: &str, old: Option<&[u8]>, new: &[u8]) -> ContentChange {
    let text = |bytes| {
        let text = std::str::from_utf8(bytes).ok();
        text.filter(|text| !text.contains('\0') && text.lines().count() <= MOST_LINES)
    };
    let Some(new) = text(new) else {
        return ContentChange::of(Form::Binary);
    };
    let Some(old) = old else {
        return lines(path, "", new);
    };
    let Some(old) = text(old) else {
        return ContentChange::of(Form::Binary);
    };
    match fields(path, old, new) {
        // Layout and comments: people want to see them, and fields have nothing to say.
        Some((form, fields)) if fields.is_empty() => ContentChange {
            form,
            ..lines(path, old, new)
        },
        Some((form, fields)) => ContentChange {
            fields,
            ..ContentChange::of(form)
        },
        None => lines(path, old, new),
    }
}

/// Compares two contents of a file that holds secrets: of kubeconfigs what is not secret, of all else nothing.
pub fn secret(old: &[u8], new: &[u8]) -> ContentChange {
    let kubeconfig = |bytes| {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut documents = yaml::read_all::<Value>(text).ok()?;
        let document = documents.pop()?;
        (documents.is_empty() && document["kind"] == "Config" && document["clusters"].is_array())
            .then_some(document)
    };
    let (Some(old), Some(new)) = (kubeconfig(old), kubeconfig(new)) else {
        return ContentChange::of(Form::Secret);
    };
    ContentChange {
        fields: compare(Some(&old), Some(&new), Shown::Only(&KUBECONFIG)),
        ..ContentChange::of(Form::Secret)
    }
}

/// What differs between two texts as fields; None where they have none.
fn fields(path: &str, old: &str, new: &str) -> Option<(Form, Vec<FieldChange>)> {
    let ending = path.rsplit('/').next()?.rsplit_once('.')?.1;
    match ending {
        "json" => {
            let read = |text| serde_json::from_str::<Value>(text).ok();
            let (old, new) = (read(old)?, read(new)?);
            Some((Form::Json, compare(Some(&old), Some(&new), Shown::Usual)))
        }
        "yaml" | "yml" | "kubeconfig" => Some((Form::Yaml, documents(old, new)?)),
        _ if is_ini(path, ending) => {
            let (old, new) = (assignments(old)?, assignments(new)?);
            Some((Form::Ini, compare(Some(&old), Some(&new), Shown::Usual)))
        }
        _ => None,
    }
}

fn is_ini(path: &str, ending: &str) -> bool {
    const UNITS: [&str; 12] = [
        "automount",
        "link",
        "mount",
        "netdev",
        "network",
        "nmconnection",
        "path",
        "service",
        "slice",
        "socket",
        "target",
        "timer",
    ];
    // systemd's own settings and drop-ins; sysctl.d and modules-load.d have no sections, and are lines.
    let has_sections = path.starts_with(UNIT_FOLDER) || path.starts_with("/etc/systemd/");
    UNITS.contains(&ending) || ending == "swap" || has_sections && ending == "conf"
}

/// All documents of YAML. Those of Kubernetes are told by kind and name, others by their number.
pub fn documents(old: &str, new: &str) -> Option<Vec<FieldChange>> {
    let read = |text| yaml::read_all::<Value>(text).ok();
    let (mut old, mut new) = (read(old)?, read(new)?);
    if old.len() <= 1 && new.len() <= 1 {
        return Some(compare(
            old.pop().as_ref(),
            new.pop().as_ref(),
            Shown::Usual,
        ));
    }
    let (old, new) = (by_name(old), by_name(new));
    let added = new.keys().filter(|key| !old.contains_key(*key));
    let mut changes = Vec::new();
    for name in old.keys().chain(added) {
        let fields = compare(old.get(name), new.get(name), Shown::Usual);
        changes.extend(of_part(name, fields));
    }
    Some(changes)
}

fn by_name(documents: Vec<Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (index, document) in documents.into_iter().enumerate() {
        let kind = document["kind"].as_str();
        let name = kind.zip(document["metadata"]["name"].as_str());
        let name = name.map(|(kind, name)| format!("{kind}/{name}"));
        let name = name.filter(|name| !all.contains_key(name));
        let name = name.unwrap_or_else(|| format!("document {}", index + 1));
        all.insert(name, document);
    }
    all
}

/// Sections and assignments as a value: a key that is there several times is a list. None where it is no such file.
fn assignments(text: &str) -> Option<Value> {
    let read = read_unit(text);
    if read.is_broken || read.sections.is_empty() && !text.trim().is_empty() {
        return None;
    }
    let mut sections = Map::new();
    for (name, _) in &read.sections {
        sections.entry(format!("[{name}]")).or_insert(json!({}));
    }
    for assignment in read.assignments {
        let section = sections.get_mut(&format!("[{}]", assignment.section))?;
        let words: Vec<&str> = assignment.value.split_whitespace().collect();
        let value = Value::from(words.join(" "));
        let section = section.as_object_mut()?;
        match section.get_mut(&assignment.key) {
            None => _ = section.insert(assignment.key, value),
            Some(Value::Array(all)) => all.push(value),
            Some(first) => *first = json!([first, value]),
        }
    }
    Some(Value::Object(sections))
}

fn lines(path: &str, old: &str, new: &str) -> ContentChange {
    let name = path.trim_start_matches('/');
    let before = match old {
        "" => "/dev/null".to_owned(),
        _ => format!("a/{name}"),
    };
    let unified = TextDiff::from_lines(old, new)
        .unified_diff()
        .header(&before, &format!("b/{name}"))
        .to_string();
    ContentChange {
        unified: Some(without_passwords(&unified)),
        ..ContentChange::of(Form::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, old: &str, new: &str) -> (Form, Vec<String>) {
        let change = public(path, Some(old.as_bytes()), new.as_bytes());
        let fields = change.fields.iter();
        (
            change.form,
            fields.map(|field| field.path.clone()).collect(),
        )
    }

    #[test]
    fn every_document_of_yaml_is_looked_at() {
        let old = "kind: A\nmetadata: {name: x}\nv: 1\n---\nkind: A\nmetadata: {name: y}\nv: 1\n";
        let new = "kind: A\nmetadata: {name: y}\nv: 2\n---\nkind: A\nmetadata: {name: x}\nv: 1\n---\na: 1\n";
        assert_eq!(
            said("/x.yaml", old, new),
            (
                Form::Yaml,
                vec!["A/y: v".to_owned(), "document 3".to_owned()]
            )
        );
        // Documents without names, the first of which did not change.
        let (_, fields) = said("/x.yml", "a: 1\n---\nb: 1\n", "a: 1\n---\nb: 2\n");
        assert_eq!(fields, ["document 2: b"]);
    }

    #[test]
    fn sections_and_repeated_keys_are_fields() {
        let old =
            "[Unit]\nAfter=a\n[Service]\nExecStart=/x \\\n  --a\nExecStartPre=1\nExecStartPre=2\n";
        let new = "[Unit]\nAfter=a\n[Service]\nExecStart=/x \\\n  --b\nExecStartPre=1\n";
        let (form, fields) = said("/etc/systemd/system/x.service", old, new);
        assert_eq!(form, Form::Ini);
        assert_eq!(fields, ["[Service].ExecStart", "[Service].ExecStartPre"]);
    }

    #[test]
    fn what_only_looks_otherwise_is_a_unified_diff() {
        let change = public("/a.json", Some(b"{\"a\": 1}"), b"{\"a\":1}");
        assert_eq!((change.form, change.fields.len()), (Form::Json, 0));
        assert!(
            change
                .unified
                .is_some_and(|text| text.starts_with("--- a/a.json\n"))
        );
    }

    #[test]
    fn what_is_broken_is_text_and_what_is_no_text_is_binary() {
        for (path, old, new, form) in [
            ("/a.json", "{", "{}", Form::Text),
            ("/a.yaml", "a: [", "a: 1", Form::Text),
            ("/etc/systemd/system/a.service", "[x", "[x]\n", Form::Text),
            ("/etc/motd", "a", "b", Form::Text),
            ("/etc/motd", "a\0", "b", Form::Binary),
        ] {
            assert_eq!(said(path, old, new).0, form, "{path}");
        }
    }

    #[test]
    fn secret_files_show_nothing_and_kubeconfigs_their_server() {
        let change = secret(b"s3cret", b"s3cret2");
        assert_eq!(change, ContentChange::of(Form::Secret));
        let text = |server: &str, token: &str| {
            format!(
                "kind: Config\nclusters:\n- name: c\n  cluster: {{server: {server}, proxy-url: {token}}}\nusers:\n- name: u\n  user: {{token: {token}, exec: {{args: [{token}]}}}}\n"
            )
        };
        let change = secret(
            text("a", "s3cret1").as_bytes(),
            text("b", "s3cret2").as_bytes(),
        );
        let json = serde_json::to_string(&change).expect("JSON");
        assert!(json.contains(r#""old":"a","new":"b""#), "{json}");
        assert!(!json.contains("s3cret"), "{json}");
        assert_eq!(change.fields.len(), 4);
    }
}
