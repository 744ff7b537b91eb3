//! Columns of tables: the name of a column is the path of a key (`labels.example.com/rack`,
//! `interfaces.lan0.addresses`). The paths and the types of the cells come from the tables of keys.

use std::sync::Arc;

use crate::inventory::cell::Cell;
use crate::inventory::keys::Keys;
use crate::inventory::nodes::Node;
use crate::inventory::shape::Shape;
use crate::kubernetes::kubelet_config::{FieldKind, Schema, TypeRef};
use crate::model::Location;
use crate::yaml::{Field, Located, Map, Value};

/// Short names of columns: what they begin with, and the map that the rest of the name is a key of.
const SHORT: [(&str, &str); 3] = [("label:", "labels"), ("taint:", "taints"), ("var:", "vars")];
/// What a path begins at.
pub(super) const NODE: &Shape = &Shape::Struct(Node::TABLE);

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    path: Vec<Arc<str>>,
    cell: Cell,
    /// Whether an empty text is a value: where the key is the user's, as a label's is.
    keeps_empty: bool,
}

impl Column {
    /// The column of a name, if there is one.
    pub fn of(name: &str) -> Option<Self> {
        for (prefix, map) in SHORT {
            if let Some(key) = name.strip_prefix(prefix).filter(|key| !key.is_empty()) {
                return Some(Self {
                    path: vec![map.into(), key.into()],
                    cell: Cell::text(),
                    keeps_empty: true,
                });
            }
        }
        let mut found = walk(NODE, name)?;
        found.path.reverse();
        Some(found)
    }

    /// Whether an empty text is a value.
    pub fn keeps_empty(&self) -> bool {
        self.keeps_empty
    }

    /// Whether both set the same value, or one a value inside the other's.
    pub fn overlaps(&self, other: &Self) -> bool {
        let both = self.path.iter().zip(&other.path);
        both.into_iter().all(|(one, other)| one == other)
    }

    /// The value that a text is.
    pub fn value(&self, location: &Location, text: &str) -> Located {
        Located {
            location: location.clone(),
            value: self.cell.value(location, text),
        }
    }

    /// Adds a value to a node. Returns false where the node has another one there already.
    pub fn insert(&self, node: &mut Map, value: Located) -> bool {
        insert(node, &self.path, value)
    }
}

fn insert(map: &mut Map, path: &[Arc<str>], value: Located) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    let location = value.location.clone();
    let field = |value| Field {
        key: location.clone(),
        value,
    };
    if rest.is_empty() {
        return !map.contains_key(first) && map.insert(first.clone(), field(value)).is_none();
    }
    let below = map
        .entry(first.clone())
        .or_insert_with(|| field(Located::map(&location, [])));
    match &mut below.value.value {
        Value::Map(below) => insert(Arc::make_mut(below), rest, value),
        _ => false,
    }
}

/// The column of a path below a shape, with its path from the end to the beginning. Keys of users may have dots
/// (`eth0.100`), so the shortest one is taken behind which the rest has a meaning.
fn walk(shape: &'static Shape, rest: &str) -> Option<Column> {
    shape.alternatives().iter().find_map(|one| match one {
        Shape::Struct(of) => {
            let (head, tail) = head(rest);
            let field = of.field(head)?;
            match tail {
                None => column(head, Cell::of_shape(&field.shape)?, false),
                Some(tail) => below(head, walk(&field.shape, tail)?),
            }
        }
        Shape::Map(entries) => {
            let inside =
                splits(rest).find_map(|(key, tail)| below(key, walk(&entries.value, tail)?));
            let whole = || column(rest, Cell::of_shape(&entries.value)?, true);
            inside.or_else(whole)
        }
        Shape::KubeletFlags => column(rest, Cell::text(), true),
        Shape::KubeletConfig => walk_config(Schema::load().root(), rest),
        Shape::Any => match head(rest) {
            (key, None) => column(key, Cell::text(), true),
            (key, Some(tail)) => below(key, walk(one, tail)?),
        },
        Shape::Either(_) | Shape::PerNode(_) => walk(one, rest),
        Shape::Bool | Shape::Integer(..) | Shape::Text(_) | Shape::Words(_) | Shape::List(_) => {
            None
        }
    })
}

/// The same below a struct of the kubelet's configuration, as any minor has it: the node's own is checked later.
fn walk_config(of: TypeRef, rest: &str) -> Option<Column> {
    let (head, tail) = head(rest);
    let declared = of.all_fields(None).find(|field| field.name == head)?;
    declared.kinds.into_iter().find_map(|kind| {
        let found = match (kind, tail) {
            (kind, None) => return column(head, Cell::of_kind(kind)?, false),
            (FieldKind::Struct(of), Some(tail)) => walk_config(*of, tail)?,
            (FieldKind::Map(value), Some(tail)) => column(tail, Cell::of_kind(value)?, false)?,
            (_, Some(_)) => return None,
        };
        below(head, found)
    })
}

fn column(key: &str, cell: Cell, keeps_empty: bool) -> Option<Column> {
    (!key.is_empty()).then(|| Column {
        path: vec![key.into()],
        cell,
        keeps_empty,
    })
}

fn below(key: &str, mut column: Column) -> Option<Column> {
    column.path.push(key.into());
    (!key.is_empty()).then_some(column)
}

/// The first key of a path, and what is behind its dot.
pub(super) fn head(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((head, tail)) => (head, Some(tail)),
        None => (path, None),
    }
}

/// A path divided at each of its dots, the shortest head first.
fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = path.match_indices('.');
    dots.map(|(at, _)| (&path[..at], &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, cell: &str) -> String {
        let column = Column::of(name).expect(name);
        let location = Location::new("t.csv", 1, 1);
        let mut node = Map::new();
        assert!(column.insert(&mut node, column.value(&location, cell)));
        let node = Located {
            location,
            value: Value::Map(Arc::new(node)),
        };
        serde_json::to_string(&node).expect("writable")
    }

    #[test]
    fn a_name_is_a_path_and_its_key_decides_what_a_cell_is() {
        for (name, cell, wanted) in [
            ("name", "n1", r#"{"name":"n1"}"#),
            ("kubernetes", "v1.34.4", r#"{"kubernetes":"v1.34.4"}"#),
            (
                "addresses",
                "10.0.0.1 fd00::1",
                r#"{"addresses":["10.0.0.1","fd00::1"]}"#,
            ),
            ("managed", "false", r#"{"managed":false}"#),
            ("label:a/b.c", "true", r#"{"labels":{"a/b.c":"true"}}"#),
            (
                "labels.example.com/rack",
                "1",
                r#"{"labels":{"example.com/rack":"1"}}"#,
            ),
            (
                "annotations.example.com/owner",
                "a b",
                r#"{"annotations":{"example.com/owner":"a b"}}"#,
            ),
            (
                "taints.nvidia.com/gpu:NoSchedule",
                "",
                r#"{"taints":{"nvidia.com/gpu:NoSchedule":""}}"#,
            ),
            ("vars.rack.row", "7", r#"{"vars":{"rack":{"row":"7"}}}"#),
            ("var:a.b", "7", r#"{"vars":{"a.b":"7"}}"#),
            (
                "interfaces.eth0.addresses",
                "10.0.0.1/24;fd00::1/64",
                r#"{"interfaces":{"eth0":{"addresses":["10.0.0.1/24","fd00::1/64"]}}}"#,
            ),
            (
                "interfaces.eth0.100.mtu",
                "9000",
                r#"{"interfaces":{"eth0.100":{"mtu":9000}}}"#,
            ),
            (
                "interfaces.eth0.100.vlan.id",
                "100",
                r#"{"interfaces":{"eth0.100":{"vlan":{"id":100}}}}"#,
            ),
            (
                "interfaces.eth0.gateways",
                "10.0.0.254",
                r#"{"interfaces":{"eth0":{"gateways":["10.0.0.254"]}}}"#,
            ),
            (
                "interfaces.eth0.dns.servers",
                "10.0.0.2",
                r#"{"interfaces":{"eth0":{"dns":{"servers":["10.0.0.2"]}}}}"#,
            ),
            ("os.arch", "arm64", r#"{"os":{"arch":"arm64"}}"#),
            (
                "kubelet.config.maxPods",
                "60",
                r#"{"kubelet":{"config":{"maxPods":60}}}"#,
            ),
            (
                "kubelet.config.evictionHard.memory.available",
                "1Gi",
                r#"{"kubelet":{"config":{"evictionHard":{"memory.available":"1Gi"}}}}"#,
            ),
            (
                "kubelet.config.kubeReserved.cpu",
                "1",
                r#"{"kubelet":{"config":{"kubeReserved":{"cpu":"1"}}}}"#,
            ),
            (
                "kubelet.config.authentication.anonymous.enabled",
                "false",
                r#"{"kubelet":{"config":{"authentication":{"anonymous":{"enabled":false}}}}}"#,
            ),
            ("kubelet.flags.v", "4", r#"{"kubelet":{"flags":{"v":"4"}}}"#),
            (
                "files./etc/motd.d/a.content",
                "hi",
                r#"{"files":{"/etc/motd.d/a":{"content":"hi"}}}"#,
            ),
            (
                "links./etc/localtime",
                "../a",
                r#"{"links":{"/etc/localtime":"../a"}}"#,
            ),
            (
                "units.a.service.masked",
                "true",
                r#"{"units":{"a.service":{"masked":true}}}"#,
            ),
            (
                "paths.kubelet",
                "/opt/kubelet",
                r#"{"paths":{"kubelet":"/opt/kubelet"}}"#,
            ),
            ("airgap", "true", r#"{"airgap":true}"#),
            (
                "output.formats",
                "tarball ignition",
                r#"{"output":{"formats":["tarball","ignition"]}}"#,
            ),
            // Their reader says what they must be.
            ("managed", "yes", r#"{"managed":"yes"}"#),
            (
                "interfaces.eth0.mtu",
                "big",
                r#"{"interfaces":{"eth0":{"mtu":"big"}}}"#,
            ),
        ] {
            assert_eq!(shown(name, cell), wanted, "{name}");
        }
    }
}
