//! Addresses and MAC addresses that are there twice, in a node or in two: each is looked up once.

use std::collections::HashMap;
use std::net::IpAddr;

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
            macs: HashMap::new(),
        };
        for (index, node) in nodes.iter().enumerate() {
            for address in &node.addresses {
                across.declared.entry(address.value).or_insert(index);
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
                }
            }
            self.mac(index, seen);
        }
    }

    fn address(&mut self, index: usize, seen: &Seen<'a>, (at, address): (usize, IpAddr)) {
        let name = seen.interface.name.as_str();
        let first = *self.addresses.entry(address).or_insert((index, name));
        let is_first = std::ptr::eq(first.1, name) && first.0 == index;
        let len = seen.interface.addresses.len();
        let earlier = seen.interface.addresses[..at].iter();
        let again = earlier.filter(|net| net.addr() == address).count() > 0;
        let declared = self.declared.get(&address).copied();
        let declares = |node: usize| {
            self.nodes[node]
                .addresses
                .iter()
                .any(|own| own.value == address)
        };
        let owner = if again || (!is_first && first.0 == index) {
            Some(format!(
                "is an address of the interface {} already",
                first.1
            ))
        } else if !is_first && !(declares(index) && declares(first.0)) {
            Some(self.of_node(first.0, Some(first.1)))
        } else if let Some(other) =
            declared.filter(|node| *node != index && is_first && !declares(index))
        {
            Some(self.of_node(other, None))
        } else {
            None
        };
        if let Some(owner) = owner {
            let at = seen.item(&["addresses"], at, len);
            let finding = at.finding(Id::InterfaceAddressRepeated, format!("{address} {owner}"));
            seen.add(finding.help("give each interface an address of its own"));
        }
    }

    fn mac(&mut self, index: usize, seen: &Seen<'a>) {
        let Some(mac) = seen.interface.mac.as_deref() else {
            return;
        };
        let name = seen.interface.name.as_str();
        let first = *self.macs.entry(mac).or_insert((index, name));
        let is_first = first == (index, name);
        let known = self.known_macs.get(mac).copied();
        let knows = |node: usize| self.nodes[node].macs.iter().any(|own| own.value == mac);
        let owner = if !is_first && first.0 == index {
            Some(format!("belongs to the interface {} already", first.1))
        } else if !is_first && !(knows(index) && knows(first.0)) {
            Some(self.of_node(first.0, Some(first.1)))
        } else if let Some(other) = known.filter(|node| *node != index && is_first && !knows(index))
        {
            Some(self.of_node(other, None))
        } else {
            None
        };
        if let Some(owner) = owner {
            let at = seen.location(&["mac"]);
            let finding = at.finding(Id::MacRepeated, format!("{mac} {owner}"));
            seen.add(finding.help("give each port the MAC address that it has"));
        }
    }

    fn of_node(&self, node: usize, interface: Option<&str>) -> String {
        let node = &self.nodes[node].name.value;
        match interface {
            Some(interface) => format!("belongs to {node} already (interface {interface})"),
            None => format!("belongs to {node} already"),
        }
    }
}
