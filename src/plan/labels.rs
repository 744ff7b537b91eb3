//! Labels: what a kubelet may give its own node, and what only an admin may (NodeRestriction).

use crate::inventory::{Spec, Text};
use crate::kubernetes::labels::self_settable;
use crate::model::Spanned;
use crate::report::{Id, Report};

/// Labels by key.
type Labels = Vec<(String, Text)>;

/// Splits labels into the kubelet's own and the admin's.
pub fn split(labels: &[(Spanned<String>, Text)], minor: u32) -> (Labels, Labels) {
    let labels = labels
        .iter()
        .map(|(key, value)| (key.value.clone(), value.clone()));
    labels.partition(|(key, _)| self_settable(key, minor))
}

/// `--node-labels`: there is no field for it in KubeletConfiguration. Values may be templates, so the flag is one too.
pub fn flag(spec: &Spec, labels: &[(String, Text)], report: &mut Report) -> Option<Text> {
    let (_, first) = labels.first()?;
    if let Some((_, Some(flag))) = spec
        .kubelet
        .flags
        .iter()
        .find(|(name, _)| name == "node-labels")
    {
        let rule = "the flag is made from `labels`, and both are there";
        report.add(
            flag.location
                .finding(Id::KubeletFlagReserved, rule)
                .help("move its labels to `labels`"),
        );
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.text))
        .collect();
    Some(Text {
        text: pairs.join(",").into(),
        location: first.location.clone(),
    })
}
