//! What dumps of a cluster say, each fact with who said it and where. One fact has several sources; the best one counts, and
//! another value is a finding.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::Location;
use crate::preflight::manifest::CommandLine;
use crate::report::{Finding, Id, Report};
use crate::wording::counted;

/// A value, where it was written, and what its source is called.
#[derive(Clone, Debug)]
pub struct Said<T> {
    /// What was said.
    pub value: T,
    /// Where.
    pub at: Location,
    /// Who said it, like `ConfigMap cluster-info`.
    pub source: String,
}

/// All that was said about one fact, the best source first.
#[derive(Clone, Debug)]
pub struct Claims<T>(Vec<(u8, Said<T>)>);

impl<T> Default for Claims<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Claims<T> {
    /// Adds what a source says; the source with the lowest rank counts.
    pub fn add(&mut self, rank: u8, value: T, at: &Location, source: impl Into<String>) {
        let said = Said {
            value,
            at: at.clone(),
            source: source.into(),
        };
        let place = self.0.partition_point(|(known, _)| *known <= rank);
        self.0.insert(place, (rank, said));
    }

    /// What counts.
    pub fn best(&self) -> Option<&Said<T>> {
        self.0.first().map(|(_, said)| said)
    }

    /// The value that counts.
    pub fn value(&self) -> Option<&T> {
        self.best().map(|said| &said.value)
    }

    /// Warns of each source that says something else than the one that counts.
    pub fn report(&self, fact: &str, show: impl Fn(&T) -> String, report: &mut Report) {
        let Some(best) = self.best() else {
            return;
        };
        for (_, other) in self.0.iter().skip(1) {
            if other.value == best.value {
                continue;
            }
            let rule = format!(
                "{} is {} here and {} in {} ({}), which is taken",
                fact,
                show(&other.value),
                show(&best.value),
                best.source,
                best.at
            );
            let finding = Finding::new(Id::ImportDisagreement, &other.at, "", rule);
            report.add(finding.help("correct cluster.yaml if this one is right"));
        }
    }
}

/// A kubelet's settings, as a ConfigMap or `/configz` has them.
#[derive(Clone, Debug)]
pub struct KubeletSettings {
    /// A KubeletConfiguration.
    pub config: Json,
    /// Where.
    pub at: Location,
    /// Whether it has some fields only, and says nothing of the others.
    pub is_part: bool,
}

/// A node of the cluster.
#[derive(Clone, Debug)]
pub struct NodeFact {
    /// Its name.
    pub name: String,
    /// Where it was read.
    pub at: Location,
    /// Its own addresses, the first one first.
    pub addresses: Vec<IpAddr>,
    /// Further names that it goes by.
    pub names: Vec<String>,
    /// Its kubelet's version.
    pub version: Option<String>,
    /// Labels that the system does not set by itself.
    pub labels: BTreeMap<String, String>,
    /// Taints that the system does not set by itself: `key:effect` and the value.
    pub taints: BTreeMap<String, String>,
    /// MAC addresses.
    pub macs: Vec<String>,
    /// Whether an API server runs on it.
    pub control_plane: bool,
    /// Its architecture as Kubernetes calls it.
    pub arch: Option<String>,
    /// Its operating system, as `Ubuntu 24.04.1 LTS`.
    pub os_image: Option<String>,
    /// Its runtime, as `containerd://2.0.5`.
    pub runtime: Option<String>,
    /// The distribution that its labels name, if its nodes join in a way of their own.
    pub distribution: Option<&'static str>,
    /// The ranges of its own pods.
    pub pods: Vec<String>,
    /// What identifies it at a cloud.
    pub provider_id: Option<String>,
    /// What is worth knowing beside that, in words.
    pub notes: Vec<String>,
}

impl NodeFact {
    /// A node of which only the name is known.
    pub fn new(name: impl Into<String>, at: &Location) -> Self {
        Self {
            name: name.into(),
            at: at.clone(),
            addresses: Vec::new(),
            names: Vec::new(),
            version: None,
            labels: BTreeMap::new(),
            taints: BTreeMap::new(),
            macs: Vec::new(),
            control_plane: false,
            arch: None,
            os_image: None,
            runtime: None,
            distribution: None,
            pods: Vec::new(),
            provider_id: None,
            notes: Vec::new(),
        }
    }
}

/// All that is known of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Its name.
    pub name: Claims<String>,
    /// The URL of the API server.
    pub url: Claims<String>,
    /// The CA certificates as PEM.
    pub ca: Claims<String>,
    /// The version of the API servers.
    pub version: Claims<String>,
    /// Ranges of service addresses.
    pub services: Claims<Vec<String>>,
    /// Ranges of pod addresses.
    pub pods: Claims<Vec<String>>,
    /// The DNS domain.
    pub domain: Claims<String>,
    /// The DNS servers that pods use.
    pub dns: Claims<Vec<String>>,
    /// The version of new nodes, where the user names one or an inventory has it.
    pub kubelet_version: Claims<String>,
    /// The settings of all kubelets, the best source first.
    pub kubelet: Vec<(u8, KubeletSettings)>,
    /// The settings of single kubelets, by node.
    pub configz: BTreeMap<String, KubeletSettings>,
    /// The nodes by name, in the order in which they were read.
    pub nodes: indexmap::IndexMap<String, NodeFact>,
    /// How the programs of the control plane are started, each with its node.
    pub control_plane: Vec<(Option<String>, CommandLine)>,
    /// The addresses at which control planes say that they can be reached.
    pub endpoints: Vec<String>,
    /// Further keys of the cluster, as text of `cluster.yaml` at its top level.
    pub further: Vec<String>,
    /// Objects that were left aside: for each kind and file how many, and the first one.
    pub skipped: BTreeMap<(Arc<str>, String), (usize, Location, String)>,
    /// Nodes that are not there yet, by name: they are built.
    pub planned: Vec<String>,
    /// Whether kubeadm made the cluster.
    pub kubeadm: bool,
    /// What was read, for messages.
    pub read: usize,
}

impl Facts {
    /// The node of a name, made where it is new.
    pub fn node(&mut self, name: &str, at: &Location) -> &mut NodeFact {
        let nodes = &mut self.nodes;
        nodes
            .entry(name.to_owned())
            .or_insert_with(|| NodeFact::new(name, at))
    }

    /// Notes an object that nothing is taken from.
    pub fn skip(&mut self, kind: &str, name: &str, at: &Location) {
        let key = (at.file.clone(), kind.to_owned());
        let first = || (0, at.clone(), name.to_owned());
        self.skipped.entry(key).or_insert_with(first).0 += 1;
    }

    /// The settings of all kubelets, by the best source.
    pub fn kubelet(&self) -> Option<&KubeletSettings> {
        let best = self.kubelet.iter().min_by_key(|(rank, _)| *rank);
        best.map(|(_, settings)| settings)
    }

    /// Warns of what was left aside and of sources that disagree.
    pub fn report(&self, report: &mut Report) {
        for ((_, kind), (count, at, name)) in &self.skipped {
            let named = if name.is_empty() {
                String::new()
            } else {
                format!(" {name}")
            };
            let rule = match count {
                1 => format!("{kind}{named} is not read"),
                count => {
                    format!(
                        "{} of kind {kind} are not read, the first is{named}",
                        counted(*count, "object")
                    )
                }
            };
            let finding = Finding::new(Id::ImportKindUnknown, at, "", rule);
            report.add(finding.help("leave it out"));
        }
        let text = |text: &String| text.clone();
        let list = |list: &Vec<String>| list.join(", ");
        self.url.report("the API server's URL", text, report);
        let ca = |_: &String| "another one".to_owned();
        self.ca.report("the CA", ca, report);
        self.services.report("the service network", list, report);
        self.pods.report("the pod network", list, report);
        self.domain.report("the DNS domain", text, report);
        self.dns.report("the DNS server", list, report);
    }
}
