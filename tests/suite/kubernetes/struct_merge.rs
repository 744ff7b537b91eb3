//! Drop-ins of a kubelet 1.28, which merges them as Go values: generated files are given to a real kubelet, which logs the
//! configuration that it made of them, and to our own merge. Each field must be the same.
//!
//! Fields and values are those of `struct_merge/fields.yaml`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nodebake::kubernetes::effective::{Effective, Layers, root_paths};
use nodebake::kubernetes::value::nanoseconds;
use serde_json::{Map, Value, json};

use crate::kubernetes::kubelet_start::sets::yaml;
use crate::support::new_project::NewProject;
use crate::support::oracles::{self, Target};

const RELEASE: &str = "v1.28.15";
const CASES: usize = 160;

/// Fields that take the place of what was there also when they are zero, which is not valid there.
const NEVER_ZERO: [&str; 2] = ["maxParallelImagePulls", "memoryThrottlingFactor"];

/// Knuth's MMIX generator.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Sets a value at a path with dots.
fn set(document: &mut Value, path: &str, value: Value) {
    let mut at = document;
    for key in path.split('.') {
        at = &mut at[key];
    }
    *at = value;
}

/// What a value of that type is in Go when it is not set.
fn zero(like: &Value) -> Value {
    match like {
        Value::Bool(_) => json!(false),
        Value::Number(_) => json!(0),
        Value::String(text) if nanoseconds(text).is_ok() => json!("0s"),
        Value::String(_) => json!(""),
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({}),
        Value::Null => Value::Null,
    }
}

/// A file with some of the fields; a drop-in also says null and zero.
fn document(fields: &Map<String, Value>, numbers: &mut Numbers, is_drop_in: bool) -> Value {
    let mut document =
        json!({"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"});
    for (path, values) in fields {
        let values = values.as_array().unwrap();
        if numbers.below(if is_drop_in { 9 } else { 5 }) != 0 {
            continue;
        }
        let is_duration = values[0]
            .as_str()
            .is_some_and(|text| nanoseconds(text).is_ok());
        let value = match numbers.below(if is_drop_in { 4 } else { 8 }) {
            0 if is_drop_in && !NEVER_ZERO.contains(&&**path) => zero(&values[0]),
            // A duration that is null ends this kubelet.
            1 if !is_duration => Value::Null,
            _ => values[numbers.below(values.len())].clone(),
        };
        set(&mut document, path, value);
    }
    if !is_drop_in {
        document["featureGates"] = json!({"CustomCPUCFSQuotaPeriod": true});
        document["shutdownGracePeriod"] = json!("60s");
    } else if numbers.below(4) == 0 {
        document["staticPodPath"] = json!("pods");
    }
    document
}

/// What the kubelet logs for each case; None where it refuses the result.
fn shown(cases: &[(Value, Vec<Value>)]) -> Vec<Option<Value>> {
    let kubelet = oracles::folder().join(format!("kubernetes/{RELEASE}/kubelet"));
    let mut child = Command::new(oracles::folder().join("bin/kubelet-start"))
        .args(["-jobs", "4"])
        .arg(kubelet)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    for (base, drop_ins) in cases {
        let drop_ins = drop_ins.iter().enumerate();
        let drop_ins: Map<String, Value> = drop_ins
            .map(|(index, drop_in)| (format!("{index}.conf"), json!(drop_in.to_string())))
            .collect();
        let line = json!({
            "name": "case", "config": base, "dropIns": drop_ins, "show": true, "env": ["KUBELET_CONFIG_DROPIN_DIR_ALPHA=1"],
            "flags": ["--config=/WORK/config.yaml", "--config-dir=/WORK/config.d", "--root-dir=/WORK/root"],
        });
        text += &format!("{line}\n");
    }
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers = answers.lines().map(|line| {
        let answer: Value = serde_json::from_str(line).unwrap();
        answer.get("configuration").cloned()
    });
    answers.collect()
}

/// A key of Go's internal type, by the name that files have.
fn go<'v>(at: &'v Value, key: &str) -> Option<&'v Value> {
    let key = match key {
        "resolvConf" => "ResolverConfig",
        key => key,
    };
    let mut fields = at.as_object()?.iter();
    fields
        .find(|(known, _)| known.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
}

fn is_zero(value: &Value) -> bool {
    value.is_null() || *value == zero(value)
}

/// Whether the kubelet's value is ours; where we have none it is the default.
fn is_same(theirs: &Value, ours: Option<&Value>, default: &Value) -> bool {
    let ours = ours.filter(|ours| !ours.is_null()).unwrap_or(default);
    match (theirs, ours) {
        (Value::String(theirs), Value::Number(nanos)) => nanoseconds(theirs).ok() == nanos.as_i64(),
        (Value::String(one), Value::String(other)) => {
            one == other
                || matches!((nanoseconds(one), nanoseconds(other)), (Ok(one), Ok(other)) if one == other)
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (theirs, ours) => theirs == ours || is_zero(theirs) && is_zero(ours),
    }
}

#[test]
fn a_kubelet_of_1_28_makes_the_configuration_that_we_make_of_its_drop_ins() {
    Target::Versions.must_run("drop-ins of 1.28");
    oracles::needs(["kubelet-start"]);
    if !oracles::folder()
        .join(format!("kubernetes/{RELEASE}/kubelet"))
        .is_file()
    {
        Target::Versions.lacks(&format!("kubelet {RELEASE}"));
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite/kubernetes/struct_merge/fields.yaml");
    let fields = yaml(&std::fs::read_to_string(file).unwrap());
    let fields = fields.as_object().unwrap();
    let mut numbers = Numbers(28);
    // The first one has the defaults.
    let nothing =
        json!({"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"});
    let mut cases = vec![(nothing, Vec::new())];
    while cases.len() < CASES {
        let base = document(fields, &mut numbers, false);
        let drop_ins = (0..=numbers.below(3)).map(|_| document(fields, &mut numbers, true));
        cases.push((base, drop_ins.collect()));
    }
    let shown = shown(&cases);
    let defaults = shown[0].clone().unwrap();
    let mut compared = 0;
    let mut different = Vec::new();
    for ((base, drop_ins), theirs) in cases.iter().zip(&shown).skip(1) {
        let Some(theirs) = theirs else {
            continue;
        };
        compared += 1;
        let mut rooted = drop_ins.clone();
        for drop_in in &mut rooted {
            root_paths(drop_in, "/WORK/config.d/0.conf", 28);
        }
        let layers = Layers {
            file: base,
            drop_ins: Some(&rooted),
            flags: &[],
            minor: 28,
        };
        let ours = Effective::combine(&layers, |_| false).config.into_owned();
        for path in fields.keys() {
            let at = |document: &Value| {
                path.split('.')
                    .try_fold(document.clone(), |at, key| go(&at, key).cloned())
            };
            let (theirs, default) = (
                at(theirs).unwrap_or_default(),
                at(&defaults).unwrap_or_default(),
            );
            let ours = path.split('.').try_fold(&ours, |at, key| at.get(key));
            // Each negative one means that there is no limit.
            let is_unlimited = path == "podPidsLimit"
                && [Some(&theirs), ours]
                    .iter()
                    .all(|limit| limit.and_then(Value::as_i64) < Some(0));
            if !is_unlimited && !is_same(&theirs, ours, &default) {
                let said: Vec<Value> = drop_ins
                    .iter()
                    .map(|drop_in| at(drop_in).unwrap_or_default())
                    .collect();
                different.push(format!(
                    "{path}: file {:?}, drop-ins {said:?}: we {ours:?}, the kubelet {theirs}",
                    at(base)
                ));
            }
        }
    }
    eprintln!("{compared} of {CASES} cases, {} fields", fields.len());
    assert!(compared > CASES / 2, "{compared}");
    assert!(
        different.is_empty(),
        "{} differ\n{}",
        different.len(),
        different.join("\n")
    );
}

/// What `check` says of a worker of 1.28 with one drop-in.
fn said(drop_in: &str) -> String {
    let drop_in = format!(
        "{{kind: KubeletConfiguration, apiVersion: kubelet.config.k8s.io/v1beta1, {drop_in}}}"
    );
    let project = NewProject::new(&format!(
        "profiles: [worker]
kubelet: {{config: {{maxPods: 60}}, flags: {{config-dir: /etc/kubelet.d}}}}
files: {{/etc/kubelet.d/a.conf: {{content: \"{drop_in}\"}}}}
units: {{kubelet.service: {{dropins: {{alpha.conf: \"[Service]\\nEnvironment=KUBELET_CONFIG_DROPIN_DIR_ALPHA=1\\n\"}}}}}}
nodes: [{{name: n1, addresses: [192.168.10.11], kubernetes: v1.28.15}}]
"
    ));
    project.run(&["check"])
}

#[test]
fn check_says_which_settings_the_defaults_of_a_drop_in_replace() {
    let first = said("clusterDomain: cluster.local");
    for text in [
        "cgroupDriver is cgroupfs and not systemd",
        "maxPods is 110 and not 60",
    ] {
        assert!(first.contains(text), "{first}");
    }
    // All that it names, in the drop-in too.
    let (_, named) = first.split_once("set before: ").unwrap();
    let (named, _) = named.split_once("; ").unwrap();
    let repair = named.split(", ").map(|one| {
        let (field, values) = one.split_once(" is ").unwrap();
        let (_, value) = values.rsplit_once(" and not ").unwrap();
        let keys: Vec<&str> = field.split('.').collect();
        // Signals of thresholds have dots.
        match keys.as_slice() {
            [map @ "evictionHard", _, _] => {
                format!("{map}: {{{}: {value}}}", &field[map.len() + 1..])
            }
            keys => {
                let (last, above) = keys.split_last().unwrap();
                let open: String = above.iter().map(|key| format!("{key}: {{")).collect();
                format!("{open}{last}: {value}{}", "}".repeat(above.len()))
            }
        }
    });
    let repair: Vec<String> = repair.collect();
    let second = said(&repair.join(", "));
    assert!(
        !second.contains("error") && second.contains("can be built"),
        "{repair:?}\n{second}"
    );
}
