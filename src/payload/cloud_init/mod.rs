//! cloud-init: `user-data` with the files and what brings them to life, `meta-data` with who the machine is, and
//! `network-config` where the inventory has interfaces. Plain YAML 1.1, no Jinja: what a file holds is never expanded.

mod activation;
mod content;
mod ladder;
mod order;
mod runcmd;
mod settings;
mod user_data;
mod users;

use std::io::{self, Write};

use anyhow::bail;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::node::Sha256Digest;
use crate::payload::cloud_init::user_data::Shape;
use crate::payload::gzip::Gzip;
use crate::payload::limits::Count;
use crate::payload::part::parts;
use crate::payload::{
    Compression, Format, Forms, Job, NodeFacts, Objection, Output, Part, tarball,
};
use crate::yaml;

pub use crate::node::network_config;
pub use ladder::{Account, Rung, Step, accounts, largest};
pub use settings::CloudInit;

/// The names of the files, as a NoCloud seed wants them.
pub const FILE_NAMES: [&str; 3] = ["user-data", "meta-data", "network-config"];

/// The name of what user-data fetches: a tarball with everything but secrets.
pub const BODY_NAME: &str = "user-data.body.tar.gz";

/// Writes the node's documents; `network-config` only where the inventory has interfaces, `user-data.secrets` only where
/// secrets are kept apart, and [`BODY_NAME`] only where user-data would be too large with it.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    let [_, meta_data_name, network_name] = FILE_NAMES;
    for (part, tree) in parts(job, Format::CloudInit) {
        let Some(rung) = ladder::chosen(job, part, forms)? else {
            bail!("writing user-data: it is larger than its target takes");
        };
        user_data(job, (part, rung, tree.has_secrets()), forms, out)?;
    }
    let text = meta_data(job.facts);
    out.file(meta_data_name, false, &mut |out| {
        Ok(out.write_all(text.as_bytes())?)
    })?;
    let network = job.facts.network.as_ref();
    if let Some(network) = network.filter(|network| !network.interfaces.is_empty()) {
        let text = network_config(network);
        out.file(network_name, false, &mut |out| {
            Ok(out.write_all(text.as_bytes())?)
        })?;
    }
    Ok(())
}

/// Writes one part of user-data in the form that was chosen.
fn user_data(
    job: &Job<'_>,
    (part, rung, secret): (Part, Rung, bool),
    forms: &Forms,
    out: &mut dyn Output,
) -> Result<()> {
    let mut name = format!("{}{}", FILE_NAMES[0], part.infix());
    let mut body = None;
    if rung == Rung::Fetched {
        out.file(BODY_NAME, false, &mut |out| {
            let mut hashing = Hashing::new(out);
            tarball::write(&job.tree.public(), Compression::Gzip, &mut hashing)?;
            body = Some(hashing.digest());
            Ok(())
        })?;
    }
    let shape = Shape::of(part, rung, body);
    if rung != Rung::Gzip {
        return out.file(&name, secret, &mut |out| {
            user_data::write(job, shape, forms, out)
        });
    }
    let plain = ladder::document(job, shape, forms, u64::MAX)?.unwrap_or_default();
    let mut packed = Gzip::new().pack(&plain);
    let limit = job.settings.cloud_init.target.limit();
    if limit.is_some_and(|limit| limit.count == Count::Text) {
        // The platform takes text only. The name says so: as plain `user-data` it would be handed over without the
        // word that it must be decoded, and the node would come up without its configuration.
        name.push_str(".b64");
        packed = STANDARD.encode(&packed).into_bytes();
    }
    out.file(&name, secret, &mut |out| Ok(out.write_all(&packed)?))
}

/// What is too large for its target, with what makes it so.
pub fn oversize(job: &Job<'_>, forms: &Forms) -> Result<Vec<Objection>> {
    if job.settings.cloud_init.target.limit().is_none() {
        return Ok(Vec::new());
    }
    let mut objections = Vec::new();
    for account in ladder::accounts(job, forms)? {
        if account.rung().is_none() {
            let largest = ladder::largest(job, account.part, forms)?;
            let subject = format!("{}{}", FILE_NAMES[0], account.part.infix());
            let rule = too_large(job, &account, &largest);
            objections.push(Objection::new(subject, rule).asked_by("output.cloudInit"));
        }
    }
    Ok(objections)
}

fn too_large(job: &Job<'_>, account: &Account, largest: &[(String, u64)]) -> String {
    let settings = &job.settings.cloud_init;
    let limit = account.limit.map_or(0, |limit| limit.max_bytes);
    let least = account.steps.iter().filter_map(|step| step.counted).min();
    let least = least.map_or_else(
        || "far more than".to_owned(),
        |least| format!("in its smallest form {least} bytes, and"),
    );
    let largest: Vec<String> = largest
        .iter()
        .map(|(path, bytes)| format!("{path} {bytes}"))
        .collect();
    let fetch = match settings.url {
        None => "set output.cloudInit.url, or ",
        Some(_) => "",
    };
    format!(
        "is {least} the {limit} bytes that {} takes; the largest files are {}; {fetch}move files into the image",
        settings.target.name(),
        largest.join(", ")
    )
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

/// Hashes what passes through.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    sha256: Sha256,
}

impl<'a> Hashing<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            sha256: Sha256::new(),
        }
    }

    fn digest(self) -> Sha256Digest {
        self.sha256.finalize().into()
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
