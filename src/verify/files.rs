//! Single files of a bundle that travelled alone: each is one that the signed SHA256SUMS lists, and which one is said.
//! In: files, the list, its signatures. Out: a [`Single`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::{Result, is_of_machine};
use crate::input::regular;
use crate::manifest::sums::{SUMS_LIMIT, Sums as Listed};
use crate::manifest::{MANIFEST, SIGNATURE, SSH_SIGNATURE, SUMS};
use crate::manifest::{MANIFEST_LIMIT, Manifest};
use crate::model::Sha256Digest;
use crate::report::Id;
use crate::signing::PublicKey;
use crate::verify::Verdict;
use crate::verify::{Problem, scan};

/// How many folders above a file its bundle may be: `shared/files/DIGEST`, `boot/nodes/NAME/initramfs.cpio.gz`.
const ABOVE: usize = 4;

/// Where the signed list is.
#[derive(Clone, Debug)]
pub struct Sums {
    /// SHA256SUMS.
    pub list: PathBuf,
    /// Its raw signature; beside it where it is not given, an SSHSIG too.
    pub signature: Option<PathBuf>,
}

/// One file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileVerdict {
    /// As the user named it.
    pub file: String,
    /// The paths in the bundle that are this file, byte for byte.
    pub is: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Single {
    /// The list that was believed.
    pub sums: String,
    /// The cluster and the generation, where bundle.json is beside the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// See `cluster`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The files.
    pub files: Vec<FileVerdict>,
    /// Everything that is wrong; empty means verified.
    pub problems: Vec<Problem>,
}

impl Sums {
    /// The list of the bundle in whose folders a file is, if any. A link is followed: what it names is
    /// what is looked at.
    pub fn above(file: &Path) -> Option<Self> {
        let file = file.canonicalize().ok()?;
        let folders = file.ancestors().skip(1).take(ABOVE);
        let mut lists = folders.map(|folder| folder.join(SUMS));
        let list = lists.find(|list| list.is_file())?;
        Some(Self {
            list,
            signature: None,
        })
    }

    /// The files of the two signatures, the second one where it is looked for at all.
    fn signatures(&self) -> (PathBuf, Option<PathBuf>) {
        let beside = |name: &str| {
            let mut path = self.list.clone().into_os_string();
            path.push(name.strip_prefix(SUMS).unwrap_or_default());
            PathBuf::from(path)
        };
        match &self.signature {
            Some(file) => (file.clone(), None),
            None => (beside(SIGNATURE), Some(beside(SSH_SIGNATURE))),
        }
    }
}

/// Verifies files by a signed list. `min_generation` needs the bundle.json beside it, which says the generation.
pub fn verify_files(
    files: &[PathBuf],
    sums: &Sums,
    key: &PublicKey,
    (min_generation, usable): (Option<u64>, Option<OffsetDateTime>),
) -> Result<Single> {
    let mut verdict = Verdict::default();
    let mut single = Single {
        sums: sums.list.display().to_string(),
        ..Single::default()
    };
    if let Some(listed) = signed(sums, key, &mut verdict) {
        let folder = sums.list.parent().unwrap_or(Path::new("."));
        let manifest = generation(folder, &listed, min_generation, (&mut single, &mut verdict));
        let mut paths: BTreeMap<Sha256Digest, Vec<&str>> = BTreeMap::new();
        for (path, digest) in listed.lines() {
            paths.entry(*digest).or_default().push(path);
        }
        if let Some(until) = usable {
            match &manifest {
                Some(manifest) => {
                    verdict.says_until(manifest);
                    verdict.require_usable(until);
                }
                None => verdict.add(
                    Id::VerifyEndsEarly,
                    MANIFEST,
                    "is not beside the list, and nothing else says until when nodes can join",
                ),
            }
        }
        for file in files {
            let found = one(file, (folder, &listed), &paths, &mut verdict)?;
            single.files.extend(found);
        }
    }
    single.problems = verdict.problems;
    Ok(single)
}

fn signed(sums: &Sums, key: &PublicKey, verdict: &mut Verdict) -> Option<Listed> {
    let shown = sums.list.display().to_string();
    let bytes = regular::bounded(&sums.list, SUMS_LIMIT);
    let bytes =
        bytes.map_err(|error| verdict.add(Id::VerifyListInvalid, &shown, error.to_string()));
    let bytes = bytes.ok()?;
    let (raw, ssh) = sums.signatures();
    let mut signature = |path: &Path| {
        let read = regular::bounded_if_there(path, 4096);
        read.map_err(|error| {
            verdict.add(
                Id::VerifySignature,
                &path.to_string_lossy(),
                error.to_string(),
            )
        })
    };
    let raw = signature(&raw).ok()?;
    let ssh = match ssh {
        Some(ssh) => signature(&ssh).ok()?,
        None => None,
    };
    if let Err((name, rule)) = key.check(&bytes, raw.as_deref(), ssh.as_deref()) {
        verdict.add(Id::VerifySignature, name, rule);
        return None;
    }
    match Listed::parse(&bytes) {
        Ok(listed) => Some(listed),
        Err(rules) => {
            for rule in rules {
                verdict.add(Id::VerifyListInvalid, &shown, rule);
            }
            None
        }
    }
}

fn generation(
    folder: &Path,
    listed: &Listed,
    least: Option<u64>,
    (single, verdict): (&mut Single, &mut Verdict),
) -> Option<Manifest> {
    let is_here = folder.join(MANIFEST).symlink_metadata().is_ok();
    let manifest = is_here
        .then(|| scan::listed(folder, MANIFEST, listed, MANIFEST_LIMIT, verdict))
        .flatten()
        .and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok());
    if let Some(manifest) = &manifest {
        single.cluster = Some(manifest.cluster.clone());
        single.generation = Some(manifest.generation);
    }
    match (least, &manifest) {
        (None, _) => {}
        (Some(least), Some(manifest)) if manifest.generation >= least => {}
        (Some(least), Some(manifest)) => {
            let rule = format!("generation {} is older than {least}", manifest.generation);
            verdict.add(Id::VerifyGenerationOld, MANIFEST, rule);
        }
        (Some(_), None) => verdict.add(
            Id::VerifyGenerationOld,
            MANIFEST,
            "is not beside the list, and nothing else says the generation",
        ),
    }
    manifest
}

fn one(
    file: &Path,
    (folder, listed): (&Path, &Listed),
    paths: &BTreeMap<Sha256Digest, Vec<&str>>,
    verdict: &mut Verdict,
) -> Result<Option<FileVerdict>> {
    let shown = file.display().to_string();
    // A link that the user names is followed.
    let digest = match file
        .canonicalize()
        .and_then(|file| regular::digest(&file, None))
    {
        Ok(digest) => digest,
        Err(error) if is_of_machine(&error) => {
            return Err(error).with_context(|| format!("reading {shown}"));
        }
        Err(error) => {
            verdict.add(Id::VerifyFileUnreadable, &shown, error.to_string());
            return Ok(None);
        }
    };
    // In its bundle a file must be the one of its place.
    let place = file.canonicalize().ok();
    let place = place.as_deref().zip(folder.canonicalize().ok());
    let place = place.and_then(|(file, folder)| Some(file.strip_prefix(folder).ok()?.to_owned()));
    let place = place.as_ref().and_then(|place| place.to_str());
    if let Some(place) = place {
        match listed.get(place) {
            None => verdict.add(Id::VerifyFileExtra, &shown, "is not listed in SHA256SUMS"),
            Some(right) if *right == digest => {
                return Ok(Some(FileVerdict {
                    file: shown,
                    is: vec![place.to_owned()],
                }));
            }
            Some(_) => verdict.add(
                Id::VerifyFileChanged,
                &shown,
                "does not have the digest that SHA256SUMS lists",
            ),
        }
        return Ok(None);
    }
    match paths.get(&digest) {
        Some(paths) => Ok(Some(FileVerdict {
            file: shown,
            is: paths.iter().map(|path| (*path).to_owned()).collect(),
        })),
        None => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let same = |path: &str| path.rsplit('/').next() == Some(&*name);
            let named = listed.lines().iter().find(|(path, _)| same(path));
            verdict.add(
                Id::VerifyFileForeign,
                &shown,
                match named {
                    Some((path, _)) => {
                        format!("is neither {path} nor any other file of the bundle")
                    }
                    None => "is not a file of the bundle".to_owned(),
                },
            );
            Ok(None)
        }
    }
}
