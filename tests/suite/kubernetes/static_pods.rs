//! Our verdict on static pods against the kubelet's own: its function for a file of staticPodPath with the API's validation behind it, of five
//! minors. The answers of upstream's code (`tests/oracle/kubernetes/static-pod`) are recorded, so that every run is held against them;
//! `make versions` asks it again. Pods are made in two ways: one change to a good pod by hand, and each field of the types by itself with
//! a value that fits its type, and with one that does not.

mod changes;
mod resources;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nodebake::host_files::{Around, read};
use nodebake::kubernetes::kubelet_config::{FieldKind, Schema, TypeRef};
use nodebake::report::Id;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::fixture::fixtures;
use crate::support::oracles::{self, Target};

const RELEASES: [&str; 5] = ["v1.20.15", "v1.28.15", "v1.34.4", "v1.35.4", "v1.37.2"];
/// Fields that the API server alone writes, or of which there are too many to be of use.
const LEFT_OUT: [&str; 3] = ["status", "managedFields", "ephemeralContainers"];

fn minor(release: &str) -> u32 {
    release.split('.').nth(1).unwrap().parse().unwrap()
}

/// A good pod with all that the changes need.
fn base() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "kube-system", "labels": {"app": "a"}},
        "spec": {
            "containers": [{"name": "a", "image": "a/b:1", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
            "volumes": [{"name": "v", "hostPath": {"path": "/v"}}],
        },
    })
}

/// A pod by hand: what is changed, and the text of the file.
fn by_hand() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (path, value) in changes::changes() {
        let mut pod = base();
        for (path, value) in path.split(" & ").zip(several(&value, path)) {
            change(&mut pod, path, value);
        }
        rows.push((format!("{path} = {value}"), pod.to_string()));
    }
    let texts = changes::TEXTS.iter();
    rows.extend(texts.map(|text| (text.replace('\n', "\\n"), (*text).to_owned())));
    rows
}

/// Several paths have a list of values, one of each.
fn several(value: &Value, path: &str) -> Vec<Value> {
    match value.as_array() {
        Some(values) if path.contains(" & ") => values.clone(),
        _ => vec![value.clone()],
    }
}

/// Sets what is at a path like `spec.containers.0.image`; what is not there is made.
fn change(pod: &mut Value, path: &str, value: Value) {
    let mut at = pod;
    for part in path.split('.') {
        at = match (at.is_array(), part.parse::<usize>()) {
            (true, Ok(index)) => {
                let list = at.as_array_mut().unwrap();
                while list.len() <= index {
                    list.push(json!({}));
                }
                &mut list[index]
            }
            _ => {
                if !at.is_object() {
                    *at = json!({});
                }
                let map = at.as_object_mut().unwrap();
                map.entry(part.replace('~', ".")).or_insert(Value::Null)
            }
        };
    }
    *at = value;
}

/// Each field of the types by itself.
fn by_types() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    let root = Schema::pod().root();
    walk(root, &mut Vec::new(), &mut vec![root.name()], &mut paths);
    let mut rows = Vec::new();
    for (path, value) in paths {
        let mut pod = base();
        // A list's only item is its first one; containers and volumes of the base get the field.
        let name = path.join(".");
        fill(&mut pod, &path, value.clone());
        rows.push((format!("{name} = {value}"), pod.to_string()));
    }
    rows
}

/// Sets a field where `[]` is the first item of a list and `{}` an entry of a map.
fn fill(at: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    match first.as_str() {
        "[]" => {
            if !at.is_array() {
                *at = json!([Value::Null]);
            }
            fill(&mut at.as_array_mut().unwrap()[0], rest, value);
        }
        key => {
            let key = if key == "{}" { "cpu" } else { key };
            if !at.is_object() {
                *at = json!({});
            }
            let map = at.as_object_mut().unwrap();
            // A volume has one source, an item of the pod's lists a name.
            if key != "hostPath"
                && !rest.is_empty()
                && map.contains_key("hostPath")
                && map.contains_key("name")
            {
                map.remove("hostPath");
            }
            fill(map.entry(key).or_insert(Value::Null), rest, value);
        }
    }
}

fn walk(
    of: TypeRef,
    path: &mut Vec<String>,
    above: &mut Vec<&'static str>,
    into: &mut Vec<(Vec<String>, Value)>,
) {
    for field in of.all_fields(None) {
        if LEFT_OUT.contains(&field.name) || (path.is_empty() && field.name.contains("ind")) {
            continue;
        }
        path.push(field.name.to_owned());
        let kind = field.kinds.last().unwrap();
        value(kind, path, above, into);
        path.pop();
    }
}

/// Values of a kind: one or more that fit, and one that does not.
fn value(
    kind: &'static FieldKind,
    path: &mut Vec<String>,
    above: &mut Vec<&'static str>,
    into: &mut Vec<(Vec<String>, Value)>,
) {
    let values = match kind {
        FieldKind::Bool => vec![json!(true), json!("true")],
        FieldKind::Int { .. } => vec![json!(1), json!(0), json!(-1), json!("1"), json!(70_000)],
        FieldKind::Float => vec![json!(0.5), json!("x")],
        FieldKind::String => vec![json!("x"), json!("X y/"), json!(5)],
        FieldKind::Quantity => vec![json!("1"), json!(1), json!("1Q"), json!(true)],
        FieldKind::Time => vec![json!("2026-01-01T00:00:00Z"), json!("today")],
        FieldKind::IntOrString => vec![json!(80), json!("http"), json!(true)],
        FieldKind::Enum(words) => {
            let mut values: Vec<Value> = words.all_values(None).map(Value::from).collect();
            values.extend([json!("Bogus"), json!(1)]);
            values
        }
        FieldKind::List(of) => {
            into.push((path.clone(), json!({})));
            into.push((path.clone(), json!([])));
            path.push("[]".to_owned());
            value(of, path, above, into);
            path.pop();
            return;
        }
        FieldKind::Map(of) => {
            into.push((path.clone(), json!([])));
            path.push("{}".to_owned());
            value(of, path, above, into);
            path.pop();
            return;
        }
        FieldKind::Struct(of) => {
            into.push((path.clone(), json!("x")));
            into.push((path.clone(), json!({})));
            // Types that hold themselves end here.
            if !above.contains(&of.name()) {
                above.push(of.name());
                walk(*of, path, above, into);
                above.pop();
            }
            return;
        }
        _ => return,
    };
    into.extend(values.into_iter().map(|value| (path.clone(), value)));
}

/// Whether a kubelet runs the pod for all that we know, and why not.
fn ours(text: &str, minor: u32) -> Result<(), String> {
    let around = Around {
        minor,
        prevents_references: true,
        has_pod_resources: minor >= 34,
        has_selinux_mount: minor >= 37,
        static_pods: Some("/m".to_owned()),
        containerd: None,
        imported: Vec::new(),
    };
    let read = read("/m/a.yaml", 0o644, text.as_bytes(), &around);
    let refused = |id: Id| matches!(id, Id::StaticPodInvalid | Id::StaticPodReference);
    let mut faults = read.faults.iter().filter(|fault| refused(fault.id));
    faults
        .next()
        .map_or(Ok(()), |fault| Err(fault.rule.clone()))
}

fn program(release: &str) -> PathBuf {
    oracles::folder()
        .join("kubernetes")
        .join(release)
        .join("static-pod")
}

/// What upstream's code says of each text: nothing, or why not.
fn upstream(release: &str, texts: &[&str]) -> Vec<Option<String>> {
    let mut child = Command::new(program(release))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = texts
        .iter()
        .map(|text| format!("{}\n", json!(text)))
        .collect();
    // From a thread of its own: with both pipes full, each side would wait for the other.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{release}: {output:?}");
    let answers = String::from_utf8(output.stdout).unwrap();
    let one = |line: &str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        answer["error"].as_str().map(str::to_owned)
    };
    answers.lines().map(one).collect()
}

fn recorded() -> PathBuf {
    fixtures().join("static-pods/answers.txt")
}

fn digest(rows: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for (_, text) in rows {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn rows() -> Vec<(String, String)> {
    let mut rows = by_hand();
    rows.extend(by_types());
    rows
}

/// Rows about which we are to differ, each with its reason: a part of the row's name.
fn exceptions() -> Vec<(String, String)> {
    let text = fs::read_to_string(fixtures().join("static-pods/exceptions.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (row, reason) = line
                .split_once("  # ")
                .unwrap_or_else(|| panic!("no reason: {line}"));
            (row.trim().to_owned(), reason.to_owned())
        })
        .collect()
}

/// Compares our answers with letters: `.` for a pod that runs.
fn compare(
    release: &str,
    rows: &[(String, String)],
    letters: &str,
    why: impl Fn(usize) -> String,
) -> String {
    let exceptions = exceptions();
    let mut wrong = String::new();
    assert_eq!(rows.len(), letters.len(), "{release}");
    for (index, ((name, text), letter)) in rows.iter().zip(letters.chars()).enumerate() {
        let ours = ours(text, minor(release));
        if ours.is_ok() == (letter == '.')
            || exceptions
                .iter()
                .any(|(row, _)| name.contains(row.as_str()))
        {
            continue;
        }
        let ours = ours.err().unwrap_or_else(|| "it runs".to_owned());
        writeln!(
            wrong,
            "{release} {name}\n  ours: {ours}\n  upstream: {}",
            why(index)
        )
        .unwrap();
    }
    wrong
}

#[test]
fn static_pods_run_where_the_recorded_kubelets_run_them() {
    let rows = rows();
    assert!(rows.len() > 1000, "{}", rows.len());
    let text = fs::read_to_string(recorded()).unwrap();
    let answers: BTreeMap<&str, (&str, &str)> = text
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0], (words[1], words[2]))
        })
        .collect();
    let mut wrong = String::new();
    for release in RELEASES {
        let (of, letters) = answers[release];
        assert_eq!(
            of,
            digest(&rows),
            "the rows changed: record them again with the oracles of `make versions`"
        );
        let runs = letters.chars().filter(|letter| *letter == '.').count();
        assert!(runs > 100 && runs < rows.len() - 100, "{release}: {runs}");
        wrong += &compare(release, &rows, letters, |_| "recorded otherwise".to_owned());
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn static_pods_run_where_kubelets_run_them() {
    Target::Versions.must_run("the kubelet's function for static pods");
    let rows = rows();
    let texts: Vec<&str> = rows.iter().map(|(_, text)| text.as_str()).collect();
    let mut wrong = String::new();
    let mut lines = String::new();
    for release in RELEASES {
        if !program(release).is_file() {
            Target::Versions.lacks(&format!("static-pod {release}"));
            continue;
        }
        let answers = upstream(release, &texts);
        let letters: String = answers
            .iter()
            .map(|answer| if answer.is_none() { '.' } else { 'r' })
            .collect();
        writeln!(lines, "{release} {} {letters}", digest(&rows)).unwrap();
        wrong += &compare(release, &rows, &letters, |index| {
            answers[index]
                .clone()
                .unwrap_or_else(|| "it runs".to_owned())
        });
    }
    if std::env::var("NODEBAKE_GOLDEN").as_deref() == Ok("record") {
        fs::write(recorded(), &lines).unwrap();
        panic!("recorded; {wrong}");
    }
    let file = fs::read_to_string(recorded()).unwrap();
    assert!(
        lines
            .lines()
            .all(|line| file.lines().any(|known| known == line)),
        "the recorded answers are others"
    );
    assert!(wrong.is_empty(), "{wrong}");
}
