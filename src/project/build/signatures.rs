//! The source of a bundle's signatures, and the folders that the stages of a build write.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::bundle::{SignatureSource, SignedTrees, Trees};
use crate::error::Result;
use crate::project::signing::{SIGN_KEY, SIGN_PUB};
use crate::project::{BuildRequest, Signing};
use crate::report::{Finding, Report};
use crate::signing::{PublicKey, Signer};

/// The signing key, where this build needs one.
pub fn signer(request: &BuildRequest, report: &mut Report) -> Result<Option<Arc<Signer>>> {
    let (path, shown) = match &request.signing {
        Signing::With(signer) => return Ok(signer.clone()),
        Signing::Trees(_) | Signing::Payloads(_) => return Ok(None),
        Signing::Key(Some(path)) => (path.clone(), path.display().to_string()),
        Signing::Key(None) => (request.reading.dir.join(SIGN_KEY), SIGN_KEY.to_owned()),
    };
    Ok(Signer::load(&path, &shown, report)?.map(Arc::new))
}

/// The source of the bundle's signatures.
pub fn signatures(
    request: &BuildRequest,
    signer: Option<Arc<Signer>>,
) -> Result<std::result::Result<SignatureSource, Finding>> {
    let Signing::Payloads(trees) = &request.signing else {
        return Ok(Ok(
            signer.map_or(SignatureSource::Unsigned, SignatureSource::Key)
        ));
    };
    let mut report = Report::default();
    let shown = SIGN_PUB;
    let Some(key) = PublicKey::load(&request.reading.dir.join(shown), shown, &mut report)? else {
        let finding = report.into_findings().into_iter().next();
        return Ok(Err(finding.context("reading keys/sign.pub")?));
    };
    match SignedTrees::open(trees, &key)? {
        Trees::Verified(trees) => Ok(Ok(SignatureSource::Trees(trees))),
        Trees::Refused(verdict) => bail!(
            "reading {}: {}",
            trees.display(),
            verdict.to_string().trim_end().replace('\n', "; ")
        ),
    }
}

/// The folder that this run writes.
pub fn target(request: &BuildRequest) -> &Path {
    match &request.signing {
        Signing::Trees(trees) => trees,
        _ => &request.out,
    }
}
