//! What layers put on a node: files, directories, links, assets and units, each a map keyed by path or name.

use std::sync::Arc;

use crate::inventory::cursor::{Cursor, Fields};
use crate::inventory::spec::{Text, key_text, text};
use crate::model::Spanned;
use crate::model::{Owner, Sha256Digest};
use crate::tree::unit_name;

/// Mode and owners of an entry, and leave to replace another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, if they were given.
    pub mode: Option<u32>,
    /// Owning user.
    pub user: Owner,
    /// Owning group.
    pub group: Owner,
    /// Whether the entry may replace what earlier layers wrote.
    pub replace: bool,
}

/// Where a file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The text itself, never rendered.
    Content(Text),
    /// A template's text.
    Template(Text),
    /// A file of the project, copied as it is.
    Source(Spanned<String>),
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    /// Its path; may be a template.
    pub path: Text,
    /// Its bytes.
    pub body: Body,
    /// Mode and owners.
    pub attributes: Attributes,
    /// Whether it holds a secret.
    pub secret: bool,
}

/// One directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySpec {
    /// Its path; may be a template.
    pub path: Text,
    /// Mode and owners.
    pub attributes: Attributes,
}

/// One symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    /// Its path; may be a template.
    pub path: Text,
    /// Its target; may be a template.
    pub target: Text,
    /// Whether it may replace what earlier layers wrote.
    pub replace: bool,
}

/// One file of the project that is streamed into the payloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetSpec {
    /// Its path on the node; may be a template.
    pub path: Text,
    /// Its path in the project.
    pub source: Spanned<String>,
    /// What its bytes must hash to.
    pub sha256: Spanned<Sha256Digest>,
    /// The version that must stand in it.
    pub version: Option<Spanned<String>>,
    /// What of it goes to the node, if it is an archive to be unpacked; the path is that of the folder then.
    pub unpack: Option<UnpackSpec>,
    /// Mode and owners.
    pub attributes: Attributes,
}

/// What of an archive goes to the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnpackSpec {
    /// How many components its paths lose at the front, as tar's --strip-components has it.
    pub strip: u8,
    /// Globs of the paths that are left; all where there is none.
    pub only: Vec<Spanned<String>>,
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitSpec {
    /// Its name with suffix.
    pub name: Spanned<String>,
    /// Its text; may be a template.
    pub text: Option<Text>,
    /// Drop-ins by file name.
    pub dropins: Vec<(String, Text)>,
    /// Whether it starts at boot.
    pub enabled: Option<bool>,
    /// Whether it can never start.
    pub masked: bool,
    /// Whether its texts may replace what earlier layers wrote.
    pub replace: bool,
}

/// Reads one entry of `files`.
pub fn file(path: &Arc<str>, at: &Cursor<'_>) -> Option<FileSpec> {
    let fields = at.fields()?;
    let content = fields
        .optional("content")
        .and_then(|at| text(&at))
        .map(Body::Content);
    let template = fields
        .optional("template")
        .and_then(|at| text(&at))
        .map(Body::Template);
    let source = fields
        .optional("source")
        .and_then(|at| at.string_at())
        .map(Body::Source);
    let attributes = attributes(&fields);
    let secret = fields
        .optional("secret")
        .and_then(|at| at.bool())
        .unwrap_or(false);
    fields.finish();
    let mut bodies = [content, template, source].into_iter().flatten();
    let (Some(body), None) = (bodies.next(), bodies.next()) else {
        at.error("needs exactly one of content, template and source");
        return None;
    };
    Some(FileSpec {
        path: key_text(path, at),
        body,
        attributes,
        secret,
    })
}

/// Reads one entry of `directories`.
pub fn directory(path: &Arc<str>, at: &Cursor<'_>) -> Option<DirectorySpec> {
    let fields = at.fields()?;
    let attributes = attributes(&fields);
    fields.finish();
    Some(DirectorySpec {
        path: key_text(path, at),
        attributes,
    })
}

/// Reads one entry of `links`: a target, or a map with one.
pub fn link(path: &Arc<str>, at: &Cursor<'_>) -> Option<LinkSpec> {
    let (target, replace) = match at.located().as_str() {
        Some(_) => (text(at), false),
        None => {
            let fields = at.fields()?;
            let target = fields.required("target").and_then(|at| text(&at));
            let replace = fields.optional("replace").and_then(|at| at.bool());
            fields.finish();
            (target, replace.unwrap_or(false))
        }
    };
    Some(LinkSpec {
        path: key_text(path, at),
        target: target?,
        replace,
    })
}

/// Reads one entry of `assets`.
pub fn asset(path: &Arc<str>, at: &Cursor<'_>) -> Option<AssetSpec> {
    let fields = at.fields()?;
    let unpack = fields.optional("unpack").and_then(|at| unpack(&at));
    let asset = large_file(path, at, &fields);
    fields.finish();
    Some(AssetSpec { unpack, ..asset? })
}

/// `true`, or what of the archive is wanted.
fn unpack(at: &Cursor<'_>) -> Option<UnpackSpec> {
    if at.located().as_map().is_none() {
        return at.bool()?.then(UnpackSpec::default);
    }
    let fields = at.fields()?;
    let strip = fields.optional("strip").and_then(|at| at.integer());
    let only = fields.list("only");
    let only = only.iter().filter_map(|at| at.string_at()).collect();
    fields.finish();
    Some(UnpackSpec {
        strip: strip.unwrap_or_default(),
        only,
    })
}

/// The fields that every file has which is streamed into the payloads.
pub fn large_file(path: &Arc<str>, at: &Cursor<'_>, fields: &Fields<'_>) -> Option<AssetSpec> {
    let source = fields.required("source").and_then(|at| at.string_at());
    let sha256 = fields.required("sha256").and_then(|at| at.parse_at(sha256));
    let version = fields.optional("version").and_then(|at| at.string_at());
    if let Some(version) = version.as_ref().filter(|at| at.value.is_empty()) {
        at.add(version.location.error("is empty"));
    }
    let attributes = attributes(fields);
    Some(AssetSpec {
        version,
        unpack: None,
        path: key_text(path, at),
        source: source?,
        sha256: sha256?,
        attributes,
    })
}

/// Reads one entry of `units`.
pub fn unit(name: &Arc<str>, at: &Cursor<'_>) -> Option<UnitSpec> {
    let fields = at.fields()?;
    let dropins = fields
        .optional("dropins")
        .map(|at| at.entries())
        .unwrap_or_default();
    let unit = UnitSpec {
        name: Spanned {
            value: name.to_string(),
            location: at.key_location(),
        },
        text: fields.optional("text").and_then(|at| text(&at)),
        dropins: dropins
            .iter()
            .filter_map(|(file, at)| dropin(file, at))
            .collect(),
        enabled: fields.optional("enabled").and_then(|at| at.bool()),
        masked: fields
            .optional("masked")
            .and_then(|at| at.bool())
            .unwrap_or(false),
        replace: fields
            .optional("replace")
            .and_then(|at| at.bool())
            .unwrap_or(false),
    };
    fields.finish();
    if let Err(rule) = unit_name(name) {
        at.error(rule);
        return None;
    }
    if unit.masked && (unit.text.is_some() || unit.enabled == Some(true)) {
        at.error("a masked unit can have neither text nor be enabled");
    }
    Some(unit)
}

fn dropin(file: &str, at: &Cursor<'_>) -> Option<(String, Text)> {
    if file.contains('/') || !file.ends_with(".conf") || file.len() < 6 {
        at.key_error("a drop-in's name is one component that ends in .conf");
        return None;
    }
    Some((file.to_owned(), text(at)?))
}

/// Mode, owners and `replace` of an entry.
pub fn attributes(fields: &Fields<'_>) -> Attributes {
    Attributes {
        mode: fields.optional("mode").and_then(|at| mode(&at)),
        user: fields
            .optional("user")
            .and_then(|at| owner(&at))
            .unwrap_or_else(Owner::root),
        group: fields
            .optional("group")
            .and_then(|at| owner(&at))
            .unwrap_or_else(Owner::root),
        replace: fields
            .optional("replace")
            .and_then(|at| at.bool())
            .unwrap_or(false),
    }
}

/// A mode is a quoted octal string: a bare 644 or 0644 means different things to different YAML readers.
pub fn mode(at: &Cursor<'_>) -> Option<u32> {
    const RULE: &str = "a mode must be a quoted octal string";
    const REPAIR: &str = "write it like \"0644\"";
    let digits = at
        .located()
        .as_str()
        .map(|text| text.strip_prefix("0o").unwrap_or(text));
    let mode = digits.filter(|digits| (3..=5).contains(&digits.len()));
    let mode = mode
        .and_then(|digits| u32::from_str_radix(digits, 8).ok())
        .filter(|mode| *mode <= 0o7777);
    if mode.is_none() {
        at.add(at.location().error(RULE).repair(REPAIR));
    }
    mode
}

/// `root`, or a map of name and id: formats differ in which of the two they can say.
pub fn owner(at: &Cursor<'_>) -> Option<Owner> {
    if at.located().as_str() == Some("root") {
        return Some(Owner::root());
    }
    if at.located().as_str().is_some() {
        at.add(
            at.location()
                .error("an owner other than root needs a name and an id")
                .repair("write it like {name: etcd, id: 999}"),
        );
        return None;
    }
    let fields = at.fields()?;
    let name = fields.required("name").and_then(|at| at.string());
    let id = fields.required("id").and_then(|at| at.integer());
    fields.finish();
    Some(Owner {
        id: id?,
        name: name?.into(),
    })
}

fn sha256(text: &str) -> Result<Sha256Digest, &'static str> {
    const RULE: &str = "a SHA-256 digest is 64 hexadecimal digits";
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(RULE);
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| RULE)?;
    }
    Ok(digest)
}
