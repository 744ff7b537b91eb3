//! A project out of a cluster that is there: what kubectl printed is read, and the inventory is written that describes it. In:
//! files with objects of Kubernetes. Out: a new project, or what it would change in one that is there. No secret of the input
//! gets into the project or into a message.

mod ansible;
mod config_maps;
mod decide;
mod documents;
mod facts;
mod folder;
mod kubeadm;
mod kubeconfig;
mod merge;
mod nodes;
mod objects;
mod pods;
mod settings;
mod systems;
mod tables;
mod values;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::identity::{EXAMPLE_CA, example_ca};
use crate::input;
use crate::kubernetes::version::Version;
use crate::model::Location;
use crate::project::{CA_FILE, NewProjectMade, create_with, read_dump};
use crate::project_folder::CLUSTER_FILE;
use crate::report::{Finding, Id, Report};
use crate::secrets::CreatedToken;

pub use decide::Unknown;

use decide::decide;
use facts::{Facts, NodeFact};
use merge::Existing;
use settings::{SHARED, Settings, Trial, profile_text, settings};
use write::{Decided, inventory};

const README: &str = include_str!("README.md");

/// What files an import reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// What kubectl printed.
    #[default]
    Kubectl,
    /// Inventories of Ansible.
    Ansible,
    /// Tables of nodes with separated values.
    Csv,
    /// Tables of nodes in JSON.
    Json,
}

/// What is imported, and where to.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// The project's folder.
    pub dir: PathBuf,
    /// What the files are.
    pub from: From,
    /// The files; `-` is stdin.
    pub files: Vec<PathBuf>,
    /// Of a table: what a column is for, and its name.
    pub mapping: Vec<(String, String)>,
    /// What a kubelet's `/configz` printed, with its node.
    pub configz: Vec<(String, PathBuf)>,
    /// The cluster's name, instead of the one that is found.
    pub name: Option<String>,
    /// The API server's URL, likewise.
    pub server: Option<String>,
    /// The version of nodes, likewise.
    pub kubernetes: Option<String>,
    /// Built-in profiles, instead of those that fit the nodes.
    pub profiles: Vec<String>,
    /// Names or globs of nodes that are built from now on; all others are not managed.
    pub built: Vec<String>,
    /// Whether a project that is there is changed, after it was shown what would change.
    pub write: bool,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new project, with tokens of nodes that are built.
    Created(Vec<CreatedToken>),
    /// A project that was there.
    Merged {
        /// What changes, as a unified diff.
        diff: String,
        /// The files that change.
        files: Vec<String>,
        /// Whether they were written.
        written: bool,
    },
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What became of it.
    pub outcome: Outcome,
    /// How many nodes were read.
    pub nodes: usize,
    /// What the input does not tell a new project.
    pub unknown: Vec<Unknown>,
}

/// What profiles/imported.yaml begins with.
const ABOUT_SHARED: &str = "# Only what differs from the profiles below this one; null is the kubelet's own default. Remove a line to take\n\
     # nodebake's setting instead, once for all new nodes.\n";

/// What the profile of a node begins with.
fn about_node(node: &str) -> String {
    format!("# What the kubelet of {node} has beside the cluster's settings.\n")
}

/// Imports; None after findings.
pub fn import(request: &ImportRequest, report: &mut Report) -> Result<Option<Imported>> {
    let mut facts = read(request, report)?;
    if report.has_errors() {
        return Ok(None);
    }
    let existing = Existing::open(&request.dir, report)?;
    if report.has_errors() {
        return Ok(None);
    }
    facts.report(report);
    let mut unknown = Vec::new();
    if let Some(existing) = &existing {
        existing.fill(&mut facts);
    }
    let mut decided = decide(request, &facts, &mut unknown, report)?;
    if let Some(existing) = &existing {
        // The project says what new nodes are; the cluster does not.
        decided.profiles = existing.profiles().0;
        decided.version = existing.version().unwrap_or(decided.version);
    }
    facts.further.extend(decide::proxy(&decided));
    let settings = found_settings(&facts, &decided, existing.as_ref(), report)?;
    if report.has_errors() {
        return Ok(None);
    }
    let outcome = match &existing {
        Some(existing) => {
            let changes = existing.changes(&facts, (&decided, &settings), report)?;
            if report.has_errors() {
                return Ok(None);
            }
            if request.write {
                merge::write(&request.dir, &changes)?;
            }
            unknown.clear();
            Outcome::Merged {
                diff: merge::diff_text(&changes),
                files: changes.into_iter().map(|change| change.file).collect(),
                written: request.write,
            }
        }
        None => {
            let files = files(&facts, &decided, &settings)?;
            match create_with(&request.dir, &files, report)? {
                None => return Ok(None),
                Some(NewProjectMade::Completed) => Outcome::Created(Vec::new()),
                Some(NewProjectMade::Created(tokens)) => Outcome::Created(tokens),
            }
        }
    };
    Ok(Some(Imported {
        outcome,
        nodes: facts.nodes.len(),
        unknown,
    }))
}

/// The kubelets' settings, beside what the project's other profiles give.
fn found_settings(
    facts: &Facts,
    decided: &Decided,
    existing: Option<&Existing>,
    report: &mut Report,
) -> Result<Settings> {
    let example;
    let ca = match facts.ca.value() {
        Some(ca) => ca,
        None => {
            example = example_ca(EXAMPLE_CA, OffsetDateTime::now_utc(), 2)?;
            &example
        }
    };
    let inventory = |name: &str, version: &Version, profiles: &[&str]| {
        let mut text = write::head(decided, facts, profiles);
        text.push_str(&format!(
            "nodes:\n  - name: {name}\n    kubernetes: {version}\n"
        ));
        text
    };
    let trial = Trial {
        inventory: &inventory,
        ca,
        profiles: existing.map(Existing::profile_texts).unwrap_or_default(),
    };
    settings(facts, &decided.version, &trial, report)
}

/// The files of a new project.
fn files(facts: &Facts, decided: &Decided, settings: &Settings) -> Result<Vec<(String, String)>> {
    let mut files = vec![
        (CLUSTER_FILE.to_owned(), inventory(decided, facts, settings)),
        ("README.md".to_owned(), README.to_owned()),
    ];
    if let Some(ca) = facts.ca.value() {
        files.push((CA_FILE.to_owned(), ca.clone()));
    }
    if !settings.shared.is_empty() {
        let text = profile_text(SHARED, ABOUT_SHARED, &settings.shared)?;
        files.push((format!("profiles/{SHARED}.yaml"), text));
    }
    for (node, config) in &settings.of_node {
        let text = profile_text(node, &about_node(node), config)?;
        files.push((format!("profiles/{node}.yaml"), text));
    }
    Ok(files)
}

/// Reads all files.
fn read(request: &ImportRequest, report: &mut Report) -> Result<Facts> {
    let mut facts = Facts::default();
    match request.from {
        From::Kubectl => {
            for file in &request.files {
                if !file.is_dir() {
                    read_objects(file, None, &mut facts, report)?;
                    continue;
                }
                for file in folder::files(file, &request.dir, report)? {
                    read_found(&file, &mut facts, report)?;
                }
            }
        }
        From::Ansible => ansible::read(&request.files, &mut facts, report)?,
        From::Csv | From::Json => {
            for file in &request.files {
                let Some((shown, text)) = read_text(file, report)? else {
                    continue;
                };
                let rows = match request.from {
                    From::Csv => tables::csv(&shown, &text, report),
                    _ => tables::json(&shown, &text, report),
                };
                tables::nodes((&shown, &rows), &request.mapping, &mut facts, report);
            }
        }
    }
    for (node, file) in &request.configz {
        read_objects(file, Some(node), &mut facts, report)?;
        if !facts.nodes.contains_key(node) {
            let at = Location::file(file.display().to_string());
            facts
                .nodes
                .insert(node.clone(), NodeFact::new(node.clone(), &at));
        }
    }
    let skipped: usize = facts.skipped.values().map(|(count, ..)| count).sum();
    if facts.read == skipped && !report.has_errors() {
        facts.report(report);
        let named = request
            .files
            .first()
            .map_or(Path::new("-"), PathBuf::as_path);
        let at = Location::file(named.display().to_string());
        let finding = Finding::new(Id::ImportInvalid, &at, "", "there is nothing to import");
        report.add(finding.help(match request.from {
            From::Kubectl => "give what `kubectl get … -o yaml` prints",
            From::Ansible => "give an inventory with the groups kube_control_plane and kube_node",
            From::Csv | From::Json => "give a table with one node a row",
        }));
    }
    Ok(facts)
}

fn read_objects(
    file: &Path,
    of_node: Option<&str>,
    facts: &mut Facts,
    report: &mut Report,
) -> Result<()> {
    let Some((shown, text)) = read_text(file, report)? else {
        return Ok(());
    };
    for tree in documents::read(&shown, &text, report) {
        objects::read(&tree, of_node, facts, report);
    }
    Ok(())
}

/// Reads a file of a folder. Nobody named it: one that has something else is no mistake.
fn read_found(file: &Path, facts: &mut Facts, report: &mut Report) -> Result<()> {
    let mut own = report.beside();
    let Some((shown, text)) = read_text(file, report)? else {
        return Ok(());
    };
    let trees = documents::read(&shown, &text, &mut own);
    let error = own.errors().next();
    if let Some(error) = error {
        let rule = format!("is not read: {}", error.message);
        report.add(Finding::new(
            Id::ImportKindUnknown,
            &error.location,
            "",
            rule,
        ));
        return Ok(());
    }
    own.into_findings()
        .into_iter()
        .for_each(|finding| report.add(finding));
    for tree in trees {
        if objects::is_known(&tree) {
            objects::read(&tree, None, facts, report);
        } else {
            let rule = "is not read: it is no object of Kubernetes";
            report.add(Finding::new(
                Id::ImportKindUnknown,
                &tree.location,
                "",
                rule,
            ));
        }
    }
    Ok(())
}

/// The text of a file that begins with the mark of UTF-16: PowerShell's `>` writes such ones.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (mark, rest) = bytes.split_first_chunk::<2>()?;
    let unit: fn([u8; 2]) -> u16 = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, []) = rest.as_chunks::<2>() else {
        return None;
    };
    let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().copied().map(unit).collect());
    String::from_utf16(&units).ok()
}

/// The text of a file, and how it is called in messages; `-` is stdin. It may hold secrets of the user's.
fn read_text(file: &Path, report: &mut Report) -> Result<Option<(Arc<str>, Zeroizing<String>)>> {
    let Some(bytes) = read_dump(file, report)? else {
        return Ok(None);
    };
    let shown: Arc<str> = match file.to_str() {
        Some("-") => "stdin".into(),
        _ => file.display().to_string().into(),
    };
    let text = utf16(&bytes)
        .or_else(|| std::str::from_utf8(&bytes).ok().map(str::to_owned))
        .map(Zeroizing::new)
        .ok_or_else(|| {
            input::flaw("is not UTF-8")
                .with_repair("save the file as UTF-8")
                .into()
        });
    Ok(report.take(text, &shown)?.map(|text| (shown, text)))
}
