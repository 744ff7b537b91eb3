//! The nodes of an inventory: single ones, ranges, refinements of a range's members.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::inventory::cluster::{address, cidr};
use crate::inventory::cursor::{Cursor, Fields};
use crate::inventory::interfaces;
use crate::inventory::names::{NameRange, is_host_in, nth_address};
use crate::inventory::shape::LAYER_KEYS;
use crate::kubernetes::names::node_name;
use crate::model::Network;
use crate::model::{FieldLocation, Spanned};
use crate::yaml::Located;

/// One node, as the inventory has it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the cluster.
    pub name: Spanned<String>,
    /// Its addresses, the first one first.
    pub addresses: Vec<Spanned<IpAddr>>,
    /// Its MAC addresses, lower-case with colons.
    pub macs: Vec<Spanned<String>>,
    /// Profiles beside the cluster-wide ones.
    pub profiles: Vec<Spanned<String>>,
    /// Its interfaces, where the inventory has them.
    pub network: Option<Arc<Network>>,
    /// What it says of itself, from the outermost layer (its range's) to the innermost. Members of one range share
    /// the very same value, so that what is equal for them is worked out once.
    pub layers: Vec<Arc<Located>>,
    refinable: bool,
}

impl Node {
    /// Its addresses, those of its interfaces too, each once.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let network = self.network.iter();
        let interfaces = network.flat_map(|network| &network.interfaces);
        let further = interfaces.flat_map(|interface| interface.addresses.iter());
        let mut all: Vec<IpAddr> = self.addresses.iter().map(|at| at.value).collect();
        for address in further.map(|net| net.addr()) {
            if !all.contains(&address) {
                all.push(address);
            }
        }
        all.into_iter()
    }
}

/// All nodes by name, in the order of the inventory.
#[derive(Debug, Default)]
pub struct Nodes {
    list: Vec<Node>,
    by_name: HashMap<String, usize>,
}

impl Nodes {
    /// The nodes in the order of the inventory.
    pub fn into_list(self) -> Vec<Node> {
        self.list
    }

    /// Reads one item of `nodes`.
    pub fn read(&mut self, at: &Cursor<'_>) {
        let Some(fields) = at.fields() else { return };
        fields.allow(&LAYER_KEYS);
        match fields.optional("range") {
            Some(range) => self.read_range(&fields, &range),
            None => self.read_one(&fields),
        }
        fields.finish();
    }

    fn read_one(&mut self, fields: &Fields<'_>) {
        let macs = items(fields, "macs", mac);
        let node = Node {
            name: Spanned {
                value: String::new(),
                location: fields.cursor().location(),
            },
            addresses: items(fields, "addresses", address),
            profiles: items(fields, "profiles", |name| Ok::<_, String>(name.to_owned())),
            network: fields
                .optional("interfaces")
                .and_then(|at| interfaces::read(&at, &macs))
                .map(Arc::new),
            macs,
            layers: layer(fields).into_iter().collect(),
            refinable: false,
        };
        if let Some(name) = fields
            .required("name")
            .and_then(|name| name.parse_at(checked_name))
        {
            self.add(Node { name, ..node }, fields.cursor());
        }
    }

    /// Adds a node, or lets it refine a member of a range.
    fn add(&mut self, node: Node, at: &Cursor<'_>) {
        let Some(&index) = self.by_name.get(&node.name.value) else {
            self.by_name
                .insert(node.name.value.clone(), self.list.len());
            self.list.push(node);
            return;
        };
        let first = &mut self.list[index];
        if !first.refinable {
            let rule = format!(
                "the node {} is there already, at {}",
                node.name.value, first.name.location.at
            );
            at.add(
                node.name
                    .location
                    .error(rule)
                    .repair("give each node a name of its own"),
            );
            return;
        }
        first.refinable = false;
        first.name.location = node.name.location;
        if !node.addresses.is_empty() {
            first.addresses = node.addresses;
        }
        if !node.macs.is_empty() {
            first.macs = node.macs;
        }
        first.network = node.network.or(first.network.take());
        first.profiles.extend(node.profiles);
        first.layers.extend(node.layers);
    }

    fn read_range(&mut self, fields: &Fields<'_>, at: &Cursor<'_>) {
        let Some(range) = at.fields() else { return };
        let names = range
            .required("names")
            .and_then(|names| names.parse_at(NameRange::parse));
        let except = items(&range, "except", checked_name);
        let starts = starts(&range);
        let within: Option<Spanned<IpNet>> = range
            .optional("within")
            .and_then(|within| within.parse_at(cidr));
        range.finish();
        let profiles = items(fields, "profiles", |name| Ok::<_, String>(name.to_owned()));
        let layer = layer(fields);
        let Some(names) = names else { return };
        for start in &starts {
            fits(at, &names.value, start, within.as_ref());
        }
        let members = Members {
            names: &names,
            starts: &starts,
            profiles: &profiles,
            layers: layer.into_iter().collect(),
        };
        let mut unused: Vec<&Spanned<String>> = except.iter().collect();
        for (offset, name) in (0..).zip(names.value.names()) {
            // An excepted name keeps its address free, so that taking a node out moves no other one.
            if except.iter().any(|excepted| excepted.value == name) {
                unused.retain(|excepted| excepted.value != name);
                continue;
            }
            match checked_name(&name) {
                Ok(name) => self.add(members.node(name, offset), at),
                // One member shows what is wrong with all of them.
                Err(rule) => {
                    at.add(names.location.error(format!("{name}: {rule}")));
                    return;
                }
            }
        }
        for excepted in unused {
            let finding = excepted
                .location
                .error(format!("{} is not in the range", excepted.value));
            at.add(finding.repair("remove it"));
        }
    }
}

/// What all members of a range have in common.
struct Members<'r> {
    names: &'r Spanned<NameRange>,
    starts: &'r [Spanned<IpAddr>],
    profiles: &'r [Spanned<String>],
    layers: Vec<Arc<Located>>,
}

impl Members<'_> {
    fn node(&self, name: String, offset: u64) -> Node {
        let address = |start: &Spanned<IpAddr>| {
            nth_address(start.value, offset).map(|value| Spanned {
                value,
                location: start.location.clone(),
            })
        };
        Node {
            name: Spanned {
                value: name,
                location: self.names.location.clone(),
            },
            addresses: self.starts.iter().filter_map(address).collect(),
            macs: Vec::new(),
            profiles: self.profiles.to_vec(),
            network: None,
            layers: self.layers.clone(),
            refinable: true,
        }
    }
}

/// `start` is one address, or one for each family.
fn starts(range: &Fields<'_>) -> Vec<Spanned<IpAddr>> {
    let Some(start) = range.optional("start") else {
        return Vec::new();
    };
    match start.located().as_str() {
        Some(_) => start.parse_at(address).into_iter().collect(),
        None => start
            .items()
            .iter()
            .filter_map(|item| item.parse_at(address))
            .collect(),
    }
}

/// Checks that every address of a range lies in its network.
fn fits(
    at: &Cursor<'_>,
    names: &NameRange,
    start: &Spanned<IpAddr>,
    within: Option<&Spanned<IpNet>>,
) {
    let Some(last) = nth_address(start.value, names.len() - 1) else {
        at.add(start.location.error(format!(
            "{} names do not fit behind {}",
            names.len(),
            start.value
        )));
        return;
    };
    let Some(network) = within.filter(|net| net.value.addr().is_ipv4() == start.value.is_ipv4())
    else {
        return;
    };
    if !is_host_in(network.value, start.value) {
        at.add(start.location.error(format!(
            "{} is no host address of {}",
            start.value, network.value
        )));
    } else if !is_host_in(network.value, last) {
        let rule = format!(
            "{} names from {} end at {last}, which is no host address of {}",
            names.len(),
            start.value,
            network.value
        );
        at.add(
            start
                .location
                .error(rule)
                .repair("start lower, name fewer nodes, or widen the network"),
        );
    }
}

fn checked_name(text: &str) -> Result<String, String> {
    node_name(text).map(|()| text.to_owned())
}

/// A MAC address in lower case with colons.
pub fn mac(text: &str) -> Result<String, String> {
    let bytes: Vec<&str> = text.split([':', '-']).collect();
    let is_byte =
        |part: &&str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
    match bytes.len() == 6 && bytes.iter().all(is_byte) {
        true => Ok(bytes.join(":").to_ascii_lowercase()),
        false => Err(format!(
            "{text:?} is not a MAC address like 52:54:00:12:34:56"
        )),
    }
}

fn items<T, E: ToString>(
    fields: &Fields<'_>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Vec<Spanned<T>> {
    let items = fields.list(key);
    items
        .iter()
        .filter_map(|item| item.parse_at(&parse))
        .collect()
}

/// The layer's part of a node or of the cluster; None if it says nothing.
pub fn layer(fields: &Fields<'_>) -> Option<Arc<Located>> {
    let whole = fields.cursor().located();
    let entries: Vec<(Arc<str>, Located)> = whole
        .as_map()?
        .iter()
        .filter(|(key, _)| LAYER_KEYS.contains(&&***key))
        .map(|(key, field)| (key.clone(), field.value.clone()))
        .collect();
    match entries.is_empty() {
        true => None,
        false => Some(Arc::new(Located::map(&whole.location, entries))),
    }
}

/// Finds what two nodes must not share.
pub fn check_unique(nodes: &[Node], add: &mut impl FnMut(crate::report::Finding)) {
    let mut addresses: HashMap<IpAddr, (&str, &FieldLocation)> = HashMap::new();
    let mut macs: HashMap<&str, (&str, &FieldLocation)> = HashMap::new();
    for node in nodes {
        let name = node.name.value.as_str();
        for address in &node.addresses {
            if let Some((other, _)) = addresses.insert(address.value, (name, &address.location)) {
                let rule = format!(
                    "{} belongs to {other} already (here: {name})",
                    address.value
                );
                add(address
                    .location
                    .error(rule)
                    .repair("give each node an address of its own"));
            }
        }
        for mac in &node.macs {
            if let Some((other, _)) = macs.insert(mac.value.as_str(), (name, &mac.location)) {
                let rule = format!("{} belongs to {other} already (here: {name})", mac.value);
                add(mac
                    .location
                    .error(rule)
                    .repair("give each node a MAC address of its own"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::inventory::shape::{NODE, Shape};
    use crate::report::Report;

    static NODES: Shape = Shape::List(&NODE);

    fn read(text: &str) -> (Vec<Node>, String) {
        let mut report = Report::default();
        let tree = crate::yaml::parse(&"t".into(), text, &mut report).expect("valid YAML");
        let report = RefCell::new(report);
        let mut nodes = Nodes::default();
        for item in Cursor::new(&tree, "nodes", &NODES, &report).items() {
            nodes.read(&item);
        }
        let nodes = nodes.into_list();
        check_unique(&nodes, &mut |finding| report.borrow_mut().add(finding));
        (nodes, report.into_inner().to_string())
    }

    #[test]
    fn a_range_counts_names_and_addresses_and_leaves_gaps() {
        let (nodes, report) = read(
            "- range: {names: 'e-[1-4]', except: [e-2], start: 10.0.0.9, within: 10.0.0.0/28}\n\
             - {name: e-4, labels: {a: b}}\n",
        );
        assert_eq!(report, "");
        let seen: Vec<String> = nodes
            .iter()
            .map(|node| {
                format!(
                    "{} {} {}",
                    node.name.value,
                    node.addresses[0].value,
                    node.layers.len()
                )
            })
            .collect();
        assert_eq!(
            seen,
            ["e-1 10.0.0.9 0", "e-3 10.0.0.11 0", "e-4 10.0.0.12 1"]
        );
    }

    #[test]
    fn a_range_that_leaves_its_network_is_refused() {
        let (_, report) =
            read("- range: {names: 'e-[1-9]', start: 10.0.0.9, within: 10.0.0.0/28}\n");
        assert_eq!(
            report,
            "error: t:1:36: nodes[0].range.start: 9 names from 10.0.0.9 end at 10.0.0.17, which is no host address \
             of 10.0.0.0/28; start lower, name fewer nodes, or widen the network\n"
        );
    }

    #[test]
    fn nothing_is_shared_by_two_nodes() {
        let (_, report) = read(
            "- {name: a, addresses: [10.0.0.1], macs: ['52:54:00:00:00:01']}\n\
             - {name: b, addresses: [10.0.0.1], macs: ['52-54-00-00-00-01']}\n\
             - {name: a}\n",
        );
        let rules: Vec<&str> = report.lines().collect();
        assert_eq!(rules.len(), 3, "{report}");
        assert!(
            rules[0].contains("10.0.0.1 belongs to a already"),
            "{report}"
        );
        assert!(
            rules[1].contains("52:54:00:00:00:01 belongs to a already"),
            "{report}"
        );
        assert!(
            rules[2].contains("the node a is there already, at t:1:10"),
            "{report}"
        );
    }
}
