//! What is on the node: overlays, generated files, and what the inventory adds.

use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use crate::compile::class::{FileBody, FileTemplate, UnitTemplate};
use crate::compile::overlay::{Overlay, OverlayBody};
use crate::compile::{images, proxies};
use crate::error::Result;
use crate::identity::Auth;
use crate::model::{FieldLocation, Location};
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::render::alike;
use crate::render::builder::UnitSource;
use crate::render::steady::shared;
use crate::render::unit_part::UnitPart;
use crate::report::Id;
use crate::tree::{Content, Entry, EntryKind, Origin, Permissions};
use crate::yaml;

/// sudo takes files that only root writes; this is what visudo gives them.
const SUDOERS_MODE: u32 = 0o440;

impl<'o> NodeRendering<'o> {
    pub(super) fn overlay(&mut self, overlay: &Overlay, replace: bool) {
        for entry in &overlay.entries {
            let kind = match &entry.body {
                OverlayBody::Static(content) => EntryKind::File(content.clone()),
                OverlayBody::Directory => EntryKind::Directory,
                OverlayBody::Symlink(target) => EntryKind::Symlink(target.clone()),
                OverlayBody::Template(id) => match self.render_file(*id, entry.secret) {
                    Some(content) => EntryKind::File(content),
                    None => continue,
                },
            };
            let mode = match kind {
                EntryKind::Symlink(_) => 0o777,
                _ => entry.mode,
            };
            let made = Entry {
                kind,
                mode,
                user: entry.user.clone(),
                group: entry.group.clone(),
                origin: overlay.origin.clone(),
                secret: entry.secret,
            };
            let location = FieldLocation::new(entry.location.clone(), "");
            self.builder
                .add(entry.path.as_str(), made, replace, &location);
        }
        for state in &overlay.units {
            let unit = self.builder.tree().unit_mut(&state.name);
            unit.enabled = state.enabled.or(unit.enabled);
            unit.masked |= state.masked;
            unit.origin = Some(overlay.origin.clone());
        }
    }

    /// The files that are made from facts rather than copied: configuration, bootstrap kubeconfig, CA.
    pub(super) fn generated(
        &mut self,
        node: &NodePlan,
        paths: &serde_json::Map<String, Json>,
        config: &Arc<Json>,
    ) {
        match self.config_file(config) {
            Ok(content) => {
                let origin = Origin(alike::CONFIG.into());
                let entry = Entry::file(content, 0o644, origin);
                self.generate("kubeletConfig", paths, entry);
            }
            Err(error) => self.builder.fail([self
                .location_of("kubeletConfig")
                .finding(Id::KubeletFieldType, error.to_string())]),
        }
        if let Some(token) = &node.token {
            let kubeconfig = self.renderer.bootstrap.render(&Auth::Token(token));
            let origin = Origin("generator bootstrap-kubeconfig".into());
            let entry = Entry::secret_file(Content::bytes(kubeconfig), origin);
            self.generate("bootstrapKubeconfig", paths, entry);
        }
        let origin = Origin("generator cluster-ca".into());
        let entry = Entry::file(self.renderer.ca.clone(), 0o644, origin);
        self.generate("clusterCA", paths, entry);
    }

    /// The configuration as the kubelet reads it.
    fn config_file(&self, config: &Arc<Json>) -> Result<Content> {
        let known = self.steady_config(config).map(|known| &known.file);
        if let Some(Some(content)) = known.and_then(OnceLock::get) {
            return Ok(content.clone());
        }
        let text = yaml::to_text(config)?;
        let shared = known.map(|known| known.get_or_init(|| shared(&text, &self.renderer.guarded)));
        let shared = shared.cloned().flatten();
        Ok(shared.unwrap_or_else(|| Content::bytes(text)))
    }

    /// Adds an entry at one of the well-known paths.
    pub(super) fn generate(
        &mut self,
        name: &str,
        paths: &serde_json::Map<String, Json>,
        entry: Entry,
    ) {
        // A path that could not be rendered has its finding already.
        if let Some(path) = paths.get(name).and_then(Json::as_str) {
            let location = self.location_of(name);
            self.builder.add(path, entry, false, &location);
        }
    }

    /// Where a well-known path is set.
    fn location_of(&self, name: &str) -> FieldLocation {
        let found = self.class.paths.iter().find(|(known, _)| known == name);
        let unset = || FieldLocation::new(Location::file("profiles"), "paths");
        found.map_or_else(unset, |(_, piece)| piece.location.clone())
    }

    /// `/etc/hostname`, where the host name is ours to set.
    pub(super) fn hostname_file(&mut self, hostname: &str) {
        if let Some(piece) = &self.class.hostname {
            self.text_file(
                "/etc/hostname",
                format!("{hostname}\n"),
                "generator hostname",
                &piece.location,
            );
        }
    }

    /// For each user that sudo allows something, a file for sudo. cloud-init would write such rules too, Ignition not.
    pub(super) fn sudoers(&mut self, node: &NodePlan) {
        let spec = &node.class.spec;
        for user in spec.users.iter() {
            let Some(rule) = &user.sudo else { continue };
            let at = spec
                .merged
                .get("users")
                .and_then(|users| users.get(&user.name));
            let at = at.map_or(&spec.kubernetes.location.at, |at| &at.location);
            let location = FieldLocation::new(at.clone(), format!("users.{}.sudo", user.name));
            let text = format!("{} {rule}\n", user.name);
            let origin = Origin("generator users".into());
            let entry = Entry::file(Content::bytes(text), SUDOERS_MODE, origin);
            let path = format!("/etc/sudoers.d/10-nodebake-{}", user.name);
            self.builder.add(&path, entry, false, &location);
        }
    }

    pub(super) fn text_file(
        &mut self,
        path: &str,
        text: String,
        origin: &str,
        location: &FieldLocation,
    ) {
        let entry = Entry::file(Content::bytes(text), 0o644, Origin(origin.into()));
        self.builder.add(path, entry, false, location);
    }

    /// What the runtime must know of registries and proxies, the same for all nodes of a class.
    pub(super) fn runtime(&mut self, puller: &str) {
        for file in &self.class.registries {
            let origin = Origin("generator registries".into());
            let entry = if file.secret {
                Entry::secret_file(file.content.clone(), origin)
            } else {
                Entry::file(file.content.clone(), 0o644, origin)
            };
            self.builder.add(&file.path, entry, false, &file.location);
        }
        if let Some((content, location)) = &self.class.proxies {
            let source = UnitSource {
                part: UnitPart {
                    unit: puller.to_owned(),
                    dropin: Some(proxies::DROPIN.to_owned()),
                },
                content: content.clone(),
                origin: Origin("generator proxies".into()),
                permissions: Permissions::default(),
                location: location.clone(),
            };
            self.builder.unit_text(source, false, location);
        }
    }

    /// What imports the images that come with the node.
    pub(super) fn images(&mut self) {
        let texts = &self.class.images;
        let Some(first) = &texts.location else {
            return;
        };
        let origin = Origin("generator images".into());
        for (path, text, mode) in [
            (images::LIST, texts.list.as_str(), 0o644),
            (images::SCRIPT, images::SCRIPT_TEXT, 0o755),
        ] {
            let entry = Entry::file(Content::bytes(text), mode, origin.clone());
            self.builder.add(path, entry, false, first);
        }
        let source = UnitSource {
            part: UnitPart {
                unit: images::UNIT.to_owned(),
                dropin: None,
            },
            content: Content::bytes(images::UNIT_TEXT),
            origin: origin.clone(),
            permissions: Permissions::default(),
            location: first.clone(),
        };
        self.builder.unit_text(source, false, first);
        let unit = self.builder.tree().unit_mut(images::UNIT);
        unit.enabled = Some(true);
        unit.origin = Some(origin);
    }

    pub(super) fn directories(&mut self) {
        for (path, attributes) in &self.class.directories {
            let Some(text) = self.render(path) else {
                continue;
            };
            let entry = Entry {
                user: attributes.user.clone(),
                group: attributes.group.clone(),
                ..Entry::directory(attributes.mode.unwrap_or(0o755), origin(&path.location))
            };
            self.builder
                .add(&text, entry, attributes.replace, &path.location);
        }
    }

    pub(super) fn file(&mut self, file: &'o FileTemplate) {
        let Some(path) = self.render(&file.path) else {
            return;
        };
        let content = match &file.body {
            FileBody::Shared(content) => content.clone(),
            FileBody::Template(id) => match self.render_file(*id, file.secret) {
                Some(content) => content,
                None => return,
            },
        };
        let tight = if file.secret { 0o600 } else { 0o644 };
        let entry = Entry {
            user: file.attributes.user.clone(),
            group: file.attributes.group.clone(),
            secret: file.secret,
            ..Entry::file(
                content,
                file.attributes.mode.unwrap_or(tight),
                origin(&file.path.location),
            )
        };
        self.builder
            .add(&path, entry, file.attributes.replace, &file.path.location);
        self.builder.set_text_location(&path, &file.text);
    }

    pub(super) fn links(&mut self) {
        for (path, target, replace) in &self.class.links {
            let (Some(at), Some(to)) = (self.render(path), self.render(target)) else {
                continue;
            };
            self.builder.add(
                &at,
                Entry::symlink(to.into_owned(), origin(&path.location)),
                *replace,
                &path.location,
            );
        }
    }

    pub(super) fn unit(&mut self, piece: &'o UnitTemplate) {
        let location = &piece.spec.name.location;
        let name = &piece.spec.name.value;
        let texts = piece.text.iter().map(|text| (None, text));
        let dropins = piece
            .dropins
            .iter()
            .map(|(file, text)| (Some(file.clone()), text));
        for (dropin, text) in texts.chain(dropins) {
            let Some(rendered) = self.render(text) else {
                continue;
            };
            let part = UnitPart {
                unit: name.clone(),
                dropin,
            };
            let source = UnitSource {
                part,
                content: Content::bytes(rendered.into_owned()),
                origin: origin(&text.location),
                permissions: Permissions::default(),
                location: text.location.clone(),
            };
            self.builder.unit_text(source, piece.spec.replace, location);
        }
        let unit = self.builder.tree().unit_mut(name);
        unit.enabled = piece.spec.enabled.or(unit.enabled);
        unit.masked |= piece.spec.masked;
        unit.origin = Some(origin(location));
    }

    /// Modes and owners that were asked for beside what writes the files: first those of whole units, then those of
    /// single paths.
    pub(super) fn permissions(&mut self) {
        for unit in &self.class.units {
            let name = &unit.spec.name;
            if let Some(mode) = unit.spec.mode {
                self.builder.unit_mode(&name.value, mode, &name.location);
            }
        }
        for (path, change) in &self.class.permissions {
            if let Some(at) = self.render(path) {
                self.builder.permit(&at, change, &path.location);
            }
        }
    }
}

pub(super) fn origin(location: &FieldLocation) -> Origin {
    Origin(location.at.to_string().into())
}
