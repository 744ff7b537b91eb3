//! `nodesFrom`: nodes from a spreadsheet or an asset database, as CSV or JSON. A row becomes the same located tree that a
//! node of `cluster.yaml` is, so that it is read by the same rules.

mod column;
mod csv;
mod json;
mod unknown;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::report::Report;
use crate::yaml::Located;

/// Reads a table into nodes: by its ending JSON (or YAML), else CSV.
pub fn read(file: &Arc<str>, text: &str, report: &mut Report) -> Vec<Located> {
    let ending = Path::new(&**file).extension();
    let ending = ending.map(|ending| ending.to_ascii_lowercase());
    if ending.is_some_and(|ending| ["json", "yaml", "yml"].iter().any(|one| ending == **one)) {
        return json::read(file, text, report);
    }
    if !may_hold_secrets(text) {
        report.remember(file, text, Vec::new());
    }
    csv::read(file, text, report)
}

/// The layers of a table's rows. Rows whose settings are equal share those of the first row, so that they are one class.
#[derive(Default)]
pub struct SharedLayers {
    by_text: HashMap<String, Arc<Located>>,
}

impl SharedLayers {
    /// Replaces layers by equal ones of earlier rows.
    pub fn share(&mut self, layers: &mut [Arc<Located>]) {
        for layer in layers {
            // What cannot be written as text, as an infinite number, is shared with nobody.
            if let Ok(text) = serde_json::to_string(&**layer) {
                *layer = self
                    .by_text
                    .entry(text)
                    .or_insert_with(|| layer.clone())
                    .clone();
            }
        }
    }
}

/// Whether cells may be the text of files on nodes, some of which are secret: then no message quotes the table.
fn may_hold_secrets(text: &str) -> bool {
    text.contains("files.")
}
