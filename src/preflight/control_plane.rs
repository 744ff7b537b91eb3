//! What the control plane must have so that nodes can join and be reached, and whether the manifests of one have it. In: the
//! plan, and command lines where there are any. Out: needs, each met, missing or not known; findings about those missing.

mod api_server;
mod certificate;
mod controller_manager;
mod node_networks;

use std::collections::BTreeSet;

use ipnet::IpNet;
use time::OffsetDateTime;

use crate::identity::{CaBundle, ServerCertificate};
use crate::inventory::Cluster;
use crate::kubernetes::version::Version;
use crate::model::{Approval, Spanned};
use crate::plan::{ClassPlan, Plan, needs_token};
use crate::preflight::manifest::{CommandLine, Program};
use crate::preflight::{Need, NeedKind};
use crate::report::{Finding, Id};
use crate::yaml::Value;

/// kubeadm's bindings that approve before anybody reviews (cmd/kubeadm/app/phases/bootstraptoken/node).
const KUBEADM_BINDINGS: [&str; 2] = [
    "kubeadm:node-autoapprove-bootstrap",
    "kubeadm:node-autoapprove-certificate-rotation",
];

/// What nodes ask of a control plane.
pub struct Facts<'p> {
    cluster: &'p Cluster,
    /// The certificates that nodes trust.
    ca: &'p CaBundle,
    /// Whether any node joins with a bootstrap token.
    tokens: bool,
    /// Whether any kubelet asks for its serving certificate.
    serving_requests: bool,
    /// Whether any kubelet makes its serving certificate itself.
    self_signed: bool,
    kubelets: BTreeSet<Version>,
    /// The most pods that any node may have.
    most_pods: i64,
    /// How many nodes there are.
    nodes: usize,
}

/// A kubelet's maxPods unless it is set.
const MAX_PODS: i64 = 110;

impl<'p> Facts<'p> {
    /// Of a plan.
    pub fn new(plan: &'p Plan) -> Self {
        let classes = || plan.classes.iter();
        let field = |class: &ClassPlan, name: &str| {
            class.kubelet_config.get(name).map(|at| at.value.clone())
        };
        let asks = |class: &ClassPlan| {
            let mut flags = class.kubelet_flags.iter();
            let flag = flags.find(|(name, _)| name == "rotate-server-certificates");
            let flag = flag.and_then(|(_, text)| text.as_ref());
            match flag {
                Some(text) => &*text.text == "true",
                None => field(class, "serverTLSBootstrap") == Some(Value::Bool(true)),
            }
        };
        let brings = |class: &ClassPlan| field(class, "tlsCertFile").is_some();
        Self {
            cluster: &plan.cluster,
            ca: &plan.ca,
            tokens: classes().any(|class| needs_token(Some(&class.spec))),
            serving_requests: classes().any(|class| asks(class)),
            self_signed: classes().any(|class| !asks(class) && !brings(class)),
            most_pods: classes()
                .map(|class| most_pods(class))
                .max()
                .unwrap_or(MAX_PODS),
            nodes: plan.nodes.len(),
            kubelets: classes()
                .map(|class| class.spec.kubernetes.value.clone())
                .collect(),
        }
    }
}

/// How many pods the nodes of a class may have; a template is as good as nothing.
fn most_pods(class: &ClassPlan) -> i64 {
    let mut flags = class.kubelet_flags.iter();
    let flag = flags.find(|(name, _)| name == "max-pods");
    let flag = flag.and_then(|(_, text)| text.as_ref());
    let field = class.kubelet_config.get("maxPods").map(|at| &at.value);
    match (flag, field) {
        (Some(text), _) => text.text.trim().parse().unwrap_or(MAX_PODS),
        (None, Some(Value::Int(most))) => *most,
        _ => MAX_PODS,
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

/// The serving certificate of an API server, and the file that it was in.
#[derive(Clone, Debug)]
pub struct Served {
    /// The file.
    pub file: String,
    /// The certificate.
    pub certificate: ServerCertificate,
}

/// What is known of a control plane.
#[derive(Clone, Copy, Debug)]
pub struct Given<'g> {
    /// How its programs are started.
    pub lines: &'g [CommandLine],
    /// What the API server shows to those who call it.
    pub certificate: Option<&'g Served>,
    /// The time at which that must be valid.
    pub at: OffsetDateTime,
}

/// The needs, and what is missing in what is given.
pub fn check(facts: &Facts<'_>, given: &Given<'_>) -> (Vec<ControlPlaneNeed>, Vec<Finding>) {
    let mut needs = Vec::new();
    let mut findings = Vec::new();
    let demands = api_server::demands(facts).into_iter();
    for demand in demands.chain(controller_manager::demands(facts)) {
        let of_program = given
            .lines
            .iter()
            .filter(|line| line.program == demand.program);
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
    needs.extend(certificate::check(facts, given, &mut findings));
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

/// What no flag says: objects of the cluster.
fn of_cluster(facts: &Facts<'_>) -> Vec<ControlPlaneNeed> {
    let mut needs = Vec::new();
    if facts.tokens && facts.cluster.tokens.approval.value != Approval::Auto {
        for binding in KUBEADM_BINDINGS {
            needs.push(need(
                format!("no binding {binding}: kubectl delete clusterrolebinding {binding}"),
                format!(
                    "approval: {}; in a kubeadm cluster requests are approved at once with it",
                    facts.cluster.tokens.approval.value.name()
                ),
                None,
            ));
        }
    }
    if let Some(approver) = &facts.cluster.approver {
        for (what, why) in [
            (
                format!("the image {}", approver.image.value),
                "the approver runs from it, on a control plane if it may",
            ),
            (
                "cluster/approver applied, before the nodes boot and after each build: kubectl apply -k cluster/approver".to_owned(),
                "the approver decides requests by the extract that was applied last",
            ),
            (
                "a node that is Ready before the nodes that the approver approves".to_owned(),
                "the approver runs in a pod",
            ),
        ] {
            needs.push(need(what, why.to_owned(), None));
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

/// Networks as they are written in one way, and as one text.
fn ranges(of: &[Spanned<IpNet>]) -> (BTreeSet<String>, String) {
    let ranges: BTreeSet<String> = of.iter().map(|at| at.value.to_string()).collect();
    let list = ranges.iter().cloned().collect::<Vec<_>>().join(",");
    (ranges, list)
}

/// The networks of a flag, written in the same way.
fn ranges_of(line: &CommandLine, flag: &str) -> BTreeSet<String> {
    let words = line.words(flag).into_iter();
    words
        .map(|word| {
            word.parse::<IpNet>()
                .map_or(word.to_owned(), |net| net.trunc().to_string())
        })
        .collect()
}

fn list(ranges: &BTreeSet<String>) -> String {
    ranges.iter().cloned().collect::<Vec<_>>().join(",")
}
