//! Whether a configuration is small enough for where it goes. Only `config.ign` goes there: what it fetches has no limit.

use std::cell::RefCell;
use std::io;

use crate::error::Result;
use crate::io::Limited;
use crate::model::output::Format;
use crate::model::output::{IgnitionSpec, IgnitionTarget};
use crate::payload::ignition::config::{ContentMaker, beside_units, storage, systemd};
use crate::payload::ignition::document::{Merge, ResourceSource};
use crate::payload::ignition::needs::reason;
use crate::payload::ignition::{FILE_NAME, IgnitionConfig, has_secrets, live_iso, spec_of};
use crate::payload::selection::selections_if;
use crate::payload::{Forms, Job, Objection, Selection};
use crate::report::Id;
use crate::tree::NodeTree;
use crate::wording;

/// How many of the largest parts are named.
const NAMED: usize = 5;
/// A configuration that is so many times larger than the limit is not packed to be counted: text shrinks by a tenth of
/// that, and memory stays bounded whatever assets a node has.
const HOPELESS: u64 = 64;

/// What a node's configuration takes of where it goes.
#[derive(Clone, Debug)]
pub struct IgnitionAccount {
    /// The specification that it is written in.
    pub spec: IgnitionSpec,
    /// What no older specification supports.
    pub reason: Option<String>,
    /// Where it goes; None has no limit.
    pub target: Option<IgnitionTarget>,
    /// The bytes, as the target counts them; None when it is hopelessly much.
    pub counted: Option<u64>,
    /// What takes most of it, the largest first: paths, units, merged files.
    pub largest: Vec<(String, u64)>,
}

impl IgnitionAccount {
    /// Whether the target takes it.
    pub fn fits(&self) -> bool {
        let limit = self.target.and_then(IgnitionTarget::max_bytes);
        limit.is_none_or(|limit| self.counted.is_some_and(|counted| counted <= limit))
    }
}

/// Counts a node's configuration.
pub fn account(job: &Job<'_>, forms: &Forms) -> Result<IgnitionAccount> {
    let spec = spec_of(job);
    let target = job.settings.ignition.target;
    let url = &job.settings.ignition.body_url;
    let selections = selections_if(job, Format::Ignition, has_secrets(job));
    let front = selections
        .iter()
        .find(|(selection, _)| *selection != Selection::Secrets);
    let nothing = NodeTree::default();
    let mut document = match (front, url) {
        (Some((selection, tree)), None) => {
            IgnitionConfig::of_selection(job, *selection, tree, spec)
        }
        _ => IgnitionConfig::pointer(job, &nothing, spec),
    };
    document.merge.extend(fetched(job, selections.len() > 1));
    Ok(IgnitionAccount {
        spec,
        reason: reason(job),
        target,
        counted: counted(&document, target, forms)?,
        largest: largest(&document, forms)?,
    })
}

/// What is larger than its target takes.
pub fn oversize(job: &Job<'_>, forms: &Forms) -> Result<Vec<Objection>> {
    let Some((target, limit)) = job
        .settings
        .ignition
        .target
        .and_then(|target| Some((target, target.max_bytes()?)))
    else {
        return Ok(Vec::new());
    };
    let account = account(job, forms)?;
    if account.fits() {
        return Ok(Vec::new());
    }
    let counted = account.counted.map_or_else(
        || "far more than".to_owned(),
        |size| format!("{}, more than", wording::counted(size, "byte")),
    );
    let largest = account.largest.iter();
    let largest: Vec<String> = largest
        .map(|(name, bytes)| format!("{name} {bytes}"))
        .collect();
    let fetch = match job.settings.ignition.body_url {
        None => "set output.ignition.url, or ",
        Some(_) => "",
    };
    let rule = format!(
        "is {counted} the {limit} that {} takes; the largest parts are {}; {fetch}move files into the image",
        target.name(),
        largest.join(", ")
    );
    Ok(vec![
        Objection::new(Id::PayloadTooLarge, FILE_NAME, rule)
            .asked_by("output.ignition.target")
            .counts(account.counted.unwrap_or(u64::MAX)),
    ])
}

/// What is fetched, with digests that are as long as the right ones.
fn fetched(job: &Job<'_>, has_secret_part: bool) -> Vec<Merge<'static>> {
    let settings = &job.settings.ignition;
    let secrets = settings.secrets_url.iter().filter(|_| has_secret_part);
    let urls = settings.body_url.iter().chain(secrets);
    urls.map(|url| Merge::fetched(url, job, settings.digest.hasher()))
        .collect()
}

fn counted(
    document: &IgnitionConfig<'_>,
    target: Option<IgnitionTarget>,
    forms: &Forms,
) -> Result<Option<u64>> {
    let limit = target.and_then(IgnitionTarget::max_bytes);
    let most = limit.map_or(u64::MAX, |limit| limit.saturating_mul(HOPELESS));
    if target == Some(IgnitionTarget::LiveIso) {
        let mut bytes = Limited::new(Vec::new(), most);
        let written = document.write(forms, &mut bytes);
        let bytes = bytes.within(written)?;
        return bytes.map(|bytes| live_iso::length(&bytes)).transpose();
    }
    let mut sink = Limited::new(io::sink(), most);
    let written = document.write(forms, &mut sink);
    let count = sink.count();
    if sink.within(written)?.is_none() {
        return Ok(None);
    }
    match target {
        Some(IgnitionTarget::Platform(target)) => {
            let limit = target.limit();
            Ok(Some(
                limit.map_or(count, |limit| limit.count.of(count, true)),
            ))
        }
        _ => Ok(Some(count)),
    }
}

/// The contents that take most of a document.
fn largest(document: &IgnitionConfig<'_>, forms: &Forms) -> Result<Vec<(String, u64)>> {
    let failure = RefCell::new(None);
    let beside = beside_units(document.tree);
    let maker = ContentMaker {
        forms,
        digest: document.digest,
        assets_url: document.assets_url,
        failure: &failure,
    };
    let mut found = Vec::new();
    for file in storage(document.tree, &beside, &maker).files {
        let bytes = match &file.contents.source {
            ResourceSource::Made(url) => url.url.len() as u64,
            ResourceSource::Fetched(url) => url.len() as u64,
            ResourceSource::Streamed(url) => url.length(),
        };
        found.push((file.node.path.to_owned(), bytes));
    }
    for unit in systemd(document.tree)?.units {
        let dropins: usize = unit
            .dropins
            .iter()
            .map(|dropin| dropin.contents.len())
            .sum();
        let text = unit.contents.map_or(0, str::len);
        found.push((unit.name.to_owned(), (text + dropins) as u64));
    }
    let merges = document.merge.iter();
    found.extend(merges.map(|merge| (merge.name.to_string(), merge.source.len() as u64)));
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.truncate(NAMED);
    Ok(found)
}
