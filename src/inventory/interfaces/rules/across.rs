//! Addresses and MAC addresses that are there twice, in a node or in two: each is looked up once.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::Node;
use crate::inventory::interfaces::rules::is_link_local;
use crate::inventory::interfaces::written::{Seen, View};
use crate::report::Id;

/// What has been seen of all nodes.
pub(super) struct Across<'a> {
    nodes: &'a [Node],
    /// The first node whose `addresses` have an address.
    declared: HashMap<IpAddr, usize>,
    /// The first node whose `macs` have one.
    known_macs: HashMap<&'a str, usize>,
    /// The node and interface of each static address.
    addresses: HashMap<IpAddr, (usize, &'a str)>,
    /// The first node with an interface in a network.
    networks: HashMap<IpNet, usize>,
    /// The node and interface of each MAC address.
    macs: HashMap<&'a str, (usize, &'a str)>,
}

impl<'a> Across<'a> {
    pub fn new(nodes: &'a [Node]) -> Self {
        let mut across = Self {
            nodes,
            declared: HashMap::new(),
            known_macs: HashMap::new(),
            addresses: HashMap::new(),
            networks: HashMap::new(),
            macs: HashMap::new(),
        };
        for (index, node) in nodes.iter().enumerate() {
            for address in &node.addresses {
                across.declared.entry(address.value).or_insert(index);
            }
            let written = node.network.iter();
            for net in written.flat_map(|written| written.network.static_networks()) {
                across.networks.entry(net).or_insert(index);
            }
            for mac in &node.macs {
                across.known_macs.entry(&mac.value).or_insert(index);
            }
        }
        across
    }

    pub fn check(&mut self, index: usize, view: &View<'a>) {
        for seen in &view.list {
            let addresses = &seen.interface.addresses;
            for (at, net) in addresses.iter().enumerate() {
                // Such an address may be on each link.
                if !is_link_local(&net.addr()) {
                    self.address(index, seen, (at, net.addr()));
                    self.prefix(index, seen, (at, net));
                }
            }
            self.mac(index, seen);
        }
    }

    fn address(&mut self, index: usize, seen: &Seen<'a>, (at, address): (usize, IpAddr)) {
        let own = (index, seen.interface.name.as_str());
        let first = *self.addresses.entry(address).or_insert(own);
        let mut earlier = seen.interface.addresses[..at].iter();
        let owner = if earlier.any(|net| net.addr() == address) {
            Some(Self::of_interface(first.1))
        } else {
            let declares = |node: usize| {
                let mut declared = self.nodes[node].addresses.iter();
                declared.any(|own| own.value == address)
            };
            self.owner(own, first, self.declared.get(&address), declares)
        };
        if let Some(owner) = owner {
            let at = seen.item(&["addresses"], at, seen.interface.addresses.len());
            let rule = format!("{address} {owner}");
            let finding = at.finding(Id::InterfaceAddressRepeated, rule);
            seen.add(finding.help("give each interface an address of its own"));
        }
    }

    /// Machines of one network have one prefix, or those of the shorter one take the others for neighbours of theirs.
    fn prefix(&self, index: usize, seen: &Seen<'a>, (at, net): (usize, &IpNet)) {
        if net.prefix_len() == net.max_prefix_len() {
            return;
        }
        let wider = (1..net.prefix_len()).rev().find_map(|len| {
            let wider = IpNet::new(net.addr(), len).ok()?.trunc();
            let node = *self.networks.get(&wider)?;
            (node != index).then_some((wider, node))
        });
        if let Some((wider, node)) = wider {
            let at = seen.item(&["addresses"], at, seen.interface.addresses.len());
            let node = &self.nodes[node].name.value;
            let rule = format!("{net} is also in the network {wider}, which {node} has");
            let finding = at.finding(Id::InterfacePrefixesDiffer, rule);
            seen.add(finding.help("give both nodes the prefix that their network has"));
        }
    }

    fn mac(&mut self, index: usize, seen: &Seen<'a>) {
        let Some(mac) = seen.interface.mac.as_deref() else {
            return;
        };
        let own = (index, seen.interface.name.as_str());
        let first = *self.macs.entry(mac).or_insert(own);
        let knows = |node: usize| self.nodes[node].macs.iter().any(|own| own.value == mac);
        if let Some(owner) = self.owner(own, first, self.known_macs.get(mac), knows) {
            let at = seen.location(&["mac"]);
            let finding = at.finding(Id::MacRepeated, format!("{mac} {owner}"));
            seen.add(finding.help("give each port the MAC address that it has"));
        }
    }

    /// Who has something already: the interface that was `first` seen with it, or the node that has `declared` it. Where both
    /// nodes say of themselves that they have it, that is a finding already.
    fn owner(
        &self,
        own: (usize, &str),
        first: (usize, &str),
        declared: Option<&usize>,
        declares: impl Fn(usize) -> bool,
    ) -> Option<String> {
        if first == own {
            let other = *declared.filter(|node| **node != own.0 && !declares(own.0))?;
            return Some(self.of_node(other, None));
        }
        if first.0 == own.0 {
            return Some(Self::of_interface(first.1));
        }
        let is_found = declares(own.0) && declares(first.0);
        (!is_found).then(|| self.of_node(first.0, Some(first.1)))
    }

    fn of_interface(name: &str) -> String {
        format!("belongs to the interface {name} already")
    }

    fn of_node(&self, node: usize, interface: Option<&str>) -> String {
        let node = &self.nodes[node].name.value;
        match interface {
            Some(interface) => format!("belongs to {node} already (interface {interface})"),
            None => format!("belongs to {node} already"),
        }
    }
}
