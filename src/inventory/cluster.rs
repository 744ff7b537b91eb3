//! `cluster.yaml`: the facts of the cluster as a whole.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::inventory::cursor::{Cursor, Fields};
use crate::kubernetes::version::Version;
use crate::model::{FieldLocation, Spanned};
use crate::timing::{DURATION_RULE, parse_duration};

/// What is true of the cluster, whichever node is baked.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name: in kubeconfigs, groups, cloud-init's instance-id.
    pub name: Spanned<String>,
    /// Bumped by the user to provision nodes anew.
    pub generation: u64,
    /// How nodes reach it.
    pub api_server: ApiServer,
    /// Its addresses.
    pub network: ClusterNetwork,
    /// How bootstrap tokens are made.
    pub tokens: TokenSettings,
    /// Whether the RBAC holds the node-server-renewal objects, which no built-in controller reads.
    pub server_renewal: bool,
}

/// The API server, as nodes see it.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// `https://host[:port]`.
    pub url: Spanned<String>,
    /// The host of the URL, without brackets.
    pub host: String,
    /// The servers behind a proxy on each node, `host:port`.
    pub endpoints: Vec<Spanned<String>>,
    /// The CA certificates' file, relative to the project.
    pub ca: Spanned<String>,
    /// Its version, where it differs from the kubelets'.
    pub version: Option<Spanned<Version>>,
    /// The user that it is when it calls a kubelet.
    pub kubelet_client_user: String,
}

/// The addresses of services and pods.
#[derive(Clone, Debug, Default)]
pub struct ClusterNetwork {
    /// The DNS domain.
    pub cluster_domain: String,
    /// The DNS servers that pods use.
    pub cluster_dns: Vec<Spanned<IpAddr>>,
    /// Ranges of service addresses.
    pub service_cidrs: Vec<Spanned<IpNet>>,
    /// Ranges of pod addresses.
    pub pod_cidrs: Vec<Spanned<IpNet>>,
}

/// How bootstrap tokens are made and what they may do.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// How long a new token lives.
    pub ttl: Spanned<Duration>,
    /// How long a payload may lie before its node boots.
    pub shelf_life: Duration,
    /// `authentication`, `signing`.
    pub usages: Vec<String>,
    /// The one group that RBAC is bound to.
    pub group: Spanned<String>,
    /// The pattern of a node's own group, with `{node}`.
    pub node_group: Spanned<String>,
    /// Whom the tokens are encrypted for at rest, as age writes its recipients.
    pub recipients: Vec<Spanned<String>>,
    /// Whether the controller approves client CSRs by itself.
    pub automatic_approval: Spanned<bool>,
}

impl Cluster {
    /// Reads the cluster's own fields; those of layers and nodes are read elsewhere.
    pub fn read(fields: &Fields<'_>) -> Option<Self> {
        let name = fields
            .required("name")
            .and_then(|name| name.parse_at(cluster_name));
        let generation = fields
            .optional("generation")
            .map_or(Some(1), |generation| generation.integer());
        let api_server = fields
            .required("apiServer")
            .and_then(|api| ApiServer::read(&api));
        let network = fields
            .optional("network")
            .map_or_else(ClusterNetwork::default, |network| {
                ClusterNetwork::read(&network)
            });
        let tokens = TokenSettings::read(fields, name.as_ref());
        let server_renewal = fields.optional("rbac").and_then(|rbac| {
            let rbac = rbac.fields()?;
            let renewal = rbac
                .optional("nodeServerRenewal")
                .and_then(|renewal| renewal.bool());
            rbac.finish();
            renewal
        });
        Some(Self {
            name: name?,
            generation: generation?,
            api_server: api_server?,
            network,
            tokens: tokens?,
            server_renewal: server_renewal.unwrap_or(false),
        })
    }
}

fn cluster_name(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_fit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    match text.len() <= 63
        && text.chars().all(fits)
        && ends_fit(text.chars().next())
        && ends_fit(text.chars().last())
    {
        true => Ok(text.to_owned()),
        false => Err(
            "a cluster name is a DNS label: at most 63 of a-z, 0-9 and '-', starting and ending with a letter or digit",
        ),
    }
}

impl ApiServer {
    fn read(at: &Cursor<'_>) -> Option<Self> {
        let fields = at.fields()?;
        let url = fields
            .required("url")
            .and_then(|url| url.parse_at(https_url));
        let endpoints = fields.list("endpoints");
        let endpoints = endpoints
            .iter()
            .filter_map(|item| item.parse_at(host_and_port));
        let api_server = Self {
            endpoints: endpoints.collect(),
            ca: fields
                .required("ca")
                .and_then(|ca| ca.string_at())
                .unwrap_or_else(|| Spanned {
                    value: String::new(),
                    location: at.location(),
                }),
            version: fields
                .optional("version")
                .and_then(|version| version.parse_at(str::parse)),
            kubelet_client_user: fields
                .optional("kubeletClientUser")
                .and_then(|user| user.string())
                .unwrap_or("kube-apiserver-kubelet-client")
                .to_owned(),
            host: url
                .as_ref()
                .map(|url| url.value.1.clone())
                .unwrap_or_default(),
            url: Spanned {
                value: url
                    .as_ref()
                    .map(|url| url.value.0.clone())
                    .unwrap_or_default(),
                location: url.map_or_else(|| at.location(), |url| url.location),
            },
        };
        fields.finish();
        Some(api_server)
    }
}

/// The URL without a trailing slash, and its host.
pub fn https_url(text: &str) -> Result<(String, String), String> {
    let Some(rest) = text.strip_prefix("https://") else {
        return Err("must be an https:// URL: tokens would travel in the clear".to_owned());
    };
    let authority = rest.trim_end_matches('/');
    if authority.contains(['/', '?', '#', '@']) {
        return Err("must be https://host[:port] without a path, query or user".to_owned());
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed
                .split_once(']')
                .ok_or("the bracket is not closed")?;
            let _: std::net::Ipv6Addr = host
                .parse()
                .map_err(|_| format!("{host:?} is not an IPv6 address"))?;
            check_port(port)?;
            host
        }
        None if authority.matches(':').count() > 1 => {
            return Err("an IPv6 address must stand in brackets".to_owned());
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            check_port(&authority[end..])?;
            &authority[..end]
        }
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has no usable host".to_owned());
    }
    Ok((format!("https://{authority}"), host.to_owned()))
}

fn check_port(text: &str) -> Result<(), String> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(()),
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        _ => Err(format!("{text:?} is not a port")),
    }
}

/// The host of `host:port`, without brackets.
pub fn host_of(endpoint: &str) -> &str {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn host_and_port(text: &str) -> Result<String, String> {
    let (_, host) =
        https_url(&format!("https://{text}")).map_err(|_| "must be host:port".to_owned())?;
    match text.len() > host.len()
        && text
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    {
        true => Ok(text.to_owned()),
        false => Err("must be host:port".to_owned()),
    }
}

impl ClusterNetwork {
    fn read(at: &Cursor<'_>) -> Self {
        let Some(fields) = at.fields() else {
            return Self::default();
        };
        let list = |key| fields.list(key);
        let network = Self {
            cluster_domain: fields
                .optional("clusterDomain")
                .and_then(|domain| domain.string())
                .unwrap_or("cluster.local")
                .to_owned(),
            cluster_dns: list("clusterDNS")
                .iter()
                .filter_map(|item| item.parse_at(address))
                .collect(),
            service_cidrs: list("serviceCIDRs")
                .iter()
                .filter_map(|item| item.parse_at(cidr))
                .collect(),
            pod_cidrs: list("podCIDRs")
                .iter()
                .filter_map(|item| item.parse_at(cidr))
                .collect(),
        };
        fields.finish();
        network
    }
}

/// An IP address.
pub fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an IP address"))
}

/// A network in CIDR notation without host bits.
pub fn cidr(text: &str) -> Result<IpNet, String> {
    let net: IpNet = text
        .parse()
        .map_err(|_| format!("{text:?} is not a CIDR like 10.254.0.0/16 or fd00::/108"))?;
    match net.trunc() == net {
        true => Ok(net),
        false => Err(format!(
            "{text} has host bits set; the network is {}",
            net.trunc()
        )),
    }
}

impl TokenSettings {
    fn read(cluster: &Fields<'_>, name: Option<&Spanned<String>>) -> Option<Self> {
        let location = cluster.cursor().location();
        let at = cluster.optional("tokens");
        let fields = match &at {
            Some(at) => Some(at.fields()?),
            None => None,
        };
        let get = |key| fields.as_ref().and_then(|fields| fields.optional(key));
        let duration =
            |at: Cursor<'_>| at.parse_at(|text| parse_duration(text).ok_or(DURATION_RULE));
        let or = |value: &str| default_at(&location, value.to_owned());
        // Without a name there is a finding already, and the rest is still looked at.
        let name = name.map_or("", |name| &name.value);
        let own_group = format!("system:bootstrappers:nodebake:{name}");
        let settings = Self {
            ttl: get("ttl")
                .and_then(duration)
                .unwrap_or_else(|| default_at(&location, Duration::from_secs(86_400))),
            shelf_life: get("shelfLife")
                .and_then(duration)
                .map_or(Duration::ZERO, |at| at.value),
            usages: get("usages")
                .map_or_else(|| vec!["authentication".to_owned()], |list| usages(&list)),
            group: get("group")
                .and_then(|group| group.string_at())
                .unwrap_or_else(|| or(&own_group)),
            node_group: get("nodeGroup")
                .and_then(|group| group.string_at())
                .unwrap_or_else(|| or("system:bootstrappers:node:{node}")),
            recipients: get("recipients").map_or_else(Vec::new, |list| {
                let items = list.items();
                items.iter().filter_map(|item| item.string_at()).collect()
            }),
            automatic_approval: get("approval")
                .and_then(|approval| {
                    let value = approval.choice(&[("auto", true), ("review", false)])?;
                    Some(Spanned {
                        value,
                        location: approval.location(),
                    })
                })
                .unwrap_or_else(|| default_at(&location, false)),
        };
        if let Some(fields) = fields {
            fields.finish();
        }
        Some(settings)
    }
}

fn usages(list: &Cursor<'_>) -> Vec<String> {
    let choices = [("authentication", "authentication"), ("signing", "signing")];
    let items = list.items();
    let usages: Vec<String> = items
        .iter()
        .filter_map(|item| item.choice(&choices))
        .map(str::to_owned)
        .collect();
    if !items.is_empty() && !usages.iter().any(|usage| usage == "authentication") {
        list.error("a kubelet's token needs the usage \"authentication\"");
    }
    usages
}

fn default_at<T>(location: &FieldLocation, value: T) -> Spanned<T> {
    Spanned {
        value,
        location: location.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_https_with_a_host() {
        for (good, host) in [
            ("https://127.0.0.1:8443", "127.0.0.1"),
            ("https://[fd00::1]:6443/", "fd00::1"),
            ("https://api.example.com", "api.example.com"),
        ] {
            assert_eq!(https_url(good).expect(good).1, host);
        }
        for bad in [
            "http://a",
            "https://",
            "https://a/b",
            "https://fd00::1",
            "https://[fd00::1",
            "https://a:0",
            "https://a:x",
            "https://u@a",
        ] {
            assert!(https_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_bits_in_a_cidr_are_refused() {
        assert!(cidr("10.254.0.0/16").is_ok());
        assert_eq!(
            cidr("10.254.1.0/16").expect_err("host bits"),
            "10.254.1.0/16 has host bits set; the network is 10.254.0.0/16"
        );
        assert!(cidr("10.254.0.0/33").is_err());
        assert!(cidr("10.254.0.0").is_err());
    }

    #[test]
    fn endpoints_have_a_port() {
        assert!(host_and_port("10.0.0.1:6443").is_ok());
        assert!(host_and_port("[fd00::1]:6443").is_ok());
        assert!(host_and_port("10.0.0.1").is_err());
    }
}
