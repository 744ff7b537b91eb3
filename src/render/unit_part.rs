//! Which unit a file in the unit folder is of, and which of its files.

use crate::model::NodePath;
use crate::tree::{UNIT_FOLDER, unit_name};

/// A unit's file, or one of its drop-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPart {
    /// The unit's name.
    pub unit: String,
    /// The drop-in's file name.
    pub dropin: Option<String>,
}

impl UnitPart {
    /// Where it is on the node.
    pub fn path(&self) -> String {
        match &self.dropin {
            None => format!("{UNIT_FOLDER}/{}", self.unit),
            Some(dropin) => format!("{UNIT_FOLDER}/{}.d/{dropin}", self.unit),
        }
    }
}

/// Units are first-class in every format, so a file where units are is one.
pub(super) fn unit_of(path: &NodePath) -> Option<UnitPart> {
    let below = path.as_str().strip_prefix(UNIT_FOLDER)?.strip_prefix('/')?;
    let (unit, dropin) = match below.split_once('/') {
        None => (below, None),
        Some((folder, file)) if file.ends_with(".conf") && !file.contains('/') => {
            (folder.strip_suffix(".d")?, Some(file.to_owned()))
        }
        Some(_) => return None,
    };
    unit_name(unit).ok()?;
    Some(UnitPart {
        unit: unit.to_owned(),
        dropin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_the_unit_folder_are_units() {
        let part = |path: &str| unit_of(&NodePath::parse(path).expect(path));
        assert_eq!(
            part("/etc/systemd/system/a.service")
                .map(|part| part.unit)
                .as_deref(),
            Some("a.service")
        );
        let dropin = part("/etc/systemd/system/a.service.d/10-x.conf").and_then(|part| part.dropin);
        assert_eq!(dropin.as_deref(), Some("10-x.conf"));
        for other in [
            "/etc/systemd/system/multi-user.target.wants/a.service",
            "/etc/systemd/system/README",
            "/etc/systemd/system.conf",
            "/usr/lib/systemd/system/a.service",
        ] {
            assert_eq!(part(other), None, "{other}");
        }
    }
}
