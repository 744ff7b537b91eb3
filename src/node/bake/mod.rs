//! Baking: one node's plan and its class's recipe become a tree. Runs for many nodes at once and shares nothing that
//! it changes.

mod entries;
mod facts;
mod word;

use crate::error::Result;
use crate::identity::BootstrapKubeconfig;
use crate::node::builder::TreeBuilder;
use crate::node::piece::Piece;
use crate::node::recipe::{Preparation, Recipe};
use crate::node::template::{Scope, ScopeValue, Templates};
use crate::node::{Content, NodeTree};
use crate::plan::{NodePlan, Plan};
use crate::report::{Finding, Report};

/// Label keys with their rendered values.
type Labels = Vec<(String, String)>;

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
    pub fn new(plan: &Plan, report: &mut Report) -> Result<Self> {
        let (recipes, templates) = Preparation::new(&plan.project, report).recipes(plan)?;
        let api = &plan.cluster.api_server;
        Ok(Self {
            recipes,
            templates: templates.compile(report),
            cluster: facts::cluster_scope(plan),
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
        let Some(config) = batch.kubelet(node) else {
            return Err(batch.builder.finish().err().unwrap_or_default());
        };
        for (overlay, replace) in &batch.recipe.overlays {
            batch.overlay(overlay, *replace);
        }
        batch.generated(node, &paths, &config);
        batch.hostname_file(&hostname);
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

impl Batch<'_> {
    fn render(&mut self, piece: &Piece) -> Option<String> {
        let rendered = piece
            .render(&self.oven.templates, &self.scope)
            .map(String::from);
        self.builder.take(rendered)
    }
}
