//! Rendering: a compiled class and one node's plan become the node's tree. Runs for many nodes at once; they share
//! nothing that changes.

mod agree;
mod alike;
mod builder;
mod cause;
pub mod cluster_settings;
/// The flags that the kubelet is started with.
pub mod command_line;
pub(crate) mod containerd_files;
mod entries;
mod environment;
mod facts;
mod host_files;
mod host_settings;
mod identity;
mod kube_proxy;
mod kubelet_files;
mod kubelet_unit;
mod logins;
mod memo;
mod network;
/// Whether a node's kubelet is open to everybody.
pub mod open;
pub(crate) mod other_runtimes;
mod permit;
mod place;
pub(crate) mod pod_network;
mod programs;
mod remove;
mod resolver;
mod runtimes;
mod seal;
mod starts;
mod steady;
mod told;
mod unit_part;
mod units;
mod word;

use std::sync::Arc;

use ipnet::IpNet;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::compile::class::{CompiledClass, Compiler};
use crate::compile::images;
use crate::compile::images::Outside;
use crate::compile::refused;
use crate::error::Result;
use crate::identity::{BOOTSTRAP_USER, Guarded, KUBELET_USER, Kubeconfig, Private};
use crate::inventory::ClusterNetwork;
use crate::kubernetes::runtime::{self, RuntimeKind};
use crate::kubernetes::state::{Joined, REMEMBERED, node_state, remembered};
use crate::model::output::Mode;
use crate::model::{FieldLocation, Location, NodeState, hex};
use crate::plan::{NodePlan, Plan, needs_token};
use crate::project_folder::ProjectFolder;
use crate::redact::redacted;
use crate::render::agree::Known;
use crate::render::alike::Alike;
use crate::render::builder::TreeBuilder;
use crate::render::command_line::CommandLine;
use crate::render::facts::{Flags, NodeScopes};
use crate::render::host_files::FoundInFile;
use crate::render::memo::Memo;
use crate::render::starts::Paths;
use crate::render::steady::Steady;
use crate::render::told::Told;
use crate::render::units::FoundInUnit;
use crate::report::{Finding, Report};
use crate::secrets::{Secret, Token, UserHash};
use crate::template::{Scope, ScopeValue, TemplateId, Templates};
use crate::tree::{Content, EntryKind, NodeTree, Origin};

pub use seal::opened_secrets;

/// Label keys with their rendered values.
type Labels = Vec<(String, String)>;

/// All classes of a cluster.
pub struct Renderer {
    classes: Vec<CompiledClass>,
    templates: Templates,
    cluster: ScopeValue,
    network: ClusterNetwork,
    bootstrap: Kubeconfig,
    kubelet: Kubeconfig,
    ca: Content,
    ca_digest: String,
    server: String,
    /// The pods' networks.
    pod_networks: Vec<IpNet>,
    guarded: Arc<Guarded>,
    project: ProjectFolder,
    /// What was found in the texts of units.
    alike: Alike,
    /// What nodes share, for each class that has more than one.
    steady: Vec<Option<Steady>>,
    units: Memo<FoundInUnit>,
    /// What was found in files whose reader is known.
    files: Memo<FoundInFile>,
    /// Whether trees are thrown away once they were looked at.
    is_for_check: bool,
}

/// One node, rendered.
pub struct RenderedNode {
    /// What it must end up with.
    pub tree: NodeTree,
    /// What is wrong with it, although all of it is there.
    pub findings: Vec<Finding>,
    /// The kubelet's configuration.
    pub config: Arc<Json>,
    /// The kubelet's flags by name; null for one without a value.
    pub flags: serde_json::Map<String, Json>,
    /// Where kubeconfigs of other clients say that their tokens are.
    pub token_files: Vec<String>,
    /// The host name that the machine must have by itself.
    pub expected_name: Option<String>,
    /// Its host name.
    pub hostname: String,
    /// Labels that only an admin may set, rendered.
    pub admin_labels: Labels,
    /// Labels that the kubelet sets itself, rendered.
    pub self_labels: Labels,
    /// Annotations, which only an admin sets, rendered.
    pub annotations: Labels,
}

/// A node while it is rendered.
struct NodeRendering<'o> {
    renderer: &'o Renderer,
    class: &'o CompiledClass,
    class_index: usize,
    scope: Scope,
    /// What templates know of the node, and what those of secret files know: its token too.
    node_scopes: NodeScopes,
    builder: TreeBuilder,
    /// Where kubeconfigs of other clients say that their tokens are.
    token_files: Vec<String>,
}

impl Renderer {
    /// Prepares all classes of a plan; template syntax, missing files and unknown overlays are findings.
    pub fn new(plan: &Plan, guarded: Arc<Guarded>, report: &mut Report) -> Result<Self> {
        let (classes, templates) = Compiler::new(&plan.project, &guarded, report).classes(plan)?;
        let kubeconfig = |user| {
            let server = &plan.cluster.api_server.url.value;
            let ca = plan.ca.pem.as_bytes();
            Kubeconfig::new(&plan.cluster.name.value, server, ca, user)
        };
        let templates = templates.compile(report);
        let mut nodes = vec![0; classes.len()];
        for node in &plan.nodes {
            nodes[node.class.index] += 1;
        }
        let steady = nodes.iter().map(|nodes| *nodes > 1);
        let steady = steady.map(|are_many| are_many.then(|| Steady::new(templates.count())));
        Ok(Self {
            classes,
            steady: steady.collect(),
            templates,
            cluster: facts::cluster_scope(plan),
            network: plan.cluster.network.clone(),
            bootstrap: kubeconfig(BOOTSTRAP_USER),
            kubelet: kubeconfig(KUBELET_USER),
            ca: Content::shared(plan.ca.pem.as_bytes()),
            ca_digest: hex(&Sha256::digest(&plan.ca.pem)),
            server: plan.cluster.api_server.url.value.clone(),
            pod_networks: plan
                .cluster
                .network
                .pod_cidrs
                .iter()
                .map(|at| at.value)
                .collect(),
            guarded,
            project: plan.project.clone(),
            alike: Alike::default(),
            units: Memo::default(),
            files: Memo::default(),
            is_for_check: false,
        })
    }

    /// Renders trees that are looked at and thrown away: what is sealed in them has its size, and nothing opens it.
    pub fn for_check(&mut self) {
        self.is_for_check = true;
    }

    /// Renders one node. What is wrong with it is all found at once.
    pub fn render(&self, node: &NodePlan) -> std::result::Result<RenderedNode, Vec<Finding>> {
        let mut rendering = NodeRendering {
            renderer: self,
            class: &self.classes[node.class.index],
            class_index: node.class.index,
            scope: Scope::default(),
            node_scopes: NodeScopes::default(),
            builder: TreeBuilder::new(node.class.spec.clone()),
            token_files: Vec::new(),
        };
        let (hostname, self_labels, admin_labels) = rendering.identity(node);
        rendering.node_scopes.token = node.token.as_ref().map(Token::bearer);
        let paths = rendering.paths();
        let Some((config, flags)) = rendering.kubelet(node) else {
            return Err(rendering.builder.into_findings());
        };
        let annotations = rendering.annotations();
        for (overlay, replace) in &rendering.class.overlays {
            rendering.overlay(overlay, *replace);
        }
        rendering.removals();
        rendering.generated(node, &paths, &config);
        rendering.credentials(node, &paths, &flags);
        rendering.kubeconfigs(node);
        rendering.hostname_file(&hostname);
        rendering.sudoers(node);
        rendering.network(node);
        let minor = node.class.spec.kubernetes.value.minor();
        let runtime = runtime::kind(runtime::endpoint(&flags, &config, minor));
        rendering.runtime(runtime.puller());
        rendering.images();
        rendering.directories();
        for file in &rendering.class.files {
            rendering.file(file);
        }
        rendering.links();
        for unit in &rendering.class.units {
            rendering.unit(unit);
        }
        rendering.containerd_unit(&paths, &node.class.spec);
        let paths_told = rendering.told(&flags, &config);
        rendering.last_word(&paths_told);
        rendering.containerd_mounts();
        rendering.crictl(node, &flags, &config);
        rendering.logins();
        rendering.permissions();
        rendering.look_for_secrets();
        let kind = rendering.kind(node, &config, &flags);
        if !self.alike.is_clean(kind) {
            let before = rendering.builder.findings();
            rendering.check(node, &paths, (&config, &flags));
            if rendering.builder.findings() == before {
                self.alike.remember(kind);
            }
        }
        rendering.check_kube_proxy(node, &hostname);
        let told = Told {
            node,
            class: rendering.class,
            hostname: &hostname,
            config: &config,
            flags: &flags,
            paths: &paths_told,
        };
        let expected_name = told.expected_name();
        rendering.builder.fail(told.check());
        rendering.state(node, &config, &flags);
        rendering.seal(node);
        let (tree, findings) = rendering.builder.finish()?;
        Ok(RenderedNode {
            tree,
            findings,
            config,
            flags,
            token_files: rendering.token_files,
            expected_name,
            hostname,
            admin_labels,
            self_labels,
            annotations,
        })
    }
}

impl Renderer {
    /// Hashes of passwords of a class' users.
    pub fn passwords(&self, class: usize) -> Arc<[UserHash]> {
        Arc::clone(&self.classes[class].passwords)
    }
}

impl RenderedNode {
    /// Kernel settings that its kubelet insists on and no file of its payload sets, as `vm.overcommit_memory = 1`.
    pub fn unset_kernel_settings(&self) -> Vec<String> {
        if self.config.get("protectKernelDefaults") == Some(&Json::Bool(true)) {
            agree::unset_kernel_defaults(&self.tree).collect()
        } else {
            Vec::new()
        }
    }
}

impl Renderer {
    /// The images that a node names and its payload does not hold.
    pub fn outside_images(&self, node: &NodePlan, rendered: &RenderedNode) -> Vec<Outside> {
        let there = &self.classes[node.class.index].images.images;
        let spec = &node.class.spec;
        let kind = runtime_kind(node, &rendered.config, &rendered.flags);
        let sandbox = agree::sandbox_of(&rendered.tree, kind, &rendered.flags);
        let there = (sandbox.as_deref(), &there[..]);
        images::outside(&rendered.tree, spec, &rendered.config, there)
    }
}

/// The runtime that a node's kubelet talks to.
fn runtime_kind(node: &NodePlan, config: &Json, flags: &Flags) -> RuntimeKind {
    let minor = node.class.spec.kubernetes.value.minor();
    runtime::kind(runtime::endpoint(flags, config, minor))
}

impl NodeRendering<'_> {
    /// Everything that is the same for nodes that are alike.
    fn check(&mut self, node: &NodePlan, paths: &Paths, (config, flags): (&Json, &Flags)) {
        self.builder.fail(facts::broken_rules(node, config, flags));
        self.check_units();
        self.check_files(node, config);
        self.check_runtimes(&node.class.spec);
        self.check_pod_network(runtime_kind(node, config, flags), flags);
        self.check_resolver(&node.class.spec, config);
        let known = Known {
            spec: &node.class.spec,
            config,
            flags,
            images: &self.class.images.images,
        };
        let mut disagreements = agree::check(self.builder.tree(), &known);
        let tree = self.builder.so_far();
        disagreements.extend(other_runtimes::check(tree, &node.class.spec, config, flags));
        self.builder.fail(disagreements);
        self.check_kubelet_files(node, config, flags);
        self.check_starts(node, paths, flags);
        let minor = node.class.spec.kubernetes.value.minor();
        let line = CommandLine::of(self.builder.tree(), flags, config, minor);
        let open = open::check(node, (&line, config), &self.builder);
        self.builder.fail(open);
        let network = &self.renderer.network;
        let told = cluster_settings::check((node, network), (&line, config), &self.builder);
        self.builder.fail(told);
    }

    /// What the kubelet will keep on the node, whatever later payloads say.
    fn state(&mut self, node: &NodePlan, config: &Json, flags: &Flags) {
        let spec = &node.class.spec;
        let joined = needs_token(Some(spec)).then_some(Joined {
            server: &self.renderer.server,
            ca: &self.renderer.ca_digest,
        });
        let state = node_state(config, flags, joined, spec.kubernetes.value.minor());
        if spec.output.initramfs.mode == Mode::CopyToRoot {
            // The root that files are copied to has no other memory of what they said before.
            let theirs =
                |state: &NodeState| self.builder.so_far().get(state.path.as_str()).is_none();
            let of_kubelet: Vec<_> = state
                .iter()
                .filter(|state| theirs(state))
                .cloned()
                .collect();
            let text = remembered(&of_kubelet);
            let origin = "generator kubelet-state";
            self.text_file(REMEMBERED, text, origin, &spec.kubernetes.location);
        }
        self.builder.tree().set_state(state);
    }

    /// What was rendered for this node; what many nodes share was looked at once, and its findings are there.
    fn look_for_secrets(&mut self) {
        let guarded = Arc::clone(&self.renderer.guarded);
        let token = self.node_scopes.token.take();
        // A secret file may have the token of its own node, and no other secret.
        let is_own_token = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let token = token.as_ref().map(Secret::expose);
            token.is_some_and(|token| {
                let without = Zeroizing::new(text.replace(token, ""));
                without.len() < bytes.len() && guarded.find(without.as_bytes()).is_none()
            })
        };
        let look = |content: &Content, origin: &Origin, secret: bool| {
            let Content::Blob(blob) = content else {
                return None;
            };
            if blob.is_shared() {
                return None;
            }
            let private = guarded.find(blob.bytes())?;
            // The generated kubeconfig is where the token belongs.
            let is_ours = secret
                && private == Private::Tokens
                && (origin.is_generator() || is_own_token(blob.bytes()));
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

    /// Renders a template of a file. That of a secret file knows `node.token`; what its failure says is redacted.
    fn render_of_file(&mut self, id: TemplateId, is_secret: bool) -> Option<String> {
        let secret = is_secret.then(|| self.node_scopes.secret());
        let open = secret.flatten().and_then(|secret| {
            self.scope.set("node", secret);
            self.node_scopes.open.clone()
        });
        let mut rendered = self.renderer.templates.render(id, &self.scope);
        if let Some(open) = open {
            self.scope.set("node", open);
            if let Err(finding) = &mut rendered {
                finding.message = redacted(&finding.message).into();
            }
        }
        self.builder.take(rendered)
    }
}
