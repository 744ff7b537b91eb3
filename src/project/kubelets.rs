//! What the kubelets of a project read in the end.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::error::Result;
use crate::kubernetes::effective::{Effective, Layers};
use crate::project::{Reading, open};
use crate::report::Report;

/// The configuration of each node's kubelet by the node's name: its file with the flags that set fields, templates rendered.
/// Nodes that cannot be baked are left out; the report says why.
pub fn kubelet_configurations(
    reading: &Reading,
    report: &mut Report,
) -> Result<BTreeMap<String, Json>> {
    let mut all = BTreeMap::new();
    let Some(project) = open(reading, report)? else {
        return Ok(all);
    };
    for node in &project.plan.nodes {
        let rendered = match project.render(node, report.levels()) {
            Ok(rendered) => rendered,
            Err(findings) => {
                project.add(findings, report);
                continue;
            }
        };
        let flags = rendered.flags.iter();
        let flags: Vec<(&str, &str)> = flags
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or("true")))
            .collect();
        let layers = Layers {
            file: &rendered.config,
            drop_ins: None,
            flags: &flags,
            minor: node.class.spec.kubernetes.value.minor(),
        };
        let config = Effective::combine(&layers, |_| false).config.into_owned();
        all.insert(node.name.clone(), config);
    }
    Ok(all)
}
