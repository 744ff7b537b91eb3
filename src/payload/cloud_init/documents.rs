//! The documents of a node, each with how it is written: into a file of its own, and once more into a seed.

use std::io::Write;

use anyhow::bail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::io::Watched;
use crate::model::Sha256Digest;
use crate::model::output::limits::Count;
use crate::model::output::{Assets, Compression, Format};
use crate::payload::cloud_init::fallback;
use crate::payload::cloud_init::form::Fallback;
use crate::payload::cloud_init::meta_data;
use crate::payload::cloud_init::user_data::{self, Shape};
use crate::payload::gzip::Gzip;
use crate::payload::selection::selections_if;
use crate::payload::{Destination, Forms, Job, Output, Selection, tarball};
use crate::tree::Content;
use crate::tree::network::network_config;

/// The names of the files, as a NoCloud seed wants them.
pub const FILE_NAMES: [&str; 4] = ["user-data", "meta-data", "network-config", "vendor-data"];

/// The name of what user-data fetches: a tarball with everything but secrets.
pub const BODY_NAME: &str = "user-data.body.tar.gz";

/// One document.
pub struct CloudInitDocument {
    /// The name of its file.
    pub name: String,
    /// Whether it holds secrets.
    pub secret: bool,
    body: DocumentBody,
}

enum DocumentBody {
    /// What is known already.
    Bytes(Vec<u8>),
    /// A file of the user's.
    File(Content),
    /// user-data, rendered when it is asked for.
    UserData(Shape),
}

impl CloudInitDocument {
    /// Writes it.
    pub fn write(&self, job: &Job<'_>, forms: &Forms, out: &mut dyn Write) -> Result<()> {
        match &self.body {
            DocumentBody::Bytes(bytes) => Ok(out.write_all(bytes)?),
            DocumentBody::File(content) => content.copy_to(out),
            DocumentBody::UserData(shape) => user_data::write(job, *shape, forms, out),
        }
    }

    /// How many bytes it has.
    pub fn size(&self, job: &Job<'_>, forms: &Forms) -> Result<u64> {
        match &self.body {
            DocumentBody::Bytes(bytes) => Ok(bytes.len() as u64),
            DocumentBody::File(content) => Ok(content.len()),
            DocumentBody::UserData(shape) => {
                Ok(fallback::size(job, *shape, forms, u64::MAX)?.unwrap_or_default())
            }
        }
    }
}

/// All documents of a node. What user-data fetches is written on the way: its digest is in user-data.
pub fn documents(
    job: &Job<'_>,
    forms: &Forms,
    out: &mut dyn Output,
) -> Result<Vec<CloudInitDocument>> {
    let [_, meta_data_name, network_name, vendor_name] = FILE_NAMES;
    let mut documents = Vec::new();
    for (selection, tree) in selections_if(job, Format::CloudInit, job.has_secrets()) {
        let Some(fallback) = fallback::chosen(job, selection, forms)? else {
            bail!("writing user-data: it is larger than its target takes");
        };
        let body = match fallback {
            Fallback::Fetched => Some(write_body(job, out)?),
            _ => None,
        };
        let has_passwords = selection != Selection::Public && !job.facts.passwords.is_empty();
        let secret = tree.has_secrets() || job.facts.user_files.has_secrets() || has_passwords;
        documents.push(user_data(job, (selection, fallback, secret), body, forms)?);
    }
    let mut open = |name: &str, body| {
        documents.push(CloudInitDocument {
            name: name.to_owned(),
            secret: false,
            body,
        });
    };
    open(
        meta_data_name,
        DocumentBody::Bytes(meta_data(job.facts).into_bytes()),
    );
    let network = job.facts.network.as_ref();
    if let Some(network) = network.filter(|network| !network.interfaces.is_empty()) {
        open(
            network_name,
            DocumentBody::Bytes(network_config(network).into_bytes()),
        );
    }
    if let Some(content) = &job.facts.user_files.vendor_data {
        open(vendor_name, DocumentBody::File(content.clone()));
    }
    Ok(documents)
}

/// Writes what user-data has no room for; secrets stay in user-data.
fn write_body(job: &Job<'_>, out: &mut dyn Output) -> Result<Sha256Digest> {
    let mut digest = Sha256Digest::default();
    out.file(Destination::Node, BODY_NAME, &mut |out| {
        let mut sha256 = Sha256::new();
        let mut hashing = Watched::new(out, |bytes: &[u8]| sha256.update(bytes));
        let mut tree = job.tree.public();
        if job.settings.cloud_init.assets != Assets::Inside {
            tree = tree.without_assets();
        }
        tarball::write(&tree, Compression::Gzip, &mut hashing)?;
        digest = sha256.finalize().into();
        Ok(())
    })?;
    Ok(digest)
}

/// One part of user-data in the form that was chosen.
fn user_data(
    job: &Job<'_>,
    (selection, fallback, secret): (Selection, Fallback, bool),
    body: Option<Sha256Digest>,
    forms: &Forms,
) -> Result<CloudInitDocument> {
    let mut name = format!("{}{}", FILE_NAMES[0], selection.infix());
    let shape = Shape::of(selection, fallback, body);
    let body = match fallback {
        Fallback::Plain | Fallback::PackedFiles | Fallback::Fetched => {
            DocumentBody::UserData(shape)
        }
        Fallback::Gzip => {
            let plain = fallback::document(job, shape, forms, u64::MAX)?.unwrap_or_default();
            let packed = Gzip::new().pack(&plain);
            let limit = job.settings.cloud_init.target.limit();
            if limit.is_some_and(|limit| limit.count == Count::Text) {
                name.push_str(".b64");
                DocumentBody::Bytes(STANDARD.encode(&packed).into_bytes())
            } else {
                DocumentBody::Bytes(packed)
            }
        }
    };
    Ok(CloudInitDocument { name, secret, body })
}
