//! Overlays: a folder's `root/` laid over the node, with modes, owners and unit states from `overlay.yaml`. The
//! user's `overlays/NAME/` wins over the built-in one of that name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use globset::{GlobBuilder, GlobMatcher};
use include_dir::{Dir, include_dir};
use walkdir::WalkDir;

use crate::error::Result;
use crate::inventory::{At, Cursor, Fields, closest, mode, owner, unit_name};
use crate::node::template::{TemplateId, TemplateSet};
use crate::node::{Content, NodePath, Origin, Owner};
use crate::report::{Finding, Place, Report};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/overlays");

/// One overlay, read once however many nodes it is laid over.
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
    /// What lies there.
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
    pub place: Place,
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

/// What an overlay asks of a unit.
#[derive(Debug)]
pub struct UnitState {
    /// Its name.
    pub name: String,
    /// Whether it starts at boot.
    pub enabled: Option<bool>,
    /// Whether it can never start.
    pub masked: bool,
}

/// What `overlay.yaml` says of paths that a glob matches.
struct Rule {
    glob: GlobMatcher,
    mode: Option<u32>,
    user: Option<Owner>,
    group: Option<Owner>,
    secret: bool,
    at: crate::inventory::Spot,
    used: bool,
}

/// A file of an overlay's `root/`, before `overlay.yaml` has its say.
enum Found {
    File(Vec<u8>),
    Symlink(String),
    Other,
}

/// An overlay's files, by path below `root/`, and its `overlay.yaml`.
struct Source {
    name: String,
    settings: Option<String>,
    files: BTreeMap<String, Found>,
}

/// Reads an overlay of the project, or the built-in one. None if there is a finding.
pub fn load(
    project: &Path,
    name: &At<String>,
    templates: &mut TemplateSet,
    report: &mut Report,
) -> Result<Option<Overlay>> {
    if name.value.contains(['/', '\\']) || name.value.starts_with('.') {
        report.add(name.spot.error("an overlay's name is no path"));
        return Ok(None);
    }
    let folder = project.join("overlays").join(&name.value);
    let source = if folder.is_dir() {
        Some(read_folder(&folder, &name.value)?)
    } else {
        BUILT_IN
            .get_dir(&name.value)
            .map(|dir| read_built_in(dir, &name.value))
    };
    let Some(source) = source else {
        let known = names(project);
        let mut finding = name
            .spot
            .error(format!("there is no overlay {:?}", name.value));
        finding.repair = Some(
            match closest(&name.value, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("the overlays are {}", known.join(", ")),
            },
        );
        report.add(finding);
        return Ok(None);
    };
    let collected = RefCell::new(Report::default());
    let overlay = source.read(&name.value, templates, &collected);
    let collected = collected.into_inner();
    let good = !collected.has_errors();
    report.merge(collected);
    Ok(overlay.filter(|_| good))
}

fn names(project: &Path) -> Vec<String> {
    let own = std::fs::read_dir(project.join("overlays"))
        .into_iter()
        .flatten()
        .flatten();
    let own = own.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let built_in = BUILT_IN
        .dirs()
        .map(|dir| dir.path().to_string_lossy().into_owned());
    let mut names: Vec<String> = own.chain(built_in).collect();
    names.sort();
    names.dedup();
    names
}

fn read_folder(folder: &Path, name: &str) -> Result<Source> {
    let settings = folder.join("overlay.yaml");
    let settings = match std::fs::read_to_string(&settings) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("reading {}", settings.display())),
    };
    let root = folder.join("root");
    let mut files = BTreeMap::new();
    let entries = WalkDir::new(&root).min_depth(1).sort_by_file_name();
    for entry in entries.into_iter().filter(|_| root.is_dir()) {
        let entry = entry.with_context(|| format!("reading {}", root.display()))?;
        let reading = || format!("reading {}", entry.path().display());
        let kind = entry.file_type();
        let found = if kind.is_dir() {
            continue;
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).with_context(reading)?;
            Found::Symlink(target.to_string_lossy().into_owned())
        } else if kind.is_file() {
            Found::File(std::fs::read(entry.path()).with_context(reading)?)
        } else {
            Found::Other
        };
        let below = entry.path().strip_prefix(&root).with_context(reading)?;
        let _ = files.insert(below.to_string_lossy().into_owned(), found);
    }
    Ok(Source {
        name: format!("overlays/{name}"),
        settings,
        files,
    })
}

fn read_built_in(dir: &'static Dir<'static>, name: &str) -> Source {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let below = file.path().strip_prefix(format!("{name}/root"));
            if let Ok(below) = below {
                let path = below.to_string_lossy().into_owned();
                let _ = files.insert(path, Found::File(file.contents().to_vec()));
            }
        }
    }
    let settings = dir.get_file(format!("{name}/overlay.yaml"));
    Source {
        name: format!("built-in:overlays/{name}"),
        settings: settings
            .and_then(|file| file.contents_utf8())
            .map(str::to_owned),
        files,
    }
}

impl Source {
    fn read(
        self,
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
        let file: Arc<str> = format!("{}/overlay.yaml", self.name).into();
        let mut rules = Vec::new();
        if let Some(text) = &self.settings {
            let tree = crate::yaml::parse(&file, text, &mut report.borrow_mut())?;
            let fields = Cursor::new(&tree, "", report).fields()?;
            rules = settings(&fields, &mut overlay);
            fields.finish();
        }
        for (below, found) in self.files {
            let place = Place::file(format!("{}/root/{below}", self.name));
            if let Some(entry) = entry(&below, found, &mut rules, (place, templates, report)) {
                overlay.entries.push(entry);
            }
        }
        for rule in rules.iter().filter(|rule| !rule.used) {
            report.borrow_mut().add(
                rule.at
                    .error("matches nothing")
                    .repair("mend the glob or remove it"),
            );
        }
        overlay.entries.sort_by(|a, b| a.path.cmp(&b.path));
        Some(overlay)
    }
}

/// Reads `overlay.yaml`.
fn settings(fields: &Fields<'_>, overlay: &mut Overlay) -> Vec<Rule> {
    let _ = fields
        .required("apiVersion")
        .and_then(|at| at.choice(&[("nodebake/v1", ())]));
    let _ = fields
        .required("kind")
        .and_then(|at| at.choice(&[("Overlay", ())]));
    let _ = fields.optional("description").and_then(|at| at.string());
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
            place: at.spot().place,
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
            at: at.spot(),
            used: false,
        }),
        Err(error) => {
            at.error(format!("is no glob: {}", error.kind()));
            None
        }
    }
}

/// What an entry needs beside itself: its place, and where templates and findings go.
type Surroundings<'a, 'b> = (Place, &'a mut TemplateSet, &'b RefCell<Report>);

/// Makes an entry of a file; a name that ends in `.tera` is a template and loses the ending.
fn entry(
    below: &str,
    found: Found,
    rules: &mut [Rule],
    around: Surroundings<'_, '_>,
) -> Option<OverlayEntry> {
    let (place, templates, report) = around;
    let add = |rule: String| report.borrow_mut().add(Finding::error(&place, "", rule));
    let name = below.strip_suffix(".tera").unwrap_or(below);
    let path = match NodePath::parse(&format!("/{name}")) {
        Ok(path) => path,
        Err(rule) => {
            add(rule.to_owned());
            return None;
        }
    };
    let body = match found {
        Found::Symlink(target) => OverlayBody::Symlink(target),
        Found::File(bytes) if name == below => OverlayBody::Static(Content::shared(bytes)),
        Found::File(bytes) => match String::from_utf8(bytes) {
            Ok(text) => OverlayBody::Template(templates.add(&text.into(), &place, &"".into())),
            Err(_) => {
                add("a template must be UTF-8".to_owned());
                return None;
            }
        },
        Found::Other => {
            add("is neither a file, a directory nor a symbolic link".to_owned());
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
        place,
    };
    for rule in rules
        .iter_mut()
        .filter(|rule| rule.glob.is_match(entry.path.as_str()))
    {
        rule.used = true;
        entry.mode = rule.mode.unwrap_or(entry.mode);
        entry.user = rule.user.clone().unwrap_or(entry.user);
        entry.group = rule.group.clone().unwrap_or(entry.group);
        entry.secret |= rule.secret;
    }
    if entry.secret && entry.mode & 0o077 != 0 {
        entry.mode &= 0o700;
    }
    Some(entry)
}
