//! The public parts of the storage keys of nodes' TPMs, read from the inventory or from files of the project, and checked.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compile::project_file::report_unreadable;
use crate::error::Result;
use crate::input::Limit;
use crate::inventory::{Inventory, TpmKey};
use crate::model::FieldLocation;
use crate::project_folder::ProjectFolder;
use crate::report::{Id, Report};
use crate::seal::StorageKey;

/// The longest file of a key that is read. The key has 92 bytes.
const LIMIT: Limit = Limit::kib(4);

/// Reads the keys, by node; None for one that cannot be read, for which there is a finding.
pub fn load(
    project: &ProjectFolder,
    inventory: &Inventory,
    report: &mut Report,
) -> Result<HashMap<String, Option<Arc<StorageKey>>>> {
    let mut keys = HashMap::new();
    let mut owners: HashMap<[u8; 92], &str> = HashMap::new();
    for node in &inventory.nodes {
        let Some(tpm) = &node.tpm else { continue };
        let name = node.name.value.as_str();
        let read = match tpm {
            TpmKey::Here(key) => Some((key.value.clone(), &key.location)),
            TpmKey::File(file) => match project.read(&file.value, LIMIT) {
                Ok(bytes) => of_file(&bytes, &file.location, &file.value, report)
                    .map(|key| (key, &file.location)),
                Err(error) => {
                    report_unreadable(project, file, error, report)?;
                    None
                }
            },
            TpmKey::Broken => None,
        };
        if let Some((key, location)) = &read
            && let Some(other) = owners.insert(*key.as_bytes(), name)
        {
            let rule = format!("this TPM belongs to {other} already (here: {name})");
            let finding = location.finding(Id::TpmKeyRepeated, rule);
            report.add(finding.help(
                "write each machine's own key; machines that were cloned with their TPM must get new ones",
            ));
        }
        keys.insert(name.to_owned(), read.map(|(key, _)| Arc::new(key)));
    }
    Ok(keys)
}

fn of_file(
    bytes: &[u8],
    location: &FieldLocation,
    name: &str,
    report: &mut Report,
) -> Option<StorageKey> {
    match StorageKey::from_file(bytes) {
        Ok(key) => Some(key),
        Err(fault) => {
            let rule = format!("{name}: {}", fault.rule);
            report.add(location.finding(Id::TpmKeyInvalid, rule).help(fault.help));
            None
        }
    }
}
