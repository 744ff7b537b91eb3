//! A class of nodes, compiled: everything that can be prepared once (overlays read, templates found, assets hashed), so
//! that a node is rendered quickly.

mod archive;
mod asset;
mod follow;
mod images;
mod logins;
mod passwords;
mod pieces;
mod runtime;
mod time;
mod unrendered;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::compile::class::archive::OfArchive;
use crate::compile::class::asset::Measured;
use crate::compile::class::follow::follow;
pub use crate::compile::class::images::PackedImages;
pub use crate::compile::class::logins::RegistryLogin;
use crate::compile::class::pieces::{
    directories, flags, kubeconfigs, links, named, permissions, unit_piece,
};
pub use crate::compile::class::runtime::RegistryFile;
use crate::compile::class::runtime::{containerd_scope, proxies_of};
use crate::compile::class::time::time_scope;
use crate::compile::images::{Image, Layout};
use crate::compile::overlay;
use crate::compile::overlay::{Overlay, OverlayBody, OverlayEntry};
use crate::compile::project_file::{self, refused};
use crate::compile::text::{ConfigTemplate, TemplateText};
use crate::compile::unpack::Unpacked;
use crate::error::Result;
use crate::identity::{Guarded, Kubeconfig, Private};
use crate::inventory::{
    Attributes, Body, FileSpec, PermissionChange, Removal, Spec, UnitSpec, os_scope, vars_scope,
};
use crate::model::{FieldLocation, Location, Spanned};
use crate::plan::{ClassPlan, Plan};
use crate::project_folder::{ProjectFolder, SOURCE};
use crate::report::{Id, Report};
use crate::secrets::UserHash;
use crate::template::{ScopeValue, TemplateId, TemplateSet};
use crate::tree::Content;

/// What is the same for all nodes of a class.
pub struct CompiledClass {
    /// The overlays in order, and whether each may replace what is there.
    pub overlays: Vec<(Arc<Overlay>, bool)>,
    /// The machine's host name, when it is ours to set.
    pub hostname: Option<TemplateText>,
    /// Well-known paths by name.
    pub paths: Vec<(String, TemplateText)>,
    /// Labels that the kubelet sets itself.
    pub self_labels: Vec<(String, TemplateText)>,
    /// Labels that only an admin may set.
    pub admin_labels: Vec<(String, TemplateText)>,
    /// Annotations, which only an admin sets.
    pub annotations: Vec<(String, TemplateText)>,
    /// The kubelet's configuration.
    pub config: ConfigTemplate,
    /// The kubelet's flags.
    pub flags: Vec<(String, Option<TemplateText>)>,
    /// Files.
    pub files: Vec<FileTemplate>,
    /// Modes and owners of files that something else writes, by path.
    pub permissions: Vec<(TemplateText, PermissionChange)>,
    /// What layers remove from what overlays write.
    pub removals: Vec<(TemplateText, Removal)>,
    /// Directories.
    pub directories: Vec<(TemplateText, Attributes)>,
    /// Kubeconfigs of other clients.
    pub kubeconfigs: Vec<KubeconfigTemplate>,
    /// Links: path, target, leave to replace.
    pub links: Vec<(TemplateText, TemplateText, bool)>,
    /// Units.
    pub units: Vec<UnitTemplate>,
    /// Free values.
    pub vars: ScopeValue,
    /// The operating system, as templates see it.
    pub os: ScopeValue,
    /// The runtime, as templates see it.
    pub containerd: ScopeValue,
    /// Its sources of time, as templates see them.
    pub time: ScopeValue,
    /// containerd's release, by the inventory or by the program that comes as an asset.
    pub release: Option<(u32, u32)>,
    /// Files of registries.
    pub registries: Vec<RegistryFile>,
    /// Logins to registries.
    pub logins: Vec<RegistryLogin>,
    /// Hashes of users' passwords.
    pub passwords: Arc<[UserHash]>,
    /// The images that come with the node.
    pub images: PackedImages,
    /// The drop-in with the proxies, and where they are set.
    pub proxies: Option<(Content, FieldLocation)>,
}

impl CompiledClass {
    /// Whether a secret file of its nodes is a template.
    pub fn has_secret_templates(&self) -> bool {
        let of_file =
            |file: &FileTemplate| file.secret && matches!(file.body, FileBody::Template(_));
        let of_overlay =
            |entry: &OverlayEntry| entry.secret && matches!(entry.body, OverlayBody::Template(_));
        let mut overlays = self
            .overlays
            .iter()
            .flat_map(|(overlay, _)| &overlay.entries);
        self.files.iter().any(of_file) || overlays.any(of_overlay)
    }
}

/// A file of the inventory.
pub struct FileTemplate {
    /// Its path.
    pub path: TemplateText,
    /// Its bytes.
    pub body: FileBody,
    /// Where its text was written.
    pub text: FieldLocation,
    /// Mode and owners.
    pub attributes: Attributes,
    /// Whether it holds a secret.
    pub secret: bool,
}

/// A file's bytes.
pub enum FileBody {
    /// The same for every node.
    Shared(Content),
    /// Rendered.
    Template(TemplateId),
}

/// A kubeconfig of another client.
pub struct KubeconfigTemplate {
    /// Its path.
    pub path: TemplateText,
    /// All but the credentials.
    pub head: Kubeconfig,
    /// What it shows.
    pub auth: AuthTemplate,
    /// Mode and owners.
    pub attributes: Attributes,
}

/// What a client shows.
pub enum AuthTemplate {
    /// The certificate of this user.
    User(String),
    /// A token in a file on the node.
    TokenFile(TemplateText),
}

/// A unit of the inventory.
pub struct UnitTemplate {
    /// What was asked for.
    pub spec: UnitSpec,
    /// Its text.
    pub text: Option<TemplateText>,
    /// Its drop-ins.
    pub dropins: Vec<(String, TemplateText)>,
}

/// Prepares classes; overlays, files and assets that many classes use are read once.
pub struct Compiler<'a> {
    project: &'a ProjectFolder,
    templates: TemplateSet,
    overlays: HashMap<String, Option<Arc<Overlay>>>,
    /// Sources, and what of them is private.
    contents: HashMap<String, Option<(Content, Option<Private>)>>,
    assets: HashMap<String, Option<Measured>>,
    /// What archives of assets hold.
    unpacked: HashMap<OfArchive, Option<Arc<Unpacked>>>,
    /// What archives of images hold, or the rule that they break.
    archives: HashMap<String, std::result::Result<Vec<Image>, String>>,
    /// OCI layouts that are folders, or the rules that they break.
    layouts: HashMap<String, std::result::Result<Layout, Vec<String>>>,
    /// Whether a file, or what is taken from an archive, holds a version.
    versions: HashMap<(String, Option<OfArchive>, String), bool>,
    /// The release of the containerd that is an asset of the class.
    containerd: Option<(u32, u32)>,
    guarded: &'a Guarded,
    report: &'a mut Report,
}

impl<'a> Compiler<'a> {
    /// Prepares for a project.
    pub fn new(project: &'a ProjectFolder, guarded: &'a Guarded, report: &'a mut Report) -> Self {
        Self {
            project,
            templates: TemplateSet::default(),
            overlays: HashMap::new(),
            contents: HashMap::new(),
            assets: HashMap::new(),
            unpacked: HashMap::new(),
            archives: HashMap::new(),
            layouts: HashMap::new(),
            containerd: None,
            versions: HashMap::new(),
            guarded,
            report,
        }
    }

    /// The classes of all classes, and the templates that they use.
    pub fn classes(mut self, plan: &Plan) -> Result<(Vec<CompiledClass>, TemplateSet)> {
        let mut classes = Vec::with_capacity(plan.classes.len());
        for class in &plan.classes {
            classes.push(self.class(class, plan)?);
        }
        for class in &plan.classes {
            self.unread_paths(&class.spec);
            self.unread_time(&class.spec);
        }
        Ok((classes, self.templates))
    }

    fn class(&mut self, class: &ClassPlan, plan: &Plan) -> Result<CompiledClass> {
        let spec = &*class.spec;
        let minor = spec.kubernetes.value.minor();
        let mut files = Vec::new();
        for file in &spec.files {
            files.extend(self.file(file)?);
        }
        let mut unpacked_links = Vec::new();
        self.containerd = spec.containerd.version.as_ref().map(|at| at.value);
        for asset in &spec.assets {
            match &asset.unpack {
                None => files.extend(self.asset(asset, spec)?),
                Some(how) => {
                    let texts = self.archive(asset, how, spec)?;
                    files.extend(texts.files);
                    unpacked_links.extend(texts.links);
                }
            }
        }
        let images = self.images(spec, &mut files)?;
        let overlays = self.overlays(spec, minor)?;
        self.time(spec, &overlays);
        let registries = self.registries(spec)?;
        let logins = self.logins(spec)?;
        let passwords = self.passwords(spec)?;
        let templates = &mut self.templates;
        let links: Vec<_> = links(spec, templates)
            .into_iter()
            .chain(unpacked_links)
            .collect();
        let followed = follow(named(&spec.paths, templates), &files, &links, &overlays);
        Ok(CompiledClass {
            release: self.containerd,
            overlays,
            hostname: spec
                .hostname
                .as_ref()
                .map(|text| TemplateText::new(text, templates)),
            containerd: containerd_scope(spec, &followed.cni_folders),
            paths: followed.paths,
            self_labels: named(&class.self_labels, templates),
            admin_labels: named(&class.admin_labels, templates),
            annotations: spec
                .annotations
                .iter()
                .map(|(key, text)| (key.value.clone(), TemplateText::new(text, templates)))
                .collect(),
            config: ConfigTemplate::new(&class.kubelet_config, minor, templates),
            flags: flags(&class.kubelet_flags, templates),
            files,
            permissions: permissions(spec, templates),
            removals: spec
                .removed
                .iter()
                .map(|removal| (TemplateText::new(&removal.name, templates), removal.clone()))
                .collect(),
            directories: directories(spec, templates),
            kubeconfigs: kubeconfigs(spec, plan, templates),
            links,
            units: spec
                .units
                .iter()
                .map(|unit| unit_piece(unit, templates))
                .collect(),
            vars: vars_scope(spec.vars.as_ref()),
            os: os_scope(&spec.os),
            time: time_scope(spec),
            registries,
            logins,
            passwords,
            images,
            proxies: proxies_of(spec, plan),
        })
    }

    fn overlays(&mut self, spec: &Spec, minor: u32) -> Result<Vec<(Arc<Overlay>, bool)>> {
        let mut overlays = Vec::new();
        for used in &spec.overlays {
            let name = &used.name;
            if !self.overlays.contains_key(&name.value) {
                let overlay = overlay::load(self.project, name, &mut self.templates, self.report)?;
                overlay.iter().for_each(|overlay| self.look_at(overlay));
                overlay
                    .iter()
                    .for_each(|overlay| self.unrendered_overlay(overlay));
                self.overlays
                    .insert(name.value.clone(), overlay.map(Arc::new));
            }
            let Some(Some(overlay)) = self.overlays.get(&name.value) else {
                continue;
            };
            if !overlay.minors.contains(&minor) {
                // What a built-in profile has for other minors is left out, as its fields and flags are.
                if name.location.at.file.starts_with("built-in:") {
                    continue;
                }
                let rule = format!(
                    "the overlay {} does not fit Kubernetes 1.{minor}",
                    name.value
                );
                self.report
                    .add(name.location.finding(Id::OverlayVersionUnsupported, rule));
            }
            overlays.push((overlay.clone(), used.replace));
        }
        Ok(overlays)
    }

    fn file(&mut self, file: &FileSpec) -> Result<Option<FileTemplate>> {
        let body = match &file.body {
            Body::Content(text) => {
                let private = self.guarded.find(text.value.as_bytes());
                self.refuse_private(&text.location, private, Some(file.secret));
                FileBody::Shared(Content::shared(text.value.as_bytes()))
            }
            Body::Template(text) => {
                let at = &text.location;
                FileBody::Template(self.templates.add(&text.text, &at.at, &at.path))
            }
            Body::Source(source) => match self.source(source, Some(file.secret))? {
                Some(content) => FileBody::Shared(content),
                None => return Ok(None),
            },
            Body::Elsewhere(_) => return Ok(None),
        };
        if let FileBody::Shared(content) = &body {
            self.unrendered_file(file, content);
        }
        let text = match &file.body {
            Body::Content(text) => text.location.clone(),
            Body::Template(text) => text.location.clone(),
            Body::Source(source) => {
                let file = Location::file(source.value.as_str());
                FieldLocation::new(file, source.location.path.clone())
            }
            Body::Elsewhere(_) => return Ok(None),
        };
        Ok(Some(FileTemplate {
            path: TemplateText::new(&file.path, &mut self.templates),
            body,
            text,
            attributes: file.attributes.clone(),
            secret: file.secret,
        }))
    }

    /// A file of the project, read once. `secret` says whether it was declared so, where it can be.
    fn source(
        &mut self,
        source: &Spanned<String>,
        secret: Option<bool>,
    ) -> Result<Option<Content>> {
        if !self.contents.contains_key(&source.value) {
            let read = match project_file::read(self.project, self.guarded, source, SOURCE) {
                Ok((bytes, private)) => Some((Content::shared(bytes), private)),
                Err(error) => {
                    self.refuse(source, error)?;
                    None
                }
            };
            self.contents.insert(source.value.clone(), read);
        }
        let Some((content, private)) = self.contents[&source.value].clone() else {
            return Ok(None);
        };
        self.refuse_private(&source.location, private, secret);
        Ok(Some(content))
    }

    /// Adds the finding about something private where it does not belong.
    fn refuse_private(
        &mut self,
        location: &FieldLocation,
        private: Option<Private>,
        secret: Option<bool>,
    ) {
        if let Some(finding) = private.and_then(|private| refused(location, private, secret)) {
            self.report.add(finding);
        }
    }

    /// What an overlay installs as it is; what it renders is looked at then.
    fn look_at(&mut self, overlay: &Overlay) {
        for entry in &overlay.entries {
            if let OverlayBody::Static(Content::Blob(blob)) = &entry.body {
                let private = self.guarded.find(blob.bytes());
                let location = FieldLocation::new(entry.location.clone(), "");
                self.refuse_private(&location, private, Some(entry.secret));
            }
        }
    }

    /// Adds the finding about what is no file that may be read; what the machine would not do stays an error.
    fn refuse(&mut self, source: &Spanned<String>, error: io::Error) -> Result<()> {
        project_file::report_unreadable(self.project, source, error, self.report)
    }
}
