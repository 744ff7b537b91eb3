//! The signing key of a project, where it is and as it is.

use std::path::Path;

use crate::error::Result;
use crate::report::Report;
use crate::signing::{PublicKey, Signer};

/// The signing key of a project.
pub const SIGN_KEY: &str = "keys/sign.key";
/// Its public half.
pub const SIGN_PUB: &str = "keys/sign.pub";

/// Finds everything wrong with a signing key that is there. An absent one may be with an external signer.
pub fn check(dir: &Path, report: &mut Report) -> Result<()> {
    own(dir, report).map(drop)
}

/// The project's signing key, if it is there and nothing is wrong with it.
pub fn own(dir: &Path, report: &mut Report) -> Result<Option<Signer>> {
    let path = dir.join(SIGN_KEY);
    match path.symlink_metadata() {
        Ok(_) => Signer::load(&path, SIGN_KEY, report),
        Err(_) => Ok(None),
    }
}

/// The key that a build in a project would sign trees with, for those who count. Its findings belong to [`check`].
pub fn tree_key(dir: &Path) -> Result<Option<PublicKey>> {
    let mut unsaid = Report::default();
    if let Some(signer) = own(dir, &mut unsaid)? {
        return Ok(Some(signer.public().clone()));
    }
    let path = dir.join(SIGN_PUB);
    match path.symlink_metadata() {
        Ok(_) => PublicKey::load(&path, SIGN_PUB, &mut unsaid),
        Err(_) => Ok(None),
    }
}
