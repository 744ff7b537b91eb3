//! systemd units of a node: text, drop-ins, enablement, masking. Each packager says them in its own words.

mod check;
mod effective;
mod install;
mod keys;
mod name;
mod programs;
mod text;
mod value;
mod words;

use std::collections::BTreeMap;

pub use check::{Texts, UnitFault, check as check_unit};
pub use effective::Effective;
pub use keys::all as unit_keys;
pub use name::unit_name;
pub use programs::Program;
pub use text::{Position, UnitText, read as read_unit};
pub use value::taken_by as check_value;
pub use words::{raw_words, texts as unit_words};

use crate::model::NodePath;
use crate::tree::{Content, Entry, EntryKind, Origin, Permissions};

/// Where units go. The administrator's folder: it wins over the image's own units.
pub const UNIT_FOLDER: &str = "/etc/systemd/system";

/// One unit. A unit without text is the image's own, and only its drop-ins and state are ours.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The unit file with its origin.
    pub text: Option<(Content, Origin)>,
    /// Drop-ins by file name (`10-x.conf`).
    pub dropins: BTreeMap<String, (Content, Origin)>,
    /// Whether the unit starts at boot; None leaves it to the image.
    pub enabled: Option<bool>,
    /// Whether the unit can never start.
    pub masked: bool,
    /// Who asked for the state, for messages.
    pub origin: Option<Origin>,
    /// Mode and owners of its file (None) and of its drop-ins by name, where they are not the usual ones.
    pub permissions: BTreeMap<Option<String>, Permissions>,
}

/// A path without which a unit does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPath {
    /// The key that names it: `ExecStart`, `EnvironmentFile`.
    pub key: String,
    /// The path itself, absolute.
    pub path: String,
}

/// An enablement link that `systemctl enable` would make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstallLink {
    /// The link, below [`UNIT_FOLDER`].
    pub path: NodePath,
    /// Its target, as `systemctl enable` writes it.
    pub target: String,
}

impl Unit {
    /// The unit's file, drop-ins and mask as entries. Enablement is not among them.
    pub fn entries(&self, name: &str) -> Vec<(NodePath, Entry)> {
        let mut entries = Vec::new();
        let mut push = |path: String, entry: Entry| {
            if let Ok(path) = NodePath::parse(&path) {
                entries.push((path, entry));
            }
        };
        if self.masked {
            // systemd-analyze, systemctl: a link to /dev/null is what masked means (systemctl(1), mask).
            let origin = self.origin.clone().unwrap_or_else(|| Origin("unit".into()));
            push(
                format!("{UNIT_FOLDER}/{name}"),
                Entry::symlink("/dev/null", origin),
            );
        } else if let Some((content, origin)) = &self.text {
            let mut entry = Entry::file(content.clone(), 0o644, origin.clone());
            self.permit(None, &mut entry);
            push(format!("{UNIT_FOLDER}/{name}"), entry);
        }
        for (file, (content, origin)) in &self.dropins {
            let mut entry = Entry::file(content.clone(), 0o644, origin.clone());
            self.permit(Some(file), &mut entry);
            push(format!("{UNIT_FOLDER}/{name}.d/{file}"), entry);
        }
        entries
    }

    /// Those of its files whose mode or owners are not the usual ones. Formats that describe units in words of their own
    /// write these as plain files.
    pub fn guarded_entries(&self, name: &str) -> Vec<(NodePath, Entry)> {
        if self.permissions.is_empty() {
            return Vec::new();
        }
        let mut entries = self.entries(name);
        entries.retain(|(_, entry)| {
            let is_file = matches!(entry.kind, EntryKind::File(_));
            is_file && Permissions::of(entry) != Permissions::default()
        });
        entries
    }

    /// Whether its file (None) or a drop-in has another mode or owner than usual.
    pub fn is_guarded(&self, dropin: Option<&str>) -> bool {
        let permissions = self.permissions.get(&dropin.map(str::to_owned));
        permissions.is_some_and(|permissions| *permissions != Permissions::default())
    }

    /// Gives an entry the mode and the owners of its file (None) or of a drop-in.
    fn permit(&self, dropin: Option<&str>, entry: &mut Entry) {
        if let Some(permissions) = self.permissions.get(&dropin.map(str::to_owned)) {
            permissions.clone().apply(entry);
        }
    }

    /// The link that `systemctl enable` makes for almost every unit of its kind. For the image's own units, whose text we
    /// do not have: a preset enables them on a first boot only, and to systemd an empty /etc/machine-id is none, while
    /// images are often made with one. What pulls the unit in counts, where the link leads does not (systemd.unit(5)).
    pub fn usual_link(name: &str) -> Option<InstallLink> {
        let (stem, kind) = name.rsplit_once('.')?;
        let target = match kind {
            "service" => "multi-user.target",
            "socket" => "sockets.target",
            "timer" => "timers.target",
            _ => return None,
        };
        // A template itself is never started, and an instance's link leads to the template.
        let file = match stem.split_once('@') {
            Some((_, "")) => return None,
            Some((template, _)) => format!("{template}@.{kind}"),
            None => name.to_owned(),
        };
        Some(InstallLink {
            path: NodePath::parse(&format!("{UNIT_FOLDER}/{target}.wants/{name}")).ok()?,
            target: format!("/usr/lib/systemd/system/{file}"),
        })
    }
}
