//! Pods of a control plane: how its programs are started, on which node, and where they can be reached.

use crate::import::facts::Facts;
use crate::import::kubeadm;
use crate::import::values::{at, name, text};
use crate::kubernetes::version::Version;
use crate::model::Location;
use crate::preflight::manifest::{Program, of_objects};
use crate::yaml::Located;

/// Where kubeadm notes an API server's own address, since 1.18.
const ENDPOINT: &str = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint";

/// Takes what a pod says; pods of other programs are left aside.
pub fn read(tree: &Located, facts: &mut Facts) {
    let node = text(tree, &["spec", "nodeName"]).map(str::to_owned);
    let programs = [Program::ApiServer, Program::ControllerManager];
    let lines: Vec<_> = programs
        .into_iter()
        .flat_map(|program| of_objects(program, tree))
        .collect();
    if lines.is_empty() {
        let component = text(tree, &["metadata", "labels", "component"]);
        if !matches!(component, Some("etcd" | "kube-scheduler")) {
            let kind = text(tree, &["kind"]).unwrap_or("Pod");
            facts.skip(kind, name(tree), &tree.location);
        }
        return;
    }
    for line in lines {
        let source = format!("the flags of {}", line.program.name());
        let said = |flag: &str| {
            let value = line.value(flag).filter(|value| !value.is_empty())?;
            Some((kubeadm::list(value), line.location_of(flag).clone()))
        };
        if let Some((cidrs, at)) = said("service-cluster-ip-range") {
            let rank = u8::from(line.program == Program::ControllerManager) + 1;
            facts.services.add(rank, cidrs, &at, source.clone());
        }
        if line.program == Program::ControllerManager
            && let Some((cidrs, at)) = said("cluster-cidr")
        {
            facts.pods.add(1, cidrs, &at, source);
        }
        if line.program == Program::ApiServer {
            if let Some(node) = &node {
                facts.node(node, &tree.location).control_plane = true;
            }
            endpoint(
                tree,
                line.value("advertise-address")
                    .zip(line.value("secure-port").or(Some("6443"))),
                facts,
            );
        }
        facts.control_plane.push((node.clone(), line));
    }
}

/// Where an API server can be reached by itself.
fn endpoint(tree: &Located, flags: Option<(&str, &str)>, facts: &mut Facts) {
    let noted = at(tree, &["metadata", "annotations"]).and_then(|at| at.get(ENDPOINT)?.as_str());
    let from_flags = flags.map(|(host, port)| match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]:{port}"),
        Err(_) => format!("{host}:{port}"),
    });
    let endpoint = noted.map(str::to_owned).or(from_flags);
    facts
        .endpoints
        .extend(endpoint.filter(|one| !facts.endpoints.contains(one)));
}

/// The lowest version of the API servers by their images, which kubelets must not be newer than, and where it is.
pub fn lowest_api_server(facts: &Facts) -> Option<(Version, Location)> {
    let servers = facts.control_plane.iter().map(|(_, line)| line);
    let servers = servers.filter(|line| line.program == Program::ApiServer);
    let versions = servers.filter_map(|line| {
        let version = line.tag.as_deref()?.parse::<Version>().ok()?;
        Some((version, line.location.clone()))
    });
    versions.min_by(|a, b| a.0.cmp(&b.0))
}
