//! JSON Schema of the files that users write and of what programs read, for editors and validators. In: the tables that the loader reads by, and
//! what is known of kubelets. Out: one document for each kind of file.
//!
//! Draft 7: what the servers behind editors (yaml-language-server, IntelliJ) know whole. Later drafts have nothing that
//! is needed here.

mod findings;
mod kubelet;
mod policy;
mod tables;

use serde_json::{Map, Value as Json, json};

use crate::compile::OVERLAY;
use crate::inventory::shape::Struct;
use crate::inventory::{CLUSTER, PROFILE};
use crate::schema::tables::Maker;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaKind {
    /// `cluster.yaml`.
    Cluster,
    /// `profiles/NAME.yaml`.
    Profile,
    /// `overlays/NAME/overlay.yaml`.
    Overlay,
}

impl SchemaKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Cluster, Self::Profile, Self::Overlay];

    /// The file that its schema is written to.
    pub fn file(self) -> &'static str {
        match self {
            Self::Cluster => "cluster.schema.json",
            Self::Profile => "profile.schema.json",
            Self::Overlay => "overlay.schema.json",
        }
    }

    fn table(self) -> &'static Struct {
        match self {
            Self::Cluster => CLUSTER,
            Self::Profile => PROFILE,
            Self::Overlay => OVERLAY,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cluster => "cluster.yaml of nodebake",
            Self::Profile => "profiles/NAME.yaml of nodebake",
            Self::Overlay => "overlays/NAME/overlay.yaml of nodebake",
        }
    }
}

/// The schema of a kind of file. Kubelets have the fields and flags of one minor, or of all that are known.
pub fn schema(kind: SchemaKind, minor: Option<u32>) -> Json {
    let mut maker = Maker::new(minor);
    let mut document = Map::new();
    document.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    document.insert("title".to_owned(), json!(kind.title()));
    document.extend(maker.keys(kind.table(), false));
    document.insert("definitions".to_owned(), maker.definitions());
    Json::Object(document)
}

/// The schema of what `check --format json` prints, as it is printed.
pub fn findings_text() -> String {
    printed(&findings::schema())
}

/// The schema of what `check --policy NAME -o json` prints, as it is printed.
pub fn policy_text() -> String {
    printed(&policy::schema())
}

/// A schema as it is printed and written, with a line break at the end: each key of a file is a line, so that people can
/// read it and compare two.
pub fn text(kind: SchemaKind, minor: Option<u32>) -> String {
    printed(&schema(kind, minor))
}

fn printed(schema: &Json) -> String {
    let mut text = String::new();
    push(&mut text, schema, 0, 1);
    text.push('\n');
    text
}

/// Appends a value; `levels` are those maps whose keys are lines.
fn push(text: &mut String, value: &Json, indent: usize, levels: usize) {
    let map = value.as_object();
    let Some(map) = map.filter(|map| levels > 0 && !map.is_empty()) else {
        text.push_str(&value.to_string());
        return;
    };
    text.push('{');
    for (index, (key, value)) in map.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        text.push_str(&format!("{comma}\n{:1$}{2}: ", "", indent + 2, json!(key)));
        let levels = match key.as_str() {
            "properties" => 1,
            // Definition, its keys, its properties.
            "definitions" => 3,
            _ => levels - 1,
        };
        push(text, value, indent + 2, levels);
    }
    text.push_str(&format!("\n{:1$}}}", "", indent));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::inventory::shape::Shape;

    /// All structs that one leads to, itself first.
    fn reachable(of: &'static Struct) -> Vec<&'static Struct> {
        let mut found = vec![of];
        of.fields()
            .for_each(|field| structs(&field.shape, &mut found));
        found
    }

    /// All structs that a shape leads to.
    fn structs(shape: &'static Shape, found: &mut Vec<&'static Struct>) {
        for of in shape.structs() {
            if !found.iter().any(|known| std::ptr::eq(*known, of)) {
                found.push(of);
                of.fields().for_each(|field| structs(&field.shape, found));
            }
        }
        shape
            .item()
            .into_iter()
            .chain(shape.value())
            .for_each(|inner| structs(inner, found));
    }

    #[test]
    fn every_key_that_the_loader_knows_is_in_the_schema() {
        for kind in SchemaKind::ALL {
            let found = reachable(kind.table());
            let names: BTreeSet<&str> = found.iter().map(|of| of.name).collect();
            assert_eq!(names.len(), found.len(), "{kind:?}: two have one name");
            let schema = schema(kind, None);
            for (index, of) in found.iter().enumerate() {
                let at = match index {
                    0 => &schema,
                    _ => &schema["definitions"][of.name],
                };
                let properties = at["properties"].as_object().expect(of.name);
                let keys: BTreeSet<&str> = of.fields().map(|field| field.key).collect();
                let known: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
                assert_eq!(known, keys, "{kind:?}: {}", of.name);
            }
        }
    }

    #[test]
    fn defaults_are_json() {
        let found = SchemaKind::ALL
            .into_iter()
            .flat_map(|kind| reachable(kind.table()));
        let found: Vec<&Struct> = found.collect();
        let fields = found.iter().flat_map(|of| of.fields());
        for field in fields.filter(|field| !field.default.is_empty()) {
            let json: serde_json::Result<Json> = serde_json::from_str(field.default);
            assert!(json.is_ok(), "{}: {}", field.key, field.default);
        }
    }
}
