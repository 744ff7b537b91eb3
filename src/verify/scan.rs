//! Looking at every file of a bundle: nothing missing, nothing extra, each digest right.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};
use walkdir::{DirEntry, WalkDir};

use crate::input::regular;
use crate::manifest::Manifest;
use crate::manifest::sums::Sums;
use crate::manifest::work_folder;
use crate::manifest::{
    BundleKind, INDEX, MANIFEST, SIGNATURE, SSH_SIGNATURE, SUMS, TREE_SIGNATURE, TREE_SUMS,
    is_signature_of_others,
};
use crate::model::Sha256Digest;
use crate::report::Id;
use crate::signing::PublicKey;
use crate::verify::Verdict;

/// The longest tree.sums that is read into memory, in bytes.
pub const TREE_LIMIT: u64 = 16 * 1024 * 1024;

/// Reads one listed file whole and checks its digest; a problem is added to the verdict.
pub fn listed(
    out: &Path,
    path: &str,
    sums: &Sums,
    limit: u64,
    verdict: &mut Verdict,
) -> Option<Vec<u8>> {
    let Some(digest) = sums.get(path) else {
        verdict.add(Id::VerifyFileExtra, path, "is not listed in SHA256SUMS");
        return None;
    };
    match regular::bounded(&out.join(path), limit) {
        Ok(bytes) if Sha256Digest::from(Sha256::digest(&bytes)) == *digest => Some(bytes),
        Ok(_) => {
            verdict.add(Id::VerifyFileChanged, path, WRONG_DIGEST);
            None
        }
        // The walk says what is missing.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            verdict.add(Id::VerifyFileUnreadable, path, error.to_string());
            None
        }
    }
}

const WRONG_DIGEST: &str = "does not have the digest that SHA256SUMS lists";

/// Walks the folder, then hashes what is listed and there. Returns the nodes with a tree signature that is not listed,
/// which a signer may have left in a first stage's folder. In a partial copy files may be missing, but for the manifest.
pub fn scan(
    out: &Path,
    sums: &Sums,
    (manifest, partial): (Option<&Manifest>, bool),
    verdict: &mut Verdict,
) -> BTreeSet<String> {
    let mut walk = Walk {
        sums,
        trees: manifest.is_some_and(|manifest| manifest.kind == BundleKind::TreeBundle),
        seen: vec![false; sums.lines().len()],
        unlisted: BTreeSet::new(),
    };
    walk.run(out, verdict);
    for ((path, _), seen) in sums.lines().iter().zip(&walk.seen) {
        match seen {
            true => {}
            false if partial && **path != *MANIFEST => verdict.absent += 1,
            false => verdict.add(Id::VerifyFileMissing, path, "is missing"),
        }
    }
    match manifest {
        Some(manifest) => {
            hash(out, sums, manifest, &walk.seen, verdict);
            verdict.exposed = exposed(out, manifest);
        }
        // The sizes are in bundle.json; without them a huge file could keep us busy forever.
        None => verdict.add(
            Id::VerifyManifestInvalid,
            MANIFEST,
            "cannot be trusted, so the other files were not read",
        ),
    }
    walk.unlisted
}

struct Walk<'a> {
    sums: &'a Sums,
    trees: bool,
    seen: Vec<bool>,
    unlisted: BTreeSet<String>,
}

impl Walk<'_> {
    fn run(&mut self, out: &Path, verdict: &mut Verdict) {
        let mut entries = WalkDir::new(out).min_depth(1).into_iter();
        while let Some(entry) = entries.next() {
            if verdict.is_full() {
                return;
            }
            match entry {
                Ok(entry) => {
                    if !self.visit(out, &entry, verdict) {
                        entries.skip_current_dir();
                    }
                }
                Err(error) => {
                    let path = error.path().unwrap_or(out);
                    let path = path.strip_prefix(out).unwrap_or(path);
                    verdict.add(
                        Id::VerifyFileUnreadable,
                        &path.to_string_lossy(),
                        "cannot be read",
                    );
                }
            }
        }
    }

    /// Checks one entry; false when there is no sense in looking below it.
    fn visit(&mut self, out: &Path, entry: &DirEntry, verdict: &mut Verdict) -> bool {
        let path = entry.path().strip_prefix(out).unwrap_or(entry.path());
        let path = path.to_string_lossy();
        let kind = entry.file_type();
        if kind.is_dir() && work_folder::is_leftover(&path) {
            verdict.leftovers.push(path.into_owned());
            return false;
        }
        if kind.is_dir() {
            let known = self.sums.has_below(&path);
            if !known {
                verdict.add(Id::VerifyFileExtra, &path, "is an extra folder");
            }
            return known;
        }
        match self.sums.position(&path) {
            // A name that is not UTF-8 never equals a listed one, since U+FFFD replaces what it cannot express...
            Some(_) if entry.path().to_str().is_none() => {
                verdict.add(Id::VerifyFileExtra, &path, "is extra")
            }
            Some(index) if kind.is_file() => self.seen[index] = true,
            Some(index) => {
                // Said here, so that it is not called missing as well.
                self.seen[index] = true;
                verdict.add(Id::VerifyFileUnreadable, &path, "is not a regular file");
            }
            None if kind.is_file() && [SUMS, SIGNATURE, SSH_SIGNATURE].contains(&&*path) => {}
            None if kind.is_file()
                && is_signature_of_others(&path)
                && entry.path().to_str().is_some() =>
            {
                verdict.unchecked.push(path.into_owned());
            }
            None => match self.tree_signature(&path) {
                Some(node) if kind.is_file() => {
                    self.unlisted.insert(node);
                }
                _ => verdict.add(Id::VerifyFileExtra, &path, "is extra"),
            },
        }
        true
    }

    /// The node to which an unlisted `nodes/NAME/tree.sums.sig` of a first stage belongs.
    fn tree_signature(&self, path: &str) -> Option<String> {
        let folder = path.strip_suffix(TREE_SIGNATURE)?;
        let node = folder.strip_prefix("nodes/")?.strip_suffix('/')?;
        let known = self
            .sums
            .position(&format!("{folder}{TREE_SUMS}"))
            .is_some();
        (self.trees && known && !node.contains('/')).then(|| node.to_owned())
    }
}

/// Hashes in parallel what is listed and there; files whose digest was checked when they were read are left out.
fn hash(out: &Path, sums: &Sums, manifest: &Manifest, seen: &[bool], verdict: &mut Verdict) {
    let mut sizes = vec![None; seen.len()];
    for file in manifest.all_files() {
        if let Some(index) = sums.position(&file.path) {
            sizes[index] = Some(file.size);
        }
    }
    let wrong: Vec<(Id, &str, String)> = sums
        .lines()
        .par_iter()
        .zip(seen.par_iter().zip(&sizes))
        .filter(|((path, _), (seen, size))| {
            **seen && size.is_some() && ![MANIFEST, INDEX].contains(&&**path)
        })
        .filter_map(|((path, digest), (_, size))| {
            match regular::digest(&out.join(&**path), *size) {
                Ok(found) if found == *digest => None,
                Ok(_) => Some((Id::VerifyFileChanged, &**path, WRONG_DIGEST.to_owned())),
                Err(error) => Some((Id::VerifyFileUnreadable, &**path, error.to_string())),
            }
        })
        .collect();
    for (id, path, rule) in wrong {
        verdict.add(id, path, rule);
    }
}

/// The secret files that are here and that others than their owner may read.
fn exposed(out: &Path, manifest: &Manifest) -> Vec<String> {
    let secret = manifest.all_files().filter(|file| file.secret);
    let exposed = secret.filter(|file| {
        let there = out.join(&*file.path).symlink_metadata();
        there.is_ok_and(|there| there.is_file() && there.mode() & 0o077 != 0)
    });
    let mut exposed: Vec<String> = exposed.map(|file| file.path.to_string()).collect();
    exposed.sort_unstable();
    exposed
}

/// Checks every signature over a tree.sums and returns them by node. Either all nodes have one or none.
pub fn tree_signatures(
    out: &Path,
    (manifest, partial): (&Manifest, bool),
    unlisted: &BTreeSet<String>,
    key: &PublicKey,
    verdict: &mut Verdict,
) -> BTreeMap<String, [u8; 64]> {
    let signed: Vec<(&str, bool)> = manifest
        .nodes
        .iter()
        .filter(|node| {
            let folder = out.join("nodes").join(&node.name);
            let is_here = |name: &str| folder.join(name).symlink_metadata().is_ok();
            !partial || is_here(TREE_SUMS) && is_here(TREE_SIGNATURE)
        })
        .map(|node| {
            let listed = node.files.iter().any(|file| file.name() == TREE_SIGNATURE);
            (&*node.name, listed || unlisted.contains(&node.name))
        })
        .collect();
    if signed.iter().all(|(_, signed)| !signed) {
        return BTreeMap::new();
    }
    let checked: Vec<(&str, Result<[u8; 64], String>)> = signed
        .par_iter()
        .map(|(node, signed)| {
            let signature = if *signed {
                tree_signature(&out.join("nodes").join(node), key)
            } else {
                Err("is missing, while other nodes have one".to_owned())
            };
            (*node, signature)
        })
        .collect();
    let mut good = BTreeMap::new();
    for (node, signature) in checked {
        match signature {
            Ok(signature) => {
                good.insert(node.to_owned(), signature);
            }
            Err(rule) => verdict.add(
                Id::VerifySignature,
                &format!("nodes/{node}/{TREE_SIGNATURE}"),
                rule,
            ),
        }
    }
    good
}

fn tree_signature(folder: &Path, key: &PublicKey) -> Result<[u8; 64], String> {
    let signature =
        regular::bounded(&folder.join(TREE_SIGNATURE), 64).map_err(|e| e.to_string())?;
    let sums = regular::bounded(&folder.join(TREE_SUMS), TREE_LIMIT).map_err(|e| e.to_string())?;
    let signature = <[u8; 64]>::try_from(signature).map_err(|_| "is not 64 bytes long")?;
    if !key.verifies(&sums, &signature) {
        return Err("the signature does not fit tree.sums and this public key".to_owned());
    }
    Ok(signature)
}
