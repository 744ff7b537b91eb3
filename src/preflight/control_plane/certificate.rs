//! The API server's serving certificate: the names by which nodes and pods call it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::model::Location;
use crate::preflight::control_plane::{ControlPlaneNeed, Facts, Given, need};
use crate::preflight::manifest::Program;
use crate::report::{Finding, Id};

const FLAG: &str = "tls-cert-file";
const REPAIR: &str = "with kubeadm: add it to apiServer.certSANs of the ClusterConfiguration, remove apiserver.crt and apiserver.key, and run `kubeadm init phase certs apiserver --config FILE`";

/// The needs, and what the certificate lacks if there is one.
pub(super) fn check(
    facts: &Facts<'_>,
    given: &Given<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<ControlPlaneNeed> {
    let host = facts.cluster.api_server.host();
    let host = host.trim_matches(['[', ']']);
    let of_pods = of_pods(facts);
    let (mut of_nodes, mut of_pods_met) = (None, None);
    if let Some(served) = given.certificate {
        let location = Location::file(&*served.file);
        let mut add = |id, rule: String, repair: &str| {
            findings.push(Finding::new(id, &location, "", rule).help(repair));
        };
        let faults = served.certificate.faults(facts.ca, given.at);
        let is_good = faults.is_empty();
        for fault in faults {
            let rule = format!("the API server's certificate {fault}");
            let repair =
                "renew it by the cluster's CA, or put its CA into the file of apiServer.ca";
            add(Id::ControlPlaneUnfit, rule, repair);
        }
        let has = |host: &str| served.certificate.is_for(host);
        if !has(host) {
            let hosts = served.certificate.hosts();
            let rule = format!(
                "the API server's certificate must be for {host}, the host of apiServer.url, or no node believes it; got {hosts}"
            );
            add(Id::ControlPlaneUnfit, rule, REPAIR);
        }
        of_nodes = Some(is_good && has(host));
        let lacking: Vec<&str> = of_pods
            .iter()
            .map(String::as_str)
            .filter(|host| !has(host))
            .collect();
        if !lacking.is_empty() {
            let rule = format!(
                "the API server's certificate lacks {}, by which pods call it",
                lacking.join(", ")
            );
            add(Id::ControlPlaneDoubtful, rule, REPAIR);
        }
        of_pods_met = Some(lacking.is_empty());
    }
    let mut of_server = given
        .lines
        .iter()
        .filter(|line| line.program == Program::ApiServer);
    let file = of_server.find_map(|line| line.value(FLAG));
    let how = match file {
        Some(file) => format!("its --{FLAG}, {file}, checks --kube-apiserver-cert"),
        None => format!("--{FLAG}, certSANs of kubeadm"),
    };
    let mut needs = vec![need(
        format!("kube-apiserver: a serving certificate for {host}"),
        format!("apiServer.url: nodes check the name ({how})"),
        of_nodes,
    )];
    if !of_pods.is_empty() {
        needs.push(need(
            format!("kube-apiserver: a serving certificate for {}", of_pods.join(" and ")),
            "pods call the API server as a service, whose address is the first of network.serviceCIDRs".to_owned(),
            of_pods_met,
        ));
    }
    needs
}

/// What pods call: the service's name and its address, which is the first of its network (pkg/controlplane/services.go).
fn of_pods(facts: &Facts<'_>) -> Vec<String> {
    let network = &facts.cluster.network;
    let Some(services) = network.service_cidrs.first() else {
        return Vec::new();
    };
    let first: IpAddr = match services.value {
        IpNet::V4(net) => Ipv4Addr::from_bits(net.network().to_bits() | 1).into(),
        IpNet::V6(net) => Ipv6Addr::from_bits(net.network().to_bits() | 1).into(),
    };
    vec!["kubernetes.default.svc".to_owned(), first.to_string()]
}
