//! Every place in which a kubelet ends over its configuration when it starts is known: `sites.txt` of
//! `tests/fixtures/kubelet-start` is what the facts program reads in upstream's code, `known.txt` beside it says what we do about
//! each. A new minor's places have no line there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::fixture::fixtures;

/// The kinds of lines of `known.txt`.
const KINDS: [&str; 7] = [
    "rule ",
    "validation",
    "paths: ",
    "machine: ",
    "wraps: ",
    "internal: ",
    "none: ",
];

/// The lines of a file that are no comments, in their columns.
fn lines(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(fixtures().join("kubelet-start").join(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Function and text of each site.
fn sites() -> BTreeSet<(String, String)> {
    let sites = lines("sites.txt");
    let errors = sites.iter().filter(|line| line[0] == "error");
    errors
        .map(|line| (line[1].clone(), line[2].clone()))
        .collect()
}

fn known() -> BTreeMap<(String, String), String> {
    let lines = lines("known.txt").into_iter();
    lines
        .map(|line| {
            let [function, text, what] = line.try_into().expect("three columns");
            ((function, text), what)
        })
        .collect()
}

#[test]
fn every_place_where_a_kubelet_ends_is_known() {
    let (sites, known) = (sites(), known());
    assert!(sites.len() > 200, "{}", sites.len());
    let new: Vec<_> = sites
        .iter()
        .filter(|site| !known.contains_key(site))
        .collect();
    assert!(
        new.is_empty(),
        "say in known.txt what we do about these: {new:#?}"
    );
    let gone: Vec<_> = known.keys().filter(|site| !sites.contains(site)).collect();
    assert!(gone.is_empty(), "no kubelet has these: {gone:#?}");
    for ((function, text), what) in &known {
        let is_kind = KINDS.iter().any(|kind| what.starts_with(kind));
        assert!(is_kind, "{function} {text}: {what}");
    }
}

#[test]
fn the_rules_that_are_named_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kubernetes/rules");
    let mut named = BTreeSet::new();
    for what in known().into_values() {
        let Some((module, function)) = what
            .strip_prefix("rule ")
            .and_then(|rule| rule.split_once("::"))
        else {
            continue;
        };
        let text = fs::read_to_string(root.join(format!("{module}.rs"))).unwrap();
        assert!(text.contains(&format!("pub fn {function}(")), "{what}");
        named.insert(what);
    }
    assert!(named.len() > 20, "{named:?}");
}
