//! `nodebake show --sizes`: what user-data and Ignition configurations take in each form, what where it goes takes, and
//! in which file each format has the node's assets.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use crate::cli::Print;
use crate::error::Result;
use crate::model::NodePath;
use crate::model::output::{Format, IgnitionSpec, IgnitionTarget};
use crate::payload::assets::place;
use crate::payload::cloud_init::{FILE_NAMES, Rung, Step, accounts, largest};
use crate::payload::ignition::{self, IgnitionAccount};
use crate::payload::initramfs::memory;
use crate::payload::{Forms, Job};
use crate::plan::NodePlan;
use crate::project::{Project, tree_key};
use crate::render::RenderedNode;
use crate::terminal;
use crate::tree::{Entry, EntryKind};
use crate::verify::embedded::as_counted;

#[derive(Serialize)]
struct Sizes {
    documents: Vec<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assets: Option<AssetSizes>,
}

/// The node's assets, which all go the same way in a format.
#[derive(Serialize)]
struct AssetSizes {
    /// Where they are, by format: `inside`, a path in the bundle, or a URL.
    places: BTreeMap<&'static str, String>,
    files: Vec<Largest>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    file: String,
    target: &'static str,
    max_bytes: Option<u64>,
    /// Ignition's specification.
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<IgnitionSpec>,
    /// What of the node no older one can say.
    #[serde(skip_serializing_if = "Option::is_none")]
    spec_reason: Option<String>,
    forms: Vec<Step>,
    form: Option<Rung>,
    largest: Vec<Largest>,
}

#[derive(Serialize)]
struct Largest {
    path: String,
    bytes: u64,
}

/// Prints the account of each of the node's documents.
pub fn print(
    prepared: &Project,
    node: &NodePlan,
    baked: &RenderedNode,
    (print, out): (Print, &mut dyn Write),
) -> Result<()> {
    let facts = prepared.facts(node, baked);
    let settings = &node.class.spec.output;
    let key = tree_key(prepared.plan.project.path())?;
    let tree = as_counted(&node.name, &baked.tree, key.as_ref())?;
    let forms = Forms::default();
    let job = Job {
        tree: &tree,
        facts: &facts,
        settings,
    };
    let mut documents = Vec::new();
    let accounts = match settings.formats.contains(&Format::CloudInit) {
        true => accounts(&job, &forms)?,
        false => Vec::new(),
    };
    for account in accounts {
        let largest = largest(&job, account.part, &forms)?.into_iter();
        documents.push(Document {
            file: format!("{}{}", FILE_NAMES[0], account.part.infix()),
            target: settings.cloud_init.target.name(),
            max_bytes: account.limit.map(|limit| limit.max_bytes),
            spec: None,
            spec_reason: None,
            form: account.rung(),
            largest: largest
                .map(|(path, bytes)| Largest { path, bytes })
                .collect(),
            forms: account.steps,
        });
    }
    if settings.formats.contains(&Format::Ignition) {
        documents.push(of_ignition(ignition::account(&job, &forms)?));
    }
    documents.extend(of_memory(&job, node));
    let assets = assets(&job);
    let sizes = Sizes { documents, assets };
    if print == Print::Json {
        return Ok(terminal::write_json(out, &sizes)?);
    }
    for document in &sizes.documents {
        text(document, out)?;
    }
    let Some(assets) = &sizes.assets else {
        return Ok(());
    };
    for (format, place) in &assets.places {
        writeln!(out, "assets for {format}: {place}")?;
    }
    files(&assets.files, out)
}

/// Where the node's assets go, if it has any.
fn assets(job: &Job<'_>) -> Option<AssetSizes> {
    let formats = job.settings.formats.iter();
    let places = formats.filter_map(|format| Some((format.name(), place(job, *format)?)));
    let of_entry = |(path, entry): (&NodePath, &Entry)| match &entry.kind {
        EntryKind::File(content) if entry.is_asset() => Some(Largest {
            path: path.to_string(),
            bytes: content.len(),
        }),
        _ => None,
    };
    let files: Vec<Largest> = job.tree.entries().iter().filter_map(of_entry).collect();
    (!files.is_empty()).then(|| AssetSizes {
        places: places.collect(),
        files,
    })
}

/// What a root in the initramfs takes.
fn of_memory(job: &Job<'_>, node: &NodePlan) -> Option<Document> {
    let counted = memory(job)?;
    let max_bytes = node.class.spec.os.memory.as_ref().map(|at| at.value);
    let fits = max_bytes.is_none_or(|most| counted <= most);
    let rung = Rung::Plain;
    Some(Document {
        file: "memory".to_owned(),
        target: "a root in the initramfs, beside kernel and base",
        max_bytes,
        spec: None,
        spec_reason: None,
        forms: vec![Step {
            rung,
            counted: Some(counted),
            fits,
        }],
        form: fits.then_some(rung),
        largest: Vec::new(),
    })
}

/// Ignition has one form: its contents are in the smallest one already.
fn of_ignition(account: IgnitionAccount) -> Document {
    let fits = account.fits();
    let form = Rung::Plain;
    Document {
        file: ignition::FILE_NAME.to_owned(),
        target: account.target.map_or("no target", IgnitionTarget::name),
        max_bytes: account.target.and_then(IgnitionTarget::max_bytes),
        spec: Some(account.spec),
        spec_reason: account.reason,
        forms: vec![Step {
            rung: form,
            counted: account.counted,
            fits,
        }],
        form: fits.then_some(form),
        largest: account
            .largest
            .into_iter()
            .map(|(path, bytes)| Largest { path, bytes })
            .collect(),
    }
}

fn text(document: &Document, out: &mut dyn Write) -> Result<()> {
    let most = document.max_bytes.map_or_else(
        || "no limit".to_owned(),
        |most| format!("at most {most} bytes"),
    );
    writeln!(out, "{} for {}: {most}", document.file, document.target)?;
    if let Some(spec) = document.spec {
        let reason = document.spec_reason.as_ref();
        let reason = reason.map(|reason| format!(", because of {reason}"));
        writeln!(out, "specification {spec}{}", reason.unwrap_or_default())?;
    }
    for step in &document.forms {
        let form = match step.rung {
            Rung::Plain => "plain",
            Rung::PackedFiles => "each file packed",
            Rung::Gzip => "gzip",
            Rung::Fetched => "fetches the rest",
        };
        let counted = step
            .counted
            .map_or_else(|| "far more".to_owned(), |counted| counted.to_string());
        let fits = if step.fits { "fits" } else { "too large" };
        writeln!(out, "{form:<17} {counted:>8} {fits}")?;
    }
    files(&document.largest, out)
}

fn files(files: &[Largest], out: &mut dyn Write) -> Result<()> {
    for file in files {
        writeln!(out, "{:>26} {}", file.bytes, file.path)?;
    }
    Ok(())
}
