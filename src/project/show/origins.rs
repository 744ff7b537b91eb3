//! Every final value of a node, with the layer that set it.

use serde::Serialize;

use crate::inventory::{NodeLocations, child_path};
use crate::model::Location;
use crate::plan::{Moved, NodePlan};
use crate::yaml::{Located, Value};

/// A value, and where it comes from.
#[derive(Serialize)]
pub struct ValueOrigin {
    /// Its path, like `kubelet.config.maxPods`.
    pub path: String,
    /// The value.
    pub value: serde_json::Value,
    /// The file, line and column that set it.
    pub location: String,
    /// Where it went, if the node's version wants it elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<String>,
}

/// All of them.
pub(super) fn of(node: &NodePlan, locations: &NodeLocations) -> Vec<ValueOrigin> {
    let mut found = Vec::new();
    let own = |location: &Location| locations.own(&node.name, location).to_string();
    collect(&node.class.spec.merged, "", &own, &mut found);
    if let Some(interfaces) = &node.written.interfaces {
        collect(interfaces, "interfaces", &own, &mut found);
    }
    for origin in &mut found {
        let whole = |moved: &&Moved| {
            let rest = origin.path.strip_prefix(&moved.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let moved = node.class.moved.iter().find(whole);
        origin.moved = moved.map(|moved| moved.why.clone());
    }
    found
}

fn collect(
    at: &Located,
    path: &str,
    own: &impl Fn(&Location) -> String,
    found: &mut Vec<ValueOrigin>,
) {
    match &at.value {
        Value::Map(map) if !map.is_empty() => {
            for (key, field) in map.iter() {
                collect(&field.value, &child_path(path, key), own, found);
            }
        }
        _ => found.push(ValueOrigin {
            path: path.to_owned(),
            value: serde_json::to_value(at).unwrap_or_default(),
            location: own(&at.location),
            moved: None,
        }),
    }
}
