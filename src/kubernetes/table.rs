//! The shape of `kubelet_config.json` and of `pod.json`, as their generator writes them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Group member → what it means from one minor to another.
pub type Members = BTreeMap<String, Vec<Span>>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Table {
    /// The releases that were read, for people.
    #[serde(rename = "source")]
    pub _source: String,
    /// The oldest and the newest minor that were read.
    pub minors: (u32, u32),
    /// Label namespaces that a kubelet may write into.
    #[serde(default)]
    pub self_label_namespaces: Members,
    /// Labels that a kubelet may set.
    #[serde(default)]
    pub self_labels: Members,
    /// Flag → what it takes.
    #[serde(default)]
    pub flags: Members,
    /// Flag → the field that it sets, where it sets one.
    #[serde(default)]
    pub flag_fields: Members,
    /// Flags whose use the kubelet warns about.
    #[serde(default)]
    pub deprecated_flags: Members,
    /// Feature gate → its stage and default, like `beta+`.
    #[serde(default)]
    pub feature_gates: Members,
    /// Feature gate → the gates that must be on with it, separated by spaces.
    #[serde(default)]
    pub feature_gate_needs: Members,
    /// Enumeration → its values.
    pub enums: BTreeMap<String, Members>,
    /// Struct → its fields.
    pub structs: BTreeMap<String, Members>,
}

/// One meaning: kind, first minor, last minor; without the last it holds on.
#[derive(Deserialize)]
#[serde(from = "Written")]
pub struct Span {
    /// The kind's name; empty for values of enumerations and labels.
    pub kind: String,
    /// The first minor.
    pub first: u32,
    /// The last minor, if it was dropped.
    pub last: Option<u32>,
}

impl Span {
    /// Whether it holds in a minor.
    pub fn holds(&self, minor: u32) -> bool {
        self.first <= minor && self.last.is_none_or(|last| minor <= last)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Open(String, u32),
    Closed(String, u32, u32),
}

impl From<Written> for Span {
    fn from(written: Written) -> Self {
        let (kind, first, last) = match written {
            Written::Open(kind, first) => (kind, first, None),
            Written::Closed(kind, first, last) => (kind, first, Some(last)),
        };
        Self { kind, first, last }
    }
}
