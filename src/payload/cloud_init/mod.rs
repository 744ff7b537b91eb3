//! cloud-init: `user-data` with the files and what brings them to life, `meta-data` with who the machine is, and
//! `network-config` where the inventory has interfaces. Plain YAML 1.1, no Jinja: what a file holds is never expanded.

mod activation;
mod command;
mod content;
mod documents;
mod early;
mod fallback;
mod fetch;
mod form;
mod mime;
mod network;
mod order;
mod oversize;
mod part;
mod removed;
mod runcmd;
mod user_data;
mod users;

use std::collections::BTreeMap;
use std::io::Write;

use crate::error::Result;
use crate::model::output::{Assets, Format};
use crate::model::{NodePath, hex};
use crate::payload::assets;
use crate::payload::cloud_init::documents::{CloudInitDocument, documents};
use crate::payload::iso::{self, IsoFile};
use crate::payload::{AssetArchive, Destination, Forms, Job, NodeFacts, Objection, Output};
use crate::report::Id;
use crate::tree::{Content, EntryKind, NodeTree};
use crate::yaml;

pub use crate::tree::network::network_config;
pub use documents::{BODY_NAME, FILE_NAMES};
pub use fallback::{Account, Step, accounts, largest};
pub use form::Fallback;
pub use mime::UserFiles;
pub use oversize::oversize;
pub use part::UserPart;

/// The name of the seed that a virtual machine gets as a CD.
pub const SEED_NAME: &str = "seed.iso";

/// The label by which cloud-init finds a seed.
const SEED_LABEL: &str = "cidata";

/// Writes the node's documents; `network-config` only where the inventory has interfaces, `user-data.secrets` only
/// where secrets are kept apart, [`BODY_NAME`] only where user-data would be too large with it, and [`SEED_NAME`] where
/// the inventory wants one.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    assets::serve(job, Format::CloudInit, out)?;
    if job.settings.cloud_init.assets == Assets::Iso
        && let Some(archive) = AssetArchive::of(job.tree)
    {
        let name = archive.image_name();
        out.file(Destination::Shared, &name, &mut |out| {
            assets_image(&archive, out)
        })?;
    }
    let documents = documents(job, forms, out)?;
    for document in &documents {
        let place = Destination::of_node(document.secret);
        out.file(place, &document.name, &mut |out| {
            document.write(job, forms, out)
        })?;
    }
    if job.settings.cloud_init.seed_iso {
        let secret = documents.iter().any(|document| document.secret);
        out.file(Destination::of_node(secret), SEED_NAME, &mut |out| {
            seed(job, &documents, forms, out)
        })?;
    }
    Ok(())
}

/// The files of an asset archive under their digests, as the image of a CD.
fn assets_image(archive: &AssetArchive, out: &mut dyn Write) -> Result<()> {
    let files: BTreeMap<String, &Content> = contents(&archive.tree)
        .map(|(_, content)| (hex(&content.sha256()), content))
        .collect();
    let writers: Vec<_> = files
        .values()
        .map(|content| move |out: &mut dyn Write| content.copy_to(out))
        .collect();
    let files = files.iter().zip(&writers);
    let files: Vec<IsoFile<'_>> = files
        .map(|((name, content), write)| IsoFile {
            name,
            mode: 0o644,
            size: content.len(),
            write,
        })
        .collect();
    iso::write(&archive.label(), &files, out)
}

/// The contents of a tree's files.
fn contents(tree: &NodeTree) -> impl Iterator<Item = (&NodePath, &Content)> {
    let entries = tree.entries().iter();
    entries.filter_map(|(path, entry)| match &entry.kind {
        EntryKind::File(content) => Some((path, content)),
        EntryKind::Directory | EntryKind::Symlink(_) => None,
    })
}

/// The documents once more, as the image of a CD.
fn seed(
    job: &Job<'_>,
    documents: &[CloudInitDocument],
    forms: &Forms,
    out: &mut dyn Write,
) -> Result<()> {
    let writers: Vec<_> = documents
        .iter()
        .map(|document| move |out: &mut dyn Write| document.write(job, forms, out))
        .collect();
    let mut files = Vec::with_capacity(documents.len());
    for (document, write) in documents.iter().zip(&writers) {
        files.push(IsoFile {
            name: &document.name,
            mode: if document.secret { 0o600 } else { 0o644 },
            size: document.size(job, forms)?,
            write,
        });
    }
    iso::write(SEED_LABEL, &files, out)
}

/// What cannot be had together.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    let settings = &job.settings.cloud_init;
    let apart = job.settings.secrets.apart(Format::CloudInit) && job.has_secrets();
    let mut objections = Vec::new();
    let mut object = |is_wrong: bool, field: &'static str, rule: &str| {
        if is_wrong {
            objections
                .push(Objection::new(Id::CloudInitConflict, "user-data", rule).asked_by(field));
        }
    };
    object(
        settings.seed_iso && apart,
        "output.cloudInit.seedISO",
        "a seed is one document, and output.secrets wants two; set it to inline, or make the seed where the secrets are",
    );
    object(
        settings.seed_iso && settings.target.limit().is_some(),
        "output.cloudInit.seedISO",
        "a seed is read by NoCloud only; set output.cloudInit.target to nocloud",
    );
    object(
        !job.facts.user_files.parts.is_empty() && apart,
        "output.cloudInit.parts",
        "with parts user-data is a message, which the secret payload cannot be added to; set output.secrets to inline",
    );
    if settings.assets == Assets::Iso {
        let assets = assets::apart(job, Format::CloudInit);
        let large = assets.filter(|(_, _, content)| content.len() > u32::MAX.into());
        objections.extend(large.map(|(path, _, _)| {
            let rule = "the image of a CD holds no file of 4 GiB or more; set it to url";
            Objection::new(Id::FileTooLarge, path.as_str(), rule)
                .asked_by("output.cloudInit.assets")
        }));
    }
    objections
}

/// The meta-data document. The instance-id follows the generation and not the content: cloud-init takes a new id for a
/// new machine, runs everything again and makes new SSH host keys, which a rotated token must not cause.
pub fn meta_data(facts: &NodeFacts) -> String {
    let id = format!("{}-{}-g{}", facts.cluster, facts.name, facts.generation);
    format!(
        "instance-id: {}\nlocal-hostname: {}\n",
        yaml::quoted(&id),
        yaml::quoted(&facts.hostname)
    )
}
