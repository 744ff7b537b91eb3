//! JSON Schema of the files that users write, for editors and validators. In: the tables that the loader reads by, and
//! what is known of kubelets. Out: one document for each kind of file.
//!
//! Draft 7: what the servers behind editors (yaml-language-server, IntelliJ) know whole. Later drafts have nothing that
//! is needed here.

mod kubelet;
mod tables;

use serde_json::{Map, Value as Json, json};

use crate::inventory::shape::{CLUSTER, PROFILE, Shape};
use crate::node::OVERLAY;
use crate::schema::tables::Maker;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cluster.yaml`.
    Cluster,
    /// `profiles/NAME.yaml`.
    Profile,
    /// `overlays/NAME/overlay.yaml`.
    Overlay,
}

impl Kind {
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

    fn shape(self) -> &'static Shape {
        match self {
            Self::Cluster => &CLUSTER,
            Self::Profile => &PROFILE,
            Self::Overlay => &OVERLAY,
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
pub fn schema(kind: Kind, minor: Option<u32>) -> Json {
    let mut maker = Maker::new(minor);
    let mut document = Map::new();
    let _ = document.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    let _ = document.insert("title".to_owned(), json!(kind.title()));
    let top = kind.shape().structs().next();
    document.extend(top.map(|top| maker.keys(top, false)).unwrap_or_default());
    let _ = document.insert("definitions".to_owned(), maker.definitions());
    Json::Object(document)
}

/// A schema as it is printed and written, with a line break at the end: each key of a file is a line, so that people can
/// read it and compare two.
pub fn text(kind: Kind, minor: Option<u32>) -> String {
    let mut text = String::new();
    push(&mut text, &schema(kind, minor), 0, 1);
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
