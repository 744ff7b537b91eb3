//! What layers put on a node: files, directories, links, assets and units, each a map keyed by path or name.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Entry, EntryKey, Shaped, TextKind, keys, texts};
use crate::inventory::kinds::{MapOf, Pair, Switch, plain};
use crate::inventory::shape::{Rule, Shape};
use crate::inventory::text::{ProjectFile, Shared, Text, checked, templates};
use crate::model::{FieldLocation, Location, Owner, Sha256Digest, Spanned};
use crate::report::Id;
use crate::tree::unit_name;

keys! {
    /// Mode and owners of an entry, and leave to replace another one.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Attributes: "attributes" {
        /// permission bits, a quoted octal string
        "mode" => mode: Option<Mode>,
        /// the owning user
        "user" => user: Owner = "root",
        /// the owning group
        "group" => group: Owner = "root",
        /// whether it may overwrite what earlier layers wrote at its path
        "replace" => replace: bool = false,
    }
}

/// Where a file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The text itself, never rendered.
    Content(Spanned<Arc<str>>),
    /// A template's text.
    Template(Text),
    /// A file of the project, copied as it is.
    Source(Spanned<String>),
    /// What an overlay, a generator or a unit writes there: only its mode and owners change.
    Elsewhere(PermissionChange),
}

/// Mode and owners of a file that something else writes, as far as they are set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionChange {
    /// Permission bits.
    pub mode: Option<u32>,
    /// The owning user.
    pub user: Option<Owner>,
    /// The owning group.
    pub group: Option<Owner>,
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

keys! {
    pub struct FileKeys: "file", by path: PathText, as FileSpec = file {
        /// its text, never rendered
        "content" => content: Option<Spanned<Shared>>,
        /// its text, rendered for each node
        "template" => template: Option<Template>,
        /// a file of the project, copied as it is
        "source" => source: Option<Spanned<ProjectFile>>,
        /// whether it holds a secret
        "secret" => secret: bool = false,
        then attributes: Attributes,
    }

    /// One directory.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DirectorySpec: "directory", by path: PathText {
        then attributes: Attributes,
    }

    /// One symbolic link.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LinkSpec: "link", by path: PathText {
        /// where it points to
        "target" => target: LinkTarget,
        /// whether it may overwrite what earlier layers wrote at its path
        "replace" => replace: bool = false,
    }

    /// A file of the project that is streamed into the payloads.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LargeFile: "largeFile" {
        /// a file of the project, streamed into payloads; may be a template of what nodes share (os.arch, kubelet.version, vars)
        "source" => source: Spanned<AssetSource>,
        /// the digest that it must have, or a map of digests by source
        "sha256" => sha256: Spanned<Digest>,
        /// the version that the program must contain
        "version" => version: Option<Spanned<FileVersion>>,
    }

    /// One file of the project that is streamed into the payloads; if it is an archive to be unpacked, the path is that of
    /// the folder.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AssetSpec: "asset", by path: PathText {
        first file: LargeFile,
        /// whether it is an archive whose files go below the path
        "unpack" => unpack: Switch<UnpackSpec> = false,
        then attributes: Attributes,
    }

    /// What of an archive goes to the node.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UnpackSpec: "unpack" {
        /// how many components paths lose at the front
        "strip" => strip: u8 = 0,
        /// globs of the paths that are left; all without it
        "only" => only: Vec<Spanned<ArchiveGlob>>,
    }

    /// One unit.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UnitSpec: "unit", by name: Spanned<UnitName>, as UnitSpec = unit {
        /// its text; without it the image's own unit is meant
        "text" => text: Option<UnitText>,
        /// drop-ins by file name
        "dropins" => dropins: MapOf<Pair<DropinName, UnitText>>,
        /// whether it starts at boot; without it that is left as it is
        "enabled" => enabled: Option<bool>,
        /// whether it can never start
        "masked" => masked: bool = false,
        /// permission bits of its file and drop-ins, whichever layer wrote them; a quoted octal string
        "mode" => mode: Option<Mode>,
        /// whether it may overwrite what earlier layers wrote at its path
        "replace" => replace: bool = false,
    }
}

texts! {
    /// A glob of paths in an archive.
    ArchiveGlob: String = plain, "", ["bin/containerd*"];
    /// A SHA-256 digest.
    Sha256 or DigestInvalid: Sha256Digest = sha256, r"^[0-9A-Fa-f]{64}$",
        ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"];
    /// The version that a program must contain.
    FileVersion or VersionInvalid: String = file_version, "^(.|\\n)", ["1.1.12"];
    /// A unit of systemd.
    UnitName or UnitNameInvalid: String = |name| unit_name(name).map(|()| name.to_owned()),
        r"^[A-Za-z0-9:_.\\@-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$",
        ["containerd.service"];
    /// A drop-in's file name.
    DropinName or NameInvalid: String = dropin_name, r"^[^/]+\.conf$", ["10-limits.conf"];
    /// A name that owns files.
    OwnerName: String = plain, "", ["etcd"];
}

templates! {
    /// Any text, rendered.
    Template: "", [];
    /// A path on the node, rendered.
    PathText: r"^/.", ["/etc/example"];
    /// Where a link points to.
    LinkTarget: "", ["../usr/share/zoneinfo/UTC"];
    /// A unit's text.
    UnitText: "", ["[Service]\nExecStart=/bin/true\n"];
}

impl AssetSpec {
    /// Where its text stands: in a file of the project.
    pub fn text_location(&self) -> FieldLocation {
        let source = &self.file.source;
        let file = Location::file(source.value.as_str());
        FieldLocation::new(file, source.location.path.clone())
    }
}

/// A file of the project. Templates are rendered before it is read.
pub enum AssetSource {}

impl TextKind for AssetSource {
    type Parsed = String;
    const LOOK: &'static Rule = &Rule {
        pattern: "",
        examples: &["files/kubelet-{{ os.arch }}-{{ kubelet.version }}"],
        template: true,
    };
    const ID: Id = Id::ValueTypeWrong;

    fn parse(text: &str, _: impl FnOnce() -> FieldLocation) -> Result<String, String> {
        plain(text)
    }
}

/// The digest of a file. The one of several by their sources is chosen before it is read.
pub enum Digest {}

impl Shaped for Digest {
    type Value = Sha256Digest;
    const SHAPE: Shape = Shape::Either(&[Sha256::SHAPE, DigestsBySource::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<Sha256Digest> {
        if at.located().as_map().is_some() {
            // There is one left only where the source is missing, which is a finding.
            drop(DigestsBySource::read(at));
            return None;
        }
        Sha256::read(at)
    }
}

/// Digests of files by their sources.
pub type DigestsBySource = MapOf<Pair<ProjectFile, Sha256>>;

/// A link is written as its target, or as a map with one.
pub enum Link {}

impl Shaped for Link {
    type Value = LinkSpec;
    const SHAPE: Shape = Shape::Either(&[LinkTarget::SHAPE, LinkSpec::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<LinkSpec> {
        if at.located().as_str().is_none() {
            return LinkSpec::read(at);
        }
        Some(LinkSpec {
            path: PathText::read_key(at)?,
            target: LinkTarget::read(at)?,
            replace: false,
        })
    }
}

impl Entry for Link {
    const KEY: &'static Rule = PathText::RULE;
}

fn file(keys: FileKeys, at: &Cursor<'_>) -> Option<FileSpec> {
    let written = ["content", "template", "source"];
    let written = written.iter().filter(|key| at.has(key)).count();
    let bodies = [
        keys.content.map(Body::Content),
        keys.template.map(Body::Template),
        keys.source.map(Body::Source),
    ];
    let mut bodies = bodies.into_iter().flatten();
    let is_permitted = ["mode", "user", "group"].iter().any(|key| at.has(key));
    let is_elsewhere = is_permitted && !at.has("secret") && !at.has("replace");
    let body = match written {
        0 if is_elsewhere => Body::Elsewhere(PermissionChange {
            mode: keys.attributes.mode,
            user: at.has("user").then(|| keys.attributes.user.clone()),
            group: at.has("group").then(|| keys.attributes.group.clone()),
        }),
        1 => bodies.next()?,
        _ => {
            let finding = at.location().finding(
                Id::FieldsExclusive,
                "needs exactly one of content, template and source",
            );
            at.add(finding.help(
                "with none of them, mode, user and group change a file that something else writes",
            ));
            return None;
        }
    };
    Some(FileSpec {
        path: keys.path,
        body,
        attributes: keys.attributes,
        secret: keys.secret,
    })
}

fn unit(unit: UnitSpec, at: &Cursor<'_>) -> Option<UnitSpec> {
    if unit.masked && (unit.text.is_some() || unit.enabled == Some(true)) {
        at.report(
            Id::UnitMaskedAndUsed,
            "a masked unit can have neither text nor be enabled",
        );
    }
    Some(unit)
}

fn file_version(text: &str) -> Result<String, String> {
    checked(text, !text.is_empty(), || "is empty")
}

fn dropin_name(file: &str) -> Result<String, String> {
    let good = !file.contains('/') && file.ends_with(".conf") && file.len() > 5;
    checked(
        file,
        good,
        || "a drop-in's name is one component that ends in .conf",
    )
}

/// Permission bits.
pub enum Mode {}

/// A mode is a quoted octal string: a bare 644 or 0644 means different things to different YAML readers.
impl Shaped for Mode {
    type Value = u32;
    const SHAPE: Shape = Shape::Text(&Rule {
        pattern: "^(0o)?[0-7]{3,5}$",
        examples: &["0644"],
        template: false,
    });

    fn read(at: &Cursor<'_>) -> Option<u32> {
        let text = at.located().as_str();
        let digits = text.map(|text| text.strip_prefix("0o").unwrap_or(text));
        let mode = digits
            .filter(|digits| (3..=5).contains(&digits.len()))
            .and_then(|digits| u32::from_str_radix(digits, 8).ok())
            .filter(|mode| *mode <= 0o7777);
        if mode.is_none() {
            let finding = at
                .location()
                .finding(Id::FileModeInvalid, "a mode must be a quoted octal string");
            at.add(finding.help("write it like \"0644\""));
        }
        mode
    }
}

keys! {
    struct NamedOwner: "owner" {
        /// its name
        "name" => name: OwnerName,
        /// its number
        "id" => id: u32,
    }
}

/// `root`, or a map of name and id: formats differ in which of the two they support.
impl Shaped for Owner {
    type Value = Self;
    const SHAPE: Shape = Shape::Either(&[Shape::Words(&["root"]), NamedOwner::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<Self> {
        match at.located().as_str() {
            Some("root") => Some(Self::root()),
            Some(_) => {
                let finding = at.location().finding(
                    Id::OwnerInvalid,
                    "an owner other than root needs a name and an id",
                );
                at.add(finding.help("write it like {name: etcd, id: 999}"));
                None
            }
            None => NamedOwner::read(at).map(|owner| Self {
                id: owner.id,
                name: owner.name.into(),
            }),
        }
    }
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
