//! The operating systems and machines of a cluster's nodes, and the profile that fits them: by what a kubelet says of its
//! image (`nodeInfo.osImage`, PRETTY_NAME of os-release) and `nodeInfo.architecture`.

use std::collections::BTreeMap;

use crate::import::facts::{Facts, NodeFact};
use crate::inventory::profiles::built_in_profile;
use crate::model::MACHINES;

/// How the names of systems begin, and the profile of all their releases.
const SYSTEMS: [(&str, &str); 4] = [
    ("Ubuntu", "ubuntu"),
    ("Debian", "debian"),
    ("Flatcar", "flatcar"),
    ("Fedora CoreOS", "fedora-coreos"),
];

/// The built-in profile of a system: that of its release, or else that of all releases.
pub fn profile_of(image: &str) -> Option<String> {
    let (start, family) = SYSTEMS.iter().find(|(start, _)| image.starts_with(start))?;
    let mut words = image[start.len()..].split_whitespace();
    let release = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let release = release.unwrap_or_default();
    // `24.04.1` is a point release of 24.04, and Debian's are releases of 12.
    let parts = release.split('.').collect::<Vec<_>>();
    let releases = (1..=parts.len())
        .rev()
        .map(|count| parts[..count].join("."));
    let mut names = releases.map(|release| format!("{family}-{release}"));
    let known = names.find(|name| built_in_profile(name).is_ok());
    Some(known.unwrap_or_else(|| (*family).to_owned()))
}

/// What most workers have, and how many have something else.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Most {
    /// That.
    pub value: String,
    /// Nodes with something else: their names, and what they have.
    pub others: Vec<(String, String)>,
}

/// Counts a fact of all workers; of the control plane where there are no workers.
fn most(facts: &Facts, of: impl Fn(&NodeFact) -> Option<&str>) -> Option<Most> {
    let workers: Vec<&NodeFact> = facts
        .nodes
        .values()
        .filter(|node| !node.control_plane)
        .collect();
    let said = |node: &&NodeFact| Some((node.name.clone(), of(node)?.to_owned()));
    let mut all: Vec<(String, String)> = workers
        .iter()
        .copied()
        .filter_map(|node| said(&node))
        .collect();
    if workers.is_empty() {
        all = facts
            .nodes
            .values()
            .filter_map(|node| said(&node))
            .collect();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, value) in &all {
        *counts.entry(value).or_default() += 1;
    }
    let highest = counts.values().copied().max()?;
    // The first of them in the input, where several are as many.
    let (_, value) = all
        .iter()
        .find(|(_, value)| counts[value.as_str()] == highest)?;
    let others = all.iter().filter(|(_, other)| other != value).cloned();
    Some(Most {
        value: value.clone(),
        others: others.collect(),
    })
}

/// The image that most workers have.
pub fn image(facts: &Facts) -> Option<Most> {
    most(facts, |node| {
        node.os_image.as_deref().filter(|image| !image.is_empty())
    })
}

/// The machine that most workers are.
pub fn machine(facts: &Facts) -> Option<Most> {
    most(facts, |node| {
        node.arch.as_deref().filter(|arch| !arch.is_empty())
    })
}

/// The container runtime that most workers have, with its version.
pub fn runtime(facts: &Facts) -> Option<Most> {
    most(facts, |node| {
        node.runtime
            .as_deref()
            .filter(|runtime| runtime.contains("://"))
    })
}

/// Whether nodebake builds for a machine.
pub fn is_buildable(machine: &str) -> bool {
    MACHINES.iter().any(|(name, _)| *name == machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_has_the_profile_of_its_release() {
        for (image, profile) in [
            ("Ubuntu 24.04.1 LTS", Some("ubuntu-24.04")),
            ("Ubuntu 22.04.5 LTS", Some("ubuntu-22.04")),
            ("Ubuntu 20.04.6 LTS", Some("ubuntu")),
            ("Ubuntu Noble Numbat (development branch)", Some("ubuntu")),
            ("Debian GNU/Linux 12 (bookworm)", Some("debian-12")),
            ("Debian GNU/Linux 13 (trixie)", Some("debian-13")),
            ("Debian GNU/Linux 10 (buster)", Some("debian")),
            ("Debian GNU/Linux trixie/sid", Some("debian")),
            (
                "Flatcar Container Linux by Kinvolk 4081.2.0 (Oklo)",
                Some("flatcar"),
            ),
            ("Fedora CoreOS 41.20250117.3.0", Some("fedora-coreos")),
            ("Fedora Linux 41 (Server Edition)", None),
            ("Amazon Linux 2023.6.20250115", None),
            ("", None),
        ] {
            assert_eq!(profile_of(image).as_deref(), profile, "{image}");
        }
    }
}
