//! Overlays: a folder's `root/` copied over the node, with modes, owners and unit states from `overlay.yaml`. The
//! user's `overlays/NAME/` wins over the built-in one of that name.

mod listed;
mod settings;
mod source;

pub use listed::{BuiltInOverlay, ListedOverlay, built_in_overlay, overlays};
pub use settings::UnitState;

use std::cell::RefCell;
use std::sync::Arc;

use crate::closest::closest;
use crate::compile::overlay::settings::{OverlayFile, Rule};
use crate::compile::overlay::source::{Found, OverlaySource};
use crate::error::Result;
use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Keys, Shaped};
use crate::inventory::shape::Struct;
use crate::model::{Location, Spanned};
use crate::model::{NodePath, Owner};
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id, Report};
use crate::template::{TemplateId, TemplateSet};
use crate::tree::{Content, Origin};

/// The table of `overlay.yaml`.
pub static OVERLAY: &Struct = OverlayFile::TABLE;

/// One overlay, read once however many nodes it is applied to.
#[derive(Debug)]
pub struct Overlay {
    /// Who wrote its entries.
    pub origin: Origin,
    /// Its entries in path order.
    pub entries: Vec<OverlayEntry>,
    /// The state of units, by name.
    pub units: Vec<UnitState>,
    /// The minors that it fits.
    pub minors: std::ops::RangeInclusive<u32>,
}

/// One path of an overlay.
#[derive(Debug)]
pub struct OverlayEntry {
    /// Where it goes.
    pub path: NodePath,
    /// What is there.
    pub body: OverlayBody,
    /// Permission bits.
    pub mode: u32,
    /// Owning user.
    pub user: Owner,
    /// Owning group.
    pub group: Owner,
    /// Whether it holds a secret.
    pub secret: bool,
    /// Where it was written, for findings.
    pub location: Location,
}

/// What an overlay puts at a path.
#[derive(Debug)]
pub enum OverlayBody {
    /// The same bytes for every node.
    Static(Content),
    /// Rendered for each node.
    Template(TemplateId),
    /// A declared directory.
    Directory,
    /// A symbolic link, as it is.
    Symlink(String),
}

/// Reads an overlay of the project, or the built-in one. None if there is a finding.
pub fn load(
    project: &ProjectFolder,
    name: &Spanned<String>,
    templates: &mut TemplateSet,
    report: &mut Report,
) -> Result<Option<Overlay>> {
    if name.value.is_empty() || name.value.contains(['/', '\\']) || name.value.starts_with('.') {
        report.add(
            name.location
                .finding(Id::NameInvalid, "an overlay's name must not be a path"),
        );
        return Ok(None);
    }
    let Some(source) = source::find(project, name, report)? else {
        return Ok(None);
    };
    let Some(source) = source else {
        let known = source::names(project);
        let mut finding = name.location.finding(
            Id::OverlayMissing,
            format!("there is no overlay {:?}", name.value),
        );
        finding.help = Some(
            match closest(&name.value, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?").into(),
                None => format!("the overlays are {}", known.join(", ")).into(),
            },
        );
        report.add(finding);
        return Ok(None);
    };
    let collected = RefCell::new(Report::default());
    let overlay = read(source, &name.value, templates, &collected);
    let collected = collected.into_inner();
    let good = !collected.has_errors();
    report.merge(collected);
    Ok(overlay.filter(|_| good))
}

/// Makes an overlay of its files and what `overlay.yaml` says of them.
fn read(
    source: OverlaySource,
    name: &str,
    templates: &mut TemplateSet,
    report: &RefCell<Report>,
) -> Option<Overlay> {
    let mut overlay = Overlay {
        origin: Origin(format!("overlay {name}").into()),
        entries: Vec::new(),
        units: Vec::new(),
        minors: 0..=u32::MAX,
    };
    let file: Arc<str> = format!("{}/overlay.yaml", source.name).into();
    let mut rules = Vec::new();
    if let Some(settings) = &source.settings {
        let Ok(text) = std::str::from_utf8(settings) else {
            let finding = Finding::new(Id::FileNotUtf8, &Location::file(file), "", "is not UTF-8");
            report.borrow_mut().add(finding);
            return None;
        };
        let tree = crate::yaml::parse(&file, text, &mut report.borrow_mut())?;
        let file = OverlayFile::read(&Cursor::new(&tree, "", report))?;
        rules = settings::apply(file, &mut overlay);
    }
    for unread in &source.unread {
        let rule = "is not below root/, so that no node gets it";
        let finding = Finding::new(
            Id::OverlayFileInvalid,
            &Location::file(unread.as_str()),
            "",
            rule,
        );
        report
            .borrow_mut()
            .add(finding.help("move it to root/ of the overlay"));
    }
    // One of an overlay's files that is secret may be any of them.
    let settings = source.settings.as_deref().unwrap_or_default();
    let is_open = !String::from_utf8_lossy(settings).contains("secret");
    for (below, found) in source.files {
        let location = Location::file(format!("{}/root/{below}", source.name));
        if let (true, true, Found::File(text)) = (is_open, below.ends_with(".tera"), &found) {
            let text = String::from_utf8_lossy(text);
            report
                .borrow_mut()
                .remember(&location.file, &text, Vec::new());
        }
        if let Some(entry) = entry(&below, found, &mut rules, (location, templates, report)) {
            overlay.entries.push(entry);
        }
    }
    for location in rules.iter().filter_map(Rule::unused) {
        let finding = location.finding(Id::OverlayRuleUnused, "matches nothing");
        report
            .borrow_mut()
            .add(finding.help("correct the glob or remove it"));
    }
    overlay.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Some(overlay)
}
/// What an entry needs beside itself: its location, and where templates and findings go.
type Surroundings<'a, 'b> = (Location, &'a mut TemplateSet, &'b RefCell<Report>);

/// Makes an entry of a file; a name that ends in `.tera` is a template and loses the ending.
fn entry(
    below: &str,
    found: Found,
    rules: &mut [Rule],
    around: Surroundings<'_, '_>,
) -> Option<OverlayEntry> {
    let (location, templates, report) = around;
    let add = |rule: String| {
        report
            .borrow_mut()
            .add(Finding::new(Id::OverlayFileInvalid, &location, "", rule))
    };
    let name = below.strip_suffix(".tera").unwrap_or(below);
    let path = match NodePath::parse(&format!("/{name}")) {
        Ok(path) => path,
        Err(rule) => {
            add(rule.to_owned());
            return None;
        }
    };
    let body = match body(found, name != below, (&location, templates)) {
        Ok(body) => body,
        Err(rule) => {
            add(rule.to_owned());
            return None;
        }
    };
    let mut entry = OverlayEntry {
        path,
        body,
        // The checkout's own mode depends on the umask and on git; only overlay.yaml counts.
        mode: 0o644,
        user: Owner::root(),
        group: Owner::root(),
        secret: false,
        location,
    };
    for rule in rules {
        rule.apply(&mut entry);
    }
    if entry.secret && entry.mode & 0o077 != 0 {
        entry.mode &= 0o700;
    }
    Some(entry)
}

/// [`SOURCE`] is that limit.
const TOO_LONG: &str =
    "is longer than 256 MiB, the limit; name it under `assets`, which are streamed";

/// What a file puts at its path; the error is the rule that it breaks.
fn body(
    found: Found,
    is_template: bool,
    (location, templates): (&Location, &mut TemplateSet),
) -> std::result::Result<OverlayBody, &'static str> {
    match found {
        Found::Symlink(target) => Ok(OverlayBody::Symlink(target)),
        Found::File(bytes) if !is_template => Ok(OverlayBody::Static(Content::shared(bytes))),
        Found::File(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| "a template must be UTF-8")?;
            Ok(OverlayBody::Template(templates.add(
                &text.into(),
                location,
                &"".into(),
            )))
        }
        Found::Other => Err("is neither a file, a directory nor a symbolic link"),
        Found::TooLong => Err(TOO_LONG),
        Found::NoText => Err("has a name or a target that is not UTF-8"),
    }
}
