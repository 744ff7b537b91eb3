//! Ignition: `config.ign`, read once by the initramfs of the first boot. In: a job that [`check`] has no objection to.
//! Out: one JSON line; compact, because clouds limit the size of user data, and `jq .` shows it to people.

mod check;
mod config;
mod data_url;
mod digest;
mod document;
mod live_iso;
mod needs;
mod size;
mod theirs;
mod unit_text;

use crate::io::Watched;
use crate::model::output::IgnitionDigest;
use crate::model::output::IgnitionSpec;
use std::cell::RefCell;
use std::io::{BufWriter, Write};

use anyhow::Context;

pub use check::check;
pub use config::preset;
use config::{ContentMaker, beside_units, kernel_arguments, passwd, storage, systemd};
pub use data_url::{DataUrl, decode_data_url};
use digest::Hasher;
use document::{Config, HeaderConfig, HttpHeader, Merge, Verification};
pub use needs::spec_of;
pub use size::{IgnitionAccount, account, oversize};
pub use theirs::UserConfig;

use crate::error::Result;
use crate::model::output::{Assets, Format};
use crate::payload::assets;
use crate::payload::selection::selections_if;
use crate::payload::{Destination, Forms, Job, NodeFacts, Output, Selection};
use crate::secrets::UserHash;
use crate::tree::NodeTree;

/// The file's name.
pub const FILE_NAME: &str = "config.ign";
/// The name of the secret payload.
pub const SECRETS_NAME: &str = "config.secrets.ign";
/// The name of what a small [`FILE_NAME`] fetches.
pub const BODY_NAME: &str = "config.body.ign";

/// Writes the node's configuration as one file, or as several where secrets are kept apart or where it is to be
/// fetched: what has no URL in the settings is merged by a configuration of the user's, the rest by [`FILE_NAME`].
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    assets::serve(job, Format::Ignition, out)?;
    let spec = spec_of(job);
    let settings = &job.settings.ignition;
    let mut fetched = Vec::new();
    for (selection, tree) in selections_if(job, Format::Ignition, has_secrets(job)) {
        let mut document = IgnitionConfig::of_selection(job, selection, &tree, spec);
        let (name, url) = match (selection, &settings.body_url) {
            (Selection::Secrets, _) => (SECRETS_NAME, settings.secrets_url.as_ref()),
            (_, Some(url)) => (BODY_NAME, Some(url)),
            (_, None) => {
                document.merge.extend(std::mem::take(&mut fetched));
                (FILE_NAME, None)
            }
        };
        let is_secret = selection != Selection::Public && has_secrets(job);
        let mut hasher = url.map(|_| settings.digest.hasher());
        out.file(
            Destination::of_node(is_secret),
            name,
            &mut |out| match &mut hasher {
                None => document.write(forms, out),
                Some(hasher) => document.write(
                    forms,
                    &mut Watched::new(out, |bytes: &[u8]| hasher.update(bytes)),
                ),
            },
        )?;
        let merge = url
            .zip(hasher)
            .map(|(url, hasher)| Merge::fetched(url, job, hasher));
        fetched.extend(merge);
    }
    if settings.body_url.is_some() {
        // The body, and then what is merged over it.
        fetched.reverse();
        let nothing = NodeTree::default();
        let mut pointer = IgnitionConfig::pointer(job, &nothing, spec);
        pointer.merge = fetched;
        out.file(Destination::Node, FILE_NAME, &mut |out| {
            pointer.write(forms, out)
        })?;
    }
    Ok(())
}

/// Whether anything of the node, or of what it merges, must be kept tight.
fn has_secrets(job: &Job<'_>) -> bool {
    job.has_secrets() || job.facts.merges.iter().any(|theirs| theirs.secret)
}

impl Merge<'static> {
    /// One that is at a URL.
    fn fetched(url: &str, job: &Job<'_>, hasher: Hasher) -> Self {
        let url = url.replace("{node}", &job.facts.name);
        Self {
            name: url.clone().into(),
            compression: None,
            source: url.into(),
            verification: Some(Verification {
                hash: hasher.finish(),
            }),
        }
    }
}

/// One file: a part of the node, in one specification.
struct IgnitionConfig<'a> {
    spec: IgnitionSpec,
    digest: IgnitionDigest,
    /// From where assets are fetched; None where they are inside.
    assets_url: Option<&'a str>,
    /// Who the node is, for the part that sets users and kernel arguments.
    facts: Option<&'a NodeFacts>,
    /// Whose passwords it sets.
    passwords: &'a [UserHash],
    tree: &'a NodeTree,
    /// The configurations that Ignition merges over this one.
    merge: Vec<Merge<'a>>,
}

impl<'a> IgnitionConfig<'a> {
    /// One that is nothing by itself.
    fn pointer(job: &Job<'a>, nothing: &'a NodeTree, spec: IgnitionSpec) -> Self {
        Self {
            spec,
            digest: job.settings.ignition.digest,
            assets_url: None,
            facts: None,
            passwords: &[],
            tree: nothing,
            merge: Vec::new(),
        }
    }

    /// A part with what the user has merged into it.
    fn of_selection(
        job: &Job<'a>,
        selection: Selection,
        tree: &'a NodeTree,
        spec: IgnitionSpec,
    ) -> Self {
        let digest = job.settings.ignition.digest;
        let theirs = job.facts.merges.iter().filter(|theirs| match selection {
            Selection::Whole => true,
            Selection::Public => !theirs.secret,
            Selection::Secrets => theirs.secret,
        });
        Self {
            spec,
            digest,
            assets_url: match job.settings.assets(Format::Ignition) {
                Assets::Url => job.settings.assets_url.as_deref(),
                Assets::Inside | Assets::Shared | Assets::Iso => None,
            },
            facts: (selection != Selection::Secrets).then_some(job.facts),
            passwords: match selection {
                Selection::Whole | Selection::Secrets => &job.facts.passwords,
                Selection::Public => &[],
            },
            tree,
            merge: theirs.map(|theirs| theirs.merge(spec, digest)).collect(),
        }
    }

    fn write(&self, forms: &Forms, out: &mut dyn Write) -> Result<()> {
        let failure = RefCell::new(None);
        let beside = beside_units(self.tree);
        let maker = ContentMaker {
            forms,
            digest: self.digest,
            assets_url: self.assets_url,
            failure: &failure,
        };
        let config = Config {
            ignition: HttpHeader {
                version: self.spec,
                config: (!self.merge.is_empty()).then_some(HeaderConfig { merge: &self.merge }),
            },
            kernel_arguments: kernel_arguments(
                self.facts.map_or(&[], |facts| &facts.kernel_arguments),
            ),
            passwd: passwd(self.facts.map(|facts| &facts.users[..]), self.passwords),
            storage: storage(self.tree, &beside, &maker),
            systemd: systemd(self.tree)?,
        };
        let mut out = BufWriter::with_capacity(64 * 1024, out);
        let written = serde_json::to_writer(&mut out, &config);
        // An asset that could not be read is the reason behind serde's error, or leaves a configuration that lacks
        // bytes.
        if let Some(error) = failure.take() {
            return Err(error.context("writing the Ignition configuration"));
        }
        written.context("writing the Ignition configuration")?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }
}
