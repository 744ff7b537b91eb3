//! OCI image layouts that are folders (image-spec, image-layout.md), as skopeo, crane and buildx write them. In: a folder
//! of the project. Out: the archive that containerd imports, made once for all nodes, in a file without a name: what the
//! index reaches and nothing else, in the order of names, every blob checked by its digest on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::compile::images::{DOCUMENT, Image, of_index};
use crate::error::Result;
use crate::input::{self, Limit};
use crate::io::Watched;
use crate::model::{Sha256Digest, hex};
use crate::project_folder::ProjectFolder;
use crate::tree::{Asset, AssetSource, Content, Measure, nameless};
use crate::wording::counted;

/// The only version of layouts that there is.
const MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// As in every archive that is written here: 1980-01-01T00:00:00Z.
const MTIME: u64 = 315_532_800;

/// A layout as an archive.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The archive.
    pub archive: Content,
    /// SHA-256 of index.json, by which everything in the archive is vouched for.
    pub index: Sha256Digest,
    /// Its images; the error is the rule that they break.
    pub images: std::result::Result<Vec<Image>, String>,
}

/// What an index or a manifest says of something else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
}

/// What an index or a manifest names. There are more fields in both, which are not ours.
#[derive(Deserialize)]
struct LayoutDocument {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

impl Descriptor {
    /// Whether it names others itself.
    fn is_document(&self) -> bool {
        matches!(
            &*self.media_type,
            "application/vnd.oci.image.index.v1+json"
                | "application/vnd.oci.image.manifest.v1+json"
                | "application/vnd.docker.distribution.manifest.list.v2+json"
                | "application/vnd.docker.distribution.manifest.v2+json"
        )
    }

    /// The name of its blob.
    fn name(&self) -> Option<&str> {
        let digits = self.digest.strip_prefix("sha256:")?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == 64 && digits.bytes().all(is_digit)).then_some(digits)
    }
}

/// Packs a folder; the inner error are the rules that it breaks. `look` sees all that goes into the archive.
pub fn pack(
    project: &ProjectFolder,
    folder: &str,
    look: &mut dyn FnMut(&[u8]),
) -> Result<std::result::Result<Layout, Vec<String>>> {
    for (file, what) in [
        ("oci-layout", "the mark of one"),
        ("index.json", "an index"),
    ] {
        if !project.join(folder).join(file).is_file() {
            let rule = format!("is a folder and no OCI layout: {file}, {what}, is not in it");
            return Ok(Err(vec![rule]));
        }
    }
    let files = Files { project, folder };
    let index = match files.document("index.json")? {
        Ok(index) => index,
        Err(rule) => return Ok(Err(vec![rule])),
    };
    let mut reached = Reached {
        files: &files,
        blobs: BTreeMap::new(),
        rules: BTreeSet::new(),
    };
    reached.follow(&index)?;
    if !reached.rules.is_empty() {
        return Ok(Err(reached.rules.into_iter().collect()));
    }
    let (archive, rules) = archive(&files, &reached.blobs, &index, look)?;
    if !rules.is_empty() {
        return Ok(Err(rules));
    }
    Ok(Ok(Layout {
        archive: Content::Asset(Arc::new(archive)),
        index: Sha256::digest(&index).into(),
        images: of_index(&index),
    }))
}

/// The files of a layout.
struct Files<'a> {
    project: &'a ProjectFolder,
    folder: &'a str,
}

type Ruled<T> = std::result::Result<T, String>;

impl Files<'_> {
    fn path(&self) -> PathBuf {
        self.project.join(self.folder)
    }

    /// What was read of a file; the inner error is the rule that it breaks.
    fn take<T>(&self, name: &str, read: io::Result<T>) -> Result<Ruled<T>> {
        match read {
            Ok(read) => Ok(Ok(read)),
            Err(error) => match input::mistake(&error) {
                Some(flaw) => Ok(Err(format!("has {name}, which {flaw}"))),
                None => Err(error)
                    .with_context(|| format!("reading {}", self.path().join(name).display())),
            },
        }
    }

    /// A short file.
    fn document(&self, name: &str) -> Result<Ruled<Vec<u8>>> {
        let path = format!("{}/{name}", self.folder);
        self.take(name, self.project.read(path, Limit::bytes(DOCUMENT)))
    }

    fn open(&self, name: &str) -> Result<Ruled<File>> {
        let path = format!("{}/{name}", self.folder);
        self.take(name, self.project.open(path))
    }
}

fn blob(name: &str) -> String {
    format!("blobs/sha256/{name}")
}

/// The blobs that an index reaches, and what is wrong with them.
struct Reached<'a> {
    files: &'a Files<'a>,
    /// Sizes by names.
    blobs: BTreeMap<String, u64>,
    rules: BTreeSet<String>,
}

impl Reached<'_> {
    fn follow(&mut self, index: &[u8]) -> Result<()> {
        let mut left = self.named_by(index, "index.json");
        while let Some(descriptor) = left.pop() {
            let Some(name) = descriptor.name().map(str::to_owned) else {
                let rule = format!(
                    "has the digest {:?}, which is not a SHA-256",
                    descriptor.digest
                );
                self.rules.insert(rule);
                continue;
            };
            let path = blob(&name);
            let size = match self.files.path().join(&path).metadata() {
                Ok(found) if found.is_file() => found.len(),
                _ => {
                    let rule = format!("lacks blobs/sha256/{name}, which its index reaches");
                    self.rules.insert(rule);
                    continue;
                }
            };
            if size != descriptor.size {
                let rule = format!(
                    "has blobs/sha256/{name} with {} instead of {}",
                    counted(size, "byte"),
                    descriptor.size
                );
                self.rules.insert(rule);
            }
            let known = self.blobs.insert(name.clone(), size).is_some();
            if known || !descriptor.is_document() {
                continue;
            }
            let text = match self.files.document(&path)? {
                Ok(text) => text,
                Err(rule) => {
                    self.rules.insert(rule);
                    continue;
                }
            };
            if hex(&Sha256::digest(&text)) != name {
                self.rules.insert(broken(&name));
                continue;
            }
            left.extend(self.named_by(&text, &format!("blobs/sha256/{name}")));
        }
        Ok(())
    }

    fn named_by(&mut self, text: &[u8], whose: &str) -> Vec<Descriptor> {
        match serde_json::from_slice::<LayoutDocument>(text) {
            Ok(document) => {
                let config = document.config.into_iter();
                let others = document.manifests.into_iter().chain(document.layers);
                config.chain(others).collect()
            }
            Err(_) => {
                let rule = format!("has {whose}, which is not an index or manifest of images");
                self.rules.insert(rule);
                Vec::new()
            }
        }
    }
}

fn broken(name: &str) -> String {
    format!("has blobs/sha256/{name}, which hashes to something else")
}

/// Writes the archive; the second value are blobs that are not what they are called.
fn archive(
    files: &Files<'_>,
    blobs: &BTreeMap<String, u64>,
    index: &[u8],
    look: &mut dyn FnMut(&[u8]),
) -> Result<(Asset, Vec<String>)> {
    let writing = || format!("packing {}", files.path().display());
    let store = Arc::new(nameless().with_context(writing)?);
    let mut rules = Vec::new();
    let mut measure = Measure::default();
    let file = BufWriter::with_capacity(1 << 16, store.clone());
    let mut out = tar::Builder::new(Watched::new(file, |bytes: &[u8]| {
        measure.push(bytes);
        look(bytes);
    }));
    for (name, size) in blobs {
        let path = blob(name);
        let reading = || format!("reading {}", files.path().join(&path).display());
        let file = match files.open(&path)? {
            Ok(file) => file,
            Err(rule) => {
                rules.push(rule);
                continue;
            }
        };
        let mut sha256 = Sha256::new();
        // A file that grows is cut, and hashes to something else then; tar pads one that shrinks.
        let mut hashed = Watched::new(file.take(*size), |bytes: &[u8]| sha256.update(bytes));
        append(&mut out, &path, *size, &mut hashed).with_context(reading)?;
        if hex(&sha256.finalize()) != *name {
            rules.push(broken(name));
        }
    }
    for (name, text) in [("index.json", index), ("oci-layout", MARKER.as_bytes())] {
        append(&mut out, name, text.len() as u64, &mut &*text).with_context(writing)?;
    }
    out.into_inner()
        .and_then(|mut out| out.flush())
        .with_context(writing)?;
    let source = AssetSource::Made {
        of: files.path(),
        store,
        at: 0,
    };
    Ok((measure.finish(source), rules))
}

fn append(
    out: &mut tar::Builder<impl Write>,
    name: &str,
    size: u64,
    from: &mut dyn Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MTIME);
    out.append_data(&mut header, name, from)
}
