//! Programs that units start and that come with the node: systemd starts no file that is not executable.

use crate::render::NodeRendering;
use crate::render::place::{At, placed};
use crate::report::{Finding, Id};
use crate::tree::{Content, Entry, EntryKind, NodeTree, Program, Unit};

impl NodeRendering<'_> {
    /// Finds programs of a unit that are in the tree and cannot be started.
    pub(super) fn programs(&self, name: &str, unit: &Unit, programs: &[Program]) -> Vec<Finding> {
        let tree = self.builder.so_far();
        let mut findings = Vec::new();
        for program in programs {
            let Some((path, entry)) = at(tree, &program.path) else {
                continue;
            };
            let rule = match &entry.kind {
                EntryKind::Directory => format!("starts {}, which is a folder", program.path),
                EntryKind::File(_) if entry.mode & 0o111 == 0 => format!(
                    "starts {}, which has the mode {:04o} and so is not executable",
                    program.path, entry.mode
                ),
                _ => continue,
            };
            let finding = self.program(name, unit, program, &rule);
            findings.extend(finding.map(|finding| {
                finding.help(format!(
                    "set mode: \"0755\" for {path}, which {} writes",
                    entry.origin
                ))
            }));
        }
        findings
    }

    fn program(&self, name: &str, unit: &Unit, program: &Program, rule: &str) -> Option<Finding> {
        let location = self
            .builder
            .unit_location(name, program.dropin.as_deref())?;
        let (content, _) = match &program.dropin {
            None => unit.text.as_ref()?,
            Some(dropin) => unit.dropins.get(dropin)?,
        };
        let Content::Blob(blob) = content else {
            return None;
        };
        let text = String::from_utf8_lossy(blob.bytes());
        let at = At {
            location,
            text: &text,
            position: Some(program.position),
            about: name,
            merged: self.builder.merged(),
        };
        Some(placed(
            self.renderer,
            &at,
            Id::ProgramNotExecutable,
            format!("{}: {rule}", program.key),
        ))
    }
}

/// What is at a path, links followed within the tree; on a merged-/usr system /bin is /usr/bin.
fn at<'t>(tree: &'t NodeTree, path: &str) -> Option<(String, &'t Entry)> {
    let merged = ["/bin/", "/sbin/"];
    let is_merged = merged.iter().any(|folder| path.starts_with(folder));
    let end = if is_merged {
        tree.follow(&format!("/usr{path}"))
    } else {
        tree.follow(path)
    };
    let entry = tree.get(&end)?;
    Some((end, entry))
}
