//! Programs that a unit starts, each with its place. In: a unit. Out: absolute paths.

use crate::tree::Content;
use crate::tree::unit::keys::key;
use crate::tree::unit::{Position, Unit, text, value};

/// A program that a unit starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its absolute path.
    pub path: String,
    /// The key that starts it.
    pub key: String,
    /// The drop-in in which that is; None is the unit's own file.
    pub dropin: Option<String>,
    /// Where in that text.
    pub position: Position,
}

impl Unit {
    /// The programs that its commands start, by absolute paths.
    pub fn programs(&self) -> Vec<Program> {
        let file = self.text.iter().map(|text| (None, text));
        let dropins = self.dropins.iter();
        let dropins = dropins.map(|(name, text)| (Some(name), text));
        let mut programs = Vec::new();
        for (dropin, (content, _)) in file.chain(dropins) {
            let Content::Blob(blob) = content else {
                continue;
            };
            let read = text::read(&String::from_utf8_lossy(blob.bytes()));
            for assignment in read.assignments {
                let known = key(&assignment.section, &assignment.key);
                if known.is_none_or(|key| key.parser != "exec") {
                    continue;
                }
                // An empty value takes back those before it.
                if assignment.value.is_empty() {
                    programs.retain(|program: &Program| program.key != assignment.key);
                }
                // A command line that cannot be split has its finding already.
                for path in value::programs(&assignment.value) {
                    programs.push(Program {
                        path,
                        key: assignment.key.clone(),
                        dropin: dropin.cloned(),
                        position: assignment.key_position(),
                    });
                }
            }
        }
        programs
    }
}
