//! What the bundle's signatures come from, and which folders the stages of a build write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::bundle::{PublicKey, Seal, SignedTrees, Signer, Trees};
use crate::cli::{Build, Stage};
use crate::cmd::project::{SIGN_KEY, SIGN_PUB};
use crate::error::Result;
use crate::report::{Finding, Report};

/// The signing key, where this build needs one.
pub fn signer(args: &Build, report: &mut Report) -> Result<Option<Arc<Signer>>> {
    if args.unsigned || args.stage.is_some() {
        return Ok(None);
    }
    let (path, shown) = match &args.key {
        Some(path) => (path.clone(), path.display().to_string()),
        None => (args.project.dir.join(SIGN_KEY), SIGN_KEY.to_owned()),
    };
    Ok(Signer::load(&path, &shown, report)?.map(Arc::new))
}

/// What the bundle's signatures come from.
pub fn seal(
    args: &Build,
    out: &Path,
    signer: Option<Arc<Signer>>,
) -> Result<std::result::Result<Seal, Finding>> {
    if args.stage != Some(Stage::Payloads) {
        return Ok(Ok(signer.map_or(Seal::Unsigned, Seal::Key)));
    }
    let mut report = Report::default();
    let shown = SIGN_PUB;
    let Some(key) = PublicKey::load(&args.project.dir.join(shown), shown, &mut report)? else {
        let finding = report.into_findings().into_iter().next();
        return Ok(Err(finding.context("reading keys/sign.pub")?));
    };
    let trees = trees(args, out);
    match SignedTrees::open(&trees, &key)? {
        Trees::Verified(trees) => Ok(Ok(Seal::Trees(trees))),
        Trees::Refused(verdict) => bail!(
            "reading {}: {}",
            trees.display(),
            verdict.to_string().trim_end().replace('\n', "; ")
        ),
    }
}

/// The first stage's folder.
fn trees(args: &Build, out: &Path) -> PathBuf {
    let beside = || {
        let mut name = out.as_os_str().to_owned();
        name.push(".trees");
        name.into()
    };
    args.trees.clone().unwrap_or_else(beside)
}

/// The folder that this run writes.
pub fn target(args: &Build, out: &Path) -> PathBuf {
    match args.stage {
        Some(Stage::Trees) => trees(args, out),
        _ => out.to_owned(),
    }
}
