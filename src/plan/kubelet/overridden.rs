//! Settings that lose silently: a field that a flag sets too, taints that are written in two ways.

use crate::inventory::{Spec, Text, child_path};
use crate::kubernetes::flag_value;
use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};
use crate::model::{FieldLocation, Location};
use crate::plan::kubelet::knows;
use crate::report::{Id, Report};
use crate::yaml::Located;

const TAINTS_FLAG: &str = "register-with-taints";
const TAINTS_FIELD: &str = "registerWithTaints";

/// Adds a finding for each setting that loses.
pub fn check(
    spec: &Spec,
    (config, path): (&Located, &str),
    flags: &[(String, Option<Text>)],
    report: &mut Report,
) {
    let minor = spec.kubernetes.value.minor();
    if !knows(minor) {
        return;
    }
    if !spec.taints.is_empty() {
        taints((config, path), flags, report);
    }
    let schema = Schema::load();
    for (name, text) in flags {
        let (Some(text), Some(field)) = (text, schema.field_of(name, minor)) else {
            continue;
        };
        let Some(loser) = field.split('.').try_fold(config, |at, key| at.get(key)) else {
            continue;
        };
        let of_taints = name == TAINTS_FLAG && !spec.taints.is_empty();
        if !is_built_in(&loser.location) && !of_taints && differs(name, text, (loser, field), minor)
        {
            let rule = format!(
                "wins over {}, which has another value",
                child_path(path, field)
            );
            let finding = text.location.finding(Id::KubeletSettingOverridden, rule);
            report.add(finding.help("keep one of the two"));
        }
    }
    // The flag is or-ed with the field. Source: cmd/kubelet/app/server.go, createAndInitKubelet.
    let off = |(name, text): &&(String, Option<Text>)| {
        name == "seccomp-default" && text.as_ref().is_some_and(|text| &*text.text == "false")
    };
    if let Some((_, Some(text))) = flags.iter().find(off)
        && config
            .get("seccompDefault")
            .is_some_and(|at| at.value == crate::yaml::Value::Bool(true))
    {
        let rule = format!(
            "does not switch off {}, which is true",
            child_path(path, "seccompDefault")
        );
        let finding = text.location.finding(Id::KubeletSettingOverridden, rule);
        report.add(finding.help("set the field to false"));
    }
}

/// Taints are made from `taints`, so that neither the flag nor the field has an effect beside them, or hides them.
fn taints((config, path): (&Located, &str), flags: &[(String, Option<Text>)], report: &mut Report) {
    let repair = "move its taints to `taints`";
    let rule = "the node's taints are made from `taints`, and both are there";
    let flag = flags.iter().find(|(name, _)| name == TAINTS_FLAG);
    if let Some((_, Some(text))) = flag {
        let finding = text.location.finding(Id::KubeletFlagReserved, rule);
        report.add(finding.help(repair));
    }
    if let Some(field) = config.get(TAINTS_FIELD) {
        let location = FieldLocation::new(field.location.clone(), child_path(path, TAINTS_FIELD));
        report.add(location.finding(Id::KubeletFlagReserved, rule).help(repair));
    }
}

/// Whether a flag says something else than its field. Feature gates are merged, so they differ where one does.
fn differs(name: &str, text: &Text, (loser, field): (&Located, &str), minor: u32) -> bool {
    let FieldAnswer::Found(kind) = Schema::load().path(field, minor) else {
        return false;
    };
    if text.is_template() {
        return false;
    }
    let Ok(Some(value)) = flag_value::parse(name, &text.text, kind) else {
        return false;
    };
    let written = serde_json::to_value(loser).unwrap_or_default();
    match (field, value.as_object()) {
        ("featureGates", Some(gates)) => gates
            .iter()
            .any(|(gate, value)| written.get(gate).is_some_and(|known| known != value)),
        _ => value != written,
    }
}

/// What a built-in profile says gives way to what the user says.
fn is_built_in(location: &Location) -> bool {
    location.file.starts_with("built-in:")
}
