//! The layers of each node, merged: what is equal for many nodes once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use crate::inventory::cluster::ClusterFile;
use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::layers::Networks;
use crate::inventory::keys::Shaped;
use crate::inventory::profiles::{ProfileLayer, Profiles, check_systems};
use crate::inventory::removed::{self, Removal};
use crate::inventory::sources::Sources;
use crate::inventory::{Node, Spec, layer, scope};
use crate::model::Spanned;
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Levels, Report};
use crate::template::{Scope, ScopeValue};
use crate::yaml::Located;

/// What nodes are merged from.
pub struct Layers<'r> {
    report: &'r RefCell<Report>,
    project: ProjectFolder,
    profiles: Profiles,
    shared_profiles: Vec<Spanned<String>>,
    cluster: Option<Arc<Located>>,
    interfaces: Option<Arc<Located>>,
}

/// The profiles of a node, each once.
struct OfNode {
    /// The defaults and the cluster's, which are below the cluster.
    below: Vec<ProfileLayer>,
    /// The node's own, which are above it.
    above: Vec<ProfileLayer>,
}

impl<'r> Layers<'r> {
    /// The layers of a cluster.
    pub fn new(
        project: &ProjectFolder,
        file: &mut ClusterFile,
        report: &'r RefCell<Report>,
    ) -> Self {
        Self {
            report,
            project: project.clone(),
            profiles: Profiles::new(project.clone()),
            shared_profiles: std::mem::take(&mut file.profiles),
            cluster: file.layer.take(),
            interfaces: file.interfaces.take(),
        }
    }

    /// What the profiles say of findings.
    pub fn levels(&self, nodes: &[Node]) -> Levels {
        self.profiles.levels(&self.shared_profiles, nodes)
    }

    /// Merges each node's layers. Nodes with the same profiles and the very same layers share one result: a range of
    /// 10,000 nodes is merged once.
    pub fn specs(&mut self, nodes: &[Node]) -> (Vec<Arc<Spec>>, Vec<Option<usize>>) {
        let mut all = Vec::new();
        let mut known: HashMap<(Vec<&str>, Vec<usize>), Option<usize>> = HashMap::new();
        let mut of_node = Vec::with_capacity(nodes.len());
        let mut sources = Sources::default();
        for node in nodes {
            let names = node.profiles.iter().map(|profile| profile.value.as_str());
            let identities = node.layers.iter().map(|layer| Arc::as_ptr(layer) as usize);
            let key = (names.collect(), identities.collect());
            let index = match known.get(&key) {
                Some(index) => *index,
                None => {
                    let merged = self.merged(node);
                    let index = merged.map(|(merged, removed)| {
                        sources.collect(&merged);
                        all.push((merged, removed));
                        all.len() - 1
                    });
                    known.insert(key, index);
                    index
                }
            };
            of_node.push(index);
        }
        let resolving = sources.compile(&self.project, self.report);
        let mut specs = Vec::new();
        let mut places = Vec::with_capacity(all.len());
        for (index, (merged, removed)) in all.into_iter().enumerate() {
            let of_files = RefCell::new(Report::default());
            let resolved = resolving.resolved(&merged, &of_files);
            let is_whole = resolved.is_whole;
            let spec = Spec::read(&Cursor::new(
                resolved.merged.as_ref().unwrap_or(&merged),
                "",
                self.report,
            ));
            // Without one of its files a node is only the source of further findings.
            let spec = spec.filter(|_| is_whole);
            places.push(spec.map(|spec| {
                specs.push(Arc::new(Spec { removed, ..spec }));
                specs.len() - 1
            }));
            self.tell(of_files.into_inner(), || {
                let all = nodes.iter().zip(&of_node);
                let these = all.filter(|(_, of)| **of == Some(index));
                these.map(|(node, _)| node.name.value.clone()).collect()
            });
        }
        let spec_of = of_node.iter().map(|of| of.and_then(|index| places[index]));
        let spec_of = spec_of.collect();
        (specs, spec_of)
    }

    /// Adds what was found about some nodes, with their names.
    fn tell(&self, found: Report, nodes: impl Fn() -> Vec<String>) {
        for finding in found.into_findings() {
            let mut nodes = nodes();
            nodes.sort_unstable();
            self.report.borrow_mut().add(Finding { nodes, ..finding });
        }
    }

    /// Reads the interfaces of each node, `others` too, which this project does not build and which have no profiles.
    pub fn networks(
        &mut self,
        nodes: &mut [Node],
        others: Vec<&mut Node>,
        (specs, spec_of): (&[Arc<Spec>], &[Option<usize>]),
    ) {
        let mut networks = Networks::default();
        let mut asked = Vec::with_capacity(nodes.len());
        // Nodes of one spec have the same profiles.
        let mut of_spec: Vec<Option<Option<Vec<Arc<Located>>>>> = vec![None; specs.len()];
        for (node, spec) in nodes.iter().zip(spec_of) {
            let known = spec.and_then(|index| of_spec.get_mut(index));
            let shared = match known {
                Some(known) => known.get_or_insert_with(|| self.interfaces_below(node)),
                None => &mut self.interfaces_below(node),
            };
            let shared = shared.as_ref();
            asked.push(shared.and_then(|shared| networks.ask(shared, &node.interfaces)));
        }
        let of_others: Vec<_> = others
            .iter()
            .map(|node| networks.ask(&[], &node.interfaces))
            .collect();
        let mut reading = networks.compile(self.report);
        let scopes: Vec<_> = specs
            .iter()
            .map(|spec| (scope::vars(spec.vars.as_ref()), scope::os(&spec.os)))
            .collect();
        for ((node, asked), spec) in nodes.iter_mut().zip(asked).zip(spec_of) {
            let scope = || {
                let (vars, os) = scopes.get((*spec)?)?;
                let mut scope = Scope::default();
                scope.set("node", node_scope(node));
                scope.set("vars", vars.clone());
                scope.set("os", os.clone());
                Some(scope)
            };
            node.network = asked
                .and_then(|asked| reading.network(&asked, &node.name.value, scope, self.report));
        }
        for (node, asked) in others.into_iter().zip(of_others) {
            let scope = || {
                let mut scope = Scope::default();
                scope.set("node", node_scope(node));
                Some(scope)
            };
            node.network = asked
                .and_then(|asked| reading.network(&asked, &node.name.value, scope, self.report));
        }
        reading.finish(self.report);
    }

    /// The layers of interfaces below a node's own, in the order of all layers.
    fn interfaces_below(&mut self, node: &Node) -> Option<Vec<Arc<Located>>> {
        let OfNode { below, above } = self.profiles_of(node)?;
        let of_profile = |profile: ProfileLayer| profile.interfaces;
        let below = below.into_iter().filter_map(of_profile);
        let above = above.into_iter().filter_map(of_profile);
        let all = below.chain(self.interfaces.clone()).chain(above);
        Some(all.collect())
    }

    /// A profile that the cluster has is not applied again above it, by whatever way a node's profile comes to it. None
    /// without one of them: the node would only be the source of further findings.
    fn profiles_of(&mut self, node: &Node) -> Option<OfNode> {
        let mut profiles = self.profiles.defaults(self.report)?.to_vec();
        let mut of_cluster = profiles.len();
        let shared = self.shared_profiles.iter().map(|name| (name, true));
        let own = node.profiles.iter().map(|name| (name, false));
        let mut used = Vec::new();
        for (name, is_shared) in shared.chain(own) {
            let layers = self.profiles.get(name, self.report)?;
            used.push((name.clone(), layers.clone()));
            for layer in layers.iter() {
                if !profiles.iter().any(|known| known.file == layer.file) {
                    profiles.push(layer.clone());
                }
            }
            if is_shared {
                of_cluster = profiles.len();
            }
        }
        check_systems(&used, self.report);
        let above = profiles.split_off(of_cluster);
        Some(OfNode {
            below: profiles,
            above,
        })
    }

    /// From the lowest: the defaults, the cluster's profiles, the cluster, the node's own profiles, its range, the node.
    fn merged(&mut self, node: &Node) -> Option<(Arc<Located>, Vec<Removal>)> {
        let OfNode { below, above } = self.profiles_of(node)?;
        let below = below.iter().map(|profile| &profile.layer);
        let above = above.iter().map(|profile| &profile.layer);
        let all = below.chain([&self.cluster]).chain(above).flatten();
        let all: Vec<&Arc<Located>> = all.chain(&node.layers).collect();
        let removed = removed::removals(all.iter().copied());
        let merged = all.into_iter().fold(None, layer::over);
        Some((merged?, removed))
    }
}

/// `node`, as far as it is known before its labels are.
fn node_scope(node: &Node) -> ScopeValue {
    let addresses = node.addresses.iter().map(|at| at.value.to_string());
    let addresses: Vec<String> = addresses.collect();
    let macs: Vec<&str> = node.macs.iter().map(|mac| mac.value.as_str()).collect();
    let mut facts = json!({ "name": node.name.value, "addresses": addresses, "macs": macs });
    if let Some(first) = addresses.first() {
        facts["address"] = first.as_str().into();
    }
    ScopeValue::new(&facts)
}
