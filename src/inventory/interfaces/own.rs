//! `{{ node.address }}/23` among the addresses of an interface: the node's own address with a prefix, so that one text is right
//! for all members of a range. It is put in before interfaces are read, because their rules need the address itself.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::{Interfaces, NodeNetwork};
use crate::inventory::keys::Shaped;
use crate::inventory::shape::Shape;
use crate::model::Spanned;
use crate::report::Report;
use crate::yaml::{Located, Map, Value};

/// The interfaces of a range's members, which are read for each member.
pub enum MemberInterfaces {}

/// They as they were written.
pub struct Written {
    tree: Located,
    path: String,
}

impl Shaped for MemberInterfaces {
    type Value = Option<Written>;
    const SHAPE: Shape = Interfaces::SHAPE;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        Some(Some(Written {
            tree: at.located().clone(),
            path: at.location().path.to_string(),
        }))
    }
}

/// The networks of a range's members.
pub struct MemberNetworks<'r> {
    written: Option<&'r Written>,
    report: &'r RefCell<Report>,
    /// The network of all of them, where none has its own address in it.
    same: Option<Option<NodeNetwork>>,
}

impl<'r> MemberNetworks<'r> {
    /// Those of a range whose interfaces were written so.
    pub fn new(written: Option<&'r Written>, report: &'r RefCell<Report>) -> Self {
        Self {
            written,
            report,
            same: None,
        }
    }

    /// The network of a member with these addresses.
    pub fn network_of(&mut self, addresses: &[Spanned<IpAddr>]) -> Option<NodeNetwork> {
        if let Some(same) = &self.same {
            return same.clone();
        }
        let written = self.written?;
        let own: Vec<String> = addresses.iter().map(|at| at.value.to_string()).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let replaced = replaced(&written.tree, &own);
        let tree = replaced.as_ref().unwrap_or(&written.tree);
        let at = Cursor::new(tree, written.path.as_str(), self.report);
        let before = at.findings_so_far();
        let network = Interfaces::read(&at).flatten();
        // One member shows what is wrong with all of them.
        if replaced.is_none() || at.findings_so_far() > before {
            self.same = Some(network.clone());
        }
        network
    }
}

/// A node with its own addresses in its interfaces; None where its interfaces do not ask for them.
pub fn with_own_addresses(at: &Cursor<'_>) -> Option<Located> {
    let map = at.located().as_map()?;
    let own = map.get("addresses").map(|field| &field.value.value);
    let own: Vec<&str> = match own {
        Some(Value::List(items)) => items.iter().filter_map(Located::as_str).collect(),
        _ => Vec::new(),
    };
    let interfaces = replaced(&map.get("interfaces")?.value, &own)?;
    let mut whole = Map::clone(map);
    whole.get_mut("interfaces")?.value = interfaces;
    Some(Located {
        location: at.located().location.clone(),
        value: Value::Map(Arc::new(whole)),
    })
}

/// Interfaces with a node's own addresses; None if there is nothing to replace. An address that the node does not have stays
/// as it is: its reader has the finding.
fn replaced(interfaces: &Located, own: &[&str]) -> Option<Located> {
    let mut all = Map::clone(interfaces.as_map()?);
    let mut is_replaced = false;
    for field in all.values_mut() {
        let Value::Map(interface) = &mut field.value.value else {
            continue;
        };
        let asks = |item: &Located| item.as_str().is_some_and(|text| text.contains("{{"));
        let Some(Value::List(items)) = interface.get("addresses").map(|at| &at.value.value) else {
            continue;
        };
        if !items.iter().any(asks) {
            continue;
        }
        let items = items.iter().map(|item| {
            let text = item.as_str().and_then(|text| own_address(text, own));
            text.map_or_else(
                || item.clone(),
                |text| Located::string(&item.location, text),
            )
        });
        let items = Value::List(Arc::new(items.collect()));
        if let Some(addresses) = Arc::make_mut(interface).get_mut("addresses") {
            addresses.value.value = items;
            is_replaced = true;
        }
    }
    is_replaced.then(|| Located {
        location: interfaces.location.clone(),
        value: Value::Map(Arc::new(all)),
    })
}

/// `{{ node.address }}/23` or `{{ node.addresses[1] }}/64` for a node with these addresses.
fn own_address(text: &str, own: &[&str]) -> Option<String> {
    let (name, prefix) = text.trim().strip_prefix("{{")?.split_once("}}")?;
    let index = match name.trim() {
        "node.address" => 0,
        name => name
            .strip_prefix("node.addresses[")?
            .strip_suffix(']')?
            .parse()
            .ok()?,
    };
    let address: &&str = own.get(index)?;
    Some(format!("{address}{prefix}"))
}
