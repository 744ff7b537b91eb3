//! `interfaces` in layers: profiles, cluster.yaml, a range and the node itself. They merge by name as other maps do.
//! In: the layers of each node. Out: its network, with every template rendered: the rules of interfaces need the addresses
//! themselves.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::interfaces::of_nodes::OfNodes;
use crate::inventory::interfaces::{Interfaces, NodeNetwork};
use crate::inventory::keys::Shaped;
use crate::inventory::layer;
use crate::inventory::rendered::{Names, Rendering};
use crate::inventory::shape::Shape;
use crate::report::Report;
use crate::template::{Scope, Templates};
use crate::yaml::{Located, Value};

/// The key in every layer.
const KEY: &str = "interfaces";
/// What templates may start from here.
const REPAIR: &str =
    "here templates see node.name, node.address, node.addresses, node.macs, os and vars";

/// `interfaces` of one layer, which is read once all layers are merged.
pub enum InterfaceLayer {}

impl Shaped for InterfaceLayer {
    type Value = ();
    const SHAPE: Shape = Shape::PerNode(&Interfaces::SHAPE);
    const REQUIRED: bool = false;

    fn read(_: &Cursor<'_>) -> Option<()> {
        Some(())
    }

    fn absent(_: &Cursor<'_>) -> Option<()> {
        Some(())
    }
}

/// A map with the key `interfaces` alone, `null` too, which removes those of lower layers; None where a layer has none.
pub fn written(at: &Cursor<'_>) -> Option<Arc<Located>> {
    let field = at.located().as_map()?.get_key_value(KEY)?;
    let map = [(field.0.clone(), field.1.clone())];
    Some(Arc::new(Located {
        location: at.located().location.clone(),
        value: Value::Map(Arc::new(map.into_iter().collect())),
    }))
}

/// The same as a list of layers.
pub fn layers(at: &Cursor<'_>) -> Vec<Arc<Located>> {
    written(at).into_iter().collect()
}

/// The networks of an inventory's nodes while they are made.
#[derive(Default)]
pub struct Networks {
    merged: Vec<Merged>,
    /// Its index by the addresses of its layers: nodes with the very same layers share what comes of them.
    known: HashMap<Vec<usize>, Option<usize>>,
    names: Names,
}

/// The layers of one node or of many.
struct Merged {
    interfaces: Located,
    is_template: bool,
    /// What they are without a template.
    same: Option<Option<NodeNetwork>>,
}

/// A node whose network was asked for: the index of its merged layers.
pub struct Asked(usize);

impl Networks {
    /// Merges the layers below a node and its own, from the lowest to the highest; None where they have no interfaces.
    pub fn ask(&mut self, below: &[Arc<Located>], own: &[Arc<Located>]) -> Option<Asked> {
        if below.is_empty() && own.is_empty() {
            return None;
        }
        let layers = below.iter().chain(own);
        let key = layers.clone().map(|layer| Arc::as_ptr(layer) as usize);
        let key: Vec<usize> = key.collect();
        if let Some(known) = self.known.get(&key) {
            return known.map(Asked);
        }
        let merged = layers.fold(None, layer::over);
        let interfaces = merged.and_then(|merged| merged.get(KEY).cloned());
        let interfaces = interfaces.filter(|at| at.value != Value::Null);
        let index = interfaces.map(|interfaces| {
            let is_template = self.names.collect(&interfaces, KEY);
            self.merged.push(Merged {
                interfaces,
                is_template,
                same: None,
            });
            self.merged.len() - 1
        });
        self.known.insert(key, index);
        index.map(Asked)
    }

    /// Compiles the templates of all layers.
    pub fn compile(mut self, report: &RefCell<Report>) -> Reading {
        let templates = std::mem::take(&mut self.names).compile(report);
        Reading {
            networks: self,
            templates,
            found: OfNodes::default(),
        }
    }
}

/// Networks whose layers are all merged.
pub struct Reading {
    networks: Networks,
    templates: (Names, Templates),
    found: OfNodes,
}

impl Reading {
    /// Gives what was found about rendered interfaces to a report.
    pub fn finish(self, report: &RefCell<Report>) {
        self.found.finish(&mut report.borrow_mut());
    }

    /// The network of a node; `scope` is what its templates see, made only where there are some; None where it is not known. Findings about what
    /// was rendered have the node's name.
    pub fn network(
        &mut self,
        asked: &Asked,
        node: &str,
        scope: impl FnOnce() -> Option<Scope>,
        report: &RefCell<Report>,
    ) -> Option<NodeNetwork> {
        let merged = self.networks.merged.get_mut(asked.0)?;
        if !merged.is_template {
            let read = || Interfaces::read(&Cursor::new(&merged.interfaces, KEY, report)).flatten();
            return merged.same.get_or_insert_with(read).clone();
        }
        let scope = scope()?;
        let of_node = RefCell::new(Report::default());
        let rendering = Rendering::new(&self.templates, &scope, &of_node, REPAIR);
        let (rendered, broken) = rendering.whole(&merged.interfaces, KEY, &Interfaces::SHAPE);
        let network = Interfaces::read(&Cursor::new(&rendered, KEY, &of_node)).flatten();
        self.found.add(node, of_node.into_inner());
        network.map(|network| network.of_one_node(&broken))
    }
}
