//! The needs of a node that its payload does not meet: all that its configuration names and its tree does not contain.
//! In: a rendered node and its plan. Out: a list, for those who prepare the place before nodes boot there.

pub mod control_plane;
pub mod manifest;
pub mod memory;
mod network;
mod other_runtimes;
mod paths;
mod runtime;
mod sealed;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::inventory::{Cluster, Spec, host_of};
use crate::kubernetes::runtime::{endpoint, kind};
use crate::model::output::pxe::BaseSource;
use crate::model::output::{Assets, Format};
use crate::plan::NodePlan;
use crate::render::{RenderedNode, Renderer};
use crate::tree::NodeTree;

/// The unit of the overlay `kube-proxy`.
const KUBE_PROXY: &str = "kube-proxy.service";

/// What kind of thing is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NeedKind {
    /// The API server, or what leads to it.
    ApiServer,
    /// What programs of the control plane must be told, and what of the cluster.
    ControlPlane,
    /// Addresses that somebody hands out.
    Network,
    /// The way out of a network.
    Gateway,
    /// Names to addresses.
    Resolver,
    /// The time.
    Clock,
    /// A proxy for pulling images.
    Proxy,
    /// An image, and where it is pulled from.
    Image,
    /// Something that is fetched when the node is set up.
    Download,
    /// What the image must have: programs, units, sockets.
    System,
}

impl NeedKind {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "API server",
            Self::ControlPlane => "control plane",
            Self::Network => "network",
            Self::Gateway => "gateway",
            Self::Resolver => "DNS",
            Self::Clock => "clock",
            Self::Proxy => "proxy",
            Self::Image => "image",
            Self::Download => "download",
            Self::System => "system",
        }
    }
}

/// One thing that a node needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Need {
    /// What kind of thing.
    pub need: NeedKind,
    /// Which one: an address, a URL, a path.
    pub what: String,
    /// Who asks for it.
    pub why: String,
}

/// Collects them.
#[derive(Default)]
struct Needs(BTreeSet<Need>);

impl Needs {
    fn add(&mut self, need: NeedKind, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        self.0.insert(Need { need, what, why });
    }
}

/// The needs of a rendered node that its payload does not meet.
pub fn needs(
    cluster: &Cluster,
    renderer: &Renderer,
    node: &NodePlan,
    baked: &RenderedNode,
) -> BTreeSet<Need> {
    let mut needs = Needs::default();
    let spec = &*node.class.spec;
    api_server(cluster, &mut needs);
    network::needs(node.network.as_deref(), spec, &baked.tree, &mut needs);
    needs.add(
        NeedKind::Clock,
        "a clock that is right before the kubelet starts",
        "certificates and tokens have a beginning and an end",
    );
    for server in spec.time.all() {
        needs.add(NeedKind::Clock, server, "time: a server of NTP, by UDP");
    }
    let proxies = spec.proxies.iter();
    let proxies = proxies.flat_map(|all| [&all.value.http, &all.value.https]);
    for url in proxies.flatten() {
        needs.add(NeedKind::Proxy, url.clone(), "proxies");
    }
    for outside in renderer.outside_images(node, baked) {
        let from = if outside.mirrors.is_empty() {
            outside.name.registry.clone()
        } else {
            outside.mirrors.join(" or ")
        };
        let why = format!("{}, pulled from {from}", outside.by);
        needs.add(NeedKind::Image, outside.name.to_string(), why);
    }
    downloads(spec, &baked.tree, &mut needs);
    paths::needs(baked, spec.kubernetes.value.minor(), &mut needs);
    for setting in baked.unset_kernel_settings() {
        let why = "kubelet.config.protectKernelDefaults: the kubelet ends without it";
        needs.add(NeedKind::System, format!("the sysctl {setting}"), why);
    }
    let minor = spec.kubernetes.value.minor();
    let kind = kind(endpoint(&baked.flags, &baked.config, minor));
    runtime::needs(baked, kind, &mut needs);
    other_runtimes::needs(baked, spec, kind, &mut needs);
    if baked.tree.units().contains_key(KUBE_PROXY) {
        let why = "kube-proxy writes its rules with it";
        needs.add(NeedKind::System, "the program iptables", why);
    }
    sealed::needs(node, &baked.tree, &mut needs);
    needs.0
}

fn api_server(cluster: &Cluster, needs: &mut Needs) {
    let api = &cluster.api_server;
    needs.add(NeedKind::ApiServer, api.url.value.clone(), "apiServer.url");
    for endpoint in &api.endpoints {
        needs.add(
            NeedKind::ApiServer,
            endpoint.value.clone(),
            "apiServer.endpoints",
        );
    }
    let endpoints = api
        .endpoints
        .iter()
        .map(|endpoint| host_of(&endpoint.value));
    let host = api.host();
    for host in endpoints.chain([&*host]) {
        let is_name = host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_err();
        if is_name && host != "localhost" {
            needs.add(NeedKind::Resolver, host, "a name of the API server");
        }
    }
}

fn downloads(spec: &Spec, tree: &NodeTree, needs: &mut Needs) {
    let output = &spec.output;
    let mut fetched = |url: &Option<String>, why: &str| {
        if let Some(url) = url {
            needs.add(NeedKind::Download, url.clone(), why);
        }
    };
    let by_url = |format: &Format| output.assets(*format) == Assets::Url;
    if tree.has_assets() && output.formats.iter().any(by_url) {
        fetched(&output.assets_url, "output.assetsURL");
    }
    if output.formats.contains(&Format::CloudInit) {
        fetched(
            &output.cloud_init.url,
            "output.cloudInit.url, for what does not fit",
        );
    }
    if output.formats.contains(&Format::Ignition) {
        fetched(&output.ignition.body_url, "output.ignition.url");
        fetched(&output.ignition.secrets_url, "output.ignition.secretsURL");
    }
    let Some(pxe) = &output.pxe else { return };
    fetched(&Some(pxe.url.clone()), "output.pxe.url");
    fetched(&pxe.secrets_url, "output.pxe.secretsURL");
    for source in pxe.initrds.iter().chain([&pxe.kernel]) {
        if let BaseSource::Url(url) = source {
            fetched(&Some(url.clone()), "output.pxe");
        }
    }
}
