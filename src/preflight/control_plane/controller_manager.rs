//! What nodes ask of the controller manager's flags.

use std::time::Duration;

use crate::kubernetes::value::duration;
use crate::model::{Approval, TokenUsage};
use crate::preflight::control_plane::{
    Answer, Demand, Facts, demand, list, missing, node_networks, ranges, ranges_of,
};
use crate::preflight::manifest::{CommandLine, Program};

/// The shortest life of nodes' certificates that makes sense: kubelets renew after two thirds of it.
const SHORT_LIFE: Duration = Duration::from_secs(3600);

/// What nodes ask of it.
pub(super) fn demands<'f>(facts: &'f Facts<'_>) -> Vec<Demand<'f>> {
    let program = Program::ControllerManager;
    let serving = facts.serving_requests;
    let mut demands = Vec::new();
    let said = (
        "--cluster-signing-cert-file and --cluster-signing-key-file, the cluster's CA",
        "it signs nodes' certificates",
    );
    demands.push(demand(program, said, move |line| signing(line, serving)));
    let said = (
        "--cluster-signing-duration, a year if it is not set",
        "how long nodes' certificates live",
    );
    demands.push(demand(program, said, signing_duration));
    let tokens = &facts.cluster.tokens;
    let mut controllers = vec![("csrsigning", true, "it signs nodes' certificates")];
    if tokens.approval.value == Approval::Auto {
        controllers.push(("csrapproving", true, "approval: auto"));
    }
    if facts.tokens {
        controllers.push((
            "tokencleaner",
            false,
            "it removes expired tokens, and is off by default",
        ));
    }
    if tokens.usages.contains(&TokenUsage::Signing) {
        let why = "tokens.usages has signing: it signs cluster-info, and is off by default";
        controllers.push(("bootstrapsigner", true, why));
    }
    for (controller, must, why) in controllers {
        let what = match controller {
            "tokencleaner" | "bootstrapsigner" => format!("--controllers=*,{controller}"),
            _ => format!("--controllers with {controller}, which `*` has"),
        };
        let judge = move |line: &CommandLine| runs(line, controller, must);
        demands.push(demand(program, (what, why), judge));
    }
    demands.extend(pods(facts));
    demands.extend(node_networks::demands(facts));
    demands.extend(services(facts));
    demands
}

/// It gives each node a part of the pods' networks. Source: cmd/kube-controller-manager/app/core.go, startNodeIpamController.
fn pods<'f>(facts: &Facts<'_>) -> Option<Demand<'f>> {
    let flag = "cluster-cidr";
    let network = &facts.cluster.network;
    let (wanted, text) = ranges(&network.pod_cidrs);
    // The pod network takes addresses of the nodes' networks itself, and divides no ranges among the nodes.
    if wanted.is_empty() || network.pods_are_routed {
        return None;
    }
    let said = (
        format!("--{flag}={text} where it has --allocate-node-cidrs=true"),
        "network.podCIDRs: nodes get their pods' addresses out of them",
    );
    Some(demand(Program::ControllerManager, said, move |line| {
        let found = ranges_of(line, flag);
        let allocates = matches!(
            line.value("allocate-node-cidrs"),
            Some("true" | "1" | "t" | "T" | "TRUE" | "True")
        );
        if found == wanted {
            return Answer::Met;
        }
        // Then the pod network gives addresses itself.
        if found.is_empty() && !allocates {
            return Answer::Unknown;
        }
        let rule = if found.is_empty() {
            "is not set, and --allocate-node-cidrs is: the program ends".to_owned()
        } else {
            format!(
                "must be network.podCIDRs, which are {text}; got {}",
                list(&found)
            )
        };
        let repair = "write the controller manager's ranges into network.podCIDRs";
        if allocates {
            missing(flag, rule, repair)
        } else {
            Answer::Doubtful(flag, rule, repair.to_owned())
        }
    }))
}

/// It keeps the services' networks out of the pods'.
fn services<'f>(facts: &Facts<'_>) -> Option<Demand<'f>> {
    let flag = "service-cluster-ip-range";
    let (wanted, text) = ranges(&facts.cluster.network.service_cidrs);
    if wanted.is_empty() {
        return None;
    }
    let said = (
        format!("--{flag}={text}, or not set"),
        "network.serviceCIDRs: it gives no node addresses of services",
    );
    Some(demand(Program::ControllerManager, said, move |line| {
        let found = ranges_of(line, flag);
        if found.is_empty() || found == wanted {
            return Answer::Met;
        }
        let rule = format!(
            "must be network.serviceCIDRs, which are {text}; got {}",
            list(&found)
        );
        let repair = "write the control plane's ranges into network.serviceCIDRs";
        missing(flag, rule, repair)
    }))
}

fn signing(line: &CommandLine, serving: bool) -> Answer {
    let pair = |name: &str| {
        let [cert, key] = ["cert", "key"].map(|part| format!("{name}-{part}-file"));
        (line.has(&cert), line.has(&key))
    };
    let both = |pair: (bool, bool)| pair.0 && pair.1;
    let own = both(pair("cluster-signing-kubelet-client"))
        && (!serving || both(pair("cluster-signing-kubelet-serving")));
    match pair("cluster-signing") {
        (true, true) => Answer::Met,
        _ if own => Answer::Met,
        (has_cert, _) => {
            let flag = if has_cert {
                "cluster-signing-key-file"
            } else {
                "cluster-signing-cert-file"
            };
            let rule = "is not set, so nobody signs what nodes ask for";
            missing(flag, rule, "set it to the cluster's CA, as kubeadm does")
        }
    }
}

fn signing_duration(line: &CommandLine) -> Answer {
    let names = [
        "cluster-signing-duration",
        "experimental-cluster-signing-duration",
    ];
    let Some((flag, text)) = names
        .into_iter()
        .find_map(|name| Some((name, line.value(name)?)))
    else {
        return Answer::Met;
    };
    match duration(text) {
        Ok(life) if life < SHORT_LIFE => {
            let rule = format!("is {text}: nodes would ask for new certificates all the time");
            Answer::Doubtful(flag, rule, "set it to a day or longer".to_owned())
        }
        Ok(_) => Answer::Met,
        Err(rule) => missing(flag, rule, "write a duration like 8760h0m0s"),
    }
}

/// Whether a controller runs: by its name, or by `*` unless it is off by default or taken away.
fn runs(line: &CommandLine, controller: &'static str, must: bool) -> Answer {
    let flag = "controllers";
    let mut words = line.words(flag);
    if words.is_empty() {
        words.push("*");
    }
    let by_default = !matches!(controller, "tokencleaner" | "bootstrapsigner");
    // Since 1.28 they have longer names too (cmd/kube-controller-manager/names).
    let long = match controller {
        "csrsigning" => "certificatesigningrequest-signing-controller",
        "csrapproving" => "certificatesigningrequest-approving-controller",
        "tokencleaner" => "token-cleaner-controller",
        _ => "bootstrap-signer-controller",
    };
    let has = |name: &str| words.contains(&name);
    let is_off = [controller, long]
        .iter()
        .any(|name| has(&format!("-{name}")));
    let is_on = [controller, long].iter().any(|name| has(name));
    if !is_off && (is_on || (by_default && has("*"))) {
        return Answer::Met;
    }
    let rule = format!("does not run {controller}; got {}", words.join(","));
    let repair =
        format!("add {controller}: --controllers=*,bootstrapsigner,tokencleaner as kubeadm has it");
    if must {
        missing(flag, rule, repair)
    } else {
        Answer::Doubtful(flag, rule, repair)
    }
}
