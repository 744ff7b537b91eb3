//! The plan: everything decided. In: an inventory, tokens, the CA and facts about Kubernetes. Out: one [`NodePlan`] per
//! node, and one [`ClassPlan`] for all nodes that say the same. Output formats are not known here.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use time::OffsetDateTime;

use crate::cluster::Groups;
use crate::identity::{CaBundle, Credential};
use crate::inventory::{Cluster, Inventory, NodeLocations, Spec, Text, UnmanagedNode};
use crate::kubernetes::rules::Verdict;
use crate::model::Network;
use crate::model::{FieldLocation, Location};
use crate::plan::sealing::Sealer;
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id, Report};
use crate::seal::StorageKey;
use crate::secrets::{Token, TokenStore};
use crate::wording::have;
use crate::yaml::Located;

mod approval;
mod check;
mod families;
mod groups;
mod host;
mod identity;
mod kubelet;
mod labels;
mod sealing;

pub use host::{containerd_misfit, refused_format};
pub use identity::{Credentials, Role, WantedCredential, needs_token, wanted};
pub use kubelet::{
    DropIn, Moved, check_config, check_drop_ins, check_rendered, check_types, check_value,
    has_drop_ins,
};
pub use sealing::{Sealing, location as sealing_location};

/// A cluster, decided.
pub struct Plan {
    /// The project's folder: files and assets are relative to it.
    pub project: ProjectFolder,
    /// The cluster's facts.
    pub cluster: Cluster,
    /// The groups of its tokens.
    pub groups: Groups,
    /// The certificates that nodes trust.
    pub ca: CaBundle,
    /// What is the same for many nodes.
    pub classes: Vec<Arc<ClassPlan>>,
    /// The nodes in the order of the inventory.
    pub nodes: Vec<NodePlan>,
    /// Nodes of the cluster that others made, in the order of the inventory.
    pub unmanaged: Vec<UnmanagedNode>,
    /// Where each node was written, to name it in findings.
    pub locations: NodeLocations,
}

/// What is the same for all nodes whose layers are the same.
#[derive(Debug)]
pub struct ClassPlan {
    /// Its index in [`Plan::classes`].
    pub index: usize,
    /// The merged layers.
    pub spec: Arc<Spec>,
    /// KubeletConfiguration with taints, checked against the version; strings may be templates.
    pub kubelet_config: Located,
    /// Flags in order; labels and, for old versions, taints are among them.
    pub kubelet_flags: Vec<(String, Option<Text>)>,
    /// Settings of the kubelet that are not where a profile has them, and why.
    pub moved: Vec<Moved>,
    /// What upstream's rules said of the configuration, and whether some must wait for what its templates render to.
    pub rules: Verdict,
    /// Whether a flag sets a field of the configuration.
    pub flags_set_fields: bool,
    /// Labels that the kubelet gives its own node.
    pub self_labels: Vec<(String, Text)>,
    /// Labels that only an admin may set.
    pub admin_labels: Vec<(String, Text)>,
}

/// Where the user wrote what is a node's own.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its name, or that of its range.
    pub name: FieldLocation,
    /// The first of its addresses.
    pub addresses: Option<FieldLocation>,
    /// Its interfaces, with the location of each value.
    pub interfaces: Option<Located>,
}

/// One node, decided.
#[derive(Debug)]
pub struct NodePlan {
    /// Where the user wrote it.
    pub written: Written,
    /// Its name in the cluster.
    pub name: String,
    /// What it shares with others.
    pub class: Arc<ClassPlan>,
    /// Its addresses, the first one first.
    pub addresses: Vec<IpAddr>,
    /// Its MAC addresses.
    pub macs: Vec<String>,
    /// Its interfaces, where the inventory has them.
    pub network: Option<Arc<Network>>,
    /// The group of its own that its token gives it.
    pub group: String,
    /// Its bootstrap token. None if it has a certificate instead, or if there is a finding that no token is good.
    pub token: Option<Token>,
    /// The certificates that it brings.
    pub credentials: Credentials,
    /// What its secrets are sealed with, where they are sealed.
    pub sealing: Option<Sealing>,
    /// Tokens that came before and whose Secrets still belong among the manifests.
    pub overlapping: Vec<Token>,
    /// The end of its token, of its certificates or of the CA, whichever comes first.
    pub usable_until: OffsetDateTime,
}

impl NodePlan {
    /// Its addresses, the static ones of its interfaces too.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let network = self.network.iter();
        let interfaces = network.flat_map(|network| &network.interfaces);
        let further = interfaces.flat_map(|interface| &interface.addresses);
        let further = further.map(|net| net.addr());
        self.addresses.iter().copied().chain(further)
    }
}

/// What a plan is made from beside the inventory.
pub struct Inputs<'a> {
    /// The bootstrap tokens.
    pub tokens: &'a TokenStore,
    /// The certificates that nodes bring, by file.
    pub credentials: HashMap<String, Arc<Credential>>,
    /// The storage keys of nodes' TPMs, by node; None for one that cannot be read.
    pub storage_keys: HashMap<String, Option<Arc<StorageKey>>>,
    /// The certificates that nodes trust.
    pub ca: CaBundle,
    /// The time that expirations are compared with.
    pub at: OffsetDateTime,
}

impl Plan {
    /// Decides everything that can be decided without rendering a template. Goes on after findings, so that the later
    /// stages find theirs in the same run; nothing may be written then.
    pub fn resolve(inventory: Inventory, inputs: Inputs<'_>, report: &mut Report) -> Self {
        let groups = groups::of(&inventory, report);
        check::check(&inventory, report);
        families::check(&inventory, report);
        host::check(&inventory, report);
        let classes: Vec<Arc<ClassPlan>> = inventory
            .specs
            .iter()
            .enumerate()
            .map(|(index, spec)| Arc::new(class(index, spec, report)))
            .collect();
        let mut nodes = Vec::with_capacity(inventory.nodes.len());
        let mut without = Vec::new();
        let mut sealer = Sealer::new(&inputs.storage_keys, inputs.tokens);
        let broken = broken_ranges(report);
        for (node, spec) in inventory.nodes.into_iter().zip(&inventory.spec_of) {
            let class = spec.and_then(|index| classes.get(index));
            let needs_token = identity::needs_token(class.map(|class| &*class.spec));
            // A range that is broken makes other nodes, or none: nobody has tokens of these.
            let item = &node.name.location.path;
            let item = item.find(']').map_or(&**item, |end| &item[..=end]);
            let is_broken = broken.contains(item);
            let mut of_node = || {
                let mut found = Vec::new();
                let token = token(&node.name.value, &inventory.cluster, &inputs, &mut found);
                if !is_broken {
                    without.extend(found);
                }
                token
            };
            let token = if needs_token {
                of_node()
            } else {
                // Who was shut out must not come back by a certificate.
                if inputs.tokens.is_revoked(&node.name.value) {
                    drop(of_node());
                }
                None
            };
            let Some(class) = class else {
                continue;
            };
            let credentials = Credentials::of(&node, &class.spec, &inputs.credentials);
            let ends = credentials.all().map(|credential| credential.not_after);
            let ends = ends.chain(token.as_ref().map(Token::ends));
            nodes.push(NodePlan {
                written: Written {
                    name: node.name.location.clone(),
                    addresses: node.addresses.first().map(|at| at.location.clone()),
                    interfaces: node.network.as_ref().map(|at| at.located().clone()),
                },
                class: class.clone(),
                addresses: node.addresses.iter().map(|at| at.value).collect(),
                macs: node.macs.into_iter().map(|mac| mac.value).collect(),
                network: node.network.map(|written| written.network),
                group: groups.of_node(&node.name.value),
                usable_until: ends.fold(inputs.ca.not_after, OffsetDateTime::min),
                overlapping: if needs_token {
                    inputs
                        .tokens
                        .overlapping(&node.name.value)
                        .cloned()
                        .collect()
                } else {
                    Vec::new()
                },
                token,
                credentials,
                sealing: sealer.of(&node.name.value, &class.spec),
                name: node.name.value,
            });
        }
        say_tokens(without, report);
        sealer.finish(inputs.tokens, report);
        approval::check(&inventory.cluster, &nodes, &inputs, report);
        approval::check_approver(&inventory.cluster, &inputs, report);
        Self {
            project: inventory.project,
            cluster: inventory.cluster,
            groups,
            ca: inputs.ca,
            classes,
            nodes,
            unmanaged: inventory.unmanaged,
            locations: inventory.locations,
        }
    }

    /// When the first node's payload stops being of use.
    pub fn usable_until(&self) -> Option<OffsetDateTime> {
        self.nodes.iter().map(|node| node.usable_until).min()
    }
}

/// The items of the inventory's nodes, like `nodes[2]`, whose range has an error.
fn broken_ranges(report: &Report) -> HashSet<String> {
    let item = |path: &str| {
        let end = path.find("].range")? + 1;
        let after = &path[end + ".range".len()..];
        let is_range = after.is_empty() || after.starts_with(['.', '[']);
        is_range.then(|| path[..end].to_owned())
    };
    let errors = report.errors();
    errors.filter_map(|error| item(&error.path)).collect()
}

/// After so many nodes without a good token the others are only counted: one command creates them all.
const TOKENS_SAID: usize = 20;

/// Adds the findings about tokens, but not those that follow from another one about the same token.
fn say_tokens(mut without: Vec<Finding>, report: &mut Report) {
    // Each path that a finding is below, up to the bracket: `tokens.n0` of `tokens.n0[0].secret`.
    let above: HashSet<(Arc<str>, String)> = report
        .findings()
        .flat_map(|known| {
            let brackets = known.path.match_indices('[');
            brackets.map(|(at, _)| (known.location.file.clone(), known.path[..at].to_owned()))
        })
        .collect();
    without.retain(|finding| {
        let own = (finding.location.file.clone(), finding.path.to_string());
        !above.contains(&own)
    });
    let (missing, mut without): (Vec<_>, Vec<_>) = without
        .into_iter()
        .partition(|one| one.id == Id::TokenMissing);
    report_missing(missing, report);
    let rest = without.split_off(without.len().min(TOKENS_SAID));
    if let Some(first) = rest.first() {
        let rule = format!("{} no good token", have(rest.len(), "further node"));
        let location = Location::file(first.location.file.clone());
        report.add(
            Finding::new(Id::TokenExpired, &location, "tokens", rule)
                .help("run `nodebake token create`"),
        );
    }
    without.into_iter().for_each(|finding| report.add(finding));
}

/// One finding for all nodes without a token: one command creates them.
fn report_missing(missing: Vec<Finding>, report: &mut Report) {
    let nodes: Vec<String> = missing.iter().flat_map(|one| one.nodes.clone()).collect();
    let (Some(first), Some(last), Some(finding)) = (nodes.first(), nodes.last(), missing.first())
    else {
        return;
    };
    if missing.len() == 1 {
        report.add(finding.clone());
        return;
    }
    let message = format!("{} no token ({first} … {last})", have(nodes.len(), "node"));
    let location = Location::file(finding.location.file.clone());
    let mut all = Finding::new(Id::TokenMissing, &location, "tokens", message);
    all.nodes = nodes;
    report.add(all.help("run `nodebake token create`"));
}

/// The node's token; None where no token is good, with the finding that says so in `without`.
fn token(
    node: &str,
    cluster: &Cluster,
    inputs: &Inputs<'_>,
    without: &mut Vec<Finding>,
) -> Option<Token> {
    let tokens = inputs.tokens;
    match tokens.usable(node, inputs.at, cluster.tokens.boot_within) {
        Ok(token) => Some(token.clone()),
        Err(finding) => {
            // A token that cannot be read is not missing.
            if tokens.newest(node).is_some() || !tokens.is_partial() {
                without.push(finding);
            }
            None
        }
    }
}

fn class(index: usize, spec: &Arc<Spec>, report: &mut Report) -> ClassPlan {
    let minor = spec.kubernetes.value.minor();
    let (self_labels, admin_labels) = labels::split(&spec.labels, minor);
    identity::check(spec, report);
    let kubelet = kubelet::settle(spec, report);
    let mut flags = kubelet.flags;
    let mut add = |name: &str, flag: Option<Text>| {
        if let Some(flag) = flag {
            flags.push((name.to_owned(), Some(flag)));
        }
    };
    add("node-labels", labels::flag(spec, &self_labels, report));
    add("register-with-taints", kubelet.taint_flag);
    kubelet::check_flags(&flags, minor, report);
    ClassPlan {
        index,
        spec: spec.clone(),
        kubelet_config: kubelet.config,
        kubelet_flags: flags,
        moved: kubelet.moved,
        rules: kubelet.rules,
        flags_set_fields: kubelet.flags_set_fields,
        self_labels,
        admin_labels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_nodes_without_tokens_are_counted_and_what_follows_is_left_out() {
        let finding = |id, line, path: &str, rule: &str| {
            Finding::new(
                id,
                &Location::new("secrets.yaml", line, u32::from(line > 0)),
                path,
                rule,
            )
        };
        let mut report = Report::default();
        report.add(finding(
            Id::SecretsInvalid,
            7,
            "tokens.n0[0].secret",
            "too short",
        ));
        let of = |id, n: u32| finding(id, 0, &format!("tokens.n{n}"), "r").of_node(format!("n{n}"));
        let expired = (0..25).map(|n| of(Id::TokenExpired, n));
        let missing = (30..280).map(|n| of(Id::TokenMissing, n));
        say_tokens(expired.chain(missing).collect(), &mut report);
        let said = report.to_string();
        assert_eq!(said.lines().count(), 1 + TOKENS_SAID + 1 + 1, "{said}");
        assert!(
            said.contains("tokens: 250 nodes have no token (n30 … n279); run"),
            "{said}"
        );
        assert!(!said.contains("tokens.n0:"), "{said}");
        assert!(
            said.contains("tokens: 4 further nodes have no good token; run"),
            "{said}"
        );
    }
}
