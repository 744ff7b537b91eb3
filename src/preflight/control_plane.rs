//! What the control plane must have so that nodes can join and be reached, and whether the manifests of one have it. In: the
//! plan, and command lines where there are any. Out: needs, each met, missing or not known; findings about those missing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::inventory::Cluster;
use crate::kubernetes::value::duration;
use crate::kubernetes::version::{Version, skew};
use crate::model::TokenUsage;
use crate::plan::{Plan, needs_token};
use crate::preflight::manifest::{CommandLine, Program};
use crate::preflight::{Need, NeedKind};
use crate::report::{Finding, Id};
use crate::yaml::Value;

/// The shortest life of nodes' certificates that makes sense: kubelets renew after two thirds of it.
const SHORT_LIFE: Duration = Duration::from_secs(3600);
/// kubeadm's bindings that approve before anybody reviews (cmd/kubeadm/app/phases/bootstraptoken/node).
const KUBEADM_BINDINGS: [&str; 2] = [
    "kubeadm:node-autoapprove-bootstrap",
    "kubeadm:node-autoapprove-certificate-rotation",
];

/// What nodes ask of a control plane.
pub struct Facts<'p> {
    cluster: &'p Cluster,
    /// Whether any node joins with a bootstrap token.
    tokens: bool,
    /// Whether any kubelet asks for its serving certificate.
    serving_requests: bool,
    /// Whether any kubelet makes its serving certificate itself.
    self_signed: bool,
    kubelets: BTreeSet<Version>,
}

impl<'p> Facts<'p> {
    /// Of a plan.
    pub fn new(plan: &'p Plan) -> Self {
        let classes = || plan.classes.iter();
        let field = |class: &crate::plan::ClassPlan, name: &str| {
            class.kubelet_config.get(name).map(|at| at.value.clone())
        };
        let asks = |class: &crate::plan::ClassPlan| {
            let mut flags = class.kubelet_flags.iter();
            let flag = flags.find(|(name, _)| name == "rotate-server-certificates");
            let flag = flag.and_then(|(_, text)| text.as_ref());
            match flag {
                Some(text) => &*text.text == "true",
                None => field(class, "serverTLSBootstrap") == Some(Value::Bool(true)),
            }
        };
        let brings = |class: &crate::plan::ClassPlan| field(class, "tlsCertFile").is_some();
        Self {
            cluster: &plan.cluster,
            tokens: classes().any(|class| needs_token(Some(&class.spec))),
            serving_requests: classes().any(|class| asks(class)),
            self_signed: classes().any(|class| !asks(class) && !brings(class)),
            kubelets: classes()
                .map(|class| class.spec.kubernetes.value.clone())
                .collect(),
        }
    }
}

/// Whether a command line has what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Met,
    /// Nodes would not join or not be reached: the flag that it is about, the rule, the repair.
    Missing(&'static str, String, String),
    /// It works, and something is worth a word.
    Doubtful(&'static str, String, String),
    /// A manifest does not tell.
    Unknown,
}

/// One thing that a program of the control plane must have.
struct Demand<'f> {
    program: Program,
    what: String,
    why: String,
    judge: Box<dyn Fn(&CommandLine) -> Answer + 'f>,
}

/// A need of the control plane, and whether it is met where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPlaneNeed {
    /// The need.
    pub need: Need,
    /// Whether the manifests have it.
    pub met: Option<bool>,
}

/// The needs, and what is missing in the command lines.
pub fn check(facts: &Facts<'_>, lines: &[CommandLine]) -> (Vec<ControlPlaneNeed>, Vec<Finding>) {
    let mut needs = Vec::new();
    let mut findings = Vec::new();
    for demand in api_server(facts)
        .into_iter()
        .chain(controller_manager(facts))
    {
        let of_program = lines.iter().filter(|line| line.program == demand.program);
        let mut met = None;
        for line in of_program {
            let (id, (flag, rule, repair)) = match (demand.judge)(line) {
                Answer::Unknown => continue,
                Answer::Met => {
                    met = met.or(Some(true));
                    continue;
                }
                Answer::Missing(flag, rule, repair) => {
                    (Id::ControlPlaneUnfit, (flag, rule, repair))
                }
                Answer::Doubtful(flag, rule, repair) => {
                    (Id::ControlPlaneDoubtful, (flag, rule, repair))
                }
            };
            met = Some(false);
            let location = line.location_of(flag);
            let path = format!("{} --{flag}", line.program.name());
            findings.push(Finding::new(id, location, path, rule).help(repair));
        }
        let what = format!("{}: {}", demand.program.name(), demand.what);
        needs.push(need(what, demand.why, met));
    }
    needs.extend(of_cluster(facts));
    (needs, findings)
}

fn need(what: String, why: String, met: Option<bool>) -> ControlPlaneNeed {
    let need = NeedKind::ControlPlane;
    ControlPlaneNeed {
        need: Need { need, what, why },
        met,
    }
}

/// What no flag says: names in certificates, objects of the cluster.
fn of_cluster(facts: &Facts<'_>) -> Vec<ControlPlaneNeed> {
    let api = &facts.cluster.api_server;
    let host = api.host();
    let host = host.trim_matches(['[', ']']);
    let mut needs = vec![need(
        format!("kube-apiserver: a serving certificate for {host}"),
        "apiServer.url: nodes check the name (--tls-cert-file, certSANs of kubeadm)".to_owned(),
        None,
    )];
    if facts.tokens && !facts.cluster.tokens.automatic_approval.value {
        for binding in KUBEADM_BINDINGS {
            needs.push(need(
                format!("no binding {binding}: kubectl delete clusterrolebinding {binding}"),
                "approval: review; in a kubeadm cluster requests are approved at once with it"
                    .to_owned(),
                None,
            ));
        }
    }
    needs
}

fn demand<'f>(
    program: Program,
    (what, why): (impl Into<String>, impl Into<String>),
    judge: impl Fn(&CommandLine) -> Answer + 'f,
) -> Demand<'f> {
    Demand {
        program,
        what: what.into(),
        why: why.into(),
        judge: Box::new(judge),
    }
}

fn missing(flag: &'static str, rule: impl Into<String>, repair: impl Into<String>) -> Answer {
    Answer::Missing(flag, rule.into(), repair.into())
}

fn api_server<'f>(facts: &'f Facts<'_>) -> Vec<Demand<'f>> {
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
        let rule = "is not set, so the API server does not check whom it sends exec and logs to";
        Answer::Doubtful(
            flag,
            rule.to_owned(),
            "set it to the cluster's CA".to_owned(),
        )
    }))
}

/// The services' networks are told to both.
fn services<'f>(facts: &Facts<'_>) -> Option<Demand<'f>> {
    let flag = "service-cluster-ip-range";
    let ranges = &facts.cluster.network.service_cidrs;
    let wanted: BTreeSet<String> = ranges.iter().map(|at| at.value.to_string()).collect();
    if wanted.is_empty() {
        return None;
    }
    let list = wanted.iter().cloned().collect::<Vec<_>>().join(",");
    let why = "network.serviceCIDRs: the cluster's DNS is one of these addresses";
    let said = (format!("--{flag}={list}"), why);
    Some(demand(Program::ApiServer, said, move |line| {
        let words = line.words(flag).into_iter();
        let found: BTreeSet<String> = words
            .map(|word| {
                word.parse::<ipnet::IpNet>()
                    .map_or(word.to_owned(), |net| net.to_string())
            })
            .collect();
        // The default of the program.
        let default = BTreeSet::from(["10.0.0.0/24".to_owned()]);
        let found = if found.is_empty() { default } else { found };
        if found == wanted {
            return Answer::Met;
        }
        let found = found.into_iter().collect::<Vec<_>>().join(",");
        let rule = format!("must be network.serviceCIDRs, which are {list}; got {found}");
        missing(
            flag,
            rule,
            "write the API server's ranges into network.serviceCIDRs",
        )
    }))
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

fn controller_manager<'f>(facts: &'f Facts<'_>) -> Vec<Demand<'f>> {
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
    if tokens.automatic_approval.value {
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
    demands
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
