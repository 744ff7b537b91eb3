//! The list of fallbacks: how user-data is made to fit what its platform takes. It is climbed only as far as needed, since each
//! fallback costs something: a packed file cannot be read by people, a packed document by no program but cloud-init, and
//! what is fetched needs a server.

use std::io;

use serde::Serialize;

use crate::error::Result;
use crate::io::Limited;
use crate::model::Sha256Digest;
use crate::model::output::limits::Limit;
use crate::model::output::{Assets, Format};
use crate::payload::cloud_init::form::Fallback;
use crate::payload::cloud_init::user_data::{Packing, Shape, write, write_file};
use crate::payload::gzip::Gzip;
use crate::payload::selection::selections_if;
use crate::payload::{Forms, Job, Selection};
use crate::tree::EntryKind;

/// A document that is so many times larger than the limit is not even packed: text shrinks by a tenth of that, and
/// memory stays bounded whatever assets a node has.
const HOPELESS: u64 = 64;

/// How many of the largest files are named.
const NAMED: usize = 5;

/// One fallback that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The form.
    pub fallback: Fallback,
    /// What the platform would count; None when it is hopelessly much.
    pub counted: Option<u64>,
    /// Whether the platform takes it.
    pub fits: bool,
}

/// What was tried for one document, and what came of it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Which document.
    pub selection: Selection,
    /// The platform's limit.
    pub limit: Option<Limit>,
    /// The fallbacks in order; the last one is it, if it fits.
    pub steps: Vec<Step>,
}

impl Account {
    /// The form that is written; None when no form fits.
    pub fn fallback(&self) -> Option<Fallback> {
        self.steps
            .last()
            .filter(|step| step.fits)
            .map(|step| step.fallback)
    }
}

/// The accounts of a job's documents.
pub fn accounts(job: &Job<'_>, forms: &Forms) -> Result<Vec<Account>> {
    let selections = selections_if(job, Format::CloudInit, job.has_secrets());
    let accounts = selections
        .iter()
        .map(|(selection, _)| account(job, *selection, forms));
    accounts.collect()
}

/// Climbs until the platform takes the document. Without a limit there is nothing to climb for, but the bytes are
/// counted all the same.
pub fn account(job: &Job<'_>, selection: Selection, forms: &Forms) -> Result<Account> {
    let settings = &job.settings.cloud_init;
    let mut account = Account {
        selection,
        limit: settings.target.limit(),
        steps: Vec::new(),
    };
    for fallback in fallbacks(selection, settings.url.is_some()) {
        let counted = counted(job, selection, fallback, forms, account.limit)?;
        let fits = match (account.limit, counted) {
            (Some(limit), Some(counted)) => counted <= limit.max_bytes,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let step = Step {
            fallback,
            counted,
            fits,
        };
        account.steps.push(step);
        if fits {
            break;
        }
    }
    Ok(account)
}

/// The form in which a document is written. What has no limit is not measured first.
pub fn chosen(job: &Job<'_>, selection: Selection, forms: &Forms) -> Result<Option<Fallback>> {
    match job.settings.cloud_init.target.limit() {
        None => Ok(Some(Fallback::Plain)),
        Some(_) => Ok(account(job, selection, forms)?.fallback()),
    }
}

/// The fallbacks of a part. Two documents that are to be merged are parts of one multi-part document, where gzip has no
/// place of its own; and what holds nothing but secrets has nothing to fetch from where others read.
fn fallbacks(selection: Selection, has_url: bool) -> Vec<Fallback> {
    let mut fallbacks = vec![Fallback::Plain, Fallback::PackedFiles];
    if selection == Selection::Whole {
        fallbacks.push(Fallback::Gzip);
    }
    if has_url && selection != Selection::Secrets {
        fallbacks.push(Fallback::Fetched);
    }
    fallbacks
}

fn counted(
    job: &Job<'_>,
    selection: Selection,
    fallback: Fallback,
    forms: &Forms,
    limit: Option<Limit>,
) -> Result<Option<u64>> {
    let most = limit.map_or(u64::MAX, |limit| limit.max_bytes.saturating_mul(HOPELESS));
    let bytes = match fallback {
        Fallback::Gzip => document(job, Shape::of(selection, fallback, None), forms, most)?
            .map(|plain| Gzip::new().pack(&plain).len() as u64),
        Fallback::Plain | Fallback::PackedFiles | Fallback::Fetched => {
            // Any digest is as long as the right one.
            let digest = Sha256Digest::default();
            size(
                job,
                Shape::of(selection, fallback, Some(digest)),
                forms,
                most,
            )?
        }
    };
    let is_text = fallback != Fallback::Gzip;
    Ok(bytes.map(|bytes| limit.map_or(bytes, |limit| limit.count.of(bytes, is_text))))
}

/// The document itself; None if it is larger than `most`.
pub fn document(job: &Job<'_>, shape: Shape, forms: &Forms, most: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Limited::new(Vec::new(), most);
    let written = write(job, shape, forms, &mut bytes);
    bytes.within(written)
}

/// The size of the document; None if it is larger than `most`.
pub fn size(job: &Job<'_>, shape: Shape, forms: &Forms, most: u64) -> Result<Option<u64>> {
    let mut sink = Limited::new(io::sink(), most);
    let written = write(job, shape, forms, &mut sink);
    let count = sink.count();
    Ok(sink.within(written)?.map(|_| count))
}

/// The files that take most of the plain document, the largest first.
pub fn largest(job: &Job<'_>, selection: Selection, forms: &Forms) -> Result<Vec<(String, u64)>> {
    let assets = job.settings.cloud_init.assets;
    let mut found = Vec::new();
    for (path, entry) in job.tree.materialised() {
        let inside = match selection {
            Selection::Whole => true,
            Selection::Public => !entry.is_secret_file(),
            Selection::Secrets => entry.is_secret_file(),
        };
        let inside = inside && (!entry.is_asset() || assets == Assets::Inside);
        if let (EntryKind::File(_), true) = (&entry.kind, inside) {
            let mut sink = Limited::new(io::sink(), u64::MAX);
            write_file(path.as_str(), &entry, (Packing::Readable, forms), &mut sink)?;
            found.push((path.to_string(), sink.count()));
        }
    }
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.truncate(NAMED);
    Ok(found)
}
