//! Verifying a bundle that may be hostile: the signature before anything else is parsed, then the grammar of
//! SHA256SUMS, then every file. All problems are collected; nothing is followed out of the folder, and nothing is read
//! beyond the size that the signed manifest gives.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};

use crate::error::Result;
use crate::input::regular;
use crate::manifest::sums::{SUMS_LIMIT, Sums};
use crate::manifest::work_folder;
use crate::manifest::{API_VERSION, MANIFEST, SIGNATURE, SSH_SIGNATURE, SUMS};
use crate::manifest::{MANIFEST_LIMIT, Manifest};
use crate::report::Id;
use crate::signing::PublicKey;
use crate::verify::agree::agree;
use crate::verify::scan;
use crate::verify::verdict::Verdict;

/// Verifies a bundle, or the trees of a first stage, with a public key that did not come with it.
pub fn verify(out: &Path, key: &PublicKey, min_generation: Option<u64>) -> Result<Verdict> {
    Ok(check(out, Some(key), min_generation)?.verdict)
}

/// The same for a copy of some of a bundle's files, SHA256SUMS and bundle.json among them: what is there must be as it is
/// listed, and nothing else may be there.
pub fn verify_partial(out: &Path, key: &PublicKey, min_generation: Option<u64>) -> Result<Verdict> {
    Ok(check_some(out, Some(key), min_generation, true)?.verdict)
}

/// A verdict with what it rests on.
pub struct Checked {
    /// What came of it.
    pub verdict: Verdict,
    /// SHA256SUMS, as it was read.
    pub sums: Vec<u8>,
    /// bundle.json, if it could be read.
    pub manifest: Option<Manifest>,
    /// Node → signature over its tree.sums, each of them checked.
    pub tree_signatures: BTreeMap<String, [u8; 64]>,
}

/// Checks everything; without a key, all but the signatures.
pub fn check(out: &Path, key: Option<&PublicKey>, min_generation: Option<u64>) -> Result<Checked> {
    check_some(out, key, min_generation, false)
}

fn check_some(
    out: &Path,
    key: Option<&PublicKey>,
    min_generation: Option<u64>,
    partial: bool,
) -> Result<Checked> {
    let mut opened = open(out, key)?;
    if let Some(sums) = &opened.listed {
        let verdict = &mut opened.checked.verdict;
        let manifest = opened.checked.manifest.as_ref();
        let unlisted = scan::scan(out, sums, (manifest, partial), verdict);
        if let (Some(manifest), Some(key)) = (manifest, key) {
            opened.checked.tree_signatures =
                scan::tree_signatures(out, (manifest, partial), &unlisted, key, verdict);
        }
        if let (Some(manifest), Some(least)) = (manifest, min_generation)
            && manifest.generation < least
        {
            let rule = format!("generation {} is older than {least}", manifest.generation);
            verdict.add(Id::VerifyGenerationOld, MANIFEST, rule);
        }
    }
    let mut checked = opened.checked;
    checked.verdict.unchecked.sort();
    checked.verdict.problems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(checked)
}

/// A bundle whose signature, list of digests and manifest were read; the other files were not looked at.
pub struct Opened {
    pub checked: Checked,
    /// `None` when the signature or the list is bad: nothing else may be trusted then.
    pub listed: Option<Sums>,
}

/// Reads the signature, the list and the manifest, in this order, and stops trusting at the first that is bad.
pub fn open(out: &Path, key: Option<&PublicKey>) -> Result<Opened> {
    let looking = || format!("looking at {}", out.display());
    if !std::fs::metadata(out).with_context(looking)?.is_dir() {
        bail!("{} is not a folder", out.display());
    }
    let mut checked = Checked {
        verdict: Verdict {
            bundle: out.display().to_string(),
            ..Verdict::default()
        },
        sums: Vec::new(),
        manifest: None,
        tree_signatures: BTreeMap::new(),
    };
    if out.join(work_folder::READY).symlink_metadata().is_ok() {
        checked.verdict.add(
            Id::VerifyExchangeUnfinished,
            work_folder::READY,
            work_folder::HALF_WAY,
        );
        return Ok(Opened {
            checked,
            listed: None,
        });
    }
    let listed = signed_sums(out, key, &mut checked);
    if let Some(sums) = &listed {
        checked.verdict.files = sums.lines().len();
        open_manifest(out, sums, &mut checked);
    }
    Ok(Opened { checked, listed })
}

fn signed_sums(out: &Path, key: Option<&PublicKey>, checked: &mut Checked) -> Option<Sums> {
    let verdict = &mut checked.verdict;
    checked.sums = match regular::bounded(&out.join(SUMS), SUMS_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => {
            verdict.add(Id::VerifyListInvalid, SUMS, error.to_string());
            return None;
        }
    };
    if let Some(key) = key {
        let mut signature = |name: &str| {
            regular::bounded_if_there(&out.join(name), 4096)
                .map_err(|error| verdict.add(Id::VerifySignature, name, error.to_string()))
        };
        let (raw, ssh) = (signature(SIGNATURE), signature(SSH_SIGNATURE));
        let (Ok(raw), Ok(ssh)) = (raw, ssh) else {
            return None;
        };
        if let Err((name, rule)) = key.check(&checked.sums, raw.as_deref(), ssh.as_deref()) {
            verdict.add(Id::VerifySignature, name, rule);
            return None;
        }
    }
    match Sums::parse(&checked.sums) {
        Ok(sums) => Some(sums),
        Err(rules) => {
            for rule in rules {
                verdict.add(Id::VerifyListInvalid, SUMS, rule);
            }
            None
        }
    }
}

fn open_manifest(out: &Path, sums: &Sums, checked: &mut Checked) {
    let verdict = &mut checked.verdict;
    let Some(bytes) = scan::listed(out, MANIFEST, sums, MANIFEST_LIMIT, verdict) else {
        return;
    };
    match serde_json::from_slice::<Manifest>(&bytes) {
        Ok(manifest) if manifest.api_version != API_VERSION => {
            let rule = format!("apiVersion must be {API_VERSION}");
            verdict.add(Id::VerifyManifestInvalid, MANIFEST, rule);
        }
        Ok(manifest) => {
            verdict.kind = Some(manifest.kind);
            verdict.cluster = Some(manifest.cluster.clone());
            verdict.generation = Some(manifest.generation);
            verdict.nodes = manifest.nodes.len();
            verdict.secret_files = manifest.all_files().filter(|file| file.secret).count();
            verdict.says_until(&manifest);
            agree(out, &manifest, sums, verdict);
            checked.manifest = Some(manifest);
        }
        Err(error) => verdict.add(
            Id::VerifyManifestInvalid,
            MANIFEST,
            format!("is not a manifest: {error}"),
        ),
    }
}
