//! Whether a node's kubelet is open to everybody, or is cut off when its certificate ends: an error unless the project
//! accepts it, because nobody sees it on a node that works.

use crate::kubernetes::security::{Open, Settings, Source, open};
use crate::model::FieldLocation;
use crate::plan::{NodePlan, needs_token};
use crate::report::Finding;

/// All that is open. `unit` is where the kubelet's command was written, if that is ours.
pub(super) fn check(
    node: &NodePlan,
    settings: &Settings<'_>,
    unit: Option<&FieldLocation>,
) -> Vec<Finding> {
    let spec = &node.class.spec;
    // A node without a kubelet of ours has other findings, or none.
    if spec.kubelet.config.is_none() && spec.kubelet.flags.is_empty() {
        return Vec::new();
    }
    // A kubelet that is told of no file has that finding; all others follow from it.
    let is_told = node
        .class
        .kubelet_flags
        .iter()
        .any(|(name, _)| name == "config");
    if settings.config.is_none() && !is_told {
        return Vec::new();
    }
    let found = open(settings, needs_token(Some(spec)));
    let finding = |one: Open| {
        let source = settings.get(one.setting).source;
        location(node, one.setting.flag, one.setting.field, source, unit)
            .finding(one.id, one.message)
            .help(one.help)
    };
    found.into_iter().map(finding).collect()
}

/// Where a setting was written; the node's version where nobody wrote it.
pub fn location(
    node: &NodePlan,
    flag: &str,
    field: &str,
    source: Source,
    unit: Option<&FieldLocation>,
) -> FieldLocation {
    let class = &node.class;
    let version = &class.spec.kubernetes.location.at;
    match source {
        Source::Flag => {
            let mut flags = class.kubelet_flags.iter();
            let text = flags.find(|(name, _)| name == flag);
            match text.and_then(|(_, text)| text.as_ref()) {
                Some(text) => text.location.clone(),
                None => unit.cloned().unwrap_or_else(|| {
                    FieldLocation::new(version.clone(), format!("kubelet.flags.{flag}"))
                }),
            }
        }
        Source::Field | Source::Default => {
            let config = &class.kubelet_config;
            let written = field.split('.').try_fold(config, |at, key| at.get(key));
            let at = written.map_or(version, |at| &at.location);
            FieldLocation::new(at.clone(), format!("kubelet.config.{field}"))
        }
    }
}
