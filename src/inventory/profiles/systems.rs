//! Profiles of operating systems: a node has one. The second one would win where both say something, and the first one where only it
//! does, so that the node is neither.

use std::cell::RefCell;
use std::sync::Arc;

use crate::inventory::profiles::ProfileLayer;
use crate::model::Spanned;
use crate::report::{Id, Report};

/// Keys of `os` that only a profile of a whole operating system sets beside its name. One that says less refines another one.
const WHOLE: [&str; 3] = ["network", "cloudInit", "ignition"];

/// Adds a finding for each profile of another operating system than one before it. Each comes with its layers, those that it extends
/// first; a profile that extends another one is of the same system.
pub fn check(profiles: &[(Spanned<String>, Arc<[ProfileLayer]>)], report: &RefCell<Report>) {
    let of_systems = profiles.iter().filter_map(|(name, layers)| {
        let system = layers.iter().rev().find_map(system)?;
        Some((name, layers, system))
    });
    let of_systems: Vec<_> = of_systems.collect();
    for (index, (name, layers, (file, system))) in of_systems.iter().enumerate() {
        let has =
            |layers: &[ProfileLayer], file: &str| layers.iter().any(|layer| &*layer.file == file);
        let mut before = of_systems[..index].iter();
        let other =
            before.find(|(_, theirs, (other, _))| !has(layers, other) && !has(theirs, file));
        let Some((first, _, (_, other))) = other else {
            continue;
        };
        let rule = format!(
            "a node has one operating system, and the profile {:?} is of {other}, {:?} of {system}",
            first.value, name.value
        );
        let finding = name.location.finding(Id::OsProfilesMixed, rule);
        let finding = finding.help("give each node the profile of its own system");
        // The cluster's profiles are looked at with those of each node.
        let is_said = report.borrow().findings().any(|said| {
            said.id == finding.id
                && said.location == finding.location
                && said.message == finding.message
        });
        if !is_said {
            report.borrow_mut().add(finding);
        }
    }
}

/// The operating system that a layer is of: its file and the name.
fn system(layer: &ProfileLayer) -> Option<(&str, &str)> {
    let os = layer.layer.as_ref()?.get("os")?;
    let name = os.get("name")?.as_str()?;
    let is_whole = WHOLE.iter().any(|key| os.get(key).is_some());
    is_whole.then_some((&*layer.file, name))
}
