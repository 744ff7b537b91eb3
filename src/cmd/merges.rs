//! Ignition configurations of the user's that nodes merge: read from the project, each once for a whole build.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cmd::text_file;
use crate::error::Result;
use crate::identity::CaKeys;
use crate::inventory::MergeSpec;
use crate::node::ca_key;
use crate::payload::ignition::UserConfig;
use crate::plan::Plan;
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Report};

/// For each class of nodes, by its index, the configurations that it merges.
pub type Merges = Vec<Arc<[Arc<UserConfig>]>>;

/// Reads what the classes merge. What is wrong with a file goes into the report, once.
pub fn load(project: &ProjectFolder, plan: &Plan, report: &mut Report) -> Result<Merges> {
    let ca_keys = CaKeys::of(&plan.ca);
    let mut known = HashMap::new();
    let mut merges = Vec::with_capacity(plan.classes.len());
    for class in &plan.classes {
        let spec = &class.spec;
        let mut of_class = Vec::new();
        for merge in &spec.ignition_merges {
            let key = (merge.source.value.as_str(), merge.secret);
            let config = match known.get(&key) {
                Some(config) => Option::clone(config),
                None => read(project, merge, &ca_keys, report)?,
            };
            of_class.extend(config.clone());
            let _ = known.insert(key, config);
        }
        merges.push(of_class.into());
    }
    Ok(merges)
}

fn read(
    project: &ProjectFolder,
    merge: &MergeSpec,
    ca_keys: &CaKeys,
    report: &mut Report,
) -> Result<Option<Arc<UserConfig>>> {
    let source = &merge.source;
    let Some(text) = text_file::read(project, source, report)? else {
        return Ok(None);
    };
    match UserConfig::read(&source.value.as_str().into(), &text, merge.secret) {
        Ok(config) => {
            if config.contents().iter().any(|bytes| ca_keys.are_in(bytes)) {
                report.add(ca_key(&source.spot));
            }
            Ok(Some(Arc::new(config)))
        }
        Err(faults) => {
            let is_butane = text.lines().any(|line| line.starts_with("variant:"));
            for fault in faults {
                let finding = Finding::error(&fault.place, fault.subject, fault.rule);
                report.add(match is_butane {
                    true => finding.repair("make it with `butane --strict`, this is its input"),
                    false => finding,
                });
            }
            Ok(None)
        }
    }
}
