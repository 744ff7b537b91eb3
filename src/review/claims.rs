//! What a request claims, against what is known of its node. First what proves it to be forged: it names another node,
//! or asks for what no node can be. Then what is unfit, or not in the inventory.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::review::document::Request;
use crate::review::key::{KeyVerdict, Signature};
use crate::review::pkcs10::{Asked, San};
use crate::review::rule::{Rule, Ruling};
use crate::review::rules::{BOOTSTRAP, NODE, Purpose, shown};
use crate::review::{Register, ReviewNode};

const ORGANISATION: &str = "system:nodes";
const TOKEN_GROUP: &str = "system:bootstrappers";
/// What to do with a request that no kubelet made.
const LOOK: &str = "look at who made it; if you trust it, approve it by hand";

impl Purpose {
    /// Usages that must be there; `key encipherment`, which RSA keys need, may be.
    fn usages(self) -> [&'static str; 2] {
        match self {
            Self::Client => ["digital signature", "client auth"],
            Self::Serving => ["digital signature", "server auth"],
        }
    }
}

impl Register<'_> {
    /// Whether nothing proves that somebody else made the request. `owner` is the node behind the requestor.
    pub(super) fn not_forged(
        &self,
        asked: &Asked,
        owner: Option<&str>,
        purpose: Purpose,
    ) -> Result<(), Ruling> {
        self.no_impostor(asked, owner)?;
        right_organisation(asked)?;
        if asked.is_authority {
            let reason = "it asks to be a certificate authority";
            return Err(Ruling::new(Rule::Authority, reason));
        }
        for san in &asked.sans {
            self.possible(san, owner, purpose)?;
        }
        match (&asked.key, asked.signature) {
            (KeyVerdict::Weak(fault), _) => {
                Err(Ruling::new(Rule::WeakKey, format!("it has {fault}")))
            }
            (KeyVerdict::Sound(_), Signature::Broken) => Err(Ruling::new(
                Rule::WrongSignature,
                "it is not signed with its own key",
            )),
            _ => Ok(()),
        }
    }

    fn no_impostor(&self, asked: &Asked, owner: Option<&str>) -> Result<(), Ruling> {
        if asked.common_names.is_empty() {
            return Err(Ruling::new(Rule::NotANode, "it names nobody"));
        }
        for name in &asked.common_names {
            match name.strip_prefix(NODE).filter(|node| !node.is_empty()) {
                None => {
                    let reason = format!("it asks to be {}, which is not a node", shown(name));
                    return Err(Ruling::new(Rule::NotANode, reason));
                }
                Some(node) => {
                    if let Some(owner) = owner.filter(|owner| *owner != node)
                        && self.knows(node)
                    {
                        let owner = shown(owner);
                        let reason = format!("it is {owner}'s and asks to be {NODE}{node}");
                        return Err(Ruling::new(Rule::Impostor, reason));
                    }
                }
            }
        }
        Ok(())
    }

    /// A name that a node may have at all. An address may move from node to node, and a host name may be written
    /// wrongly in the inventory; the name of a node is that node.
    fn possible(&self, san: &San, owner: Option<&str>, purpose: Purpose) -> Result<(), Ruling> {
        let forged = |rule, reason| Err(Ruling::new(rule, reason));
        match san {
            San::Other(kind) => forged(Rule::ImpossibleName, format!("it asks for {kind}")),
            San::Dns(name) if purpose == Purpose::Client => forged(
                Rule::ClientNames,
                format!(
                    "a client certificate is good for no name, and it asks for {}",
                    shown(name)
                ),
            ),
            San::Ip(address) if purpose == Purpose::Client => forged(
                Rule::ClientNames,
                format!("a client certificate is good for no address, and it asks for {address}"),
            ),
            San::Dns(name) if name.contains('*') => forged(
                Rule::ImpossibleName,
                format!("it asks for the wildcard {}", shown(name)),
            ),
            San::Dns(name) => match owner {
                Some(owner) if owner != name && self.knows(name) => forged(
                    Rule::OtherNodesName,
                    format!("it asks for the name {name}, which is another node"),
                ),
                _ => Ok(()),
            },
            San::Ip(_) => Ok(()),
        }
    }

    /// Whether it names the requestor's node, and not one that nobody knows.
    pub(super) fn asks_for_itself(&self, asked: &Asked, node: &str) -> Result<(), Ruling> {
        let others = asked.common_names.iter();
        let mut others = others.filter(|name| name.strip_prefix(NODE) != Some(node));
        let Some(other) = others.next() else {
            return Ok(());
        };
        let reason = format!(
            "it is {node}'s and asks to be {}, which is not in the inventory",
            shown(other)
        );
        let repair = format!(
            "give the machine the host name {node} and delete the request, or name the node so in the inventory"
        );
        Err(Ruling::new(Rule::UnknownName, reason).repair(repair))
    }

    /// Whether it is what a kubelet makes and a signer takes, with no more than the inventory gives its node.
    pub(super) fn fits(
        &self,
        asked: &Asked,
        request: &Request,
        (node, purpose): (&str, Purpose),
    ) -> Result<(), Ruling> {
        right_groups(request)?;
        plain(asked, purpose)?;
        right_usages(request, purpose)?;
        if let (Purpose::Serving, Some(facts)) = (purpose, self.nodes.get(node)) {
            self.own_sans(asked, node, facts)?;
        }
        match (&asked.key, asked.signature) {
            (KeyVerdict::Sound(_), Signature::Good) => Ok(()),
            (KeyVerdict::Sound(_), Signature::Broken) | (KeyVerdict::Weak(_), _) => Err(
                Ruling::new(Rule::WrongSignature, "it is not signed with its own key"),
            ),
            (KeyVerdict::Unchecked(fault), _) => {
                Err(Ruling::new(Rule::UncheckedKey, format!("it has {fault}")).repair(LOOK))
            }
            (KeyVerdict::Sound(_), Signature::Unchecked(fault)) => {
                Err(Ruling::new(Rule::UncheckedSignature, fault).repair(LOOK))
            }
        }
    }

    /// Names and addresses of a serving certificate must be the node's own.
    pub(super) fn own_sans(
        &self,
        asked: &Asked,
        node: &str,
        facts: &ReviewNode,
    ) -> Result<(), Ruling> {
        if asked.sans.is_empty() {
            let reason = "it asks for a serving certificate without a name or address";
            return Err(Ruling::new(Rule::NoNames, reason).repair(LOOK));
        }
        for san in &asked.sans {
            match san {
                San::Dns(name) if name != node && !facts.names.contains(name) => {
                    return Err(unlisted_name(name, node, facts));
                }
                San::Ip(address) if facts.addresses.contains(address) => {}
                San::Ip(address) if !facts.networks.is_empty() => {
                    self.in_networks(address, node, facts)?;
                }
                San::Ip(address) if facts.addresses.is_empty() => {
                    let reason = format!(
                        "it asks for {address}, and the inventory has no addresses of {node}"
                    );
                    let repair =
                        format!("add {address} to the addresses of {node}, or approve it by hand");
                    return Err(Ruling::new(Rule::NoAddresses, reason).repair(repair));
                }
                San::Ip(address) => {
                    let whose = match self.holder_of(address) {
                        Some(other) => format!("which is {other}'s in the inventory"),
                        None => format!("which is not among {node}'s addresses"),
                    };
                    let reason = format!("it asks for {address}, {whose}");
                    let repair = format!(
                        "correct the addresses of {node} in the inventory, add it to certSANs, or approve it by hand"
                    );
                    return Err(Ruling::new(Rule::UnlistedAddress, reason).repair(repair));
                }
                San::Dns(_) | San::Other(_) => {}
            }
        }
        Ok(())
    }
}

impl Register<'_> {
    /// Whether a node may have an address by its networks: one that is nobody else's.
    fn in_networks(&self, address: &IpAddr, node: &str, facts: &ReviewNode) -> Result<(), Ruling> {
        let whose = if let Some(other) = self.holder_of(address) {
            format!("which is {other}'s in the inventory")
        } else if self.reserved.contains(address) {
            "which is an address of the API server or of the cluster's DNS".to_owned()
        } else if !is_of_one_machine(address) {
            "which is not an address of one machine".to_owned()
        } else if facts.networks.iter().any(|net| is_host_of(net, address)) {
            return Ok(());
        } else {
            let networks: Vec<String> = facts.networks.iter().map(ToString::to_string).collect();
            let networks = networks.join(", ");
            format!("which is not in the networks of {node} ({networks})")
        };
        let reason = format!("it asks for {address}, {whose}");
        let repair = format!(
            "correct identity.servingNetworks of {node}, add it to its addresses, or approve it by hand"
        );
        Err(Ruling::new(Rule::UnlistedAddress, reason).repair(repair))
    }
}

/// Whether an address is neither of the machine itself, nor of its link alone, nor of several machines.
fn is_of_one_machine(address: &IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.to_ipv4_mapped().is_some()
        }
    };
    !(is_link_local || address.is_loopback() || address.is_multicast() || address.is_unspecified())
}

/// Whether a network has an address that a machine in it can have. An IPv4 network's first and last are not (RFC 3021 for the
/// small ones).
fn is_host_of(net: &IpNet, address: &IpAddr) -> bool {
    let is_edge = net.prefix_len() + 1 < net.max_prefix_len()
        && (*address == net.network() || address.is_ipv4() && *address == net.broadcast());
    net.contains(address) && !is_edge
}

fn unlisted_name(name: &str, node: &str, facts: &ReviewNode) -> Ruling {
    let name = shown(name);
    let reason = if facts.has_other_names {
        format!("it asks for the name {name}, and the host name of {node} is a template")
    } else {
        format!("it asks for the name {name}, which is not {node}'s in the inventory")
    };
    let repair = format!(
        "if it is the host name of {node}, set it as `hostname`; if a cloud gives it this name, add it to certSANs; else, if you trust it, approve it by hand"
    );
    Ruling::new(Rule::UnlistedName, reason).repair(repair)
}

fn right_organisation(asked: &Asked) -> Result<(), Ruling> {
    let found = &asked.organisations;
    let reason = match &found[..] {
        [] => format!("it lacks the organisation {ORGANISATION}"),
        found if found.iter().all(|name| name == ORGANISATION) => return Ok(()),
        found => {
            let found: Vec<String> = found.iter().map(|name| shown(name)).collect();
            format!(
                "its organisation must be {ORGANISATION} alone, not {}",
                found.join(" and ")
            )
        }
    };
    Err(Ruling::new(Rule::Organisation, reason))
}

/// The API server puts every token into the one group and every node's certificate into the other: without it the
/// requestor only has such a name.
fn right_groups(request: &Request) -> Result<(), Ruling> {
    let needed = if request.username.starts_with(BOOTSTRAP) {
        TOKEN_GROUP
    } else {
        ORGANISATION
    };
    if request.groups.iter().any(|group| group == needed) {
        return Ok(());
    }
    let reason = format!("its requestor is not in the group {needed}");
    let repair = "take the dump with `kubectl get csr -o json`; if it stays so, look for who uses this name \
                  without being it (impersonation, another authenticator)";
    Err(Ruling::new(Rule::Groups, reason).repair(repair))
}

/// A kubelet's subject is one organisation and one common name, and it asks for no extension but names.
fn plain(asked: &Asked, purpose: Purpose) -> Result<(), Ruling> {
    let unfit = |rule, reason: String| Err(Ruling::new(rule, reason).repair(LOOK));
    if let Some(other) = &asked.other_subject {
        let reason = format!("its subject has {other}, which no kubelet writes");
        return unfit(Rule::Subject, reason);
    }
    if let Some(other) = &asked.other_attribute {
        let reason = format!("it has the attribute {other}, which no kubelet sends");
        return unfit(Rule::Attributes, reason);
    }
    let other_usage = match purpose {
        Purpose::Client => asked.has_server_auth.then_some("serverAuth"),
        Purpose::Serving => asked.has_client_auth.then_some("clientAuth"),
    };
    match asked.other_extension.as_deref().or(other_usage) {
        Some(other) => unfit(
            Rule::Extensions,
            format!("it asks for the extension {other}, which no kubelet does"),
        ),
        None => Ok(()),
    }
}

fn right_usages(request: &Request, purpose: Purpose) -> Result<(), Ruling> {
    let usages: HashSet<&str> = request.usages.iter().map(String::as_str).collect();
    let needed = purpose.usages();
    let is_known = |usage: &&str| needed.contains(usage) || *usage == "key encipherment";
    if needed.iter().all(|usage| usages.contains(usage)) && usages.iter().all(is_known) {
        return Ok(());
    }
    let usages: Vec<String> = request.usages.iter().map(|usage| shown(usage)).collect();
    let reason = format!("its usages are not a kubelet's: {}", usages.join(", "));
    Err(Ruling::new(Rule::Usages, reason).repair(LOOK))
}
