//! Whether a node's kubelet is open to everybody, or is cut off when its certificate ends: an error unless the project
//! accepts it, because nobody sees it on a node that works.

use serde_json::Value as Json;

use crate::kubernetes::security::{Open, Source, open};
use crate::model::{FieldLocation, NodePath};
use crate::plan::{NodePlan, needs_token};
use crate::render::builder::TreeBuilder;
use crate::render::command_line::{CommandLine, KUBELET_UNIT};
use crate::render::starts;
use crate::report::{Finding, Id};

/// All that is open.
pub(super) fn check(
    node: &NodePlan,
    (line, config): (&CommandLine, &Json),
    builder: &TreeBuilder,
) -> Vec<Finding> {
    let spec = &node.class.spec;
    let settings = line.settings(config, spec.kubernetes.value.minor());
    let unit = builder.unit_location(KUBELET_UNIT, None);
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
    let found = open(&settings, needs_token(Some(spec)));
    // Such a kubelet may run without joining, so it is open where any is started, by whatever unit.
    let runs = found.is_empty() || starts::may_start_any(builder.so_far(), spec);
    let placed = |one: Open| {
        let source = settings.get(one.setting).source;
        let drop_in = line
            .drop_in_of(one.setting.field)
            .filter(|_| source == Source::Field);
        let drop_in = drop_in.and_then(|path| NodePath::parse(path).ok());
        if let Some(at) = drop_in.and_then(|path| builder.text_location(&path)) {
            let message = format!("{}: {}", one.setting.field, one.message);
            return at.finding(one.id, message).help(one.help);
        }
        location(node, one.setting.flag, one.setting.field, source, unit)
            .finding(one.id, one.message)
            .help(one.help)
    };
    let findings = found.into_iter().map(placed);
    let following = |finding: Finding| {
        if runs {
            finding
        } else {
            finding.following(Id::KubeletNotStarted)
        }
    };
    findings.map(following).collect()
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
