//! Units are read as systemd would read them, and what it would not take is found at the line that says it.

use crate::render::NodeRendering;
use crate::render::place::{At, placed};
use crate::report::Finding;
use crate::tree::{Content, Program, Texts, Unit, check_unit};

/// What was found in the texts of a unit.
pub struct FoundInUnit {
    findings: Vec<Finding>,
    programs: Vec<Program>,
}

impl NodeRendering<'_> {
    /// Checks every unit whose text or drop-ins are ours. Units of many nodes that say the same are checked once.
    pub(super) fn check_units(&mut self) {
        let mut findings = Vec::new();
        for (name, unit) in self.builder.so_far().units() {
            if unit.masked {
                continue;
            }
            let parts = parts(unit);
            let contents: Vec<&Content> = parts.iter().map(|(_, content, _)| *content).collect();
            // Whether it is enabled decides a finding too.
            let key = (
                self.class_index,
                name.as_str(),
                u32::from(unit.enabled == Some(true)),
            );
            let found = self.renderer.units.of(key, &contents, || FoundInUnit {
                findings: self.unit_findings(name, unit, &parts),
                programs: unit.programs(),
            });
            findings.extend(found.findings.iter().cloned());
            findings.extend(self.programs(name, unit, &found.programs));
        }
        self.builder.fail(findings);
    }

    fn unit_findings(&self, name: &str, unit: &Unit, parts: &[Part<'_>]) -> Vec<Finding> {
        let texts = Texts {
            name,
            has_file: unit.text.is_some(),
            texts: parts.iter().map(|(_, _, text)| *text).collect(),
        };
        let mut findings = Vec::new();
        for fault in check_unit(&texts)
            .into_iter()
            .chain(unit.enabled_in_vain(name))
        {
            let Some((dropin, _, text)) = parts.get(fault.text) else {
                continue;
            };
            let Some(location) = self.builder.unit_location(name, *dropin) else {
                continue;
            };
            let at = At {
                location,
                text,
                position: Some(fault.position),
                about: name,
                merged: self.builder.merged(),
            };
            let finding = placed(self.renderer, &at, fault.id, fault.message);
            findings.push(Finding {
                help: fault.help.map(String::into),
                ..finding
            });
        }
        findings
    }
}

/// A text of a unit: its drop-in's name, its content, and that as text.
type Part<'u> = (Option<&'u str>, &'u Content, &'u str);

/// The texts of a unit with their drop-ins' names, as systemd orders them.
fn parts(unit: &Unit) -> Vec<Part<'_>> {
    let file = unit.text.iter().map(|text| (None, text));
    let dropins = unit.dropins.iter();
    let dropins = dropins.map(|(name, text)| (Some(name.as_str()), text));
    file.chain(dropins)
        .filter_map(|(name, (content, _))| match content {
            Content::Blob(blob) => Some((name, content, std::str::from_utf8(blob.bytes()).ok()?)),
            Content::Asset(_) => None,
        })
        .collect()
}
