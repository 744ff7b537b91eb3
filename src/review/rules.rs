//! How the rules are applied. What is proved to be forged is denied, whatever else is wrong with it; after that comes
//! what is left, for a kubelet takes a denial for a hard error. Only what no rule has anything against is approved.

use std::net::IpAddr;

use crate::review::document::Request;
use crate::review::pkcs10::read;
use crate::review::rule::{Rule, Ruling};
use crate::review::{Decision, Register, Verdict};
use crate::terminal;

pub(super) const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const SERVING_SIGNER: &str = "kubernetes.io/kubelet-serving";
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
pub(super) const BOOTSTRAP: &str = "system:bootstrap:";
pub(super) const NODE: &str = "system:node:";
/// The longest DNS subdomain.
const LONGEST_NAME: usize = 253;
/// An API server goes on for a while with a token that it knows (10 s), and several have several clocks.
const GRACE: time::Duration = time::Duration::minutes(5);

/// What the certificate is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Client,
    Serving,
}

/// What was found of a request.
pub(super) struct Reviewed {
    pub verdict: Verdict,
    /// The key that it asks a certificate for, where it was read.
    pub public_key: Option<Vec<u8>>,
}

impl Register<'_> {
    pub(super) fn review_one(&self, request: &Request) -> Reviewed {
        let signer = signer(request);
        let node = self.node_of(&request.username);
        let mut public_key = None;
        let ruling = match self.rule(request, signer, &mut public_key) {
            Ok(ruling) | Err(ruling) => ruling,
        };
        let decision = if ruling.rule.is_unknown() && self.denies_unknown {
            Decision::Deny
        } else {
            ruling.rule.decision()
        };
        let verdict = Verdict {
            name: request.name.clone(),
            requestor: request.username.clone(),
            signer: signer.to_owned(),
            node: node.map(str::to_owned),
            decision,
            rule: ruling.rule,
            reason: ruling.reason,
            repair: ruling.repair,
        };
        Reviewed {
            verdict,
            public_key,
        }
    }

    /// The node that a requestor is.
    fn node_of<'r>(&'r self, requestor: &'r str) -> Option<&'r str> {
        match requestor.strip_prefix(BOOTSTRAP) {
            Some(id) => self.tokens.get(id).map(|(node, _)| *node),
            None => requestor.strip_prefix(NODE),
        }
    }

    /// Whether there is a node of this name: in the inventory, or with a token.
    pub(super) fn knows(&self, node: &str) -> bool {
        self.nodes.contains_key(node) || self.token_nodes.contains(node)
    }

    /// The node whose address the inventory says this is.
    pub(super) fn holder_of(&self, address: &IpAddr) -> Option<&str> {
        self.holders.get(address).copied()
    }

    fn rule(
        &self,
        request: &Request,
        signer: &str,
        public_key: &mut Option<Vec<u8>>,
    ) -> Result<Ruling, Ruling> {
        undecided(request)?;
        let by_token = request.username.starts_with(BOOTSTRAP);
        let purpose = purpose(request, signer, by_token)?;
        let node = self.node_of(&request.username);
        self.not_revoked(&request.username, node)?;
        let asked = read(&request.request).map_err(unreadable)?;
        self.not_forged(&asked, node, purpose)?;
        let node = self.known(request, node)?;
        self.in_time(request)?;
        self.asks_for_itself(&asked, node)?;
        self.fits(&asked, request, (node, purpose))?;
        *public_key = Some(asked.public_key);
        Ok(match (by_token, purpose) {
            (true, _) => Ruling::new(
                Rule::FirstClient,
                format!("the first client certificate of {node}, by its own token"),
            ),
            (_, Purpose::Client) => Ruling::new(
                Rule::ClientRenewal,
                format!("a new client certificate of {node}, by itself"),
            ),
            (_, Purpose::Serving) => Ruling::new(
                Rule::Serving,
                format!("a serving certificate of {node}, by itself"),
            ),
        })
    }

    fn not_revoked(&self, requestor: &str, node: Option<&str>) -> Result<(), Ruling> {
        let Some(node) = node else { return Ok(()) };
        let token = requestor.strip_prefix(BOOTSTRAP);
        let token = token.and_then(|id| self.tokens.get(id));
        let reason = match token {
            Some((_, token)) if token.revoked.is_some() => {
                format!("the token of {node} is revoked")
            }
            _ if self.revoked.contains(node) => format!("{} is revoked", shown(node)),
            _ => return Ok(()),
        };
        Err(Ruling::new(Rule::Revoked, reason))
    }

    /// The node behind a requestor, which must be in the inventory.
    fn known<'n>(&self, request: &Request, node: Option<&'n str>) -> Result<&'n str, Ruling> {
        let Some(node) = node else {
            let ruling = Ruling::new(Rule::UnknownToken, "no node has a token of this id");
            return Err(ruling.repair(
                "if the token is one of `nodebake token list`, review with the newest tokens or ids; if it was made \
                 elsewhere, approve the request by hand",
            ));
        };
        if self.nodes.contains_key(node) {
            return Ok(node);
        }
        let rule = format!("{} is not in the inventory", shown(node));
        let ruling = Ruling::new(Rule::UnknownNode, rule);
        Err(if request.username.starts_with(NODE) {
            ruling.repair("add the node to the inventory, or approve the request by hand")
        } else {
            ruling.repair("add the node to the inventory again, or revoke its token for good")
        })
    }

    /// The API server would not have let in a token that ended before.
    fn in_time(&self, request: &Request) -> Result<(), Ruling> {
        let id = request.username.strip_prefix(BOOTSTRAP);
        let Some((node, token)) = id.and_then(|id| self.tokens.get(id)) else {
            return Ok(());
        };
        match token.expires.checked_add(GRACE) {
            Some(end) if end < request.created => {
                let rule = format!(
                    "the request was made after this token of {node} had expired, so the cluster has another end for it"
                );
                Err(Ruling::new(Rule::ExpiredToken, rule).repair(
                    "review with the newest tokens or ids, and apply the newest bundle's cluster/tokens",
                ))
            }
            _ => Ok(()),
        }
    }
}

fn unreadable(reason: &'static str) -> Ruling {
    Ruling::new(Rule::Unreadable, reason).repair(
        "take the dump again with `kubectl get csr -o json`; if it stays so, delete the request",
    )
}

fn undecided(request: &Request) -> Result<(), Ruling> {
    if !is_name(&request.name) {
        let reason = "its name is not one that the API server gives";
        return Err(Ruling::new(Rule::RequestName, reason)
            .repair("take the dump again with `kubectl get csr -o json`"));
    }
    match &request.decided {
        Some(decided) => Err(Ruling::new(
            Rule::Decided,
            format!("it is {decided} already"),
        )),
        None => Ok(()),
    }
}

/// What is asked for, if the requestor may ask this signer for anything.
fn purpose(request: &Request, signer: &str, by_token: bool) -> Result<Purpose, Ruling> {
    let node = request.username.strip_prefix(NODE);
    if !by_token && node.is_none_or(str::is_empty) {
        return Err(Ruling::new(
            Rule::ForeignRequestor,
            "its requestor is neither a bootstrap token nor a node",
        ));
    }
    match signer {
        CLIENT_SIGNER => Ok(Purpose::Client),
        SERVING_SIGNER if by_token => Err(Ruling::new(
            Rule::TokenSigner,
            "a bootstrap token may ask for a client certificate only",
        )),
        SERVING_SIGNER => Ok(Purpose::Serving),
        other if by_token => Err(Ruling::new(
            Rule::TokenSigner,
            format!("a bootstrap token may not ask the signer {}", shown(other)),
        )),
        other => Err(foreign_signer(request, other)),
    }
}

/// A node may want certificates of other signers, as some network plug-ins do in its name, but none that is somebody in
/// this cluster. A part of itself it may be: OVN-Kubernetes asks as system:node:NAME to be system:ovn-node:NAME.
fn foreign_signer(request: &Request, signer: &str) -> Ruling {
    let left = || {
        let reason = format!("the signer {} is not the kubelets'", shown(signer));
        Ruling::new(Rule::ForeignSigner, reason)
    };
    let Ok(asked) = read(&request.request) else {
        return left();
    };
    let node = request.username.strip_prefix(NODE).unwrap_or_default();
    let is_own_part = |name: &str| {
        let part = name.strip_prefix("system:").and_then(|rest| {
            rest.strip_suffix(node)
                .and_then(|rest| rest.strip_suffix(':'))
        });
        !node.is_empty() && part.is_some_and(|part| part.ends_with("-node") && !part.contains(':'))
    };
    let is_own_group = |name: &str| name.starts_with("system:") && name.ends_with("-nodes");
    let is_claim = |name: &String| name.starts_with("system:");
    let mut names = asked.common_names.iter().filter(|name| is_claim(name));
    let mut groups = asked.organisations.iter().filter(|name| is_claim(name));
    if names.all(|name| is_own_part(name)) && groups.all(|name| is_own_group(name)) {
        left()
    } else {
        Ruling::new(
            Rule::SystemSigner,
            format!(
                "a node may not be a part of the system by the signer {}",
                shown(signer)
            ),
        )
    }
}

/// Before Kubernetes 1.18 a request names no signer; this is what later API servers make of it.
pub(super) fn signer(request: &Request) -> &str {
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
