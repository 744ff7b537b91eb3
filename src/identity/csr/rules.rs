//! The rules. A denial is for those who claim to be somebody else: the kubelet takes it for a hard error. What is
//! unfit otherwise is left, and never approved.

use std::collections::HashSet;

use crate::identity::csr::document::Request;
use crate::identity::csr::pkcs10::{Asked, San, Signature, read};
use crate::identity::csr::{Decision, Register, Verdict};
use crate::terminal;

const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const SERVING_SIGNER: &str = "kubernetes.io/kubelet-serving";
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const BOOTSTRAP: &str = "system:bootstrap:";
const NODE: &str = "system:node:";
const ORGANISATION: &str = "system:nodes";
/// The longest DNS subdomain.
const LONGEST_NAME: usize = 253;

/// What the certificate is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Client,
    Serving,
}

impl Purpose {
    /// Usages that must be there; `key encipherment`, which RSA keys need, may be.
    fn usages(self) -> [&'static str; 2] {
        match self {
            Self::Client => ["digital signature", "client auth"],
            Self::Serving => ["digital signature", "server auth"],
        }
    }
}

/// A decision that ends the looking.
type Ruling = (Decision, String);

fn deny(reason: impl Into<String>) -> Ruling {
    (Decision::Deny, reason.into())
}

fn leave(reason: impl Into<String>) -> Ruling {
    (Decision::Leave, reason.into())
}

impl Register<'_> {
    pub(super) fn judge(&self, request: &Request) -> Verdict {
        let signer = signer(request);
        let node = self.node_of(&request.username);
        let (decision, reason) = match self.rule(request, signer) {
            Ok(reason) => (Decision::Approve, reason),
            Err(ruling) => ruling,
        };
        Verdict {
            name: request.name.clone(),
            requestor: request.username.clone(),
            signer: signer.to_owned(),
            node: node.map(str::to_owned),
            decision,
            reason,
        }
    }

    /// The node that a requestor is.
    fn node_of<'r>(&'r self, requestor: &'r str) -> Option<&'r str> {
        match requestor.strip_prefix(BOOTSTRAP) {
            Some(id) => self.tokens.get(id).map(|(node, _)| *node),
            None => requestor.strip_prefix(NODE),
        }
    }

    fn rule(&self, request: &Request, signer: &str) -> Result<String, Ruling> {
        if !is_name(&request.name) {
            return Err(leave("its name is not one that the API server gives"));
        }
        if let Some(decided) = &request.decided {
            return Err(leave(format!("it is {decided} already")));
        }
        let by_token = request.username.starts_with(BOOTSTRAP);
        if !by_token && !request.username.starts_with(NODE) {
            return Err(leave(
                "its requestor is neither a bootstrap token nor a node",
            ));
        }
        let purpose = match signer {
            CLIENT_SIGNER => Purpose::Client,
            SERVING_SIGNER if by_token => {
                return Err(deny(
                    "a bootstrap token may ask for a client certificate only",
                ));
            }
            SERVING_SIGNER => Purpose::Serving,
            other => return Err(foreign_signer(request, other, by_token)),
        };
        let node = self.owner(&request.username)?;
        let asked = read(&request.request).map_err(leave)?;
        is_node(&asked, node)?;
        match purpose {
            Purpose::Client => no_sans(&asked)?,
            Purpose::Serving => self.own_sans(&asked, node)?,
        }
        fit(&asked, request, purpose)?;
        Ok(match (by_token, purpose) {
            (true, _) => format!("the first client certificate of {node}, by its own token"),
            (_, Purpose::Client) => format!("a new client certificate of {node}, by itself"),
            (_, Purpose::Serving) => format!("a serving certificate of {node}, by itself"),
        })
    }

    /// The node behind a requestor, which must be in the inventory and not revoked.
    fn owner<'r>(&'r self, requestor: &'r str) -> Result<&'r str, Ruling> {
        let Some(node) = self.node_of(requestor) else {
            return Err(deny("no node has a token of this id"));
        };
        if let Some(id) = requestor.strip_prefix(BOOTSTRAP)
            && let Some((_, token)) = self.tokens.get(id)
            && token.revoked.is_some()
        {
            return Err(deny(format!("the token of {node} is revoked")));
        }
        if self.revoked.contains(node) {
            return Err(deny(format!("{node} is revoked")));
        }
        match self.nodes.contains_key(node) {
            true => Ok(node),
            false => Err(deny(format!("{} is not in the inventory", shown(node)))),
        }
    }

    /// Names and addresses of a serving certificate must be the node's own.
    fn own_sans(&self, asked: &Asked, node: &str) -> Result<(), Ruling> {
        let Some(facts) = self.nodes.get(node) else {
            return Err(deny(format!("{node} is not in the inventory")));
        };
        if asked.sans.is_empty() {
            return Err(leave(
                "it asks for a serving certificate without a name or address",
            ));
        }
        for san in &asked.sans {
            match san {
                San::Dns(name) if facts.names.contains(name.as_str()) => {}
                San::Ip(address) if facts.addresses.contains(address) => {}
                San::Ip(address) if facts.addresses.is_empty() => {
                    return Err(leave(format!(
                        "it asks for {address}, and the inventory has no addresses of {node}"
                    )));
                }
                San::Dns(name) if facts.has_other_names => {
                    return Err(leave(format!(
                        "it asks for the name {}, and the host name of {node} is a template",
                        shown(name)
                    )));
                }
                San::Dns(name) => {
                    return Err(deny(format!(
                        "it asks for the name {}, which is not {node}'s",
                        shown(name)
                    )));
                }
                San::Ip(address) => {
                    return Err(deny(format!(
                        "it asks for {address}, which is not {node}'s"
                    )));
                }
                San::Other(kind) => return Err(deny(format!("it asks for {kind}"))),
            }
        }
        Ok(())
    }
}

/// Before Kubernetes 1.18 a request names no signer; this is what later API servers make of it.
fn signer(request: &Request) -> &str {
    if let Some(signer) = &request.signer {
        return signer;
    }
    let has = |usage: &str| request.usages.iter().any(|found| found == usage);
    match (has("client auth"), has("server auth")) {
        (true, false) => CLIENT_SIGNER,
        (false, true) => SERVING_SIGNER,
        _ => LEGACY_SIGNER,
    }
}

/// A token is for one thing; a node may want certificates of other signers, as some network plug-ins do in its name,
/// but none that is somebody in this cluster.
fn foreign_signer(request: &Request, signer: &str, by_token: bool) -> Ruling {
    let signer = shown(signer);
    if by_token {
        return deny(format!("a bootstrap token may not ask the signer {signer}"));
    }
    let Ok(asked) = read(&request.request) else {
        return leave(format!("the signer {signer} is not the kubelets'"));
    };
    let mut claims = asked.common_names.iter().chain(&asked.organisations);
    match claims.any(|name| name.starts_with("system:")) {
        true => deny(format!(
            "a node may not be a part of the system by the signer {signer}"
        )),
        false => leave(format!("the signer {signer} is not the kubelets'")),
    }
}

/// The subject must be the node's and nothing else.
fn is_node(asked: &Asked, node: &str) -> Result<(), Ruling> {
    match &asked.common_names[..] {
        [name] if name.strip_prefix(NODE) == Some(node) => {}
        [] => return Err(deny("it names nobody")),
        names => {
            let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
            return Err(deny(format!(
                "it is {node}'s and asks to be {}",
                names.join(" and ")
            )));
        }
    }
    match &asked.organisations[..] {
        [organisation] if organisation == ORGANISATION => Ok(()),
        [] => Err(deny(format!("it lacks the organisation {ORGANISATION}"))),
        found => {
            let found: Vec<String> = found.iter().map(|name| shown(name)).collect();
            Err(deny(format!(
                "its organisation must be {ORGANISATION} alone, not {}",
                found.join(" and ")
            )))
        }
    }
}

fn no_sans(asked: &Asked) -> Result<(), Ruling> {
    match asked.sans.first() {
        None => Ok(()),
        Some(San::Dns(name)) => Err(deny(format!(
            "a client certificate is good for no name, and it asks for {}",
            shown(name)
        ))),
        Some(San::Ip(address)) => Err(deny(format!(
            "a client certificate is good for no address, and it asks for {address}"
        ))),
        Some(San::Other(kind)) => Err(deny(format!("it asks for {kind}"))),
    }
}

/// Whether a signer would take it, and whether it proves that the key is the requestor's.
fn fit(asked: &Asked, request: &Request, purpose: Purpose) -> Result<(), Ruling> {
    let usages: HashSet<&str> = request.usages.iter().map(String::as_str).collect();
    let needed = purpose.usages();
    let is_known = |usage: &&str| needed.contains(usage) || *usage == "key encipherment";
    if !needed.iter().all(|usage| usages.contains(usage)) || !usages.iter().all(is_known) {
        let usages: Vec<String> = request.usages.iter().map(|usage| shown(usage)).collect();
        return Err(leave(format!(
            "its usages are not a kubelet's: {}",
            usages.join(", ")
        )));
    }
    if let Some(fault) = &asked.key_fault {
        return Err(leave(format!("it has {fault}")));
    }
    match asked.signature {
        Signature::Good => Ok(()),
        Signature::Broken => Err(deny("it is not signed with its own key")),
        Signature::Unfit(fault) => Err(leave(fault)),
    }
}

/// A DNS subdomain: what the API server takes for a name, and nothing that kubectl would take for an option.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= LONGEST_NAME
        && name.chars().all(fits)
        && ends(name.chars().next())
        && ends(name.chars().last())
}

/// What a stranger wrote, as it may be shown on a terminal.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 100;
    let start: String = text.chars().take(LONGEST).collect();
    let mut shown = terminal::shown(&start);
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}
