//! The needs of a project's nodes that their payloads do not meet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::ServerCertificate;
use crate::input;
use crate::model::Location;
use crate::preflight::control_plane::{self, Facts, Given, Served};
use crate::preflight::manifest::{self, CommandLine, Program};
use crate::preflight::{Need, needs};
use crate::project::{Project, Reading, open, read_dump, time_of_check};
use crate::report::{Finding, Id, Report};

/// A need, and who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NeedRow {
    /// The need.
    #[serde(flatten)]
    pub need: Need,
    /// The nodes that need it.
    pub nodes: Vec<String>,
    /// Whether the manifests that were given meet it; None where none tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

/// Files of a control plane, as they are on a control-plane node; `-` is stdin.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    /// The manifest of kube-apiserver.
    pub api_server: Option<PathBuf>,
    /// The serving certificate of kube-apiserver.
    pub certificate: Option<PathBuf>,
    /// The manifest of kube-controller-manager.
    pub controller_manager: Option<PathBuf>,
}

/// The needs of all nodes, and how many nodes there are; None after findings about the project. What manifests lack is in
/// the report, beside the needs.
pub fn preflight(
    reading: &Reading,
    manifests: &Manifests,
    report: &mut Report,
) -> Result<Option<(Vec<NeedRow>, usize)>> {
    let found = open(reading, report)?;
    let found = match found {
        Some(project) => {
            let of_nodes = rows(&project, report);
            if report.has_errors() {
                None
            } else {
                let at = time_of_check(reading.at);
                let mut rows = control_plane_rows(&project, manifests, at, report)?;
                rows.extend(of_nodes);
                rows.sort_by(|a, b| a.need.cmp(&b.need));
                Some((rows, project.plan.nodes.len()))
            }
        }
        None => None,
    };
    reading.apply_strictness(report);
    Ok(found)
}

/// What all nodes need of the control plane.
fn control_plane_rows(
    project: &Project,
    manifests: &Manifests,
    at: OffsetDateTime,
    report: &mut Report,
) -> Result<Vec<NeedRow>> {
    let mut lines = Vec::new();
    let given = [
        (Program::ApiServer, &manifests.api_server),
        (Program::ControllerManager, &manifests.controller_manager),
    ];
    for (program, file) in given {
        if let Some(file) = file {
            lines.extend(command_lines(program, file, report)?);
        }
    }
    let certificate = match &manifests.certificate {
        Some(file) => served(file, report)?,
        None => None,
    };
    let given = Given {
        lines: &lines,
        certificate: certificate.as_ref(),
        at,
    };
    let (needs, findings) = control_plane::check(&Facts::new(&project.plan), &given);
    findings.into_iter().for_each(|finding| report.add(finding));
    let nodes: Vec<String> = project
        .plan
        .nodes
        .iter()
        .map(|node| node.name.clone())
        .collect();
    let row = |found: control_plane::ControlPlaneNeed| NeedRow {
        need: found.need,
        nodes: nodes.clone(),
        met: found.met,
    };
    Ok(needs.into_iter().map(row).collect())
}

fn command_lines(program: Program, file: &Path, report: &mut Report) -> Result<Vec<CommandLine>> {
    let text = text_of(file, report)?;
    let found = text.map(|(shown, text)| manifest::read(program, &shown, &text, report));
    Ok(found.unwrap_or_default())
}

/// The serving certificate in a file; None after a finding.
fn served(file: &Path, report: &mut Report) -> Result<Option<Served>> {
    let Some((shown, text)) = text_of(file, report)? else {
        return Ok(None);
    };
    match ServerCertificate::read(&text) {
        Ok(certificate) => Ok(Some(Served {
            file: shown,
            certificate,
        })),
        Err(rule) => {
            let finding = Finding::new(
                Id::ControlPlaneFileInvalid,
                &Location::file(shown),
                "",
                rule,
            );
            report.add(
                finding.help("copy /etc/kubernetes/pki/apiserver.crt from a control-plane node"),
            );
            Ok(None)
        }
    }
}

fn text_of(file: &Path, report: &mut Report) -> Result<Option<(String, String)>> {
    let Some(bytes) = read_dump(file, report)? else {
        return Ok(None);
    };
    let shown = file.display().to_string();
    let text = report.take(input::text(bytes.to_vec()), &shown)?;
    Ok(text.map(|text| (shown, text)))
}

fn rows(project: &Project, report: &mut Report) -> Vec<NeedRow> {
    let (nodes, levels) = (&project.plan.nodes, report.levels());
    let of_node = |node| {
        let baked = project.render(node, levels)?;
        Ok(needs(
            &project.plan.cluster,
            &project.renderer,
            node,
            &baked,
        ))
    };
    let found: Vec<std::result::Result<_, Vec<_>>> = nodes.par_iter().map(of_node).collect();
    let mut all: BTreeMap<Need, Vec<String>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (node, found) in nodes.iter().zip(found) {
        match found {
            Ok(needs) => {
                for need in needs {
                    all.entry(need).or_default().push(node.name.clone());
                }
            }
            Err(wrong) => findings.extend(wrong.into_iter().map(|one| one.of_node(&*node.name))),
        }
    }
    project.add(findings, report);
    let rows = all.into_iter();
    rows.map(|(need, nodes)| NeedRow {
        need,
        nodes,
        met: None,
    })
    .collect()
}
