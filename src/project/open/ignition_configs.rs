//! Ignition configurations of the user's that nodes merge: read from the project, each once for a whole build.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compile::project_file::read_text;
use crate::compile::refused;
use crate::error::Result;
use crate::identity::Guarded;
use crate::model::output::MergeSpec;
use crate::payload::ignition::UserConfig;
use crate::plan::Plan;
use crate::project_folder::ProjectFolder;
use crate::report::Report;

/// Reads what the classes merge, for each class by its index. What is wrong with a file goes into the report, once.
pub fn load(
    project: &ProjectFolder,
    plan: &Plan,
    guarded: &Guarded,
    report: &mut Report,
) -> Result<Vec<Arc<[Arc<UserConfig>]>>> {
    let mut known = HashMap::new();
    let mut merges = Vec::with_capacity(plan.classes.len());
    for class in &plan.classes {
        let spec = &class.spec;
        let mut of_class = Vec::new();
        for merge in &spec.output.ignition.merges {
            let key = (merge.source.value.as_str(), merge.secret);
            let config = match known.get(&key) {
                Some(config) => Option::clone(config),
                None => read(project, merge, guarded, report)?,
            };
            of_class.extend(config.clone());
            known.insert(key, config);
        }
        merges.push(of_class.into());
    }
    Ok(merges)
}

fn read(
    project: &ProjectFolder,
    merge: &MergeSpec,
    guarded: &Guarded,
    report: &mut Report,
) -> Result<Option<Arc<UserConfig>>> {
    let source = &merge.source;
    let Some(text) = read_text(project, source, (guarded, Some(merge.secret)), report)? else {
        return Ok(None);
    };
    match UserConfig::read(&source.value.as_str().into(), &text, merge.secret) {
        Ok(config) => {
            let contents = config.contents();
            let private = contents
                .iter()
                .filter_map(|bytes| guarded.find(bytes))
                .min();
            let finding =
                private.and_then(|private| refused(&source.location, private, Some(merge.secret)));
            finding.into_iter().for_each(|finding| report.add(finding));
            Ok(Some(Arc::new(config)))
        }
        Err(faults) => {
            let is_butane = text.lines().any(|line| line.starts_with("variant:"));
            for finding in faults {
                report.add(if is_butane {
                    finding.help("make it with `butane --strict`, this is its input")
                } else {
                    finding
                });
            }
            Ok(None)
        }
    }
}
