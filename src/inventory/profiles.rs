//! Profiles: named defaults for a role. The user's `profiles/NAME.yaml` wins over the built-in one of that name.

mod listed;
mod systems;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::closest::closest;
use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::layers::{InterfaceLayer, written as interfaces};
use crate::inventory::keys::{Shaped, choices, keys};
use crate::inventory::kinds::{MapOf, Required};
use crate::inventory::layer::layer;
use crate::inventory::levels::FindingLevel;
use crate::inventory::nodes::Node;
use crate::inventory::spec::Spec;
use crate::inventory::text::{Any, ProfileName};
use crate::model::{FieldLocation, Location, Spanned};
use crate::project_folder::{ProjectFolder, SETTINGS};
use crate::report::{Id, LevelScope, Levels, Report};
use crate::yaml::Located;

pub use listed::{built_in_profile, description, profiles};
pub use systems::check as check_systems;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// What comes before the name of a built-in profile that one of the project hides.
const BUILT_IN_PREFIX: &str = "built-in:";
/// The layer below every profile.
const DEFAULTS: &str = "defaults";

keys! {
    /// A profile as it is written.
    pub struct ProfileFile: "profile",
        here layer: Option<Arc<Located>> = layer,
        here interfaces: Option<Arc<Located>> = interfaces
    {
        /// the version of this format
        "apiVersion" => _api_version: Required<ApiVersion>,
        /// what this file is
        "kind" => _kind: Required<ProfileKind>,
        /// what it is for
        "description" => _description: Option<Any>,
        /// other profiles, whose settings this one overrides; its own name, or `built-in:NAME`, is the built-in one
        "extends" => extends: Vec<Spanned<ProfileName>>,
        /// network interfaces by name, of every node that uses it
        "interfaces" => _interfaces: InterfaceLayer,
        /// findings about its nodes that are accepted or taken more seriously, by their id, and rules of benchmarks by number
        "findings" => findings: MapOf<FindingLevel>,
        also Spec,
    }
}

choices! {
    /// `apiVersion` of every file.
    ApiVersion: () = [("nodebake/v1", ())];
    /// `kind` of a profile.
    ProfileKind: () = [("Profile", ())];
}

/// One profile's own settings, without those of the profiles that it extends.
#[derive(Clone, Debug)]
pub struct ProfileLayer {
    /// The file, by which a profile is known.
    pub file: Arc<str>,
    /// The settings; None where it has none.
    pub layer: Option<Arc<Located>>,
    /// Its interfaces, in a map of their own.
    pub interfaces: Option<Arc<Located>>,
}

/// The profiles that were asked for, each read once.
pub struct Profiles {
    project: ProjectFolder,
    read: HashMap<String, Option<Arc<[ProfileLayer]>>>,
    /// What each says of findings, those that a profile extends before it.
    levels: Vec<ProfileLevels>,
}

/// What one profile says of findings.
struct ProfileLevels {
    file: Arc<str>,
    levels: Vec<FindingLevel>,
}

impl Profiles {
    /// The profiles of a project.
    pub fn new(project: ProjectFolder) -> Self {
        Self {
            project,
            read: HashMap::new(),
            levels: Vec::new(),
        }
    }

    /// The layer below every profile.
    pub fn defaults(&mut self, report: &RefCell<Report>) -> Option<Arc<[ProfileLayer]>> {
        let name = Spanned {
            value: DEFAULTS.to_owned(),
            location: FieldLocation::new(Location::file("built-in:profiles"), ""),
        };
        self.resolve(&name, &mut Vec::new(), report)
    }

    /// A profile after all that it extends, the outermost first; None if there is no such profile.
    pub fn get(
        &mut self,
        name: &Spanned<String>,
        report: &RefCell<Report>,
    ) -> Option<Arc<[ProfileLayer]>> {
        self.resolve(name, &mut Vec::new(), report)
    }

    /// What the profiles say of findings, each for the nodes that use it. `shared` are the profiles of every node.
    pub fn levels(&self, shared: &[Spanned<String>], nodes: &[Node]) -> Levels {
        let mut levels = Levels::default();
        for said in &self.levels {
            let uses = |names: &[Spanned<String>]| {
                let read = names.iter().filter_map(|name| self.read.get(&name.value));
                let mut layers = read.flatten().flat_map(|layers| layers.iter());
                layers.any(|layer| layer.file == said.file)
            };
            let mut scope = LevelScope {
                file: said.file.clone(),
                nodes: BTreeSet::new(),
                items: BTreeSet::new(),
                is_of_cluster: uses(shared),
            };
            if !scope.is_of_cluster {
                let mut others = BTreeSet::new();
                for node in nodes {
                    let item = &node.name.location.path;
                    let item = item.find(']').map(|end| item[..=end].to_owned());
                    if uses(&node.profiles) {
                        scope.nodes.insert(node.name.value.clone());
                        scope.items.extend(item);
                    } else {
                        others.extend(item);
                    }
                }
                scope.items.retain(|item| !others.contains(item));
            }
            let scope = Arc::new(scope);
            for (id, rule) in said.levels.iter().map(FindingLevel::rule) {
                levels.add_of(&scope, id, rule);
            }
        }
        levels
    }

    fn resolve(
        &mut self,
        name: &Spanned<String>,
        chain: &mut Vec<String>,
        report: &RefCell<Report>,
    ) -> Option<Arc<[ProfileLayer]>> {
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
    ) -> Option<Arc<[ProfileLayer]>> {
        let (file, text) = self.find(name, report)?;
        let tree = crate::yaml::parse(&file, &text, &mut report.borrow_mut())?;
        let profile = ProfileFile::read(&Cursor::new(&tree, "", report))?;
        let mut layers: Vec<ProfileLayer> = Vec::new();
        let mut parents: Vec<(Spanned<String>, Arc<[ProfileLayer]>)> = Vec::new();
        for parent in &profile.extends {
            let mut parent = parent.clone();
            // A profile that extends its own name means the built-in one that it hides.
            if parent.value == name.value && built_in(&name.value).is_some() {
                parent.value.insert_str(0, BUILT_IN_PREFIX);
            }
            let of_parent = self.resolve(&parent, chain, report);
            for layer in of_parent.iter().flat_map(|layers| layers.iter()) {
                if !layers.iter().any(|known| known.file == layer.file) {
                    layers.push(layer.clone());
                }
            }
            parents.extend(of_parent.map(|layers| (parent, layers)));
        }
        systems::check(&parents, report);
        if !profile.findings.is_empty() {
            self.levels.push(ProfileLevels {
                file: file.clone(),
                levels: profile.findings,
            });
        }
        layers.push(ProfileLayer {
            file,
            layer: profile.layer,
            interfaces: profile.interfaces,
        });
        Some(layers.into())
    }

    /// The name and text of a profile's file.
    fn find(&self, name: &Spanned<String>, report: &RefCell<Report>) -> Option<(Arc<str>, String)> {
        if let Some(hidden) = name.value.strip_prefix(BUILT_IN_PREFIX) {
            if let Some(text) = built_in(hidden) {
                return Some((
                    format!("built-in:profiles/{hidden}.yaml").into(),
                    text.to_owned(),
                ));
            }
            let rule = format!("there is no built-in profile {hidden:?}");
            let names = built_in_names().collect::<Vec<_>>().join(", ");
            let finding = name.location.finding(Id::ProfileMissing, rule);
            let repair = format!("the built-in profiles are {names}");
            report.borrow_mut().add(finding.help(repair));
            return None;
        }
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
        if let Some(text) = built_in(&name.value) {
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
        let mut names: Vec<String> = own_names(&self.project).chain(built_in_names()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The names of the project's own profiles.
fn own_names(project: &ProjectFolder) -> impl Iterator<Item = String> {
    let files = project.entries("profiles").into_iter();
    files.filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
}

/// The text of a built-in profile.
fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.get_file(format!("{name}.yaml"))?.contents_utf8()
}

/// The names of the built-in profiles, without the layer below all of them.
fn built_in_names() -> impl Iterator<Item = String> {
    let files = BUILT_IN.files().map(|file| file.path().to_string_lossy());
    let names = files.filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned));
    names.filter(|name| name != DEFAULTS)
}
