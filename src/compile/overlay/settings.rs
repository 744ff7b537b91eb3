//! `overlay.yaml`: modes and owners by glob, declared directories, the state of units, the versions that fit.

use globset::{GlobBuilder, GlobMatcher};

use crate::compile::overlay::{Overlay, OverlayBody, OverlayEntry};
use crate::inventory::cursor::Cursor;
use crate::inventory::files::{Mode, UnitName};
use crate::inventory::keys::{choices, keys, texts};
use crate::inventory::kinds::{MapOf, Required, Section};
use crate::inventory::profiles::ApiVersion;
use crate::inventory::text::{Any, PathOnNode};
use crate::model::{FieldLocation, Owner};

keys! {
    /// `overlay.yaml` as it is written.
    pub struct OverlayFile: "overlay" {
        /// the version of this format
        "apiVersion" => _api_version: Required<ApiVersion>,
        /// what this file is
        "kind" => _kind: Required<OverlayKind>,
        /// what it is for
        "description" => _description: Option<Any>,
        /// the minors that it fits
        "kubernetes" => kubernetes: Section<Minors>,
        /// directories by path
        "directories" => directories: MapOf<DirectoryKeys>,
        /// what is said of the files below root/, by glob of their paths on the node
        "files" => files: MapOf<FilesKeys>,
        /// the state of units by name
        "units" => units: MapOf<UnitState>,
    }

    pub struct Minors: "minors" {
        /// the first
        "since" => since: Option<Minor>,
        /// the last
        "until" => until: Option<Minor>,
    }

    pub struct OverlayAttributes: "overlayAttributes" {
        /// permission bits, a quoted octal string
        "mode" => mode: Option<Mode>,
        /// the owning user
        "user" => user: Option<Owner>,
        /// the owning group
        "group" => group: Option<Owner>,
    }

    pub struct DirectoryKeys: "overlayDirectory", by path: PathOnNode, as OverlayEntry = directory {
        first attributes: OverlayAttributes,
    }

    pub struct FilesKeys: "overlayFiles", by glob: Glob, as Rule = rule {
        first attributes: OverlayAttributes,
        /// whether they hold secrets
        "secret" => secret: bool = false,
    }

    /// What an overlay asks of a unit.
    #[derive(Debug)]
    pub struct UnitState: "unitState", by name: UnitName {
        /// whether it starts at boot
        "enabled" => enabled: Option<bool>,
        /// whether it can never start
        "masked" => masked: bool = false,
    }
}

texts! {
    /// A minor of Kubernetes.
    Minor or VersionInvalid: u32 = minor, r"^v*1\.\+?[0-9]+$", ["1.34"];
    /// A glob of paths on the node.
    Glob or GlobInvalid: GlobMatcher = glob, "", ["/usr/local/sbin/*"];
}

choices! {
    /// `kind` of `overlay.yaml`.
    OverlayKind: () = [("Overlay", ())];
}

/// What `overlay.yaml` says of paths that a glob matches.
pub struct Rule {
    glob: GlobMatcher,
    attributes: OverlayAttributes,
    secret: bool,
    at: FieldLocation,
    used: bool,
}

impl Rule {
    /// Changes an entry that the glob matches.
    pub fn apply(&mut self, entry: &mut OverlayEntry) {
        if !self.glob.is_match(entry.path.as_str()) {
            return;
        }
        self.used = true;
        entry.mode = self.attributes.mode.unwrap_or(entry.mode);
        if let Some(user) = &self.attributes.user {
            entry.user = user.clone();
        }
        if let Some(group) = &self.attributes.group {
            entry.group = group.clone();
        }
        entry.secret |= self.secret;
    }

    /// Where a glob that matched nothing is.
    pub fn unused(&self) -> Option<&FieldLocation> {
        (!self.used).then_some(&self.at)
    }
}

/// Puts what `overlay.yaml` says into its overlay; returns what it says of files.
pub fn apply(file: OverlayFile, overlay: &mut Overlay) -> Vec<Rule> {
    let minors = file.kubernetes;
    overlay.minors = minors.since.unwrap_or(0)..=minors.until.unwrap_or(u32::MAX);
    overlay.entries.extend(file.directories);
    overlay.units.extend(file.units);
    file.files
}

/// `1.24` or `v1.24`.
fn minor(text: &str) -> Result<u32, String> {
    let digits = text.trim_start_matches('v').strip_prefix("1.");
    digits
        .and_then(|minor| minor.parse().ok())
        .ok_or_else(|| format!("must be a minor version (for example \"1.24\"); got {text:?}"))
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| format!("is not a glob: {}", error.kind()))
}

fn directory(keys: DirectoryKeys, at: &Cursor<'_>) -> Option<OverlayEntry> {
    let attributes = keys.attributes;
    Some(OverlayEntry {
        path: keys.path,
        body: OverlayBody::Directory,
        mode: attributes.mode.unwrap_or(0o755),
        user: attributes.user.unwrap_or_else(Owner::root),
        group: attributes.group.unwrap_or_else(Owner::root),
        secret: false,
        location: at.location().at,
    })
}

fn rule(keys: FilesKeys, at: &Cursor<'_>) -> Option<Rule> {
    Some(Rule {
        glob: keys.glob,
        attributes: keys.attributes,
        secret: keys.secret,
        at: at.location(),
        used: false,
    })
}
