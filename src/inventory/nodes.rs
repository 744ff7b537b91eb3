//! The nodes of an inventory: single ones, ranges, refinements of a range's members.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::inventory::cert_sans::{CertSan, CertSanText};
use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::NodeNetwork;
use crate::inventory::interfaces::layers::{InterfaceLayer, layers as interface_layers};
use crate::inventory::keys::{Shaped, keys, texts};
use crate::inventory::kinds::{OneOrMore, OrDefault};
use crate::inventory::layer::layer;
use crate::inventory::names::{NameRange, is_host_in, nth_address};
use crate::inventory::shape::Shape;
use crate::inventory::spec::Spec;
use crate::inventory::text::ProfileName;
use crate::inventory::text::{Address, Mac, cidr};
use crate::inventory::tpm::TpmKeys;
use crate::kubernetes::names::node_name;
use crate::model::{FieldLocation, Spanned};
use crate::report::{Finding, Id, Report};
use crate::wording::counted;
use crate::yaml::Located;

keys! {
    /// One node, as the inventory has it.
    #[derive(Clone, Debug)]
    pub struct Node: "node",
        // From the outermost layer (its range's) to the innermost. Members of one range share the very same value, so that
        // what is equal for them is worked out once.
        here layers: Vec<Arc<Located>> = layers,
        // The same of its interfaces, which are apart: with them few nodes would be equal.
        here interfaces: Vec<Arc<Located>> = interface_layers,
        here network: Option<NodeNetwork> = not_merged,
        here refinable: bool = not_refinable,
        near ["range"]
    {
        /// the node's name, at most 63 characters; of a member of a range, to refine it
        "name" => name: Spanned<NodeName>,
        /// one IPv4, one IPv6 or one of each
        "addresses" => addresses: Vec<Spanned<Address>>,
        /// MAC addresses, by which machines that boot over the network are known
        "macs" => macs: Vec<Spanned<Mac>>,
        /// the TPM of its machine, to which its secrets can be sealed (output.secrets)
        "tpm" => tpm: Option<TpmKeys>,
        /// further names and addresses that its serving certificate may have
        "certSANs" => cert_sans: Vec<Spanned<CertSanText>>,
        /// whether it is built; false for a node that others made
        "managed" => managed: Option<bool>,
        /// profiles beside the cluster's, above what cluster.yaml sets for all nodes
        "profiles" => profiles: Vec<Spanned<ProfileName>>,
        /// network interfaces by name, over those of profiles and of the cluster; omit it where the image or DHCP configures the network
        "interfaces" => _interfaces: InterfaceLayer,
        also Spec,
    }

    /// Many nodes.
    pub struct RangeOfNodes: "nodeRange",
        here layers: Vec<Arc<Located>> = layers,
        here interfaces: Vec<Arc<Located>> = interface_layers,
        near ["name", "addresses", "macs", "tpm", "certSANs"]
    {
        /// many nodes whose names count, in place of one name
        "range" => range: NodeRange,
        /// whether they are built; false for nodes that others made
        "managed" => managed: Option<bool>,
        /// profiles beside the cluster's, above what cluster.yaml sets for all nodes
        "profiles" => profiles: Vec<Spanned<ProfileName>>,
        /// network interfaces by name, over those of profiles and of the cluster
        "interfaces" => _interfaces: InterfaceLayer,
        also Spec,
    }

    /// How they are counted.
    pub struct NodeRange: "range" {
        /// names with one range in brackets; zeros as the first number has them
        "names" => names: Spanned<RangeText>,
        /// names that are left out; their addresses stay free
        "except" => except: Vec<Spanned<NodeName>>,
        /// the first node's address, or one for each family
        "start" => start: OrDefault<OneOrMore<Spanned<Address>>>,
        /// the network that all addresses must be in
        "within" => within: Option<Spanned<NodeCidr>>,
    }
}

impl Node {
    /// Its addresses, those of its interfaces and `certSANs` too, each once.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let written = self.network.iter();
        let interfaces = written.flat_map(|written| &written.network.interfaces);
        let further = interfaces.flat_map(|interface| interface.addresses.iter());
        let mut all: Vec<IpAddr> = self.addresses.iter().map(|at| at.value).collect();
        let sans = self.cert_sans.iter().filter_map(|san| match san.value {
            CertSan::Address(address) => Some(address),
            CertSan::Name(_) => None,
        });
        for address in further.map(|net| net.addr()).chain(sans) {
            if !all.contains(&address) {
                all.push(address);
            }
        }
        all.into_iter()
    }

    /// The names of `certSANs`.
    pub fn further_names(&self) -> impl Iterator<Item = &str> {
        self.cert_sans.iter().filter_map(|san| match &san.value {
            CertSan::Name(name) => Some(name.as_str()),
            CertSan::Address(_) => None,
        })
    }
}

fn layers(at: &Cursor<'_>) -> Vec<Arc<Located>> {
    layer(at).into_iter().collect()
}

/// Interfaces are read once all layers are merged.
fn not_merged(_: &Cursor<'_>) -> Option<NodeNetwork> {
    None
}

/// Only members of a range are.
fn not_refinable(_: &Cursor<'_>) -> bool {
    false
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

    /// Adds a node, or the nodes of a range.
    pub fn add(&mut self, item: NodeItem, report: &RefCell<Report>) {
        let find = &mut |finding| report.borrow_mut().add(finding);
        match item {
            NodeItem::One(node) => self.add_one(*node, find),
            NodeItem::Range(range) => self.add_range(&range, find),
        }
    }

    /// Adds a node, or lets it refine a member of a range.
    fn add_one(&mut self, node: Node, find: &mut impl FnMut(Finding)) {
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
            let finding = node.name.location.finding(Id::NodeRepeated, rule);
            find(finding.help("give each node a name of its own"));
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
        first.tpm = node.tpm.or(first.tpm.take());
        first.cert_sans.extend(node.cert_sans);
        first.managed = node.managed.or(first.managed);
        first.interfaces.extend(node.interfaces);
        first.profiles.extend(node.profiles);
        first.layers.extend(node.layers);
    }

    fn add_range(&mut self, keys: &RangeOfNodes, find: &mut impl FnMut(Finding)) {
        let range = &keys.range;
        let names = &range.names;
        for start in &range.start {
            fits(&names.value, start, range.within.as_ref(), find);
        }
        let member = |name, offset| Node {
            layers: keys.layers.clone(),
            interfaces: keys.interfaces.clone(),
            network: None,
            refinable: true,
            name: Spanned {
                value: name,
                location: names.location.clone(),
            },
            addresses: range
                .start
                .iter()
                .filter_map(|start| nth(start, offset))
                .collect(),
            macs: Vec::new(),
            tpm: None,
            cert_sans: Vec::new(),
            managed: keys.managed,
            profiles: keys.profiles.clone(),
            _interfaces: (),
        };
        let excepted: HashSet<&str> = range.except.iter().map(|name| &*name.value).collect();
        let mut found = HashSet::new();
        for (offset, name) in (0..).zip(names.value.names()) {
            // An excepted name keeps its address free, so that taking a node out moves no other one.
            if let Some(name) = excepted.get(name.as_str()) {
                found.insert(*name);
                continue;
            }
            match checked_name(&name) {
                Ok(name) => self.add_one(member(name, offset), find),
                // One member shows what is wrong with all of them.
                Err(rule) => {
                    find(
                        names
                            .location
                            .finding(Id::NodeNameInvalid, format!("{name}: {rule}")),
                    );
                    return;
                }
            }
        }
        let unused = range.except.iter();
        for excepted in unused.filter(|name| !found.contains(name.value.as_str())) {
            let rule = format!("{} is not in the range", excepted.value);
            find(
                excepted
                    .location
                    .finding(Id::RangeExceptUnknown, rule)
                    .help("remove it"),
            );
        }
    }
}

/// One item of `nodes`, or one line of a file with nodes.
pub enum NodeItem {
    /// A node.
    One(Box<Node>),
    /// Many nodes whose names count.
    Range(Box<RangeOfNodes>),
}

impl NodeItem {
    /// Its layers.
    pub fn layers(&mut self) -> &mut Vec<Arc<Located>> {
        match self {
            Self::One(node) => &mut node.layers,
            Self::Range(range) => &mut range.layers,
        }
    }
}

impl Shaped for NodeItem {
    type Value = Self;
    const SHAPE: Shape = Shape::Either(&[RangeOfNodes::SHAPE, Node::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<Self> {
        if at.has("range") {
            RangeOfNodes::read(at).map(|range| Self::Range(Box::new(range)))
        } else {
            Node::read(at).map(|node| Self::One(Box::new(node)))
        }
    }
}

texts! {
    /// A node's name.
    NodeName or NodeNameInvalid: String = checked_name,
        r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", ["gpu-1.example.com"];
    /// Names that count.
    RangeText or RangeInvalid: NameRange = NameRange::parse, r"^[^\[\]]*\[[0-9]+-[0-9]+\][^\[\]]*$", ["edge-[001-250]"];
    /// A network of nodes.
    NodeCidr or CidrInvalid: IpNet = cidr, r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", ["10.20.0.0/16"];
}

fn nth(start: &Spanned<IpAddr>, offset: u64) -> Option<Spanned<IpAddr>> {
    Some(Spanned {
        value: nth_address(start.value, offset)?,
        location: start.location.clone(),
    })
}

/// Checks that every address of a range is in its network.
fn fits(
    names: &NameRange,
    start: &Spanned<IpAddr>,
    within: Option<&Spanned<IpNet>>,
    find: &mut impl FnMut(Finding),
) {
    let Some(last) = nth_address(start.value, names.len() - 1) else {
        find(start.location.finding(
            Id::RangeAddressesShort,
            format!(
                "must have room behind it for {}; got {}",
                counted(names.len(), "name"),
                start.value
            ),
        ));
        return;
    };
    let Some(network) = within.filter(|net| net.value.addr().is_ipv4() == start.value.is_ipv4())
    else {
        return;
    };
    if !is_host_in(network.value, start.value) {
        find(start.location.finding(
            Id::RangeAddressesShort,
            format!(
                "must be a host address of {}; got {}",
                network.value, start.value
            ),
        ));
    } else if !is_host_in(network.value, last) {
        let rule = format!(
            "{} from {} end at {last}, which is not a host address of {}",
            counted(names.len(), "name"),
            start.value,
            network.value
        );
        find(
            start
                .location
                .finding(Id::RangeAddressesShort, rule)
                .help("start lower, name fewer nodes, or widen the network"),
        );
    }
}

fn checked_name(text: &str) -> Result<String, String> {
    node_name(text).map(|()| text.to_owned())
}

/// Finds what two nodes must not share.
pub fn check_unique(nodes: &[Node], add: &mut impl FnMut(Finding)) {
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
                    .finding(Id::NodeAddressRepeated, rule)
                    .help("give each node an address of its own"));
            }
        }
        for mac in &node.macs {
            if let Some((other, _)) = macs.insert(mac.value.as_str(), (name, &mac.location)) {
                let rule = format!("{} belongs to {other} already (here: {name})", mac.value);
                add(mac
                    .location
                    .finding(Id::MacRepeated, rule)
                    .help("give each node a MAC address of its own"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, String) {
        let mut report = Report::default();
        let tree = crate::yaml::parse(&"t".into(), text, &mut report).expect("valid YAML");
        let report = RefCell::new(report);
        let mut nodes = Nodes::default();
        let items = Vec::<NodeItem>::read(&Cursor::new(&tree, "nodes", &report));
        for item in items.expect("a list") {
            nodes.add(item, &report);
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
            "error: t:1:36: nodes[0].range.start: 9 names from 10.0.0.9 end at 10.0.0.17, which is not a host address \
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
