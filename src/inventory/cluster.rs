//! `cluster.yaml`: the facts of the cluster as a whole.

use std::sync::Arc;
use std::time::Duration;

use crate::inventory::approver::Approver;
use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::layers::{InterfaceLayer, written as interfaces};
use crate::inventory::keys::{by_name, choices, keys, texts};
use crate::inventory::kinds::{MapOf, OrDefault, Required, Section, plain};
use crate::inventory::layer::layer;
use crate::inventory::levels::FindingLevel;
use crate::inventory::nodes::NodeItem;
use crate::inventory::profiles::ApiVersion;
use crate::inventory::scrapers::Scraper;
use crate::inventory::spec::Spec;
use crate::inventory::text::ProfileName;
use crate::inventory::text::{
    Address, Cidr, Domain, HttpsUrl, PemFile, Release, checked, https_url,
};
use crate::model::{Approval, Spanned, TokenUsage};
use crate::report::Id;
use crate::timing::{DURATION_RULE, parse_duration};
use crate::yaml::Located;

/// What is true of the cluster, whichever node is baked.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name: in kubeconfigs, groups, cloud-init's instance-id.
    pub name: Spanned<String>,
    /// Bumped by the user to provision nodes again.
    pub generation: u64,
    /// How nodes reach it.
    pub api_server: ApiServer,
    /// Its addresses.
    pub network: ClusterNetwork,
    /// How bootstrap tokens are made.
    pub tokens: TokenSettings,
    /// Whether the RBAC holds the node-server-renewal objects, which no built-in controller reads.
    pub server_renewal: bool,
    /// Programs that read from kubelets.
    pub scrapers: Vec<Scraper>,
    /// What decides requests for certificates in the cluster.
    pub approver: Option<Approver>,
}

keys! {
    /// The file as it is written.
    pub struct ClusterFile: "cluster", here layer: Option<Arc<Located>> = layer,
        here interfaces: Option<Arc<Located>> = interfaces
    {
        /// the version of this format
        "apiVersion" => _api_version: Required<ApiVersion>,
        /// what this file is
        "kind" => _kind: Required<ClusterKind>,
        /// the cluster's name: in kubeconfigs, token groups and cloud-init's instance-id
        "name" => name: Required<Spanned<ClusterName>>,
        /// raise it to provision nodes again
        "generation" => generation: u64 = 1,
        /// the API server, as nodes see it
        "apiServer" => api_server: Required<ApiServer>,
        /// addresses of services and pods
        "network" => network: Section<ClusterNetwork>,
        /// how bootstrap tokens are made, and what they may do
        "tokens" => tokens: Section<TokenSettings>,
        /// a program in the cluster that decides CSRs by the inventory
        "approver" => approver: Option<Approver>,
        /// what is special in the RBAC
        "rbac" => rbac: Section<Rbac>,
        /// profiles of every node, in order
        "profiles" => profiles: Vec<Spanned<ProfileName>>,
        /// network interfaces of every node by name; a profile or a node overrides them
        "interfaces" => _interfaces: InterfaceLayer,
        /// the nodes
        "nodes" => nodes: Vec<NodeItem>,
        /// tables of nodes: CSV with one node a line, or a list in JSON or YAML
        "nodesFrom" => nodes_from: Vec<Spanned<CsvFile>>,
        /// findings that are accepted or taken more seriously, by their id, and rules of benchmarks by number (cis-4.2.7, V-242397)
        "findings" => findings: MapOf<FindingLevel>,
        also Spec,
    }

    /// The API server, as nodes see it.
    #[derive(Clone, Debug)]
    pub struct ApiServer: "apiServer" {
        /// as nodes reach it; IPv6 in brackets
        "url" => url: Spanned<OrDefault<HttpsUrl, true>>,
        /// with a loopback url: the servers behind the proxy on each node
        "endpoints" => endpoints: Vec<Spanned<HostAndPort>>,
        /// the CA certificates, a file of the project; several during a rotation
        "ca" => ca: Spanned<OrDefault<PemFile, true>>,
        /// its version, for the skew check; without it the newest kubelet's
        "version" => version: Option<Spanned<Release>>,
        /// who it is when it calls a kubelet
        "kubeletClientUser" => kubelet_client_user: ClusterUser = "kube-apiserver-kubelet-client",
    }

    /// The addresses of services and pods.
    #[derive(Clone, Debug)]
    pub struct ClusterNetwork: "network" {
        /// the cluster's DNS domain
        "clusterDomain" => cluster_domain: Domain = "cluster.local",
        /// the DNS servers that pods use
        "clusterDNS" => cluster_dns: Vec<Spanned<Address>>,
        /// ranges of service addresses
        "serviceCIDRs" => service_cidrs: Vec<Spanned<Cidr>>,
        /// ranges of pod addresses
        "podCIDRs" => pod_cidrs: Vec<Spanned<Cidr>>,
        /// whether pods have networks of their own (own), or addresses of the nodes' networks (routed), as with the VPC CNI of AWS
        "pods" => pods_are_routed: PodAddresses = "own",
    }

    /// How bootstrap tokens are made and what they may do.
    #[derive(Clone, Debug)]
    pub struct TokenSettings: "tokens", as TokenSettings = token_settings {
        /// how long a new token lives
        "ttl" => ttl: Spanned<DurationText> = "24h",
        /// how long after the build a node may still boot; ttl must be longer
        "bootWithin" => boot_within: DurationText = "0",
        /// what tokens may do; signing only if you use cluster-info discovery
        "usages" => usages: Vec<TokenUsage> = ["authentication"],
        /// the group that RBAC is bound to, the same for all nodes
        "group" => group: Spanned<OrDefault<TokenGroup>>,
        /// a group for each node, with {node}
        "nodeGroup" => node_group: Spanned<NodeGroup> = "system:bootstrappers:node:{node}",
        /// age1… or SSH public keys: the tokens are kept encrypted for them
        "recipients" => recipients: Vec<Spanned<Recipient>>,
        /// who approves CSRs: the controller (client certificates only), people after `csr review`, or the approver
        "approval" => approval: Spanned<Approval> = "review",
    }

    /// What is special in the RBAC.
    pub struct Rbac: "rbac" {
        /// whether two more objects of the old procedure are there, which no controller reads
        "nodeServerRenewal" => node_server_renewal: bool = false,
        /// programs that read from kubelets, by name: a role and its binding for each
        "scrapers" => scrapers: MapOf<Scraper>,
    }
}

texts! {
    /// The cluster's name.
    ClusterName or NameInvalid: String = cluster_name, r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", ["prod-eu1"];
    /// A table of nodes.
    CsvFile: String = plain, "", ["racks.csv"];
    /// A server behind a proxy.
    HostAndPort or HostPortInvalid: String = host_and_port, r"^[^/?#@\s]+:[0-9]+$", ["10.0.0.1:6443"];
    /// A user of the cluster.
    ClusterUser: String = plain, "", ["kube-apiserver-kubelet-client"];
    /// A time span.
    DurationText or DurationInvalid: Duration = |text| parse_duration(text).ok_or(DURATION_RULE),
        r"^(0|([0-9.]+(ns|us|µs|μs|ms|s|m|h|d))+)$", ["24h", "90d", "1h30m"];
    /// A group that tokens belong to.
    TokenGroup: String = plain, "", ["system:bootstrappers:nodebake:prod-eu1"];
    /// A node's own group.
    NodeGroup: String = plain, r"\{node\}", ["system:bootstrappers:node:{node}"];
    /// The recipients that tokens are encrypted for.
    Recipient: String = plain, "", ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"];
}

by_name!(TokenUsage, Approval);

choices! {
    /// `kind` of `cluster.yaml`.
    ClusterKind: () = [("Cluster", ())];
    /// Where pods have their addresses from: whether from the nodes' networks.
    PodAddresses: bool = [("own", false), ("routed", true)];
}

impl ClusterFile {
    /// The facts of the cluster; None where one is missing, for which there is a finding.
    pub fn cluster(&self) -> Option<Cluster> {
        let name = self.name.clone()?;
        let mut tokens = self.tokens.clone();
        if tokens.group.value.is_empty() {
            tokens.group.value = format!("system:bootstrappers:nodebake:{}", name.value);
        }
        Some(Cluster {
            name,
            generation: self.generation,
            api_server: self.api_server.clone()?,
            network: self.network.clone(),
            tokens,
            server_renewal: self.rbac.node_server_renewal,
            scrapers: self.rbac.scrapers.clone(),
            approver: self.approver.clone(),
        })
    }
}

impl ApiServer {
    /// The host of the URL, without brackets.
    pub fn host(&self) -> String {
        https_url(&self.url.value).map_or_else(|_| String::new(), |(_, host)| host)
    }
}

fn token_settings(tokens: TokenSettings, at: &Cursor<'_>) -> Option<TokenSettings> {
    if let Some(usages) = at.find(&["usages"])
        && !tokens.usages.is_empty()
        && !tokens.usages.contains(&TokenUsage::Authentication)
    {
        usages.report(
            Id::TokenUsagesInvalid,
            "a kubelet's token needs the usage \"authentication\"",
        );
    }
    Some(tokens)
}

fn cluster_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let within = !text.starts_with('-') && !text.ends_with('-');
    let good = (1..=63).contains(&text.len()) && within && text.chars().all(fits);
    checked(
        text,
        good,
        || "a cluster name is a DNS label: at most 63 of a-z, 0-9 and '-', starting and ending with a letter or digit",
    )
}

/// The host of `host:port`, without brackets.
pub fn host_of(endpoint: &str) -> &str {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn host_and_port(text: &str) -> Result<String, String> {
    let (_, host) =
        https_url(&format!("https://{text}")).map_err(|_| "must be host:port".to_owned())?;
    if text.len() > host.len()
        && text
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    {
        Ok(text.to_owned())
    } else {
        Err("must be host:port".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_a_port() {
        assert!(host_and_port("10.0.0.1:6443").is_ok());
        assert!(host_and_port("[fd00::1]:6443").is_ok());
        assert!(host_and_port("10.0.0.1").is_err());
    }
}
