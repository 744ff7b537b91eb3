//! What an Ignition configuration cannot say, or says in a way that stops the boot. Each rule here is one that
//! Ignition's own validation or its run at boot would enforce, found before anything is built.

use crate::model::NodePath;
use crate::model::output::IgnitionSpec;
use crate::payload::archive::PRESET;
use crate::payload::ignition::needs::needs;
use crate::payload::ignition::unit_text::refused;
use crate::payload::{Job, Objection};
use crate::report::Id;
use crate::tree::{Content, Unit};

/// Where a specification is asked for.
const SPEC: &str = "output.ignition.spec";
/// Ignition's parser of units (go-systemd) refuses lines of this many bytes, as old systemd cut them.
const UNIT_LINE_LIMIT: usize = 2048;
/// Not the node's own file systems while Ignition runs, or emptied at boot.
const NOT_REAL: [&str; 7] = [
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/run",
    "/var/run",
    "/var/lock",
];
/// Types that Ignition knows (config/v3_3/types/unit.go).
const UNIT_TYPES: [&str; 12] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "snapshot",
    "slice",
    "scope",
];

/// All objections to writing this job as Ignition: what a written specification cannot say, then in path order, then in
/// unit order.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    let mut objections = Vec::new();
    if let Some(spec) = job.settings.ignition.spec {
        if spec > IgnitionSpec::NEWEST {
            let newest = IgnitionSpec::NEWEST;
            objections.push(
                Objection::new(
                    Id::VersionInvalid,
                    "ignition.spec",
                    format!("{spec} is not a released specification; the newest is {newest}"),
                )
                .asked_by(SPEC),
            );
        }
        let needs = needs(job).into_iter();
        let unmet = needs.filter(|need| need.since() > spec.minor);
        objections.extend(unmet.map(|need| need.objection().asked_by(SPEC)));
    }
    for path in job.tree.entries().keys() {
        objections.extend(not_real(path));
    }
    if let (Some((path, _)), true) = (
        super::config::preset(job.tree),
        job.tree.get(PRESET).is_some(),
    ) {
        objections.push(Objection::new(
            Id::UnitClash,
            path.as_str(),
            "is declared, but written for the units that are disabled",
        ));
    }
    for theirs in job.facts.merges.iter() {
        objections.extend(theirs.clashes(job.tree));
    }
    for (name, unit) in job.tree.units() {
        check_unit(name, unit, &mut objections);
    }
    objections
}

/// Why Ignition cannot write a path.
fn not_real(path: &NodePath) -> Option<Objection> {
    let above = |folder: &&&str| {
        path.as_str()
            .strip_prefix(**folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let folder = NOT_REAL.iter().find(above)?;
    Some(Objection::new(
        Id::IgnitionPathImpossible,
        path.as_str(),
        format!("Ignition cannot write below {folder}, which is not the node's own while it runs"),
    ))
}

fn check_unit(name: &str, unit: &Unit, objections: &mut Vec<Objection>) {
    let mut object =
        |rule: String| objections.push(Objection::new(Id::IgnitionUnitImpossible, name, rule));
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    if !UNIT_TYPES.contains(&suffix) {
        object(format!("'.{suffix}' is not a type of unit"));
    }
    if let Some((content, _)) = unit.text.as_ref().filter(|_| !unit.masked) {
        for rule in text_rules(content) {
            object(format!("the unit's text {rule}"));
        }
    }
    for (file, (content, _)) in &unit.dropins {
        if !file.ends_with(".conf") {
            object(format!("drop-in {file} must end in .conf"));
        }
        for rule in text_rules(content) {
            object(format!("drop-in {file} {rule}"));
        }
    }
}

/// The rules that a unit's text breaks, as the end of a sentence.
fn text_rules(content: &Content) -> Vec<String> {
    let Content::Blob(blob) = content else {
        return vec!["must not be an asset: Ignition holds units as text".to_owned()];
    };
    let Ok(text) = std::str::from_utf8(blob.bytes()) else {
        return vec!["is not UTF-8".to_owned()];
    };
    if text.is_empty() {
        return vec!["is empty, and Ignition writes no empty unit; mask it instead".to_owned()];
    }
    let long = text
        .split(['\n', '\r'])
        .enumerate()
        .filter(|(_, line)| line.len() >= UNIT_LINE_LIMIT)
        .map(|(index, _)| {
            format!(
                "has {UNIT_LINE_LIMIT} bytes or more in line {}, which Ignition refuses; wrap it with backslashes",
                index + 1
            )
        });
    let syntax = refused(text).map(|(line, rule)| {
        let before = text.split('\n').take(line - 1);
        let is_continued = before.clone().any(|line| line.trim_end().ends_with('\\'));
        let why = if is_continued {
            "; for Ignition a comment, a blank line or CRLF ends a continued line"
        } else {
            ""
        };
        format!("{rule} in line {line}{why}")
    });
    long.chain(syntax).collect()
}
