//! Baking: one node's plan and its class's recipe become a tree. Runs for many nodes at once and shares nothing that
//! it changes.

mod entries;
mod facts;
mod identity;
mod units;
mod word;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::Result;
use crate::identity::{BOOTSTRAP_USER, Guarded, KUBELET_USER, Kubeconfig, Private};
use crate::model::{FieldLocation, Location};
use crate::node::agree::{self, Known};
use crate::node::builder::TreeBuilder;
use crate::node::images::{self, Outside};
use crate::node::piece::Piece;
use crate::node::recipe::{Preparation, Recipe, refused};
use crate::node::template::{Scope, ScopeValue, Templates};
use crate::node::{Content, EntryKind, NodeTree, Origin};
use crate::plan::{NodePlan, Plan};
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Report};

/// Label keys with their rendered values.
type Labels = Vec<(String, String)>;

/// All recipes of a cluster.
pub struct Oven {
    recipes: Vec<Recipe>,
    templates: Templates,
    cluster: ScopeValue,
    bootstrap: Kubeconfig,
    kubelet: Kubeconfig,
    ca: Content,
    guarded: Arc<Guarded>,
    project: ProjectFolder,
}

/// One node, baked.
pub struct Baked {
    /// What it must end up with.
    pub tree: NodeTree,
    /// What is worth a warning.
    pub warnings: Vec<Finding>,
    /// The kubelet's configuration.
    pub config: Json,
    /// Its host name.
    pub hostname: String,
    /// Labels that only an admin may set, rendered.
    pub admin_labels: Labels,
    /// Labels that the kubelet sets itself, rendered.
    pub self_labels: Labels,
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
    pub fn new(plan: &Plan, guarded: Arc<Guarded>, report: &mut Report) -> Result<Self> {
        let (recipes, templates) =
            Preparation::new(&plan.project, &guarded, report).recipes(plan)?;
        let kubeconfig = |user| {
            let server = &plan.cluster.api_server.url.value;
            let ca = plan.ca.pem.as_bytes();
            Kubeconfig::new(&plan.cluster.name.value, server, ca, user)
        };
        Ok(Self {
            recipes,
            templates: templates.compile(report),
            cluster: facts::cluster_scope(plan),
            bootstrap: kubeconfig(BOOTSTRAP_USER),
            kubelet: kubeconfig(KUBELET_USER),
            ca: Content::shared(plan.ca.pem.as_bytes()),
            guarded,
            project: plan.project.clone(),
        })
    }

    /// Bakes one node. What is wrong with it is all found at once.
    pub fn bake(&self, node: &NodePlan) -> std::result::Result<Baked, Vec<Finding>> {
        let mut batch = Batch {
            oven: self,
            recipe: &self.recipes[node.class.index],
            scope: Scope::default(),
            builder: TreeBuilder::new(node.class.spec.clone()),
        };
        let (hostname, self_labels, admin_labels) = batch.identity(node);
        let paths = batch.paths();
        let Some((config, flags)) = batch.kubelet(node) else {
            return Err(batch.builder.finish().err().unwrap_or_default());
        };
        for (overlay, replace) in &batch.recipe.overlays {
            batch.overlay(overlay, *replace);
        }
        batch.generated(node, &paths, &config);
        batch.credentials(node, &paths, &flags);
        batch.kubeconfigs(node);
        batch.hostname_file(&hostname);
        batch.network(node);
        batch.runtime();
        batch.images();
        batch.directories();
        for file in &batch.recipe.files {
            batch.file(file);
        }
        batch.links();
        for unit in &batch.recipe.units {
            batch.unit(unit);
        }
        batch.look_for_secrets();
        batch.check_units();
        let known = Known {
            spec: &node.class.spec,
            config: &config,
            flags: &flags,
            images: &batch.recipe.images.images,
        };
        let disagreements = agree::check(batch.builder.tree(), &known);
        batch.builder.fail(disagreements);
        let (tree, warnings) = batch.builder.finish()?;
        Ok(Baked {
            tree,
            warnings,
            config,
            hostname,
            admin_labels,
            self_labels,
        })
    }
}

impl Oven {
    /// The images that a node names and its payload does not hold.
    pub fn outside_images(&self, node: &NodePlan, baked: &Baked) -> Vec<Outside> {
        let there = &self.recipes[node.class.index].images.images;
        let sandbox = agree::sandbox_of(&baked.tree);
        let spec = &node.class.spec;
        images::outside(&baked.tree, spec, &baked.config, (sandbox, there))
    }
}

impl Batch<'_> {
    /// What was rendered for this node; what many nodes share was looked at once, and its findings are there.
    fn look_for_secrets(&mut self) {
        let guarded = Arc::clone(&self.oven.guarded);
        let look = |content: &Content, origin: &Origin, secret: bool| {
            let Content::Blob(blob) = content else {
                return None;
            };
            let private = guarded.find(blob.bytes()).filter(|_| !blob.is_shared())?;
            // The generated kubeconfig is where the token belongs.
            let is_ours = secret && origin.is_generator() && private == Private::Tokens;
            let location = FieldLocation::new(Location::file(origin.0.clone()), "");
            refused(&location, private, Some(secret)).filter(|_| !is_ours)
        };
        let tree = self.builder.tree();
        let files = tree
            .entries()
            .values()
            .filter_map(|entry| match &entry.kind {
                EntryKind::File(content) => look(content, &entry.origin, entry.secret),
                _ => None,
            });
        let units = tree.units().values();
        let texts = units.flat_map(|unit| unit.text.iter().chain(unit.dropins.values()));
        let texts = texts.filter_map(|(content, origin)| look(content, origin, false));
        let found: Vec<Finding> = files.chain(texts).collect();
        self.builder.fail(found);
    }

    fn render(&mut self, piece: &Piece) -> Option<String> {
        let rendered = piece
            .render(&self.oven.templates, &self.scope)
            .map(String::from);
        self.builder.take(rendered)
    }
}
