//! Baking: one node's plan and its class's recipe become a tree. Runs for many nodes at once and shares nothing that
//! it changes.

use serde::Serialize;
use serde_json::Value as Json;

use crate::error::Result;
use crate::identity::BootstrapKubeconfig;
use crate::inventory::{NetworkManager, Spot};
use crate::kubernetes::flags::check_flag;
use crate::node::builder::{TreeBuilder, UnitPart};
use crate::node::networkd;
use crate::node::overlay::{Overlay, OverlayBody};
use crate::node::piece::Piece;
use crate::node::recipe::{BodyPiece, FilePiece, Preparation, Recipe, UnitPiece, spot_of};
use crate::node::template::{Scope, ScopeValue, Templates};
use crate::node::{Content, Entry, EntryKind, NodeTree, Origin};
use crate::plan::{NodePlan, Plan};
use crate::report::{Finding, Place, Report};

/// All recipes of a cluster.
pub struct Oven {
    recipes: Vec<Recipe>,
    templates: Templates,
    cluster: ScopeValue,
    kubeconfig: BootstrapKubeconfig,
    ca: Content,
}

/// One node, baked.
pub struct Baked {
    /// What it must end up with.
    pub tree: NodeTree,
    /// Its host name.
    pub hostname: String,
    /// Labels that only an admin may set, rendered.
    pub admin_labels: Vec<(String, String)>,
    /// Labels that the kubelet sets itself, rendered.
    pub self_labels: Vec<(String, String)>,
}

/// A node while it is baked.
struct Batch<'o> {
    oven: &'o Oven,
    recipe: &'o Recipe,
    scope: Scope,
    builder: TreeBuilder,
}

impl Oven {
    /// Prepares all classes of a plan; template syntax, missing files and unknown overlays are findings.
    pub fn new(plan: &Plan, report: &mut Report) -> Result<Self> {
        let (recipes, templates) = Preparation::new(&plan.project, report).recipes(plan)?;
        let api = &plan.cluster.api_server;
        Ok(Self {
            recipes,
            templates: templates.compile(report),
            cluster: cluster_scope(plan),
            kubeconfig: BootstrapKubeconfig::new(
                &plan.cluster.name.value,
                &api.url.value,
                plan.ca.pem.as_bytes(),
            ),
            ca: Content::shared(plan.ca.pem.as_bytes()),
        })
    }

    /// Bakes one node. What is wrong with it is all found at once.
    pub fn bake(&self, node: &NodePlan) -> std::result::Result<Baked, Vec<Finding>> {
        let mut batch = Batch {
            oven: self,
            recipe: &self.recipes[node.class.index],
            scope: Scope::default(),
            builder: TreeBuilder::default(),
        };
        let (hostname, self_labels, admin_labels) = batch.identity(node);
        let paths = batch.paths();
        let Some((config, shared)) = batch.kubelet(node) else {
            return Err(batch.builder.finish().err().unwrap_or_default());
        };
        for (overlay, replace) in &batch.recipe.overlays {
            batch.overlay(overlay, *replace);
        }
        batch.generated(node, &paths, config, shared);
        if batch.recipe.hostname.is_some() {
            batch.text_file(
                "/etc/hostname",
                format!("{hostname}\n"),
                "generator hostname",
                &batch.hostname_spot(),
            );
        }
        batch.network(node);
        batch.directories();
        for file in &batch.recipe.files {
            batch.file(file);
        }
        batch.links();
        for unit in &batch.recipe.units {
            batch.unit(unit);
        }
        Ok(Baked {
            tree: batch.builder.finish()?,
            hostname,
            admin_labels,
            self_labels,
        })
    }
}

/// What every template may know of the cluster.
fn cluster_scope(plan: &Plan) -> ScopeValue {
    let cluster = &plan.cluster;
    let network = &cluster.network;
    let texts = |list: Vec<String>| Json::from(list);
    ScopeValue::new(&serde_json::json!({
        "name": cluster.name.value,
        "generation": cluster.generation,
        "apiServer": {
            "url": cluster.api_server.url.value,
            "host": cluster.api_server.host,
            "endpoints": texts(cluster.api_server.endpoints.iter().map(|at| at.value.clone()).collect()),
        },
        "network": {
            "clusterDomain": network.cluster_domain,
            "clusterDNS": texts(network.cluster_dns.iter().map(|at| at.value.to_string()).collect()),
            "serviceCIDRs": texts(network.service_cidrs.iter().map(|at| at.value.to_string()).collect()),
            "podCIDRs": texts(network.pod_cidrs.iter().map(|at| at.value.to_string()).collect()),
        },
    }))
}

#[derive(Serialize)]
struct NodeScope<'a> {
    name: &'a str,
    hostname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    addresses: Vec<String>,
    macs: &'a [String],
    group: &'a str,
    labels: serde_json::Map<String, Json>,
}

/// Label keys with their rendered values.
type Labels = Vec<(String, String)>;

impl Batch<'_> {
    fn render(&mut self, piece: &Piece) -> Option<String> {
        let rendered = piece
            .render(&self.oven.templates, &self.scope)
            .map(String::from);
        self.builder.take(rendered)
    }

    /// Name, addresses and labels: what is known before paths and flags are.
    fn identity(&mut self, node: &NodePlan) -> (String, Labels, Labels) {
        self.scope.set("cluster", self.oven.cluster.clone());
        self.scope.set("vars", self.recipe.vars.clone());
        let mut facts = NodeScope {
            name: &node.name,
            hostname: &node.name,
            address: node.addresses.first().map(ToString::to_string),
            addresses: node.addresses.iter().map(ToString::to_string).collect(),
            macs: &node.macs,
            group: &node.group,
            labels: serde_json::Map::new(),
        };
        self.scope.set("node", ScopeValue::new(&facts));
        let hostname = self
            .recipe
            .hostname
            .as_ref()
            .and_then(|piece| self.render(piece));
        let hostname = hostname.unwrap_or_else(|| node.name.clone());
        let self_labels = self.labels(&self.recipe.self_labels);
        let admin_labels = self.labels(&self.recipe.admin_labels);
        let labels = self_labels.iter().chain(&admin_labels);
        facts.labels = labels
            .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
            .collect();
        facts.hostname = &hostname;
        self.scope.set("node", ScopeValue::new(&facts));
        (hostname, self_labels, admin_labels)
    }

    fn labels(&mut self, pieces: &[(String, Piece)]) -> Labels {
        let mut labels = Vec::with_capacity(pieces.len());
        for (key, piece) in pieces {
            let Some(value) = self.render(piece) else {
                continue;
            };
            match crate::kubernetes::names::label_value(&value) {
                Ok(()) => labels.push((key.clone(), value)),
                Err(rule) => self
                    .builder
                    .fail([piece.spot.error(format!("{key}: {rule}"))]),
            }
        }
        labels
    }

    fn paths(&mut self) -> serde_json::Map<String, Json> {
        let mut paths = serde_json::Map::new();
        for (name, piece) in &self.recipe.paths {
            if let Some(path) = self.render(piece) {
                let _ = paths.insert(name.clone(), Json::String(path));
            }
        }
        self.scope.set("paths", ScopeValue::new(&paths));
        paths
    }

    /// The kubelet's configuration and arguments. The second value says that every node of the class has the same.
    fn kubelet(&mut self, node: &NodePlan) -> Option<(Json, bool)> {
        let minor = node.class.spec.kubernetes.value.minor();
        let mut flags = serde_json::Map::new();
        let mut args = Vec::new();
        for (name, piece) in &self.recipe.flags {
            let value = match piece {
                None => None,
                Some(piece) => {
                    let value = self.render(piece)?;
                    // A template that renders to nothing leaves its flag out.
                    if value.is_empty() && !piece.is_plain() {
                        continue;
                    }
                    // The others were checked once, for all nodes.
                    if !piece.is_plain()
                        && let Err(rule) = check_flag(name, &value, minor)
                    {
                        let rule = format!("{rule} (node {})", node.name);
                        self.builder.fail([piece.spot.error(rule)]);
                    }
                    Some(value)
                }
            };
            args.push(unit_word(name, value.as_deref()));
            let _ = flags.insert(name.clone(), value.map_or(Json::Null, Json::String));
        }
        let config = match self
            .recipe
            .config
            .render(&self.oven.templates, &self.scope, minor)
        {
            Ok(config) => config.unwrap_or_default(),
            Err(findings) => {
                self.builder.fail(findings);
                return None;
            }
        };
        let kubelet = serde_json::json!({
            "version": node.class.spec.kubernetes.value,
            "minor": minor,
            "config": config,
            "flags": flags,
            "args": args,
        });
        self.scope.set("kubelet", ScopeValue::new(&kubelet));
        let shared = matches!(
            self.recipe.config,
            crate::node::piece::ConfigPiece::Fixed(_)
        );
        Some((config, shared))
    }

    fn overlay(&mut self, overlay: &Overlay, replace: bool) {
        for entry in &overlay.entries {
            let kind = match &entry.body {
                OverlayBody::Static(content) => EntryKind::File(content.clone()),
                OverlayBody::Directory => EntryKind::Directory,
                OverlayBody::Symlink(target) => EntryKind::Symlink(target.clone()),
                OverlayBody::Template(id) => {
                    let rendered = self.oven.templates.render(*id, &self.scope);
                    let Some(text) = self.builder.take(rendered) else {
                        continue;
                    };
                    EntryKind::File(Content::bytes(text))
                }
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
            let spot = Spot::new(entry.place.clone(), "");
            self.builder.add(entry.path.as_str(), made, replace, &spot);
        }
        for state in &overlay.units {
            let unit = self.builder.tree().unit_mut(&state.name);
            unit.enabled = state.enabled.or(unit.enabled);
            unit.masked |= state.masked;
            unit.origin = Some(overlay.origin.clone());
        }
    }

    /// The files that are made from facts rather than copied: configuration, bootstrap kubeconfig, CA.
    fn generated(
        &mut self,
        node: &NodePlan,
        paths: &serde_json::Map<String, Json>,
        config: Json,
        _shared: bool,
    ) {
        let path = |name: &str| {
            paths
                .get(name)
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let anywhere = Spot::new(Place::file("profiles"), "paths");
        let spot = |name| {
            spot_of(&self.recipe.paths, name)
                .unwrap_or(&anywhere)
                .clone()
        };
        let (config_spot, token_spot, ca_spot) = (
            spot("kubeletConfig"),
            spot("bootstrapKubeconfig"),
            spot("clusterCA"),
        );
        match crate::yaml::to_text(&config) {
            Ok(text) => self.text_file(
                &path("kubeletConfig"),
                text,
                "generator kubelet-config",
                &config_spot,
            ),
            Err(error) => self.builder.fail([config_spot.error(error.to_string())]),
        }
        let kubeconfig = Content::bytes(self.oven.kubeconfig.render(&node.token));
        let entry = Entry::secret_file(kubeconfig, Origin("generator bootstrap-kubeconfig".into()));
        self.builder
            .add(&path("bootstrapKubeconfig"), entry, false, &token_spot);
        let entry = Entry::file(
            self.oven.ca.clone(),
            0o644,
            Origin("generator cluster-ca".into()),
        );
        self.builder.add(&path("clusterCA"), entry, false, &ca_spot);
    }

    fn text_file(&mut self, path: &str, text: String, origin: &str, spot: &Spot) {
        let entry = Entry::file(Content::bytes(text), 0o644, Origin(origin.into()));
        self.builder.add(path, entry, false, spot);
    }

    fn hostname_spot(&self) -> Spot {
        match &self.recipe.hostname {
            Some(piece) => piece.spot.clone(),
            None => Spot::new(Place::file("profiles"), "hostname"),
        }
    }

    fn network(&mut self, node: &NodePlan) {
        let Some(network) = &node.network else { return };
        if node.class.spec.network_manager != NetworkManager::Networkd {
            return;
        }
        let spot = Spot::new(node.class.spec.kubernetes.spot.place.clone(), "interfaces");
        for (path, text) in networkd::files(network) {
            self.text_file(&path, text, "generator network", &spot);
        }
        let unit = self.builder.tree().unit_mut("systemd-networkd.service");
        unit.enabled = unit.enabled.or(Some(true));
        unit.origin = Some(Origin("generator network".into()));
    }

    fn directories(&mut self) {
        for (path, attributes) in &self.recipe.directories {
            let Some(text) = self.render(path) else {
                continue;
            };
            let entry = Entry {
                user: attributes.user.clone(),
                group: attributes.group.clone(),
                ..Entry::directory(attributes.mode.unwrap_or(0o755), origin(&path.spot))
            };
            self.builder
                .add(&text, entry, attributes.replace, &path.spot);
        }
    }

    fn file(&mut self, file: &FilePiece) {
        let Some(path) = self.render(&file.path) else {
            return;
        };
        let content = match &file.body {
            BodyPiece::Shared(content) => content.clone(),
            BodyPiece::Template(piece) => match self.render(piece) {
                Some(text) => Content::bytes(text),
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
                origin(&file.path.spot),
            )
        };
        self.builder
            .add(&path, entry, file.attributes.replace, &file.path.spot);
    }

    fn links(&mut self) {
        for (path, target, replace) in &self.recipe.links {
            let (Some(at), Some(to)) = (self.render(path), self.render(target)) else {
                continue;
            };
            self.builder.add(
                &at,
                Entry::symlink(to, origin(&path.spot)),
                *replace,
                &path.spot,
            );
        }
    }

    fn unit(&mut self, piece: &UnitPiece) {
        let spot = &piece.spec.name.spot;
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
            let text = (Content::bytes(rendered), origin(&text.spot));
            self.builder.unit_text(part, text, piece.spec.replace, spot);
        }
        let unit = self.builder.tree().unit_mut(name);
        unit.enabled = piece.spec.enabled.or(unit.enabled);
        unit.masked |= piece.spec.masked;
        unit.origin = Some(origin(spot));
    }
}

fn origin(spot: &Spot) -> Origin {
    Origin(spot.place.to_string().into())
}

/// `--name=value` as one word of `ExecStart=`: systemd expands `%` and `$` and splits at blanks (systemd.service(5),
/// "Command lines").
fn unit_word(name: &str, value: Option<&str>) -> String {
    let Some(value) = value else {
        return format!("--{name}");
    };
    let escaped = value.replace('%', "%%").replace('$', "$$");
    let plain = !escaped.contains(|c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | ';')
    });
    match plain {
        true => format!("--{name}={escaped}"),
        false => {
            let quoted = escaped
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
                .replace('\t', "\\t");
            format!("\"--{name}={quoted}\"")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_systemd() {
        assert_eq!(unit_word("v", Some("2")), "--v=2");
        assert_eq!(unit_word("fail", None), "--fail");
        assert_eq!(unit_word("x", Some("a b%i$HOME")), "\"--x=a b%%i$$HOME\"");
        assert_eq!(unit_word("x", Some("a\"b\\c")), "\"--x=a\\\"b\\\\c\"");
    }
}
