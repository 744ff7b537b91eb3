//! Ignition: `config.ign`, read once by the initramfs of the first boot. In: a job that [`check`] has no objection to.
//! Out: one JSON line; compact, because clouds limit the size of user data, and `jq .` shows it to people.

mod check;
mod data_url;
mod document;

use std::cell::RefCell;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::{Context, bail};
use sha2::{Digest, Sha512};

pub use check::check;
pub use data_url::DataUrl;
use data_url::StreamedUrl;
use document::{
    Config, Contents, Directory, Dropin, File, Header, HeaderConfig, Id, Link, Merge, Node, Source,
    Storage, Systemd, UnitNode, Verification,
};

use crate::error::Result;
use crate::node::{Content, Entry, EntryKind, NodePath, NodeTree, Origin, Unit, hex};
use crate::payload::archive::PRESET;
use crate::payload::gzip::Gzip;
use crate::payload::part::parts;
use crate::payload::{Forms, Job, Output, Part};

/// The file's name.
pub const FILE_NAME: &str = "config.ign";
/// The name of the secret part.
pub const SECRETS_NAME: &str = "config.secrets.ign";

/// Writes the node's configuration as one file, or as two where secrets are kept apart: either a configuration of the
/// user's merges both, or the public one fetches the other from the URL that the settings give.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    let mut merge = None;
    for (part, tree) in parts(job) {
        let job = Job {
            tree: &tree,
            ..*job
        };
        let name = match part {
            Part::Whole | Part::Public => FILE_NAME,
            Part::Secrets => SECRETS_NAME,
        };
        let url = job.settings.ignition_secrets_url.as_ref();
        let url = url.filter(|_| part == Part::Secrets);
        let mut fetched = None;
        out.file(name, tree.has_secrets(), &mut |out| match url {
            None => write(&job, merge.as_ref(), forms, out),
            Some(url) => {
                let digest = Sha512::new();
                let mut hashing = Hashing { out, digest };
                write(&job, None, forms, &mut hashing)?;
                fetched = Some(Merge {
                    source: url.replace("{node}", &job.facts.name),
                    verification: Verification {
                        hash: format!("sha512-{}", hex(&hashing.digest.finalize())),
                    },
                });
                Ok(())
            }
        })?;
        merge = fetched;
    }
    Ok(())
}

/// Hashes what passes through.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    digest: Sha512,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a configuration. Keys are always in the same order, nodes in path order, units in name order.
fn write(job: &Job<'_>, merge: Option<&Merge>, forms: &Forms, out: &mut dyn Write) -> Result<()> {
    let failure = RefCell::new(None);
    let preset = preset(job.tree);
    let config = Config {
        ignition: Header {
            version: job.settings.ignition,
            config: merge.map(|merge| HeaderConfig { merge: [merge] }),
        },
        storage: storage(job.tree, &preset, forms, &failure),
        systemd: systemd(job.tree)?,
    };
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let written = serde_json::to_writer(&mut out, &config);
    // An asset that could not be read is the reason behind serde's error, or leaves a configuration that lacks bytes.
    if let Some(error) = failure.into_inner() {
        return Err(error.context("writing the Ignition configuration"));
    }
    written.context("writing the Ignition configuration")?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

fn storage<'a>(
    tree: &'a NodeTree,
    preset: &'a Option<(NodePath, Entry)>,
    forms: &Forms,
    failure: &'a RefCell<Option<anyhow::Error>>,
) -> Storage<'a> {
    let mut storage = Storage::default();
    let mut gzip = Gzip::new();
    let preset = preset.iter().map(|(path, entry)| (path, entry));
    for (path, entry) in tree.entries().iter().chain(preset) {
        let node = node(path.as_str(), entry);
        let mode = entry.mode;
        match &entry.kind {
            EntryKind::Directory => storage.directories.push(Directory { node, mode }),
            EntryKind::Symlink(target) => storage.links.push(Link { node, target }),
            EntryKind::File(content) => storage.files.push(File {
                node,
                mode,
                contents: contents(content, forms, &mut gzip, failure),
            }),
        }
    }
    storage
}

fn systemd(tree: &NodeTree) -> Result<Systemd<'_>> {
    let units = tree.units().iter();
    let units = units.map(|(name, unit)| unit_node(name, unit));
    Ok(Systemd {
        units: units.collect::<Result<_>>()?,
    })
}

/// A preset for the units that must stay off. Ignition writes one for what it enables, but for a disabled unit only if
/// it is enabled already, which a unit that comes with the configuration never is; and where no preset speaks of a unit,
/// systemd's own default on a first boot is to enable it.
fn preset(tree: &NodeTree) -> Option<(NodePath, Entry)> {
    let mut text = String::new();
    for (name, unit) in tree.units() {
        if unit.enabled == Some(false) && !unit.masked {
            text.push_str("disable ");
            text.push_str(name);
            text.push('\n');
        }
    }
    if text.is_empty() {
        return None;
    }
    let path = NodePath::parse(PRESET).expect("a constant, absolute and normal");
    let origin = Origin("generator preset".into());
    Some((path, Entry::file(Content::bytes(text), 0o644, origin)))
}

fn node<'a>(path: &'a str, entry: &Entry) -> Node<'a> {
    Node {
        path,
        user: Id { id: entry.user.id },
        group: Id { id: entry.group.id },
        overwrite: !matches!(entry.kind, EntryKind::Directory),
    }
}

fn contents<'a>(
    content: &'a Content,
    forms: &Forms,
    gzip: &mut Gzip,
    failure: &'a RefCell<Option<anyhow::Error>>,
) -> Contents<'a> {
    let (compression, source) = match content {
        Content::Asset(_) => ("", Source::Streamed(StreamedUrl::new(content, failure))),
        Content::Blob(blob) => {
            let url = forms.data_urls.of(content, blob, || {
                Arc::new(DataUrl::smallest(blob.bytes(), gzip))
            });
            (if url.gzip { "gzip" } else { "" }, Source::Made(url))
        }
    };
    Contents {
        compression,
        source,
        verification: Verification {
            hash: format!("sha512-{}", hex(&content.sha512())),
        },
    }
}

fn unit_node<'a>(name: &'a str, unit: &'a Unit) -> Result<UnitNode<'a>> {
    let dropins = unit.dropins.iter().map(|(file, (content, _))| {
        Ok(Dropin {
            name: file,
            contents: text(name, content)?,
        })
    });
    let contents = match &unit.text {
        // Masked is a link to /dev/null where the text would be.
        Some((content, _)) if !unit.masked => Some(text(name, content)?),
        _ => None,
    };
    Ok(UnitNode {
        name,
        // A masked unit has no state, and a preset for it would only be confusing.
        enabled: unit.enabled.filter(|_| !unit.masked),
        mask: unit.masked,
        contents,
        dropins: dropins.collect::<Result<_>>()?,
    })
}

fn text<'a>(name: &str, content: &'a Content) -> Result<&'a str> {
    let Content::Blob(blob) = content else {
        bail!("writing unit {name}: an asset is no unit text")
    };
    std::str::from_utf8(blob.bytes()).with_context(|| format!("writing unit {name}"))
}
