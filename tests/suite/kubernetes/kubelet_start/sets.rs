//! The sets: each piece of `pieces.yaml` alone, and then pairs of them; the same ones on every run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use nodebake::report::Report;
use serde_json::{Value, json};

/// The first state of the generator: any other makes other pairs.
const SEED: u64 = 0x6b75_6265;

/// Settings of one node.
#[derive(Clone, Debug)]
pub struct Set {
    /// The pieces by their numbers, for messages.
    name: String,
    /// What is laid over kubelet.config.
    pub config: Value,
    /// What is laid over kubelet.flags.
    pub flags: Value,
    /// Drop-ins by name.
    pub drop_ins: Option<BTreeMap<String, Value>>,
}

impl Default for Set {
    fn default() -> Self {
        Self {
            name: "nothing".to_owned(),
            config: json!({}),
            flags: json!({}),
            drop_ins: None,
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.name, self.config, self.flags)?;
        match &self.drop_ins {
            Some(drop_ins) => write!(f, " {drop_ins:?}"),
            None => Ok(()),
        }
    }
}

/// A document as JSON.
pub fn yaml(text: &str) -> Value {
    let mut report = Report::default();
    let located = nodebake::yaml::parse(&"t".into(), text, &mut report);
    serde_json::to_value(located.unwrap_or_else(|| panic!("{report}"))).unwrap()
}

/// Merges as layers do: maps deeply, all else replaces, null removes.
pub fn merge(base: &mut Value, over: &Value) {
    let (Value::Object(below), Value::Object(above)) = (&mut *base, over) else {
        *base = over.clone();
        return;
    };
    for (key, value) in above {
        if value.is_null() {
            below.remove(key);
        } else {
            let at = below.entry(key.clone()).or_insert(json!({}));
            merge(at, value);
        }
    }
}

/// The pieces that a minor has, with their subjects.
fn pieces(minor: u32) -> Vec<(String, Set)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite/kubernetes/kubelet_start/pieces.yaml");
    let all = yaml(&std::fs::read_to_string(file).unwrap());
    let all = all.as_array().unwrap().iter().enumerate();
    let fits = |piece: &Value| {
        let bound = |key, default| {
            piece
                .get(key)
                .map_or(default, |bound| bound.as_u64().unwrap())
        };
        (bound("from", 0)..=bound("to", 99)).contains(&u64::from(minor))
    };
    all.filter(|(_, piece)| fits(piece))
        .map(|(index, piece)| {
            let part = |key| piece.get(key).cloned().unwrap_or(json!({}));
            let drop_ins = piece.get("drop").map(|all| {
                let all = all.as_object().unwrap().iter();
                all.map(|(name, patch)| (name.clone(), patch.clone()))
                    .collect()
            });
            let subject = piece["g"].as_str().unwrap().to_owned();
            let set = Set {
                name: format!("{subject}{index}"),
                config: part("config"),
                flags: part("flags"),
                drop_ins,
            };
            (subject, set)
        })
        .collect()
}

/// Two pieces in one set.
fn both(one: &Set, other: &Set) -> Set {
    let mut set = one.clone();
    set.name = format!("{}+{}", one.name, other.name);
    // A null of a piece removes what the profile has, also from below the other's.
    overlay(&mut set.config, &other.config);
    overlay(&mut set.flags, &other.flags);
    if let Some(drop_ins) = &other.drop_ins {
        set.drop_ins
            .get_or_insert_default()
            .extend(drop_ins.clone());
    }
    set
}

/// Merges two overlays, which keep their nulls.
pub fn overlay(base: &mut Value, over: &Value) {
    let (Value::Object(below), Value::Object(above)) = (&mut *base, over) else {
        *base = over.clone();
        return;
    };
    for (key, value) in above {
        match below.get_mut(key) {
            Some(at) => overlay(at, value),
            None => drop(below.insert(key.clone(), value.clone())),
        }
    }
}

/// `count` sets for a minor: single pieces spread among pairs, most of which are about one subject.
pub fn sets(minor: u32, count: usize) -> Vec<Set> {
    let pieces = pieces(minor);
    let mut state = SEED + u64::from(minor);
    let mut next = |bound: usize| {
        // Knuth's MMIX generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut sets: Vec<Set> = pieces.iter().map(|(_, set)| set.clone()).collect();
    while sets.len() < count {
        let (subject, one) = &pieces[next(pieces.len())];
        let (other_subject, other) = &pieces[next(pieces.len())];
        if one.name != other.name && (subject == other_subject || next(3) == 0) {
            sets.push(both(one, other));
        }
    }
    // So that a part of them has some of each subject.
    for index in (1..sets.len()).rev() {
        sets.swap(index, next(index + 1));
    }
    sets
}
