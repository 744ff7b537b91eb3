//! What is of no node: facts of the two bundles, what an administrator applies, what boot servers hand out. In: both
//! bundles. Out: a [`ClusterDiff`]; the secret payload of a token is in none of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::bundle::OldBundle;
use crate::cluster::names;
use crate::diff::content::{ContentChange, Form, LONGEST, public};
use crate::diff::field::{FieldChange, Shown, compare, compare_maps};
use crate::diff::walk::{Change, arguments, of_part, pairs};
use crate::error::Result;
use crate::manifest::{FileRecord, INDEX, Manifest};
use crate::model::hex;
use crate::timing::{parse_rfc3339, rfc3339};
use crate::yaml;

/// The longest manifest that is read, in bytes: 100,000 token Secrets.
const LONGEST_MANIFEST: u64 = 64 * 1024 * 1024;

/// What differs outside of nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClusterDiff {
    /// Cluster, generation, tool, usable until.
    pub facts: Vec<FieldChange>,
    /// Files of no node.
    pub files: Vec<FileDiff>,
    /// The Secrets of tokens, by name.
    #[serde(skip)]
    pub tokens: Names,
    /// Objects of RBAC, by `Kind/name`.
    #[serde(skip)]
    pub rbac: Names,
    /// Labels that an administrator sets: arguments for `kubectl label node`, by node.
    #[serde(skip)]
    pub labels: Arguments,
    /// Annotations, likewise: arguments for `kubectl annotate node`.
    #[serde(skip)]
    pub annotations: Arguments,
}

/// Names of objects, by how they differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// They are new.
    pub added: Vec<String>,
    /// They are gone.
    pub removed: Vec<String>,
    /// They are others.
    pub changed: Vec<String>,
    /// How many stay as they were.
    pub kept: usize,
}

/// One file of no node that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileDiff {
    /// Relative to the bundle.
    pub path: String,
    /// How it differs.
    pub change: Change,
    /// Size and digest of what is not shown otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<FieldChange>,
    /// What differs in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentChange>,
}

/// Objects by name.
type Objects = BTreeMap<String, Value>;

/// Compares what is of no node.
pub fn cluster(old: &OldBundle, new: &OldBundle) -> Result<ClusterDiff> {
    let mut diff = ClusterDiff {
        facts: compare(
            Some(&facts(old.manifest())),
            Some(&facts(new.manifest())),
            Shown::Usual,
        ),
        ..ClusterDiff::default()
    };
    let (before, after) = (files(old.manifest()), files(new.manifest()));
    for (path, before, after) in pairs(&before, &after) {
        let digest = |file: Option<&&FileRecord>| file.map(|file| file.sha256);
        if digest(before) == digest(after) || follows_from_others(path) {
            continue;
        }
        let sides = ((old, before.copied()), (new, after.copied()));
        let file = file(path, sides.0, sides.1, &mut diff)?;
        diff.files.push(file);
    }
    Ok(diff)
}

/// The index follows nodes and files; what reviews go by follows nodes and tokens, of which the old ones are in no bundle
/// that a project without its tokens is compared with.
fn follows_from_others(path: &str) -> bool {
    let below = path.strip_prefix("cluster/").unwrap_or_default();
    path == INDEX || [names::REVIEW, names::REVIEW_SIGNATURE].contains(&below)
}

fn facts(manifest: &Manifest) -> Value {
    let nodes = manifest.nodes.iter();
    let ends = nodes.filter_map(|node| parse_rfc3339(node.usable_until.as_deref()?));
    let usable_until = ends.min().and_then(rfc3339);
    json!({
        "cluster": manifest.cluster,
        "kind": manifest.kind,
        "generation": manifest.generation,
        "toolVersion": manifest.tool_version,
        "libraries": manifest.libraries,
        "usableUntil": usable_until,
    })
}

fn files(manifest: &Manifest) -> BTreeMap<&str, &FileRecord> {
    let all = manifest.files.iter().chain(&manifest.shared);
    all.map(|file| (&*file.path, file)).collect()
}

type Side<'a> = (&'a OldBundle, Option<&'a FileRecord>);

fn file(path: &str, old: Side<'_>, new: Side<'_>, diff: &mut ClusterDiff) -> Result<FileDiff> {
    let change = Change::of(old.1, new.1);
    let mut found = FileDiff {
        path: path.to_owned(),
        change,
        attributes: Vec::new(),
        content: None,
    };
    let below = path.strip_prefix("cluster/").unwrap_or_default();
    let objects = [names::RBAC, names::TOKENS, names::NODE_LABELS].contains(&below);
    let longest = if objects { LONGEST_MANIFEST } else { LONGEST };
    let readable = [old.1, new.1].iter().flatten().all(|file| {
        file.size <= longest && (objects || !file.secret) && !path.starts_with("shared/")
    });
    if !readable {
        found.attributes = measures(old.1, new.1);
        found.content = (change == Change::Changed).then(|| ContentChange::of(Form::Binary));
        return Ok(found);
    }
    let (before, after) = (bytes(old)?, bytes(new)?);
    match below {
        names::RBAC => {
            let fields = objects_of(&before, &after, rbac, &mut diff.rbac);
            found.content = Some(with(Form::Yaml, fields));
        }
        names::TOKENS => {
            let fields = objects_of(&before, &after, tokens, &mut diff.tokens);
            found.content = Some(with(Form::Yaml, fields));
        }
        names::NODE_LABELS => {
            let of = |verb| (set_by(verb, &before), set_by(verb, &after));
            let (labels, annotations) = (of("label"), of("annotate"));
            let mut fields = label_fields(&labels.0, &labels.1);
            fields.extend(label_fields(&annotations.0, &annotations.1));
            found.content = Some(with(Form::Text, fields));
            diff.labels = label_arguments(&labels.0, &labels.1);
            diff.annotations = label_arguments(&annotations.0, &annotations.1);
        }
        _ if change == Change::Removed => {}
        _ => {
            let before = old.1.is_some().then_some(&before[..]);
            found.content = Some(public(path, before, &after));
        }
    }
    Ok(found)
}

fn with(form: Form, fields: Vec<FieldChange>) -> ContentChange {
    ContentChange {
        fields,
        ..ContentChange::of(form)
    }
}

fn measures(old: Option<&FileRecord>, new: Option<&FileRecord>) -> Vec<FieldChange> {
    let of = |file: &FileRecord| {
        // The digest of something short and secret can be guessed from.
        let digest = (!file.secret).then(|| hex(&file.sha256));
        match digest {
            None => json!({"size": file.size}),
            Some(sha256) => json!({"size": file.size, "sha256": sha256}),
        }
    };
    compare_maps(old.map(of).as_ref(), new.map(of).as_ref())
}

fn bytes((bundle, record): Side<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(record) = record {
        // At once: a buffer that grows leaves copies behind.
        bytes.reserve_exact(usize::try_from(record.size)? + 1);
        bundle.copy(record, &mut *bytes)?;
    }
    Ok(bytes)
}

/// The documents of YAML one after the other; memory holds one.
fn documents(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let all = text.split("\n---\n");
    all.filter_map(|text| yaml::read_all::<Value>(text).ok())
        .flatten()
}

fn name_of(document: &Value) -> Option<String> {
    let name = document["metadata"]["name"].as_str()?;
    Some(format!("{}/{name}", document["kind"].as_str()?))
}

fn rbac(bytes: &[u8]) -> Objects {
    let named = documents(bytes).filter_map(|document| Some((name_of(&document)?, document)));
    named.collect()
}

/// Token Secrets without their secret payload, of which only a digest says whether it is another; it is never shown.
fn tokens(bytes: &[u8]) -> Objects {
    let token = |mut document: Value| {
        let name = name_of(&document)?;
        let mut data = match document.get_mut("stringData")?.take() {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        if let Some(Value::String(secret)) = data.get_mut("token-secret") {
            let wiped = Zeroizing::new(std::mem::take(secret));
            *secret = hex(&Sha256::digest(wiped.as_bytes()));
        }
        Some((name, Value::Object(data)))
    };
    documents(bytes).filter_map(token).collect()
}

fn objects_of(
    old: &[u8],
    new: &[u8],
    read: impl Fn(&[u8]) -> Objects,
    names: &mut Names,
) -> Vec<FieldChange> {
    let (old, new) = (read(old), read(new));
    let mut changes = Vec::new();
    for (name, old, new) in pairs(&old, &new) {
        if old == new {
            names.kept += 1;
            continue;
        }
        let differing = match Change::of(old, new) {
            Change::Added => &mut names.added,
            Change::Removed => &mut names.removed,
            Change::Changed => &mut names.changed,
        };
        differing.push(name.clone());
        changes.extend(of_part(name, compare(old, new, Shown::Usual)));
    }
    changes
}

/// What `node-labels.sh` sets: node → key → value.
type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// Arguments of kubectl by node.
type Arguments = BTreeMap<String, Vec<String>>;

/// What the lines of a script with one verb of kubectl set. Values may have line breaks, in quotes.
fn set_by(verb: &str, script: &[u8]) -> Labels {
    let text = std::str::from_utf8(script).unwrap_or_default();
    let mut all = Labels::new();
    let begin = format!("mark {verb} node ");
    let mut is_quoted = false;
    let lines = text.split('\n').scan(0, |at, line| {
        let start = std::mem::replace(at, *at + line.len() + 1);
        Some((start, line))
    });
    for (start, line) in lines {
        let is_within = is_quoted;
        // A quote within quotes is `'\''`, which changes nothing.
        is_quoted ^= line.replace(r"'\''", "").matches('\'').count() % 2 == 1;
        if is_within || !line.starts_with(&begin) {
            continue;
        }
        let mut words = quoted_words(&text[start + begin.len()..]);
        let Some(node) = words.next() else { continue };
        let of_node = all.entry(node).or_default();
        of_node.extend(words.filter_map(|word| {
            let (key, value) = word.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        }));
    }
    all
}

/// The words in single quotes at the beginning of a text that we wrote, as far as its line goes; `'\''` in them is a quote.
fn quoted_words(line: &str) -> impl Iterator<Item = String> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let before = rest.find('\'')?;
        if rest[..before].contains('\n') {
            return None;
        }
        rest = &rest[before + 1..];
        let mut word = String::new();
        loop {
            let end = rest.find('\'')?;
            word.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix(r"\''") {
                Some(more) => {
                    word.push('\'');
                    rest = more;
                }
                None => return Some(word),
            }
        }
    })
}

fn label_fields(old: &Labels, new: &Labels) -> Vec<FieldChange> {
    let value = |labels: &Labels| serde_json::to_value(labels).unwrap_or_default();
    compare(Some(&value(old)), Some(&value(new)), Shown::Usual)
}

/// What `kubectl label node` is to be told; a node that is gone takes its labels with it.
fn label_arguments(old: &Labels, new: &Labels) -> Arguments {
    let none = BTreeMap::new();
    let all = pairs(old, new).map(|(node, old, new)| {
        let set = |key: &str, value: &str| format!("{key}={value}");
        (
            node.clone(),
            arguments(old.unwrap_or(&none), new.unwrap_or(&none), set),
        )
    });
    all.filter(|(_, arguments)| !arguments.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{NodeMarks, write_node_labels};

    #[test]
    fn the_script_is_read_as_it_was_written() {
        let script = |labels: &[(&str, &str)]| {
            let mut text = Vec::new();
            let marks = NodeMarks {
                node: "it's",
                labels: labels.to_vec(),
                annotations: vec![("e", "one\nmark label node 'x' 'y=z'")],
                taints: Vec::new(),
            };
            write_node_labels(&mut text, [marks]).expect("memory");
            let annotations = set_by("annotate", &text);
            assert_eq!(annotations["it's"]["e"], "one\nmark label node 'x' 'y=z'");
            set_by("label", &text)
        };
        let old = script(&[("a", "1"), ("b/c", "it's'"), ("d", "")]);
        let new = script(&[("a", "2"), ("d", "")]);
        assert_eq!(label_arguments(&old, &new)["it's"], ["a=2", "b/c-"]);
        let paths: Vec<String> = label_fields(&old, &new)
            .into_iter()
            .map(|field| field.path)
            .collect();
        assert_eq!(paths, ["it's.a", "it's[\"b/c\"]"]);
    }

    #[test]
    fn the_secret_of_a_token_is_told_to_be_another_and_not_shown() {
        let secret = |id: &str, secret: &str| {
            format!(
                "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: bootstrap-token-{id}\nstringData:\n  token-id: \"{id}\"\n  token-secret: \"{secret}\"\n"
            )
        };
        let old =
            secret("aaaaaa", "s3cret1") + &secret("bbbbbb", "s3cret2") + &secret("dddddd", "s");
        let new =
            secret("aaaaaa", "s3cret3") + &secret("cccccc", "s3cret4") + &secret("dddddd", "s");
        let mut names = Names::default();
        let fields = objects_of(old.as_bytes(), new.as_bytes(), tokens, &mut names);
        assert_eq!(names.changed, ["Secret/bootstrap-token-aaaaaa"]);
        assert_eq!(names.removed, ["Secret/bootstrap-token-bbbbbb"]);
        assert_eq!(names.added, ["Secret/bootstrap-token-cccccc"]);
        assert_eq!(names.kept, 1);
        let said = serde_json::to_string(&fields).expect("JSON");
        assert!(said.contains("cccccc"));
        for hidden in ["s3cret".to_owned(), hex(&Sha256::digest("s3cret4"))] {
            assert!(!said.contains(&hidden), "{said}");
        }
    }
}
