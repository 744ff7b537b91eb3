//! Ignition: `config.ign`, read once by the initramfs of the first boot. In: a job that [`check`] has no objection to.
//! Out: one JSON line; compact, because clouds limit the size of user data, and `jq .` shows it to people.

mod check;
mod data_url;

use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::{Serialize, Serializer};

pub use check::check;
pub use data_url::DataUrl;
use data_url::StreamedUrl;

use crate::error::Result;
use crate::node::{Content, Entry, EntryKind, NodePath, NodeTree, Origin, Unit, hex};
use crate::payload::archive::PRESET;
use crate::payload::gzip::Gzip;
use crate::payload::{Forms, IgnitionSpec, Job, Output};

/// The file's name.
pub const FILE_NAME: &str = "config.ign";

/// Writes the node's configuration as one file.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    out.file(FILE_NAME, job.tree.has_secrets(), &mut |out| {
        write(job, forms, out)
    })
}

/// Writes the configuration. Keys are always in the same order, nodes in path order, units in name order.
pub fn write(job: &Job<'_>, forms: &Forms, out: &mut dyn Write) -> Result<()> {
    let failure = RefCell::new(None);
    let preset = preset(job.tree);
    let config = config(job, &preset, forms, &failure)?;
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

#[derive(Serialize)]
struct Config<'a> {
    ignition: Header,
    #[serde(skip_serializing_if = "Storage::is_empty")]
    storage: Storage<'a>,
    #[serde(skip_serializing_if = "Systemd::is_empty")]
    systemd: Systemd<'a>,
}

#[derive(Serialize)]
struct Header {
    #[serde(serialize_with = "version")]
    version: IgnitionSpec,
}

fn version<S: Serializer>(
    spec: &IgnitionSpec,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("3.{}.0", spec.minor))
}

#[derive(Default, Serialize)]
struct Storage<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    directories: Vec<Directory<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link<'a>>,
}

impl Storage<'_> {
    fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.files.is_empty() && self.links.is_empty()
    }
}

/// What files, directories and links have in common. Owners are ids: names need an account in the image, ids do not.
#[derive(Serialize)]
struct Node<'a> {
    path: &'a str,
    user: Id,
    group: Id,
    /// Files and links replace what the image has. A directory must not: Ignition would delete what is in it.
    overwrite: bool,
}

#[derive(Serialize)]
struct Id {
    id: u32,
}

#[derive(Serialize)]
struct Directory<'a> {
    #[serde(flatten)]
    node: Node<'a>,
    mode: u32,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(flatten)]
    node: Node<'a>,
    mode: u32,
    contents: Contents<'a>,
}

#[derive(Serialize)]
struct Contents<'a> {
    /// Always there: a configuration that is merged over this one would else inherit the value.
    compression: &'static str,
    source: Source<'a>,
    verification: Verification,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Source<'a> {
    Made(#[serde(serialize_with = "url")] Arc<DataUrl>),
    Streamed(StreamedUrl<'a>),
}

fn url<S: Serializer>(url: &Arc<DataUrl>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&url.url)
}

/// SHA-512, the only digest that every specification knows, of the bytes after decompression, in lower case: Ignition
/// compares it as a string.
#[derive(Serialize)]
struct Verification {
    hash: String,
}

#[derive(Serialize)]
struct Link<'a> {
    #[serde(flatten)]
    node: Node<'a>,
    target: &'a str,
}

#[derive(Default, Serialize)]
struct Systemd<'a> {
    units: Vec<UnitNode<'a>>,
}

impl Systemd<'_> {
    fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

#[derive(Serialize)]
struct UnitNode<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mask: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropins: Vec<Dropin<'a>>,
}

#[derive(Serialize)]
struct Dropin<'a> {
    name: &'a str,
    contents: &'a str,
}

fn config<'a>(
    job: &Job<'a>,
    preset: &'a Option<(NodePath, Entry)>,
    forms: &Forms,
    failure: &'a RefCell<Option<anyhow::Error>>,
) -> Result<Config<'a>> {
    let mut storage = Storage::default();
    let mut gzip = Gzip::new();
    let preset = preset.iter().map(|(path, entry)| (path, entry));
    for (path, entry) in job.tree.entries().iter().chain(preset) {
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
    let units = job.tree.units().iter();
    let units = units.map(|(name, unit)| unit_node(name, unit));
    Ok(Config {
        ignition: Header {
            version: job.settings.ignition,
        },
        storage,
        systemd: Systemd {
            units: units.collect::<Result<_>>()?,
        },
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
