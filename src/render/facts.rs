//! What templates see: the cluster, the node, its paths, its kubelet.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use crate::compile::text::TemplateText;
use crate::identity::CaCertificate;
use crate::kubernetes::flags::check_flag;
use crate::kubernetes::rules::unusable;
use crate::kubernetes::runtime;
use crate::kubernetes::shutdown::needed;
use crate::kubernetes::version::Version;
use crate::plan::{NodePlan, Plan, check_rendered};
use crate::render::steady::{SteadyConfig, SteadyPaths};
use crate::render::word::unit_word;
use crate::render::{Labels, NodeRendering};
use crate::report::{Finding, Id};
use crate::secrets::Secret;
use crate::template::{Parts, ScopeValue};

/// What every template may know of the cluster.
pub(super) fn cluster_scope(plan: &Plan) -> ScopeValue {
    let cluster = &plan.cluster;
    let network = &cluster.network;
    let texts = |list: Vec<String>| Json::from(list);
    ScopeValue::new(&serde_json::json!({
        "name": cluster.name.value,
        "generation": cluster.generation,
        // As kubeadm pins a CA.
        "caHash": plan.ca.certificates.first().map(CaCertificate::pin),
        "caHashes": texts(plan.ca.certificates.iter().map(CaCertificate::pin).collect()),
        "apiServer": {
            "url": cluster.api_server.url.value,
            "host": cluster.api_server.host(),
            "port": port(&cluster.api_server.url.value),
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

/// Rendered flags by name; null for one without a value.
pub(super) type Flags = serde_json::Map<String, Json>;

/// The flags that the rules read: without the one that is made from `labels`, whose texts were checked.
pub(super) fn rule_flags<'f>(node: &NodePlan, flags: &'f Flags) -> Vec<(&'f str, &'f str)> {
    let is_made = |name: &str| name == "node-labels" && !node.class.self_labels.is_empty();
    let flags = flags.iter().filter(|(name, _)| !is_made(name));
    flags
        .map(|(name, text)| (name.as_str(), text.as_str().unwrap_or("true")))
        .collect()
}

/// The most that keys and values of an object's annotations have in all, in bytes (apimachinery,
/// pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB).
const ANNOTATIONS_MAX: usize = 256 << 10;

/// What the rules say of one node, but not what its addresses in the inventory are to blame for: that was said there.
pub(super) fn broken_rules(node: &NodePlan, config: &Json, flags: &Flags) -> Vec<Finding> {
    let mut found = check_rendered(&node.class, config, &rule_flags(node, flags));
    let is_known = |address: &IpAddr| unusable(address, 37).is_some();
    if node.addresses.iter().any(is_known) {
        found.retain(|finding| finding.id != Id::NodeAddressUnusable);
    }
    found
}

/// The port of an https URL.
fn port(url: &str) -> u16 {
    let (_, end) = url.rsplit_once(':').unwrap_or_default();
    end.parse().unwrap_or(443)
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

/// `kubelet`, as templates see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KubeletScope<'a> {
    version: &'a Version,
    minor: u32,
    config: &'a ScopeValue,
    flags: &'a Flags,
    args: &'a [String],
    shutdown_seconds: u64,
    runtime_endpoint: &'a str,
    runtime_unit: &'a str,
}

/// `node`, as templates see it.
#[derive(Default)]
pub(super) struct NodeScopes {
    facts: Json,
    /// Without its token.
    pub(super) open: Option<ScopeValue>,
    /// Its token, if it joins with one.
    pub(super) token: Option<Secret>,
}

impl NodeScopes {
    /// The node with its token, `ID.SECRET`; None for a node that has none. Made only where a secret file asks.
    pub(super) fn secret(&self) -> Option<ScopeValue> {
        let token = self.token.as_ref()?;
        let mut facts = self.facts.clone();
        facts["token"] = Json::from(token.expose());
        Some(ScopeValue::new(&facts))
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl<'o> NodeRendering<'o> {
    /// Name, addresses and labels: what is known before paths and flags are.
    pub(super) fn identity(&mut self, node: &NodePlan) -> (String, Labels, Labels) {
        self.scope
            .set_steady("cluster", self.renderer.cluster.clone(), Parts::CLUSTER);
        self.scope
            .set_steady("vars", self.class.vars.clone(), Parts::VARS);
        self.scope
            .set_steady("os", self.class.os.clone(), Parts::OS);
        self.scope.set_steady(
            "containerd",
            self.class.containerd.clone(),
            Parts::CONTAINERD,
        );
        // The same for all nodes of a class, whatever a template reads of it.
        self.scope.set("time", self.class.time.clone());
        let mut facts = NodeScope {
            name: &node.name,
            hostname: &node.name,
            address: node.addresses.first().map(ToString::to_string),
            addresses: node.addresses.iter().map(ToString::to_string).collect(),
            macs: &node.macs,
            group: &node.group,
            labels: serde_json::Map::new(),
        };
        let first = ScopeValue::new(&facts);
        self.scope.set("node", first.clone());
        let hostname = self
            .class
            .hostname
            .as_ref()
            .and_then(|piece| self.render(piece));
        let hostname = hostname.map_or_else(|| node.name.clone(), Cow::into_owned);
        let self_labels = self.labels(&self.class.self_labels);
        let admin_labels = self.labels(&self.class.admin_labels);
        let labels = self_labels.iter().chain(&admin_labels);
        facts.labels = labels
            .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
            .collect();
        facts.hostname = &hostname;
        let is_as_first = facts.labels.is_empty() && *hostname == node.name;
        let open = if is_as_first {
            first
        } else {
            ScopeValue::new(&facts)
        };
        if self.class.has_secret_templates() {
            self.node_scopes.facts = serde_json::to_value(&facts).unwrap_or_default();
        }
        self.node_scopes.open = Some(open.clone());
        self.scope.set("node", open);
        (hostname, self_labels, admin_labels)
    }

    fn labels(&mut self, texts: &'o [(String, TemplateText)]) -> Labels {
        let mut labels = Vec::with_capacity(texts.len());
        for (key, piece) in texts {
            let Some(value) = self.render(piece) else {
                continue;
            };
            match crate::kubernetes::names::label_value(&value) {
                Ok(()) => labels.push((key.clone(), value.into_owned())),
                Err(rule) => self.builder.fail([piece
                    .location
                    .finding(Id::LabelInvalid, format!("{key}: {rule}"))]),
            }
        }
        labels
    }

    /// Annotations; a template that renders to nothing leaves its annotation out.
    pub(super) fn annotations(&mut self) -> Labels {
        let mut annotations = Vec::new();
        let class = self.class;
        for (key, piece) in &class.annotations {
            let Some(value) = self.render(piece) else {
                continue;
            };
            if !value.is_empty() || piece.is_plain() {
                annotations.push((key.clone(), value.into_owned()));
            }
        }
        let bytes = |(key, value): &(String, String)| key.len() + value.len();
        if annotations.iter().map(bytes).sum::<usize>() > ANNOTATIONS_MAX {
            let location = &class.annotations[0].1.location;
            let rule = "the annotations of a node have at most 256 KiB in all";
            let finding = location.finding(Id::AnnotationInvalid, rule);
            self.builder.fail([finding.help("shorten them")]);
        }
        annotations
    }

    /// The well-known paths.
    pub(super) fn paths(&mut self) -> Arc<serde_json::Map<String, Json>> {
        let class = self.class;
        let known = self.steady().map(|steady| &steady.paths);
        if let Some(known) = known.and_then(OnceLock::get) {
            self.scope
                .set_steady("paths", known.scope.clone(), Parts::PATHS);
            return Arc::clone(&known.map);
        }
        let mut is_steady = true;
        let mut map = serde_json::Map::new();
        for (name, piece) in &class.paths {
            is_steady &= self.is_steady(piece);
            match self.render(piece) {
                Some(path) => drop(map.insert(name.clone(), Json::from(path))),
                None => is_steady = false,
            }
        }
        let scope = ScopeValue::new(&map);
        let map = Arc::new(map);
        self.scope
            .set_steady("paths", scope.clone(), Parts::PATHS.only_if(is_steady));
        if let Some(known) = known.filter(|_| is_steady) {
            let map = Arc::clone(&map);
            let _ = known.set(SteadyPaths { map, scope });
        }
        map
    }

    /// The kubelet's configuration; it and the arguments are what templates know of the kubelet.
    pub(super) fn kubelet(&mut self, node: &NodePlan) -> Option<(Arc<Json>, Flags)> {
        let minor = node.class.spec.kubernetes.value.minor();
        let (flags, args) = self.flags(minor)?;
        let class = self.class;
        let are_steady = |piece: &Option<TemplateText>| {
            let piece = piece.as_ref();
            piece.is_none_or(|piece| self.is_steady(piece))
        };
        let steady = Parts::FLAGS.only_if(class.flags.iter().all(|(_, piece)| are_steady(piece)));
        let steady = steady.with(Parts::VERSION);
        let is_steady = class.config.all(&|id| self.is_steady_template(id));
        let known = self.steady().filter(|_| is_steady);
        let known = known.map(|steady| &steady.config);
        let (config, scope) = match known.and_then(OnceLock::get) {
            Some(known) => (Arc::clone(&known.config), known.scope.clone()),
            None => {
                let rendered = class
                    .config
                    .render(&self.renderer.templates, &self.scope, minor);
                match rendered {
                    Ok(config) => {
                        let config = config.unwrap_or_default();
                        let scope = ScopeValue::new(&config);
                        self.share_config(known, Arc::new(config), scope)
                    }
                    Err(findings) => {
                        self.builder.fail(findings);
                        return None;
                    }
                }
            }
        };
        let endpoint = runtime::endpoint(&flags, &config, minor);
        let kubelet = KubeletScope {
            version: &node.class.spec.kubernetes.value,
            minor,
            config: &scope,
            flags: &flags,
            args: &args,
            shutdown_seconds: seconds(needed(&config).0),
            runtime_endpoint: endpoint,
            runtime_unit: runtime::unit(endpoint),
        };
        let steady = steady.with(Parts::CONFIG.only_if(is_steady));
        self.scope
            .set_steady("kubelet", ScopeValue::new(&kubelet), steady);
        Some((config, flags))
    }

    /// Keeps a configuration for the other nodes of the class, if it is theirs too; what all of them have then.
    fn share_config(
        &self,
        known: Option<&OnceLock<SteadyConfig>>,
        config: Arc<Json>,
        scope: ScopeValue,
    ) -> (Arc<Json>, ScopeValue) {
        let Some(known) = known else {
            return (config, scope);
        };
        let known = known.get_or_init(|| SteadyConfig {
            config,
            scope,
            file: OnceLock::new(),
        });
        (Arc::clone(&known.config), known.scope.clone())
    }

    /// The flags by name, and as words of the command line.
    fn flags(&mut self, minor: u32) -> Option<(Flags, Vec<String>)> {
        let mut flags = serde_json::Map::new();
        let mut args = Vec::new();
        for (name, piece) in &self.class.flags {
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
                        self.builder
                            .fail([piece.location.finding(Id::KubeletFlagInvalid, rule)]);
                    }
                    Some(value)
                }
            };
            args.push(unit_word(name, value.as_deref()));
            flags.insert(name.clone(), value.map_or(Json::Null, Json::from));
        }
        Some((flags, args))
    }
}
