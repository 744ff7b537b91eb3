//! A build of a project as it is now, to be compared with a bundle.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use zeroize::Zeroizing;

use crate::bundle::OldBundle;
use crate::error::Result;
use crate::project::signing::{self, SIGN_KEY};
use crate::project::{BuildRequest, Progress, Reading, Signing, Tokens, build};
use crate::report::Report;
use crate::secrets::of_secrets;
use crate::signing::Signer;
use crate::staging::Staging;

/// The Secrets of the tokens in a bundle.
const TOKENS: &str = "cluster/tokens/tokens.yaml";

/// A build in a temporary folder, which is removed when this is dropped.
pub struct ScratchBundle(Staging);

impl ScratchBundle {
    /// The bundle's folder.
    pub fn bundle(&self) -> PathBuf {
        self.0.join("project")
    }
}

/// The tokens in a bundle, so that what the project makes with them differs in nothing that only they decide.
pub fn tokens_of(bundle: &OldBundle) -> Result<Tokens> {
    let nodes = bundle.nodes().iter();
    let newest = nodes.filter_map(|node| Some((node.token_id.as_deref()?, node.name.as_str())));
    let mut files = bundle.manifest().files.iter();
    let Some(secrets) = files.find(|file| &*file.path == TOKENS) else {
        return Ok(Tokens::Placeholders(BTreeMap::new()));
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(secrets.size)?));
    bundle.copy(secrets, &mut *bytes)?;
    let text = std::str::from_utf8(&bytes).with_context(|| format!("reading {TOKENS}"))?;
    Ok(Tokens::Placeholders(of_secrets(text, &newest.collect())))
}

/// Builds a project into a temporary folder; None after findings. The result is only compared and never handed out. Nodes
/// that check their trees still need a signature: without the project's key, a new key signs and is thrown away.
pub fn build_to_compare(
    reading: &Reading,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<Option<ScratchBundle>> {
    let named = tempfile::Builder::new()
        .prefix("nodebake-diff-")
        .make(Staging::create);
    let named = named.context("making a folder for what the project builds")?;
    // It removes itself, on signals too.
    let (folder, path) = named.into_parts();
    path.keep()?;
    let made = ScratchBundle(folder);
    let signer = match reading.dir.join(SIGN_KEY).symlink_metadata() {
        Ok(_) => signing::own(&reading.dir, report)?,
        Err(_) => Some(Signer::generate()?),
    };
    let request = BuildRequest {
        reading: reading.clone(),
        out: made.bundle(),
        formats: Vec::new(),
        nodes: Vec::new(),
        upgrade_from: Vec::new(),
        signing: Signing::With(signer.map(Arc::new)),
    };
    Ok(build(&request, progress, report)?.map(|_| made))
}
