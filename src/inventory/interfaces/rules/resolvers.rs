//! DNS servers and search domains of a node's interfaces.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::inventory::interfaces::rules::{edge_of, family, no_host};
use crate::inventory::interfaces::written::{Seen, View};
use crate::report::Id;

/// More are not asked: MAXNS of resolv.conf(5), and the kubelet leaves them out of pods' files.
const MOST_SERVERS: usize = 3;
/// The kubelet's limits for a pod's resolv.conf (MaxDNSSearchPaths and MaxDNSSearchListChars in
/// pkg/apis/core/validation/validation.go), of which the cluster's own domains take three.
const MOST_DOMAINS: usize = 32 - 3;
const MOST_DOMAIN_CHARACTERS: usize = 2048;
/// Where systemd-resolved listens itself (systemd-resolved.service(8)).
const STUBS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54)),
];

pub(super) fn check(view: &View<'_>) {
    for seen in &view.list {
        servers(seen, view);
        unheard(seen, view);
    }
    many(view);
}

fn servers(seen: &Seen<'_>, view: &View<'_>) {
    let servers = &seen.interface.nameservers;
    for (index, server) in servers.iter().enumerate() {
        let at = || seen.item(&["dns", "servers"], index, servers.len());
        let mut nets = seen.interface.addresses.iter();
        let edge = nets.find_map(|net| Some((edge_of(net, server)?, net)));
        let what = match (no_host(server), edge) {
            (Some(_), _) if STUBS.contains(server) => {
                Some("systemd-resolved itself, which would ask itself".to_owned())
            }
            (Some(_), _) if server.is_loopback() => {
                let rule = format!(
                    "{server} is the node itself: pods ask it in vain, and CoreDNS may ask itself"
                );
                let finding = at().finding(Id::DnsServerLoopback, rule);
                seen.add(finding.help("write the servers that the node's own one asks"));
                None
            }
            (Some(what), _) => Some(what.to_owned()),
            (None, Some((edge, net))) => Some(format!("the {edge} address of {}", net.trunc())),
            (None, None) => None,
        };
        if let Some(what) = what {
            let rule = format!("must be the address of a DNS server, not {what}; got {server}");
            seen.add(at().finding(Id::DnsServerUnusable, rule));
        }
        if servers[..index].contains(server) {
            let rule = format!("must name each server once; got {server} again");
            seen.add(at().finding(Id::DnsServersMany, rule).help("remove it"));
        }
        let ipv4 = server.is_ipv4();
        if !view.speaks(ipv4) && !view.is_broken() {
            let kind = family(ipv4);
            let rule = format!(
                "must be of a family that the node speaks, and no interface has {kind} addresses; got {server}"
            );
            let finding = at().finding(Id::DnsFamilyUnspoken, rule);
            seen.add(finding.help("write servers of the other family"));
        }
    }
}

/// Servers on an interface that says nothing: who has addresses is asked, and this one is not.
fn unheard(seen: &Seen<'_>, view: &View<'_>) {
    let interface = seen.interface;
    let has_dns = !interface.nameservers.is_empty() || !interface.search.is_empty();
    let is_port = view.network.master_of(&interface.name).is_some();
    if has_dns && !interface.is_used() && !is_port && !seen.is_broken {
        let at = seen.location(&["dns"]);
        let rule = format!(
            "must be on an interface with addresses or dhcp; {} has none",
            interface.name
        );
        let finding = at.finding(Id::InterfaceInvalid, rule);
        seen.add(finding.help("move it to the interface that has the addresses"));
    }
}

fn many(view: &View<'_>) {
    let all = view
        .list
        .iter()
        .flat_map(|seen| &seen.interface.nameservers);
    let distinct: BTreeSet<&IpAddr> = all.collect();
    let last = view
        .list
        .iter()
        .rfind(|seen| !seen.interface.nameservers.is_empty());
    if let Some(seen) = last.filter(|_| distinct.len() > MOST_SERVERS) {
        let at = seen.location(&["dns", "servers"]);
        let rule = format!(
            "must not be more than {MOST_SERVERS} servers in all interfaces, since programs ask no more; got {}",
            distinct.len()
        );
        seen.add(
            at.finding(Id::DnsServersMany, rule)
                .help("keep those that are near"),
        );
    }
    let all = view.list.iter().flat_map(|seen| &seen.interface.search);
    let distinct: BTreeSet<&String> = all.collect();
    let characters: usize = distinct.iter().map(|domain| domain.len() + 1).sum();
    let last = view
        .list
        .iter()
        .rfind(|seen| !seen.interface.search.is_empty());
    let too_many = distinct.len() > MOST_DOMAINS || characters > MOST_DOMAIN_CHARACTERS;
    if let Some(seen) = last.filter(|_| too_many) {
        let at = seen.location(&["dns", "search"]);
        let rule = format!(
            "must be at most {MOST_DOMAINS} domains with {MOST_DOMAIN_CHARACTERS} characters, or the kubelet cuts the list for pods; got {} with {characters}",
            distinct.len()
        );
        seen.add(
            at.finding(Id::DnsServersMany, rule)
                .help("keep those that are needed"),
        );
    }
}
