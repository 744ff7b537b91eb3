//! Labels and taints that a kubelet gives its node when it registers. It never changes them afterwards (registerWithAPIServer
//! in pkg/kubelet/kubelet_node_status.go), so a change of them is kubectl's on nodes that have joined.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::diff::walk::arguments;
use crate::yaml;

/// What a node's files say that its kubelet registers with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    labels: BTreeMap<String, String>,
    /// `key:effect` → value.
    taints: BTreeMap<String, String>,
}

/// Which of them differ: arguments for `kubectl label node` and `kubectl taint node`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MarksChange {
    /// `key=value` where one is set, `key-` where one is to go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// `key=value:effect` where one is set, `key:effect-` where one is to go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<String>,
}

impl Marks {
    /// Reads those of some of a node's files.
    pub fn of<'a>(paths: impl Iterator<Item = &'a str>, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let mut marks = Self::default();
        for path in paths {
            let text = files.get(path).map(|bytes| std::str::from_utf8(bytes));
            let Some(Ok(text)) = text else { continue };
            for words in flag(text, "--node-labels=") {
                marks.labels.extend(words.filter_map(|word| {
                    let (key, value) = word.split_once('=').unwrap_or((word, ""));
                    (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
                }));
            }
            for words in flag(text, "--register-with-taints=") {
                marks.taints.extend(words.filter_map(|word| {
                    let (start, effect) = word.rsplit_once(':')?;
                    let (key, value) = start.split_once('=').unwrap_or((start, ""));
                    Some((format!("{key}:{effect}"), value.to_owned()))
                }));
            }
            if path.ends_with(".yaml") {
                marks.add_configuration(text);
            }
        }
        marks
    }

    fn add_configuration(&mut self, text: &str) {
        let documents = yaml::read_all::<Value>(text).unwrap_or_default();
        let configurations = documents.iter();
        let configurations = configurations.filter(|all| all["kind"] == "KubeletConfiguration");
        let taints = configurations.flat_map(|all| all["registerWithTaints"].as_array());
        for taint in taints.flatten() {
            if let (Some(key), Some(effect)) = (taint["key"].as_str(), taint["effect"].as_str()) {
                let value = taint["value"].as_str().unwrap_or_default();
                self.taints
                    .insert(format!("{key}:{effect}"), value.to_owned());
            }
        }
    }
}

/// The comma-separated words of each occurrence of a flag.
fn flag<'a>(text: &'a str, flag: &'a str) -> impl Iterator<Item = impl Iterator<Item = &'a str>> {
    text.match_indices(flag).map(|(at, flag)| {
        let value = &text[at + flag.len()..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
        let end = value.find(ends).unwrap_or(value.len());
        value[..end].split(',')
    })
}

impl MarksChange {
    /// What leads from one to the other.
    pub fn between(old: &Marks, new: &Marks) -> Self {
        let taint = |key: &str, value: &str| {
            let (key, effect) = key.rsplit_once(':').unwrap_or((key, ""));
            if value.is_empty() {
                format!("{key}:{effect}")
            } else {
                format!("{key}={value}:{effect}")
            }
        };
        Self {
            labels: arguments(&old.labels, &new.labels, |key, value| {
                format!("{key}={value}")
            }),
            taints: arguments(&old.taints, &new.taints, taint),
        }
    }

    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        self.labels.is_empty() && self.taints.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_configurations_are_read() {
        let of = |unit: &str, yaml: &str| {
            let files = BTreeMap::from([
                ("/u.service".to_owned(), unit.as_bytes().to_vec()),
                ("/k.yaml".to_owned(), yaml.as_bytes().to_vec()),
            ]);
            Marks::of(["/u.service", "/k.yaml", "/none"].into_iter(), &files)
        };
        let old = of(
            "[Service]\nExecStart=/k \\\n  --node-labels=a=1,b=2,c= \\\n  --v=2\n",
            "kind: KubeletConfiguration\nregisterWithTaints: [{key: t, effect: NoSchedule}, {key: g, value: x, effect: NoExecute}]\n",
        );
        let new = of(
            "[Service]\nExecStart=/k \"--node-labels=a=1,c=3\" --register-with-taints=f=y:NoExecute\n",
            "kind: KubeletConfiguration\nregisterWithTaints: [{key: g, value: z, effect: NoExecute}]\n",
        );
        let change = MarksChange::between(&old, &new);
        assert_eq!(change.labels, ["c=3", "b-"]);
        assert_eq!(
            change.taints,
            ["f=y:NoExecute", "g=z:NoExecute", "t:NoSchedule-"]
        );
        assert!(MarksChange::between(&old, &old).is_none());
    }
}
