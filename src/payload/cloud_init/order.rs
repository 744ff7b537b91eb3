//! In which order enabled units are started: what systemd would do at boot, where all of them start in one
//! transaction, from the dependencies between our own units (systemd.unit(5)).

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{Content, NodeTree, Unit};

/// How a unit is brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Again, with our configuration.
    Restart,
    /// Unless it is up: restarting a mount or a target would take down what uses it.
    Start,
}

/// The enabled units, each after what it depends on; by name where nothing else decides.
pub fn start_order(tree: &NodeTree) -> Vec<(&str, Verb)> {
    let mut waiting: BTreeMap<&str, BTreeSet<&str>> = tree
        .units()
        .iter()
        .filter(|(_, unit)| unit.enabled == Some(true) && !unit.masked)
        .map(|(name, _)| (name.as_str(), BTreeSet::new()))
        .collect();
    add_edges(tree, &mut waiting);
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(next) = next(&waiting) {
        waiting.remove(next);
        for before in waiting.values_mut() {
            before.remove(next);
        }
        order.push((next, verb(next)));
    }
    order
}

/// The first unit that waits for none; in a cycle, which systemd would break as well, the first of all.
fn next<'a>(waiting: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Option<&'a str> {
    waiting
        .iter()
        .find(|(_, before)| before.is_empty())
        .or_else(|| waiting.iter().next())
        .map(|(name, _)| *name)
}

fn verb(name: &str) -> Verb {
    match name.rsplit_once('.').map(|(_, suffix)| suffix) {
        Some("service" | "socket" | "timer" | "path") => Verb::Restart,
        _ => Verb::Start,
    }
}

/// Fills in what each unit waits for. Orderings count first; a requirement without an ordering means "at the same
/// time" to systemd, but a job queued for the required one later would restart the other again.
fn add_edges<'a>(tree: &'a NodeTree, waiting: &mut BTreeMap<&'a str, BTreeSet<&'a str>>) {
    let names: Vec<&str> = waiting.keys().copied().collect();
    let mut edge = |first: &str, second: &str| {
        let first = names.iter().find(|name| **name == first);
        if let (Some(first), Some(before)) = (first, waiting.get_mut(second))
            && *first != second
        {
            before.insert(first);
        }
    };
    let mut needs = Vec::new();
    for name in &names {
        for text in texts(tree, name) {
            for (key, other) in dependencies(&text) {
                match key.as_str() {
                    "After" => edge(&other, name),
                    "Before" => edge(name, &other),
                    "Requires" | "Requisite" | "BindsTo" | "Wants" | "PartOf" => {
                        needs.push((other, *name));
                    }
                    _ => {}
                }
            }
        }
    }
    for (first, second) in needs {
        let contradicts = waiting
            .get(first.as_str())
            .is_some_and(|before| before.contains(second));
        let first = names.iter().find(|name| **name == first);
        if let (false, Some(first), Some(before)) = (contradicts, first, waiting.get_mut(second))
            && *first != second
        {
            before.insert(first);
        }
    }
}

/// The text and drop-ins of a unit, and of its template.
fn texts(tree: &NodeTree, name: &str) -> Vec<String> {
    let template = name.split_once('@').and_then(|(stem, rest)| {
        let (_, suffix) = rest.rsplit_once('.')?;
        Some(format!("{stem}@.{suffix}"))
    });
    let units = [Some(name), template.as_deref()];
    let units = units
        .into_iter()
        .flatten()
        .filter_map(|name| tree.units().get(name));
    units.flat_map(unit_texts).collect()
}

fn unit_texts(unit: &Unit) -> impl Iterator<Item = String> {
    let dropins = unit.dropins.values().map(|(content, _)| content);
    let text = unit.text.iter().map(|(content, _)| content);
    text.chain(dropins).filter_map(|content| match content {
        Content::Blob(blob) => Some(String::from_utf8_lossy(blob.bytes()).into_owned()),
        Content::Asset(_) => None,
    })
}

/// Key and unit name of each dependency in the `[Unit]` section.
fn dependencies(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\\n", " ");
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[Unit]";
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            let words = value.split_whitespace();
            found.extend(words.map(|word| (key.trim().to_owned(), word.to_owned())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Origin;

    fn tree(units: &[(&str, &str)]) -> NodeTree {
        let mut tree = NodeTree::default();
        for (name, text) in units {
            let unit = tree.unit_mut(name);
            unit.enabled = Some(true);
            if !text.is_empty() {
                unit.text = Some((Content::bytes(*text), Origin("test".into())));
            }
        }
        tree
    }

    fn order(units: &[(&str, &str)]) -> Vec<String> {
        let tree = tree(units);
        let order = start_order(&tree).into_iter();
        order.map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn what_is_needed_comes_first() {
        let units = [
            ("a.service", "[Unit]\nAfter=z.service \\\n  m.mount\n"),
            (
                "b.service",
                "[Unit]\nBefore=a.service\nRequires=z.service\n",
            ),
            ("m.mount", ""),
            (
                "z.service",
                "[Unit]\nAfter=network.target\n[Service]\nAfter=a.service\n",
            ),
        ];
        assert_eq!(
            order(&units),
            ["m.mount", "z.service", "b.service", "a.service"]
        );
    }

    #[test]
    fn an_ordering_wins_over_a_requirement_and_a_cycle_ends() {
        let units = [
            (
                "a.service",
                "[Unit]\nRequires=b.service\nBefore=b.service\n",
            ),
            ("b.service", ""),
        ];
        assert_eq!(order(&units), ["a.service", "b.service"]);
        let cycle = [
            ("a.service", "[Unit]\nAfter=b.service\n"),
            ("b.service", "[Unit]\nAfter=a.service\n"),
        ];
        assert_eq!(order(&cycle), ["a.service", "b.service"]);
    }

    #[test]
    fn an_instance_has_its_templates_dependencies() {
        let units = [
            ("p@.service", "[Unit]\nAfter=z.service\n"),
            ("p@x.service", ""),
            ("z.service", ""),
        ];
        assert_eq!(order(&units), ["z.service", "p@.service", "p@x.service"]);
    }
}
