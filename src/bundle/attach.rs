//! Signing a bundle that was built unsigned: here with a key, or elsewhere. What is incomplete is never signed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rustix::fs::CWD;

use crate::create;
use crate::create::remove_tree;
use crate::error::Result;
use crate::input::regular;
use crate::input::{self, Limit};
use crate::lock::Lock;
use crate::manifest::work_folder;
use crate::manifest::{BundleKind, SIGNATURE, SSH_SIGNATURE, TREE_SIGNATURE, TREE_SUMS};
use crate::report::Id;
use crate::signing::{PublicKey, Signer};
use crate::staging::Staging;
use crate::unfinished::uninterrupted;
use crate::verify::TREE_LIMIT;
use crate::verify::Verdict;
use crate::verify::{Checked, check};

/// Signs a bundle that is complete: both signatures over SHA256SUMS, and for the trees of a first stage also each
/// node's. The verdict's problems, if any, say why it was not signed.
pub fn sign(out: &Path, signer: &Signer) -> Result<Verdict> {
    let _lock = Lock::take(out)?;
    let checked = check(out, None, None)?;
    if !checked.verdict.is_good() {
        return Ok(checked.verdict);
    }
    sign_trees(out, &checked, signer)?;
    let raw = signer.sign(&checked.sums);
    let ssh = signer.sign_ssh(&checked.sums);
    replace_signatures(out, &raw, Some(ssh.as_bytes()))?;
    Ok(checked.verdict)
}

/// Attaches a raw signature over SHA256SUMS that was made elsewhere, and an SSHSIG where there is one, after checking
/// that the bundle is complete and that they fit. The verdict's problems, if any, say why they were not attached.
pub fn attach(
    out: &Path,
    key: &PublicKey,
    signature: &Path,
    sshsig: Option<&Path>,
) -> Result<Verdict> {
    let load = |file: &Path| {
        input::read_or_pipe(file, Limit::kib(4))
            .map(|(bytes, _)| bytes)
            .with_context(|| format!("reading {}", file.display()))
    };
    let raw = load(signature)?;
    let ssh = sshsig.map(load).transpose()?;
    let _lock = Lock::take(out)?;
    let mut checked = check(out, None, None)?;
    if let Err((name, rule)) = key.check(&checked.sums, Some(&raw), ssh.as_ref().map(|ssh| &***ssh))
    {
        checked.verdict.add(Id::VerifySignature, name, rule);
    }
    if checked.verdict.is_good() {
        replace_signatures(out, &raw, ssh.as_ref().map(|ssh| &***ssh))?;
    }
    Ok(checked.verdict)
}

/// Whenever this is cut short, one of the two signers' signatures is there and fits: the new ones are written whole beside
/// the list, then the second old one goes, the new one takes the place of the first, and the second new one follows.
fn replace_signatures(out: &Path, raw: &[u8], ssh: Option<&[u8]>) -> Result<()> {
    let work = Staging::begin(&out.join(work_folder::NEW))?;
    for (name, bytes) in [(SIGNATURE, Some(raw)), (SSH_SIGNATURE, ssh)] {
        if let Some(bytes) = bytes {
            create::new_file(&work.join(name), create::file_mode(false), bytes)?;
        }
    }
    uninterrupted(|| {
        remove_tree(&out.join(SSH_SIGNATURE))?;
        fs::rename(work.join(SIGNATURE), out.join(SIGNATURE))?;
        match ssh {
            Some(_) => fs::rename(work.join(SSH_SIGNATURE), out.join(SSH_SIGNATURE)),
            None => Ok(()),
        }
    })
    .with_context(|| format!("writing the signatures of {}", out.display()))
}

fn sign_trees(out: &Path, checked: &Checked, signer: &Signer) -> Result<()> {
    let Some(manifest) = &checked.manifest else {
        return Ok(());
    };
    if manifest.kind != BundleKind::TreeBundle {
        return Ok(());
    }
    manifest.nodes.par_iter().try_for_each(|node| {
        if node.files.iter().any(|file| file.name() == TREE_SIGNATURE) {
            return Ok(());
        }
        let folder = out.join("nodes").join(&node.name);
        let path = folder.join(TREE_SIGNATURE);
        let signing = || format!("signing {}", path.display());
        let sums = regular::bounded(&folder.join(TREE_SUMS), TREE_LIMIT).with_context(signing)?;
        remove_tree(&path).with_context(signing)?;
        use std::io::Write;
        create::create(CWD, &path, create::file_mode(false))
            .and_then(|mut file| file.write_all(&signer.sign(&sums)))
            .with_context(signing)
    })
}
