//! Every key of a schema is one that `check` knows, with the kind that the schema says; and where a schema takes no
//! further key, `check` takes none. Inventories are made of the schema alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nodebake::inventory::LAYER;
use serde_json::{Map, Value as Json, json};

use crate::support::fixture::Project;
use crate::support::tool::nodebake;

/// A key that nobody knows.
const STRANGER: &str = "stranger";

/// The pattern of what may be a template in place of another kind of value.
const TEMPLATE: &str = r"\{\{|\{%|\{#";

/// Makes values of a schema.
struct Walk {
    schema: Json,
    /// Which of several words, examples and alternatives is taken.
    turn: usize,
    /// Whether a stranger is in every map whose keys are fixed.
    strangers: bool,
    /// Whether every value is of a kind that its schema does not have.
    wrong: bool,
    /// Where a stranger or a wrong value is.
    placed: BTreeSet<String>,
}

impl Walk {
    fn new(schema: &Json, turn: usize) -> Self {
        Self {
            schema: schema.clone(),
            turn,
            strangers: false,
            wrong: false,
            placed: BTreeSet::new(),
        }
    }

    fn nth<'v>(&self, of: &'v [Json]) -> &'v Json {
        // Templates have tests of their own.
        let is_template = |one: &Json| one["pattern"] == TEMPLATE;
        let all: Vec<&Json> = of
            .iter()
            .filter(|one| !one.is_null() && one["type"] != "null" && !is_template(one))
            .collect();
        all[self.turn % all.len()]
    }

    fn resolved(&self, at: &Json) -> Json {
        let mut at = at;
        loop {
            at = if let Some(name) = at["$ref"].as_str() {
                let pointer = name.strip_prefix('#').unwrap();
                self.schema.pointer(pointer).unwrap()
            } else if let Some(all) = at["allOf"].as_array() {
                &all[0]
            } else if let Some(any) = at["anyOf"].as_array() {
                self.nth(any)
            } else {
                return at.clone();
            };
        }
    }

    /// A value that does not fit, for what is neither a map nor a list of maps.
    fn wrong_value(&mut self, at: &Json, path: &str) -> Option<Json> {
        let has = |at: &Json, kind: &str| at["type"].to_string().contains(kind);
        // Without their names there would be no nodes, and nothing to say of them; kubelets have a test of their own.
        let spared = ["nodes[0].name", "nodes[0].range.names", "kubelet."];
        if spared.iter().any(|spared| path.starts_with(spared)) {
            return None;
        }
        let (value, place) = if has(at, "array") {
            let item = self.resolved(&at["items"]);
            match (has(&item, "object"), self.turn % 2) {
                (true, _) => return None,
                (false, 0) => (json!(true), path.to_owned()),
                (false, _) => (json!([[{}]]), format!("{path}[0]")),
            }
        } else if has(at, "object") || at["type"].is_null() && at["enum"].is_null() {
            return None;
        } else {
            (json!([{}]), path.to_owned())
        };
        self.placed.insert(place);
        Some(value)
    }

    /// A value that fits; `path` is its own.
    fn value(&mut self, at: &Json, path: &str) -> Json {
        let at = self.resolved(at);
        if self.wrong
            && let Some(value) = self.wrong_value(&at, path)
        {
            return value;
        }
        if let Some(words) = at["enum"].as_array() {
            return self.nth(words).clone();
        }
        if let Some(examples) = at["examples"].as_array() {
            return self.nth(examples).clone();
        }
        let kind = match &at["type"] {
            Json::Array(kinds) => kinds[0].as_str().unwrap(),
            kind => kind.as_str().unwrap_or("any"),
        };
        match kind {
            "boolean" => json!(true),
            "integer" | "number" => {
                let least = at["minimum"].as_i64().unwrap_or(0);
                json!(at["maximum"].as_i64().unwrap_or(i64::MAX).min(least.max(1)))
            }
            "string" => json!("x"),
            "array" => json!([self.value(&at["items"], &format!("{path}[0]"))]),
            // Beside names of ours such a map may have names of the user's.
            "object" if at["properties"].is_object() && at["additionalProperties"] == false => {
                self.fixed(&at, path, None)
            }
            "object" => self.free(&at, path),
            "any" => json!("x"),
            other => panic!("{path}: {other}"),
        }
    }

    /// A map whose keys are fixed: all of them, or what must be there and one more.
    fn fixed(&mut self, at: &Json, path: &str, only: Option<&str>) -> Json {
        let mut map = Map::new();
        let required = at["required"].as_array().cloned().unwrap_or_default();
        for (key, property) in at["properties"].as_object().unwrap() {
            let wanted = only.is_none_or(|only| only == key || required.contains(&json!(key)));
            // Nodes have the layers' fields too: what the cluster says of them would be hidden.
            let is_layered = key == "interfaces" || LAYER.field(key).is_some();
            let hidden = path.starts_with("nodes[") && is_layered;
            if wanted && !hidden {
                let inner = self.value(property, &child(path, key));
                map.insert(key.clone(), inner);
            }
        }
        assert_eq!(at["additionalProperties"], json!(false), "{path}");
        if self.strangers {
            map.insert(STRANGER.to_owned(), json!(1));
            self.placed.insert(child(path, STRANGER));
        }
        Json::Object(map)
    }

    /// A map whose keys are free: an entry for each key that its values may have, since some exclude others.
    fn free(&mut self, at: &Json, path: &str) -> Json {
        let names = &at["propertyNames"];
        let values = &at["additionalProperties"];
        let keys: Vec<Option<String>> = match self.resolved(values)["properties"].as_object() {
            Some(properties) => properties.keys().cloned().map(Some).collect(),
            None => vec![None],
        };
        let mut map = Map::new();
        for (index, only) in keys.iter().enumerate() {
            let name = match (&names["enum"], &names["examples"]) {
                (Json::Array(words), _) => words[0].as_str().unwrap().to_owned(),
                (_, Json::Array(examples)) => counted(examples[0].as_str().unwrap(), index),
                _ => format!("x{index}"),
            };
            let path = child(path, &name);
            let value = match only {
                Some(_) => {
                    let resolved = self.resolved(values);
                    self.fixed(&resolved, &path, only.as_deref())
                }
                None => self.value(values, &path),
            };
            map.insert(name, value);
        }
        Json::Object(map)
    }
}

/// The n-th name of its kind: `containerd.service`, `containerd1.service`.
fn counted(name: &str, index: usize) -> String {
    match (index, name.find('.').filter(|at| *at > 0)) {
        (0, _) => name.to_owned(),
        (_, Some(dot)) => format!("{}{index}{}", &name[..dot], &name[dot..]),
        (_, None) => format!("{name}{index}"),
    }
}

fn child(path: &str, key: &str) -> String {
    match (path, key.contains(['.', '/', ' '])) {
        ("", false) => key.to_owned(),
        (path, false) => format!("{path}.{key}"),
        (path, true) => format!("{path}[{key:?}]"),
    }
}

/// The schema of a kind of file, without the kubelet's own tables, which have a test of their own.
fn schema(kind: &str) -> Json {
    let text = nodebake(Path::new("/"), &["schema", kind]).good();
    let mut schema: Json = serde_json::from_str(&text).unwrap();
    // Its keys are ids of findings, and what is made here is none.
    if let Some(keys) = schema["properties"].as_object_mut() {
        let _ = keys.remove("findings");
    }
    for (name, key) in [("KubeletConfiguration", "maxPods"), ("kubeletFlags", "v")] {
        if let Some(found) = schema["definitions"].get_mut(name) {
            let (names, values) = (json!({"enum": [key]}), json!({"type": "integer"}));
            *found =
                json!({"type": "object", "propertyNames": names, "additionalProperties": values});
        }
    }
    schema
}

/// The findings of a project, each as path and rule.
fn findings(project: &Project) -> Vec<(String, String)> {
    let output = project.run(&["check", "--format", "json"]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    let all = said["findings"].as_array().unwrap();
    let text = |at: &Json| at.as_str().unwrap_or_default().to_owned();
    all.iter()
        .map(|one| (text(&one["path"]), text(&one["message"])))
        .collect()
}

/// How rules begin that compare two values: examples of single keys do not fit each other.
const BETWEEN_VALUES: [&str; 9] = [
    "must not overlap",
    "must be a server outside of the cluster",
    "must have an IPv4 address",
    "must have an IPv6 address",
    "must be on an interface with",
    "must be the address of a router",
    "must lead outside the service network",
    "must not be a port of a bond",
    "must be an address of one of the node's interfaces",
];

/// Whether a rule says that the loader does not know a key or word, or wants another kind or form.
fn is_refusal(rule: &str) -> bool {
    let compares = BETWEEN_VALUES.iter().any(|begin| rule.starts_with(begin));
    rule == "unknown field"
        || rule.contains("known to no kubelet")
        || rule.starts_with("must ") && !compares
        || rule.contains("is out of range")
        || rule.contains(" is not a")
}

/// Where the made file goes, and the key of the project's inventory that it is read by.
fn write(project: &Project, kind: &str, made: &Json) {
    let file = match kind {
        "cluster" => "cluster.yaml",
        "profile" => "profiles/rack.yaml",
        _ => "overlays/motd/overlay.yaml",
    };
    fs::write(project.dir.join(file), made.to_string()).unwrap();
}

#[test]
fn check_knows_every_key_of_a_schema_and_no_other() {
    for kind in ["cluster", "profile", "overlay"] {
        let schema = schema(kind);
        let mut keys = 0;
        for turn in 0..8 {
            let mut walk = Walk::new(&schema, turn);
            let made = walk.fixed(&schema, "", None);
            keys += made.to_string().matches("\":").count();
            let project = Project::of("bad/project");
            write(&project, kind, &made);
            let mut refused = findings(&project);
            refused.retain(|(_, rule)| is_refusal(rule));
            assert!(refused.is_empty(), "{kind}: {refused:#?}\n{made:#}");
            let mut walk = Walk::new(&schema, turn);
            walk.strangers = true;
            let made = walk.fixed(&schema, "", None);
            write(&project, kind, &made);
            let found: BTreeSet<String> = findings(&project)
                .into_iter()
                .filter(|(_, rule)| rule == "unknown field")
                .map(|(path, _)| path)
                .collect();
            assert_eq!(found, walk.placed, "{kind}, turn {turn}");
        }
        assert!(keys > 100, "{kind}: {keys}");
    }
}

#[test]
fn check_refuses_every_value_of_another_kind_than_a_schema_says() {
    for kind in ["cluster", "profile", "overlay"] {
        let schema = schema(kind);
        for turn in 0..4 {
            let mut walk = Walk::new(&schema, turn);
            walk.wrong = true;
            let made = walk.fixed(&schema, "", None);
            let project = Project::of("bad/project");
            // What the cluster says itself would hide what a profile says.
            let file = project.dir.join("cluster.yaml");
            let inventory = fs::read_to_string(&file).unwrap();
            if kind == "profile" {
                let lines = inventory
                    .lines()
                    .filter(|line| !line.starts_with("kubernetes:"));
                fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
            }
            write(&project, kind, &made);
            let found = findings(&project);
            let missed: Vec<&String> = walk
                .placed
                .iter()
                .filter(|path| !found.iter().any(|(at, _)| at.starts_with(*path)))
                .collect();
            assert!(walk.placed.len() > 5, "{kind}: {:?}", walk.placed);
            assert!(missed.is_empty(), "{kind}, turn {turn}: {missed:#?}");
        }
    }
}

/// Kubelets of a version know every field and flag of its schema.
#[test]
fn kubelets_know_every_field_and_flag_of_their_schema() {
    for version in ["v1.16.6", "v1.24.17", "v1.34.4", "v1.37.0"] {
        let args = ["schema", "--kubernetes", version];
        let text = nodebake(Path::new("/"), &args).good();
        let schema: Json = serde_json::from_str(&text).unwrap();
        for turn in 0..3 {
            let mut walk = Walk::new(&schema, turn);
            let of = |name: &str| schema["definitions"][name].clone();
            let config = walk.value(&of("KubeletConfiguration"), "");
            let flags = walk.value(&of("kubeletFlags"), "");
            assert!(config.as_object().unwrap().len() > 70, "{version}");
            assert!(flags.as_object().unwrap().len() > 70, "{version}");
            let project = Project::of("bad/project");
            let file = project.dir.join("cluster.yaml");
            let inventory = fs::read_to_string(&file).unwrap();
            let lines = inventory
                .lines()
                .filter(|line| !line.starts_with("kubernetes:"));
            let lines: Vec<&str> = lines.collect();
            let kubelet = json!({"config": config, "flags": flags});
            let inventory = format!(
                "{}\nkubernetes: {version}\nkubelet: {kubelet}\n",
                lines.join("\n")
            );
            fs::write(&file, inventory).unwrap();
            let findings = findings(&project);
            let about = |path: &str| path.starts_with("kubelet.");
            assert!(
                findings.iter().any(|(path, _)| about(path)),
                "{version}: {findings:?}"
            );
            for (path, rule) in findings {
                let unfit = rule.contains("known to no kubelet")
                    || rule.contains(" came with Kubernetes ")
                    || rule.contains("dropped after")
                    || (rule.starts_with("must be ") && rule.contains(", not "));
                assert!(!unfit || !about(&path), "{version}: {path}: {rule}");
            }
        }
    }
}
