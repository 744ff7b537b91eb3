//! What nodes ask of the API server's flags.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::kubernetes::version::{Version, skew};
use crate::preflight::control_plane::{
    Answer, Demand, Facts, demand, list, missing, ranges, ranges_of,
};
use crate::preflight::manifest::{CommandLine, Program};

/// What nodes ask of it.
pub(super) fn demands<'f>(facts: &'f Facts<'_>) -> Vec<Demand<'f>> {
    let of = |said: (String, String), judge: fn(&CommandLine) -> Answer| {
        demand(Program::ApiServer, said, judge)
    };
    let said = |what: &str, why: &str| (what.to_owned(), why.to_owned());
    let mut demands = Vec::new();
    if facts.tokens {
        let said = said(
            "--enable-bootstrap-token-auth=true",
            "nodes join with bootstrap tokens",
        );
        demands.push(of(said, |line| {
            match line.value("enable-bootstrap-token-auth") {
                Some("true" | "1" | "t" | "T" | "TRUE" | "True") => Answer::Met,
                _ if line.has("authentication-config") => Answer::Unknown,
                _ => missing(
                    "enable-bootstrap-token-auth",
                    "is not true, so the API server lets no bootstrap token in",
                    "add --enable-bootstrap-token-auth=true",
                ),
            }
        }));
    }
    let node = "kubelets may do what the Node authorizer lets them, tokens what RBAC does";
    demands.push(of(
        said("--authorization-mode=Node,RBAC", node),
        authorization,
    ));
    let why = "a node changes itself and its own pods only";
    demands.push(of(
        said("--enable-admission-plugins=NodeRestriction", why),
        |line| {
            let flag = "enable-admission-plugins";
            let enabled = [line.words(flag), line.words("admission-control")].concat();
            let disabled = line.words("disable-admission-plugins");
            if enabled.contains(&"NodeRestriction") && !disabled.contains(&"NodeRestriction") {
                Answer::Met
            } else {
                let rule = "has no NodeRestriction, so each node may change all others";
                missing(
                    flag,
                    rule,
                    "add NodeRestriction to --enable-admission-plugins",
                )
            }
        },
    ));
    let why = "kubelets show client certificates of that CA";
    demands.push(of(
        said("--client-ca-file with the cluster's CA", why),
        |line| {
            if line.has("client-ca-file") {
                return Answer::Met;
            }
            let rule = "is not set, so no kubelet is let in by its certificate";
            missing(
                "client-ca-file",
                rule,
                "set it to the CA that signs nodes' certificates",
            )
        },
    ));
    let user = &facts.cluster.api_server.kubelet_client_user;
    let why = format!("logs and exec: kubelets let {user} in, by the cluster's CA");
    let what = "--kubelet-client-certificate and --kubelet-client-key";
    demands.push(of(said(what, &why), |line| {
        let flags = ["kubelet-client-certificate", "kubelet-client-key"];
        match flags.into_iter().find(|flag| !line.has(flag)) {
            None => Answer::Met,
            Some(flag) => {
                let rule = "is not set, so kubelets do not let the API server in: no logs, no exec";
                missing(
                    flag,
                    rule,
                    "set it to a client certificate of the cluster's CA",
                )
            }
        }
    }));
    demands.push(certificate());
    demands.extend(kubelet_ca(facts));
    demands.extend(services(facts));
    demands.extend(version(facts));
    demands
}

fn authorization(line: &CommandLine) -> Answer {
    let flag = "authorization-mode";
    if line.has("authorization-config") {
        return Answer::Unknown;
    }
    let modes = line.words(flag);
    if modes.contains(&"AlwaysAllow") || modes.is_empty() {
        let rule = "is AlwaysAllow, so everybody may do everything: a node, its token, a pod";
        return missing(flag, rule, "set it to Node,RBAC");
    }
    match ["Node", "RBAC"]
        .into_iter()
        .find(|mode| !modes.contains(mode))
    {
        None => Answer::Met,
        Some(mode) => {
            let rule = format!(
                "must have Node and RBAC; {mode} is not in {}",
                modes.join(",")
            );
            missing(flag, rule, "set it to Node,RBAC")
        }
    }
}

/// Whom the API server believes when it calls a kubelet.
fn kubelet_ca<'f>(facts: &Facts<'_>) -> Option<Demand<'f>> {
    let flag = "kubelet-certificate-authority";
    if facts.self_signed {
        let said = (
            format!("no --{flag}"),
            "some kubelets make their serving certificates themselves",
        );
        return Some(demand(Program::ApiServer, said, move |line| {
            if !line.has(flag) {
                return Answer::Met;
            }
            let rule = "is set, and kubelets that sign their own serving certificate are refused: no logs, no exec";
            let repair =
                "set kubelet.config.serverTLSBootstrap to true for all nodes, or remove it";
            missing(flag, rule, repair)
        }));
    }
    let said = (
        format!("--{flag} with the CA of kubelets' serving certificates"),
        "without it the API server talks to whoever has a kubelet's address",
    );
    Some(demand(Program::ApiServer, said, move |line| {
        if line.has(flag) {
            return Answer::Met;
        }
        let rule =
            "is not set, so the API server does not check which kubelet it sends exec and logs to";
        Answer::Doubtful(
            flag,
            rule.to_owned(),
            "set it to the cluster's CA".to_owned(),
        )
    }))
}

/// The services' networks are told to both, or at least have the cluster's DNS.
fn services<'f>(facts: &'f Facts<'_>) -> Option<Demand<'f>> {
    let flag = "service-cluster-ip-range";
    let network = &facts.cluster.network;
    let (wanted, text) = ranges(&network.service_cidrs);
    // The default of the program.
    let default = || BTreeSet::from(["10.0.0.0/24".to_owned()]);
    let found = move |line: &CommandLine| {
        let found = ranges_of(line, flag);
        if found.is_empty() { default() } else { found }
    };
    if !wanted.is_empty() {
        let why = "network.serviceCIDRs: the cluster's DNS is one of these addresses";
        let said = (format!("--{flag}={text}"), why);
        return Some(demand(Program::ApiServer, said, move |line| {
            let found = found(line);
            if found == wanted {
                return Answer::Met;
            }
            let found = list(&found);
            let rule = format!("must be network.serviceCIDRs, which are {text}; got {found}");
            let repair = "write the API server's ranges into network.serviceCIDRs";
            missing(flag, rule, repair)
        }));
    }
    let dns: Vec<IpAddr> = network.cluster_dns.iter().map(|at| at.value).collect();
    let first = dns.first()?;
    let said = (
        format!("--{flag} with {first}"),
        "network.clusterDNS: the address of a service",
    );
    Some(demand(Program::ApiServer, said, move |line| {
        let found = found(line);
        let nets: Vec<IpNet> = found.iter().filter_map(|net| net.parse().ok()).collect();
        let outside = dns
            .iter()
            .find(|dns| !nets.iter().any(|net| net.contains(*dns)));
        match outside {
            None => Answer::Met,
            Some(dns) => Answer::Doubtful(
                flag,
                format!(
                    "has no address {dns}, which is the cluster's DNS; got {}",
                    list(&found)
                ),
                "correct network.clusterDNS, and write the ranges into network.serviceCIDRs"
                    .to_owned(),
            ),
        }
    }))
}

/// Without a certificate the API server makes itself one, whose issuer nobody knows.
fn certificate<'f>() -> Demand<'f> {
    let said = (
        "--tls-cert-file and --tls-private-key-file",
        "nodes check its certificate with apiServer.ca",
    );
    demand(Program::ApiServer, said, |line| {
        if line.has("tls-sni-cert-key") {
            return Answer::Unknown;
        }
        let flags = ["tls-cert-file", "tls-private-key-file"];
        match flags.into_iter().find(|flag| !line.has(flag)) {
            None => Answer::Met,
            Some(flag) => missing(
                flag,
                "is not set, so the API server makes itself a certificate that no node believes",
                "set it to a certificate of the cluster's CA, as kubeadm does",
            ),
        }
    })
}

/// The control plane is never older than a kubelet.
fn version<'f>(facts: &Facts<'_>) -> Option<Demand<'f>> {
    let kubelets = facts.kubelets.clone();
    let newest = kubelets.last()?.minor();
    let said = (
        format!("version 1.{newest} or newer"),
        format!("kubelets are up to 1.{newest}"),
    );
    Some(demand(Program::ApiServer, said, move |line| {
        let tag = line
            .tag
            .as_deref()
            .and_then(|tag| tag.parse::<Version>().ok());
        let Some(api) = tag else {
            return Answer::Unknown;
        };
        match kubelets.iter().find_map(|kubelet| skew(kubelet, &api)) {
            None => Answer::Met,
            Some((rule, repair)) => missing("image", rule, repair),
        }
    }))
}
