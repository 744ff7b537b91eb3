//! How large a node's user-data and Ignition configurations are in each form, how much their target takes, and in which
//! file each format has the node's assets.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::model::NodePath;
use crate::model::output::{Format, IgnitionSpec, IgnitionTarget};
use crate::payload::cloud_init::{FILE_NAMES, Fallback, Step, accounts, largest};
use crate::payload::ignition::{self, IgnitionAccount};
use crate::payload::initramfs::memory;
use crate::payload::{Forms, Job, assets_location};
use crate::plan::NodePlan;
use crate::project::{Project, tree_key};
use crate::render::RenderedNode;
use crate::tree::{Entry, EntryKind};
use crate::verify::embedded::as_counted;

/// All sizes of a node.
#[derive(Serialize)]
pub struct Sizes {
    /// Of each document.
    pub documents: Vec<DocumentSize>,
    /// Of its assets, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assets: Option<AssetSizes>,
}

/// The node's assets, which all go the same way in a format.
#[derive(Serialize)]
pub struct AssetSizes {
    /// Where they are, by format: `inside`, a path in the bundle, or a URL.
    pub locations: BTreeMap<&'static str, String>,
    /// Each of them.
    pub files: Vec<PathSize>,
}

/// How large a document is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentSize {
    /// Its file.
    pub file: String,
    /// Where it goes.
    pub target: &'static str,
    /// As much as goes there.
    pub max_bytes: Option<u64>,
    /// Ignition's specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<IgnitionSpec>,
    /// The part of the node that needs this specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_reason: Option<String>,
    /// Each form, and how large it is in it.
    pub forms: Vec<Step>,
    /// The form that is written, if one fits.
    pub form: Option<Fallback>,
    /// The paths that take most of it.
    pub largest: Vec<PathSize>,
}

/// How much a path takes.
#[derive(Serialize)]
pub struct PathSize {
    /// The path.
    pub path: String,
    /// In bytes.
    pub bytes: u64,
}

/// The sizes of a rendered node.
pub(super) fn of(project: &Project, node: &NodePlan, rendered: &RenderedNode) -> Result<Sizes> {
    let facts = project.facts(node, rendered);
    let settings = &node.class.spec.output;
    let key = tree_key(project.plan.project.path())?;
    let tree = as_counted(&node.name, &rendered.tree, key.as_ref())?;
    let forms = Forms::default();
    let job = Job {
        tree: &tree,
        facts: &facts,
        settings,
    };
    let mut documents = Vec::new();
    let accounts = if settings.formats.contains(&Format::CloudInit) {
        accounts(&job, &forms)?
    } else {
        Vec::new()
    };
    for account in accounts {
        let largest = largest(&job, account.selection, &forms)?.into_iter();
        documents.push(DocumentSize {
            file: format!("{}{}", FILE_NAMES[0], account.selection.infix()),
            target: settings.cloud_init.target.name(),
            max_bytes: account.limit.map(|limit| limit.max_bytes),
            spec: None,
            spec_reason: None,
            form: account.fallback(),
            largest: largest
                .map(|(path, bytes)| PathSize { path, bytes })
                .collect(),
            forms: account.steps,
        });
    }
    if settings.formats.contains(&Format::Ignition) {
        documents.push(of_ignition(ignition::account(&job, &forms)?));
    }
    documents.extend(of_memory(&job, node));
    let assets = assets(&job);
    Ok(Sizes { documents, assets })
}

/// Where the node's assets go, if it has any.
fn assets(job: &Job<'_>) -> Option<AssetSizes> {
    let formats = job.settings.formats.iter();
    let locations =
        formats.filter_map(|format| Some((format.name(), assets_location(job, *format)?)));
    let of_entry = |(path, entry): (&NodePath, &Entry)| match &entry.kind {
        EntryKind::File(content) if entry.is_asset() => Some(PathSize {
            path: path.to_string(),
            bytes: content.len(),
        }),
        _ => None,
    };
    let files: Vec<PathSize> = job.tree.entries().iter().filter_map(of_entry).collect();
    (!files.is_empty()).then(|| AssetSizes {
        locations: locations.collect(),
        files,
    })
}

/// The memory that a root in the initramfs takes.
fn of_memory(job: &Job<'_>, node: &NodePlan) -> Option<DocumentSize> {
    let counted = memory(job)?;
    let max_bytes = node.class.spec.os.memory.as_ref().map(|at| at.value);
    let fits = max_bytes.is_none_or(|most| counted <= most);
    let fallback = Fallback::Plain;
    Some(DocumentSize {
        file: "memory".to_owned(),
        target: "a root in the initramfs, beside kernel and base",
        max_bytes,
        spec: None,
        spec_reason: None,
        forms: vec![Step {
            fallback,
            counted: Some(counted),
            fits,
        }],
        form: fits.then_some(fallback),
        largest: Vec::new(),
    })
}

/// Ignition has one form: its contents are in the smallest one already.
fn of_ignition(account: IgnitionAccount) -> DocumentSize {
    let fits = account.fits();
    let form = Fallback::Plain;
    DocumentSize {
        file: ignition::FILE_NAME.to_owned(),
        target: account.target.map_or("no target", IgnitionTarget::name),
        max_bytes: account.target.and_then(IgnitionTarget::max_bytes),
        spec: Some(account.spec),
        spec_reason: account.reason,
        forms: vec![Step {
            fallback: form,
            counted: account.counted,
            fits,
        }],
        form: fits.then_some(form),
        largest: account
            .largest
            .into_iter()
            .map(|(path, bytes)| PathSize { path, bytes })
            .collect(),
    }
}
