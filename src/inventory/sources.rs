//! Sources of assets and images that are templates, and digests that are listed by source. In: the merged layers of nodes. Out:
//! the same with one file and one digest for each entry, so that nodes which resolve to the same files have the same ones.

use std::cell::RefCell;
use std::sync::Arc;

use crate::input;
use crate::inventory::cursor::{Cursor, child_path};
use crate::inventory::files::DigestsBySource;
use crate::inventory::keys::Shaped;
use crate::inventory::kinds::Section;
use crate::inventory::os::Os;
use crate::inventory::rendered::{Names, Rendering};
use crate::inventory::scope;
use crate::inventory::shape::Shape;
use crate::inventory::text::{Release, Text};
use crate::model::FieldLocation;
use crate::project_folder::ProjectFolder;
use crate::report::{Id, Report};
use crate::template::{Scope, Templates};
use crate::yaml::{Located, Map, Value};

/// What names files that are streamed into payloads.
const SECTIONS: [&str; 2] = ["assets", "images"];
/// The keys of an entry that may be templates.
const FIELDS: [&str; 3] = ["source", "sha256", "version"];
/// What their templates may start from: what is the same for nodes with the same settings.
const REPAIR: &str = "here templates see kubelet.version, kubelet.minor, os.arch, os.name and vars, which nodes share; not `node`";
/// All of them are texts.
const TEXT: &Shape = &Shape::Any;

/// The templates of all layers.
#[derive(Default)]
pub struct Sources {
    names: Names,
}

/// Compiled.
pub struct Resolving<'p> {
    templates: (Names, Templates),
    project: &'p ProjectFolder,
}

/// Layers with one file for each entry.
pub struct Resolved {
    /// They; None where nothing was to be resolved.
    pub merged: Option<Located>,
    /// Whether each entry could be resolved; the others are left out.
    pub is_whole: bool,
}

/// What an entry is.
enum Entry {
    Plain,
    Resolved(Map),
    Broken,
}

impl Sources {
    /// Collects the templates of merged layers.
    pub fn collect(&mut self, merged: &Located) {
        for (section, key, entry) in entries(merged) {
            for field in FIELDS {
                if let Some(value) = entry.get(field) {
                    let path = child_path(&child_path(section, key), field);
                    self.names.collect(&value.value, &path);
                }
            }
        }
    }

    /// Compiles them.
    pub fn compile<'p>(
        self,
        project: &'p ProjectFolder,
        report: &RefCell<Report>,
    ) -> Resolving<'p> {
        Resolving {
            templates: self.names.compile(report),
            project,
        }
    }
}

impl Resolving<'_> {
    /// Resolves the entries of merged layers.
    pub fn resolved(&self, merged: &Located, report: &RefCell<Report>) -> Resolved {
        let mut scope = None;
        let mut whole = None;
        let mut is_whole = true;
        for (section, key, entry) in entries(merged) {
            let path = child_path(section, key);
            let asks = |field: &str| entry.get(field).is_some_and(|at| is_asking(&at.value));
            let resolved = if FIELDS.iter().any(|field| asks(field)) {
                let scope = scope.get_or_insert_with(|| scope_of(merged));
                self.entry(entry, &path, scope, report)
            } else {
                Entry::Plain
            };
            if matches!(resolved, Entry::Plain) {
                continue;
            }
            is_whole &= !matches!(resolved, Entry::Broken);
            let whole = whole.get_or_insert_with(|| merged.clone());
            replace(whole, section, key, resolved);
        }
        Resolved {
            merged: whole,
            is_whole,
        }
    }

    fn entry(&self, entry: &Map, path: &str, scope: &Scope, report: &RefCell<Report>) -> Entry {
        let mut resolved = entry.clone();
        for field in FIELDS {
            let Some(at) = resolved.get_mut(field) else {
                continue;
            };
            if !at.value.as_str().is_some_and(Text::looks_like_template) {
                continue;
            }
            let path = child_path(path, field);
            let rendering = Rendering::new(&self.templates, scope, report, REPAIR);
            match rendering.one(&at.value, &path, TEXT) {
                Ok(Some(value)) => at.value = value,
                Ok(None) => {
                    let location = FieldLocation::new(at.value.location.clone(), path);
                    let rule = "the template must name a file; it renders to nothing";
                    let finding = location.finding(Id::TemplateFailed, rule);
                    report.borrow_mut().add(finding);
                    return Entry::Broken;
                }
                Err(()) => return Entry::Broken,
            }
        }
        let Some(source) = entry_source(&resolved, path) else {
            // What is missing or of another kind, the reader of the entry finds.
            return Entry::Resolved(resolved);
        };
        let is_there = self.look_for(&source, report);
        let Some(digests) = resolved.get_mut("sha256") else {
            return Entry::Resolved(resolved);
        };
        let Value::Map(by_source) = &digests.value.value else {
            return Entry::Resolved(resolved);
        };
        let at = Cursor::new(&digests.value, child_path(path, "sha256"), report);
        let before = at.findings_so_far();
        drop(DigestsBySource::read(&at));
        if at.findings_so_far() > before {
            return Entry::Broken;
        }
        match by_source.get(&*source.text) {
            Some(digest) => {
                let digest = digest.value.clone();
                digests.value = digest;
                Entry::Resolved(resolved)
            }
            // Which digest a file has that is not there, nobody knows.
            None if !is_there => Entry::Broken,
            None => {
                let path = child_path(path, "sha256");
                let location = FieldLocation::new(digests.value.location.clone(), path);
                let rule = format!("must have the digest of {}", source.text);
                let finding = location.finding(Id::AssetDigestMissing, rule);
                let repair = format!("add it: `{}: DIGEST`, as sha256sum prints it", source.text);
                report.borrow_mut().add(finding.help(repair));
                Entry::Broken
            }
        }
    }

    /// A file that is not there is found here as well, where it is known which nodes it is missing for. Whether it is there.
    fn look_for(&self, source: &Text, report: &RefCell<Report>) -> bool {
        let found = self.project.find(&*source.text);
        let flaw = found.as_ref().err().and_then(input::mistake);
        if let Some(flaw) = flaw {
            let finding = source.location.no_file(&source.text, &flaw);
            report.borrow_mut().add(finding);
        }
        found.is_ok()
    }
}

/// The file of an entry.
fn entry_source(entry: &Map, path: &str) -> Option<Text> {
    let source = &entry.get("source")?.value;
    Some(Text {
        text: source.as_str()?.into(),
        location: FieldLocation::new(source.location.clone(), child_path(path, "source")),
    })
}

/// Whether a value is a template, or digests by source.
fn is_asking(value: &Located) -> bool {
    match &value.value {
        Value::String(text) => Text::looks_like_template(text),
        Value::Map(_) => true,
        _ => false,
    }
}

/// The entries that are maps, with their section and key.
fn entries(merged: &Located) -> impl Iterator<Item = (&'static str, &Arc<str>, &Arc<Map>)> {
    SECTIONS.into_iter().flat_map(|section| {
        let map = merged.get(section).and_then(Located::as_map).into_iter();
        let map = map.flat_map(|map| map.iter());
        map.filter_map(move |(key, field)| Some((section, key, field.value.as_map()?)))
    })
}

fn replace(whole: &mut Located, section: &str, key: &str, entry: Entry) {
    let Value::Map(layers) = &mut whole.value else {
        return;
    };
    let section = Arc::make_mut(layers).get_mut(section);
    let Some(Value::Map(entries)) = section.map(|field| &mut field.value.value) else {
        return;
    };
    let entries = Arc::make_mut(entries);
    match entry {
        Entry::Resolved(map) => {
            if let Some(field) = entries.get_mut(key) {
                field.value.value = Value::Map(Arc::new(map));
            }
        }
        Entry::Broken => drop(entries.shift_remove(key)),
        Entry::Plain => {}
    }
}

/// What templates see. Values that cannot be read are not there; the reader of the layers has the findings.
fn scope_of(merged: &Located) -> Scope {
    let ignored = RefCell::new(Report::default());
    let at = Cursor::new(merged, "", &ignored);
    let mut scope = Scope::default();
    scope.set("vars", scope::vars(merged.get("vars")));
    let os = match at.find(&["os"]) {
        Some(os) => Section::<Os>::read(&os),
        None => Section::<Os>::absent(&at),
    };
    if let Some(os) = os {
        scope.set("os", scope::os(&os));
    }
    let version = at.find(&["kubernetes"]);
    if let Some(version) = version.and_then(|at| Release::read(&at)) {
        scope.set("kubelet", scope::kubelet(&version));
    }
    scope
}
