//! Profiles: named defaults for a role. The user's `profiles/NAME.yaml` wins over the built-in one of that name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::closest::closest;
use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Shaped, choices, keys, texts};
use crate::inventory::kinds::{Required, plain};
use crate::inventory::layer::layer;
use crate::inventory::layer::merge;
use crate::inventory::spec::Spec;
use crate::inventory::text::Any;
use crate::model::{FieldLocation, Location, Spanned};
use crate::project_folder::{ProjectFolder, SETTINGS};
use crate::report::{Id, Report};
use crate::yaml::Located;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// The layer below every profile.
const DEFAULTS: &str = "defaults";

keys! {
    /// A profile as it is written.
    pub struct ProfileFile: "profile", here layer: Option<Arc<Located>> = layer {
        /// the version of this format
        "apiVersion" => _api_version: Required<ApiVersion>,
        /// what this file is
        "kind" => _kind: Required<ProfileKind>,
        /// what it is for
        "description" => _description: Option<Any>,
        /// other profiles, merged below this one
        "extends" => extends: Vec<Spanned<ProfileName>>,
        also Spec,
    }
}

texts! {
    /// The name of a profile.
    ProfileName: String = plain, r"^[^./\\][^/\\]*$", ["worker"];
}

choices! {
    /// `apiVersion` of every file.
    ApiVersion: () = [("nodebake/v1", ())];
    /// `kind` of a profile.
    ProfileKind: () = [("Profile", ())];
}

/// The profiles that were asked for, each read once.
pub struct Profiles {
    project: ProjectFolder,
    read: HashMap<String, Option<Arc<Located>>>,
}

impl Profiles {
    /// The profiles of a project.
    pub fn new(project: ProjectFolder) -> Self {
        Self {
            project,
            read: HashMap::new(),
        }
    }

    /// The layer below every profile.
    pub fn defaults(&mut self, report: &RefCell<Report>) -> Option<Arc<Located>> {
        let name = Spanned {
            value: DEFAULTS.to_owned(),
            location: FieldLocation::new(Location::file("built-in:profiles"), ""),
        };
        self.resolve(&name, &mut Vec::new(), report)
    }

    /// A profile with all that it extends; None if there is no such thing.
    pub fn get(
        &mut self,
        name: &Spanned<String>,
        report: &RefCell<Report>,
    ) -> Option<Arc<Located>> {
        self.resolve(name, &mut Vec::new(), report)
    }

    fn resolve(
        &mut self,
        name: &Spanned<String>,
        chain: &mut Vec<String>,
        report: &RefCell<Report>,
    ) -> Option<Arc<Located>> {
        if chain.contains(&name.value) {
            let rule = format!(
                "profiles extend each other in a circle: {} → {}",
                chain.join(" → "),
                name.value
            );
            report.borrow_mut().add(
                name.location
                    .finding(Id::ProfileCycle, rule)
                    .help("break the circle"),
            );
            return None;
        }
        if let Some(known) = self.read.get(&name.value) {
            return known.clone();
        }
        chain.push(name.value.clone());
        let resolved = self.read_one(name, chain, report);
        chain.pop();
        self.read.insert(name.value.clone(), resolved.clone());
        resolved
    }

    fn read_one(
        &mut self,
        name: &Spanned<String>,
        chain: &mut Vec<String>,
        report: &RefCell<Report>,
    ) -> Option<Arc<Located>> {
        let (file, text) = self.find(name, report)?;
        let tree = crate::yaml::parse(&file, &text, &mut report.borrow_mut())?;
        let profile = ProfileFile::read(&Cursor::new(&tree, "", report))?;
        let mut merged: Option<Arc<Located>> = None;
        for parent in &profile.extends {
            merged = merge_layers(merged, self.resolve(parent, chain, report));
        }
        // A profile that sets nothing is one all the same.
        let empty = || Arc::new(Located::map(&tree.location, []));
        Some(merge_layers(merged, profile.layer).unwrap_or_else(empty))
    }

    /// The name and text of a profile's file.
    fn find(&self, name: &Spanned<String>, report: &RefCell<Report>) -> Option<(Arc<str>, String)> {
        let file = format!("{}.yaml", name.value);
        if name.value.contains(['/', '\\']) || name.value.starts_with('.') {
            report.borrow_mut().add(
                name.location
                    .finding(Id::NameInvalid, "a profile's name must not be a path"),
            );
            return None;
        }
        let own = format!("profiles/{file}");
        match self.project.read_text(&own, SETTINGS) {
            Ok(text) => return Some((format!("profiles/{file}").into(), text)),
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && !self.project.has(&own) => {}
            Err(error) => {
                report
                    .borrow_mut()
                    .add(name.location.unreadable(&own, &error));
                return None;
            }
        }
        if let Some(text) = BUILT_IN
            .get_file(&file)
            .and_then(|file| file.contents_utf8())
        {
            return Some((format!("built-in:profiles/{file}").into(), text.to_owned()));
        }
        let known = self.names();
        let mut finding = name.location.finding(
            Id::ProfileMissing,
            format!("there is no profile {:?}", name.value),
        );
        finding.help = Some(
            match closest(&name.value, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?").into(),
                None => format!("the profiles are {}", known.join(", ")).into(),
            },
        );
        report.borrow_mut().add(finding);
        None
    }

    /// The names of all profiles that the project may use, sorted.
    fn names(&self) -> Vec<String> {
        let own = self.project.entries("profiles").into_iter();
        let built_in = BUILT_IN
            .files()
            .map(|file| file.path().to_string_lossy().into_owned());
        let mut names: Vec<String> = own
            .chain(built_in)
            .filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
            .filter(|name| name != DEFAULTS)
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Merges one layer into another, either of which may be absent.
pub fn merge_layers(
    below: Option<Arc<Located>>,
    above: Option<Arc<Located>>,
) -> Option<Arc<Located>> {
    match (below, above) {
        (Some(below), Some(above)) => Some(Arc::new(merge(&below, &above))),
        (below, above) => above.or(below),
    }
}
