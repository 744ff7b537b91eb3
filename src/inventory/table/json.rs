//! Tables in JSON, or in YAML: a list of nodes. The keys of a node are those that it has in `cluster.yaml`, or paths like the
//! columns of a CSV file have; both may be mixed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::inventory::keys::Keys;
use crate::inventory::nodes::{Node, RangeOfNodes};
use crate::inventory::table::column::Column;
use crate::inventory::table::may_hold_secrets;
use crate::inventory::table::unknown::unknown;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Map, Value};

/// What a key of a row is; each is found out once for a file.
enum Key {
    /// A path, or a key whose value may be the text of a cell.
    Column(Column),
    /// A key of a node that is more than a cell.
    Whole,
    /// Unknown, for which there is a finding.
    Unknown,
}

/// Reads a file into nodes.
pub fn read(file: &Arc<str>, text: &str, report: &mut Report) -> Vec<Located> {
    let Some(tree) = parse(file, text, report) else {
        return Vec::new();
    };
    let Value::List(rows) = &tree.value else {
        let rule = format!("must be a list of nodes, not {}", tree.value.kind());
        let finding = Finding::new(Id::CsvInvalid, &tree.location, "", rule);
        report.add(finding.help("write it like [{\"name\": \"n1\"}]"));
        return Vec::new();
    };
    let mut keys = HashMap::new();
    let mut nodes = Vec::new();
    for row in rows.iter() {
        let Some(map) = row.as_map() else {
            let rule = format!("a node must be a map, not {}", row.value.kind());
            let finding = Finding::new(Id::CsvInvalid, &row.location, "", rule);
            report.add(finding.help("write it like {\"name\": \"n1\"}"));
            continue;
        };
        nodes.push(Located {
            location: row.location.clone(),
            value: Value::Map(Arc::new(node(map, &mut keys, report))),
        });
    }
    nodes
}

/// Indenting by tabs is JSON's and not YAML's. Below a path, nobody knows which lines of a file are secret.
fn parse(file: &Arc<str>, text: &str, report: &mut Report) -> Option<Located> {
    if text.contains('\t') || may_hold_secrets(text) {
        return crate::yaml::parse_part(file, 0, text, report);
    }
    crate::yaml::parse(file, text, report)
}

fn node(row: &Map, keys: &mut HashMap<Arc<str>, Key>, report: &mut Report) -> Map {
    let mut node = Map::new();
    // Paths come after whole keys, so that they are added to what is there.
    let mut paths = Vec::new();
    for (name, field) in row {
        let key = keys
            .entry(name.clone())
            .or_insert_with(|| key(name, &field.key, report));
        match key {
            Key::Whole => drop(node.insert(name.clone(), field.clone())),
            Key::Column(column) => paths.push((name, column.clone(), field)),
            Key::Unknown => {}
        }
    }
    for (name, column, field) in paths {
        let value = match field.value.as_str() {
            Some(text) if text.is_empty() && !column.keeps_empty() => continue,
            Some(text) => column.value(&field.value.location, text),
            None if field.value.value == Value::Null => continue,
            None => field.value.clone(),
        };
        if !column.insert(&mut node, value) {
            let rule = "the node has a value for this already";
            let finding = Finding::new(Id::CsvColumnRepeated, &field.key, &**name, rule);
            report.add(finding.help("remove one"));
        }
    }
    node
}

fn key(name: &str, location: &Location, report: &mut Report) -> Key {
    if let Some(column) = Column::of(name) {
        return Key::Column(column);
    }
    let mut tables = [Node::TABLE, RangeOfNodes::TABLE].into_iter();
    if tables.any(|of| of.field(name).is_some()) {
        return Key::Whole;
    }
    let (rule, repair) = unknown(name);
    let finding = Finding::new(Id::CsvColumnUnknown, location, name, rule);
    report.add(finding.help(repair));
    Key::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(file: &str, text: &str) -> (String, String) {
        let mut report = Report::default();
        let nodes = read(&file.into(), text, &mut report);
        let nodes = serde_json::to_string(&nodes).expect("writable");
        (nodes, report.to_string())
    }

    #[test]
    fn rows_have_keys_and_paths() {
        let row = r#"[{"name": "n1", "addresses": "10.0.0.1;fd00::1", "macs": ["52:54:00:00:00:01"], "labels": {"a": ""},
            "labels.example.com/rack": "", "label:b": "x", "kubernetes": "", "hostname": null, "kubelet.config.maxPods": 60,
            "interfaces.lan0.mtu": "9000", "interfaces": {"lan0": {"routes": [{"to": "10.0.0.0/8", "via": "10.1.0.1"}]}}}]"#;
        let wanted = r#"[{"labels":{"a":"","example.com/rack":"","b":"x"},"interfaces":{"lan0":{"routes":[{"to":"10.0.0.0/8","via":"10.1.0.1"}],"mtu":9000}},"name":"n1","addresses":["10.0.0.1","fd00::1"],"macs":["52:54:00:00:00:01"],"kubelet":{"config":{"maxPods":60}}}]"#;
        assert_eq!(read_text("r.json", row), (wanted.to_owned(), String::new()));
        let tabs = row.replace("\n            ", "\n\t");
        assert_eq!(
            read_text("r.json", &tabs),
            (wanted.to_owned(), String::new())
        );
        let yaml = "- {name: n1, vars.rack: r1}\n";
        assert_eq!(
            read_text("r.yaml", yaml).0,
            r#"[{"name":"n1","vars":{"rack":"r1"}}]"#
        );
    }

    #[test]
    fn an_unknown_key_is_found_once_and_the_rest_is_read() {
        let (nodes, said) = read_text(
            "r.json",
            "[{\"name\": \"a\", \"zone\": 1},\n {\"name\": \"b\", \"zone\": 2, \"vars\": {\"x\": 1}, \"vars.x\": 2}, 7]",
        );
        assert_eq!(nodes, r#"[{"name":"a"},{"vars":{"x":1},"name":"b"}]"#);
        let said: Vec<&str> = said.lines().collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(
            said[0].starts_with(
                "error: r.json:1:16: zone: unknown column; write a label as labels.KEY"
            )
        );
        assert!(
            said[1]
                .starts_with("error: r.json:2:45: vars.x: the node has a value for this already"),
            "{}",
            said[1]
        );
        assert!(
            said[2].contains("a node must be a map, not a whole number"),
            "{}",
            said[2]
        );
        for bad in ["{}", "7", "\"a\""] {
            assert!(
                read_text("r.json", bad)
                    .1
                    .contains("must be a list of nodes"),
                "{bad}"
            );
        }
    }
}
