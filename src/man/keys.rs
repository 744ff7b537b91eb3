//! Every key that is allowed in the files that users write, as sections of a guide: from the tables that the loader
//! reads by.

use crate::compile::OVERLAY;
use crate::inventory::shape::{Field, Shape, Struct};
use crate::inventory::{CLUSTER, LAYER, NODES, PROFILE};

/// The sections, in Markdown.
pub fn sections() -> String {
    let mut text = String::from("\n## Every key\n\n");
    text.push_str(
        "What follows is what `nodebake schema` says to editors. `NAME` is a name of yours, and `[]` an item of a list.\n",
    );
    let layer = "of the cluster, of a node, of a profile";
    section(&mut text, "Keys of cluster.yaml", "", own(&[CLUSTER]));
    section(&mut text, "Keys of a node", "nodes[].", own(&NODES));
    section(
        &mut text,
        &format!("Keys of layers: {layer}"),
        "",
        LAYER.fields().collect(),
    );
    section(&mut text, "Keys of profiles/NAME.yaml", "", own(&[PROFILE]));
    section(
        &mut text,
        "Keys of overlays/NAME/overlay.yaml",
        "",
        own(&[OVERLAY]),
    );
    text
}

/// The fields of a file or node that no layer has, each once.
fn own(of: &[&'static Struct]) -> Vec<&'static Field> {
    let mut fields: Vec<&Field> = Vec::new();
    for field in of.iter().flat_map(|of| of.fields()) {
        if LAYER.field(field.key).is_none() && !fields.iter().any(|known| known.key == field.key) {
            fields.push(field);
        }
    }
    fields
}

fn section(text: &mut String, title: &str, prefix: &str, fields: Vec<&'static Field>) {
    text.push_str(&format!("\n## {title}\n\n"));
    for field in fields {
        line(text, prefix, field);
    }
}

fn line(text: &mut String, prefix: &str, field: &'static Field) {
    let path = format!("{prefix}{}", field.key);
    let mut notes = Vec::new();
    // A node has a name or a range, and what one layer lacks another has.
    let in_layer = LAYER
        .field(field.key)
        .is_some_and(|layer| std::ptr::eq(layer, field));
    if field.required && prefix != "nodes[]." && !in_layer {
        notes.push("required".to_owned());
    }
    if let Some(words) = words(&field.shape) {
        notes.push(words);
    }
    if !field.default.is_empty() {
        notes.push(format!("default: `{}`", field.default.trim_matches('"')));
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", notes.join("; "))
    };
    text.push_str(&format!("- `{path}`: {}{notes}\n", field.about));
    below(text, &path, &field.shape);
}

/// The keys below a key, but for nodes, which have a section of their own.
fn below(text: &mut String, path: &str, shape: &'static Shape) {
    for of in shape.structs() {
        if NODES.iter().any(|node| std::ptr::eq(*node, of)) {
            return;
        }
        for field in of.fields() {
            line(text, &format!("{path}."), field);
        }
    }
    if let Some(item) = shape.item() {
        below(text, &format!("{path}[]"), item);
    }
    for (name, about) in shape.known() {
        text.push_str(&format!("- `{path}.{name}`: {about}\n"));
    }
    if let Some(value) = shape.value() {
        below(text, &format!("{path}.NAME"), value);
    }
}

/// The words that are allowed there, alone or in a list.
fn words(shape: &'static Shape) -> Option<String> {
    shape.alternatives().iter().find_map(|one| match one {
        Shape::Words(words) => Some(
            words
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Shape::List(item) => words(item),
        _ => None,
    })
}
