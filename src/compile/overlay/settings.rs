//! `overlay.yaml`: modes and owners by glob, declared directories, the state of units, the versions that fit.

use globset::{GlobBuilder, GlobMatcher};

use crate::compile::overlay::{Overlay, OverlayBody, OverlayEntry, UnitState};
use crate::inventory::{Cursor, Fields, mode, owner};
use crate::model::FieldLocation;
use crate::model::{NodePath, Owner};
use crate::tree::unit_name;

/// What `overlay.yaml` says of paths that a glob matches.
pub struct Rule {
    glob: GlobMatcher,
    mode: Option<u32>,
    user: Option<Owner>,
    group: Option<Owner>,
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
        entry.mode = self.mode.unwrap_or(entry.mode);
        if let Some(user) = &self.user {
            entry.user = user.clone();
        }
        if let Some(group) = &self.group {
            entry.group = group.clone();
        }
        entry.secret |= self.secret;
    }

    /// Where a glob that matched nothing stands.
    pub fn unused(&self) -> Option<&FieldLocation> {
        (!self.used).then_some(&self.at)
    }
}

/// Reads `overlay.yaml`.
pub fn settings(fields: &Fields<'_>, overlay: &mut Overlay) -> Vec<Rule> {
    fields
        .required("apiVersion")
        .and_then(|at| at.choice(&[("nodebake/v1", ())]));
    fields
        .required("kind")
        .and_then(|at| at.choice(&[("Overlay", ())]));
    fields.optional("description").and_then(|at| at.string());
    if let Some(versions) = fields.optional("kubernetes").and_then(|at| at.fields()) {
        let minor = |key| versions.optional(key).and_then(|at| at.parse(minor));
        overlay.minors = minor("since").unwrap_or(0)..=minor("until").unwrap_or(u32::MAX);
        versions.finish();
    }
    let entries = |key| {
        fields
            .optional(key)
            .map(|at| at.entries())
            .unwrap_or_default()
    };
    for (path, at) in entries("directories") {
        if let Some(entry) = directory(path, &at) {
            overlay.entries.push(entry);
        }
    }
    for (name, at) in entries("units") {
        overlay.units.extend(unit_state(name, &at));
    }
    entries("files")
        .iter()
        .filter_map(|(glob, at)| rule(glob, at))
        .collect()
}

/// `1.24` or `v1.24`.
fn minor(text: &str) -> std::result::Result<u32, String> {
    let digits = text.trim_start_matches('v').strip_prefix("1.");
    digits
        .and_then(|minor| minor.parse().ok())
        .ok_or_else(|| format!("{text:?} is no minor version like \"1.24\""))
}

fn directory(path: &str, at: &Cursor<'_>) -> Option<OverlayEntry> {
    let fields = at.fields()?;
    let bits = fields
        .optional("mode")
        .and_then(|at| mode(&at))
        .unwrap_or(0o755);
    let user = fields.optional("user").and_then(|at| owner(&at));
    let group = fields.optional("group").and_then(|at| owner(&at));
    fields.finish();
    match NodePath::parse(path) {
        Ok(path) => Some(OverlayEntry {
            path,
            body: OverlayBody::Directory,
            mode: bits,
            user: user.unwrap_or_else(Owner::root),
            group: group.unwrap_or_else(Owner::root),
            secret: false,
            location: at.location().at,
        }),
        Err(rule) => {
            at.error(rule);
            None
        }
    }
}

fn unit_state(name: &str, at: &Cursor<'_>) -> Option<UnitState> {
    if let Err(rule) = unit_name(name) {
        at.error(rule);
    }
    let fields = at.fields()?;
    let state = UnitState {
        name: name.to_owned(),
        enabled: fields.optional("enabled").and_then(|at| at.bool()),
        masked: fields
            .optional("masked")
            .and_then(|at| at.bool())
            .unwrap_or(false),
    };
    fields.finish();
    Some(state)
}

fn rule(glob: &str, at: &Cursor<'_>) -> Option<Rule> {
    let fields = at.fields()?;
    let mode = fields.optional("mode").and_then(|at| mode(&at));
    let user = fields.optional("user").and_then(|at| owner(&at));
    let group = fields.optional("group").and_then(|at| owner(&at));
    let secret = fields
        .optional("secret")
        .and_then(|at| at.bool())
        .unwrap_or(false);
    fields.finish();
    match GlobBuilder::new(glob).literal_separator(true).build() {
        Ok(glob) => Some(Rule {
            glob: glob.compile_matcher(),
            mode,
            user,
            group,
            secret,
            at: at.location(),
            used: false,
        }),
        Err(error) => {
            at.error(format!("is no glob: {}", error.kind()));
            None
        }
    }
}
