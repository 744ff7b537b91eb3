//! KubeletConfiguration and the kubelet's flags as JSON Schema. Any value may be a template, and `null` takes away what
//! an earlier layer said.

use serde_json::{Map, Value as Json, json};

use crate::kubernetes::gates;
use crate::kubernetes::kubelet_config::{Declared, FieldKind, Schema, TypeRef};

/// What a template begins with in a configuration or flag.
const TEMPLATE: &str = r"\{\{|\{%";
/// As Go reads them; a duration may be negative where that means "off".
const DURATION: &str = r"^[-+]?(0|([0-9.]+(ns|us|µs|μs|ms|s|m|h))+)$";
const QUANTITY: &str = r"^[-+]?[0-9.]+([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]+)?$";
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[-+][0-9]{2}:[0-9]{2})$";

/// `kubelet.config`.
pub fn config(minor: Option<u32>, definitions: &mut Map<String, Json>) -> Json {
    structure(Schema::load().root(), minor, definitions)
}

/// `kubelet.flags`.
pub fn flags(minor: Option<u32>, definitions: &mut Map<String, Json>) -> Json {
    let schema = Schema::load();
    let mut properties = Map::new();
    for flag in schema.flags(minor) {
        let mut property = flag_value(flag.kinds[0]);
        let mut about = span(&flag);
        if let Some(minor) = minor {
            if let Some(field) = schema.field_of(flag.name, minor) {
                about.push(format!("kubelet.config.{field} says the same"));
            }
            if schema.is_deprecated(flag.name, minor) {
                about.push(format!("deprecated in Kubernetes 1.{minor}"));
            }
        }
        describe(&mut property, &about);
        properties.insert(flag.name.to_owned(), property);
    }
    let flags = json!({"type": "object", "properties": properties, "additionalProperties": false});
    definitions.insert("kubeletFlags".to_owned(), flags);
    json!({"$ref": "#/definitions/kubeletFlags"})
}

fn structure(of: TypeRef, minor: Option<u32>, definitions: &mut Map<String, Json>) -> Json {
    let name = of.name();
    if !definitions.contains_key(name) {
        definitions.insert(name.to_owned(), Json::Null);
        let mut properties = Map::new();
        for field in of.all_fields(minor) {
            let kinds = field.kinds.iter();
            let mut kinds: Vec<Json> = kinds.map(|kind| value(kind, minor, definitions)).collect();
            let mut property = match kinds.len() {
                1 => kinds.remove(0),
                _ => json!({"anyOf": kinds}),
            };
            if field.name == "featureGates" {
                property["propertyNames"] = json!({"enum": gate_names(minor)});
            }
            if property.get("$ref").is_some() {
                property = json!({"allOf": [property]});
            }
            describe(&mut property, &span(&field));
            properties.insert(field.name.to_owned(), property);
        }
        let schema = json!({
            "type": ["object", "string", "null"],
            "pattern": TEMPLATE,
            "properties": properties,
            "additionalProperties": false,
        });
        definitions.insert(name.to_owned(), schema);
    }
    json!({"$ref": format!("#/definitions/{name}")})
}

fn value(kind: &FieldKind, minor: Option<u32>, definitions: &mut Map<String, Json>) -> Json {
    match kind {
        FieldKind::Bool => json!({"type": ["boolean", "string", "null"], "pattern": TEMPLATE}),
        FieldKind::Int { bits, signed } => {
            let mut schema = json!({"type": ["integer", "string", "null"], "pattern": TEMPLATE});
            let range = FieldKind::range(*bits, *signed);
            // What no double holds is left to the loader.
            if *bits == 32 {
                schema["minimum"] = json!(*range.start() as i64);
                schema["maximum"] = json!(*range.end() as i64);
            } else if !signed {
                schema["minimum"] = json!(0);
            }
            schema
        }
        FieldKind::Float => json!({"type": ["number", "string", "null"], "pattern": TEMPLATE}),
        FieldKind::String => json!({"type": ["string", "null"]}),
        FieldKind::Duration => {
            json!({"type": ["string", "null"], "pattern": or_template(DURATION), "examples": ["45s", "1h30m"]})
        }
        FieldKind::DurationOrNanoseconds => {
            json!({"type": ["string", "integer", "null"], "pattern": or_template(DURATION), "examples": ["5s"]})
        }
        FieldKind::Quantity => {
            json!({"type": ["string", "number", "null"], "pattern": or_template(QUANTITY), "examples": ["100Mi", "500m"]})
        }
        FieldKind::Time => {
            json!({"type": ["string", "null"], "pattern": or_template(TIME), "examples": ["2026-12-01T00:00:00Z"]})
        }
        FieldKind::IntOrString => json!({"type": ["integer", "string", "null"]}),
        FieldKind::Any => json!({}),
        FieldKind::Enum(of) => {
            let mut words: Vec<Json> = of.all_values(minor).map(Json::from).collect();
            words.extend([json!(""), Json::Null]);
            json!({"anyOf": [{"enum": words}, {"type": "string", "pattern": TEMPLATE}]})
        }
        FieldKind::List(item) => {
            let items = value(item, minor, definitions);
            json!({"type": ["array", "string", "null"], "items": items, "pattern": TEMPLATE})
        }
        FieldKind::Map(of) => {
            let values = value(of, minor, definitions);
            json!({"type": ["object", "string", "null"], "additionalProperties": values, "pattern": TEMPLATE})
        }
        FieldKind::Struct(of) => structure(*of, minor, definitions),
    }
}

/// Flags are texts; numbers and booleans are taken as the kubelet would print them.
fn flag_value(kind: &FieldKind) -> Json {
    match kind {
        FieldKind::Bool => json!({
            "type": ["boolean", "string", "integer", "null"],
            "pattern": or_template("^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$"),
            "minimum": 0,
            "maximum": 1,
        }),
        FieldKind::Int { .. } => json!({
            "type": ["integer", "string", "null"],
            "pattern": or_template("^[-+]?[0-9]+$"),
        }),
        FieldKind::Float => json!({"type": ["integer", "string", "null"]}),
        FieldKind::Duration => json!({
            "type": ["string", "integer", "null"],
            "pattern": or_template(DURATION),
            "minimum": 0,
            "maximum": 0,
        }),
        _ => json!({"type": ["string", "boolean", "integer", "null"]}),
    }
}

fn or_template(pattern: &str) -> String {
    format!("{pattern}|{TEMPLATE}")
}

fn gate_names(minor: Option<u32>) -> Vec<&'static str> {
    match minor {
        Some(minor) => gates::names(minor).collect(),
        None => gates::all_names().collect(),
    }
}

/// Which minors have it, where that is not all that are known.
fn span(of: &Declared) -> Vec<String> {
    let oldest = *Schema::load().minors().start();
    let mut said = Vec::new();
    match (of.since > oldest, of.until) {
        (false, None) => {}
        (true, None) => said.push(format!("Kubernetes 1.{} and newer", of.since)),
        (false, Some(until)) => said.push(format!("Kubernetes 1.{until} and older")),
        (true, Some(until)) => said.push(format!("Kubernetes 1.{} to 1.{until}", of.since)),
    }
    said
}

fn describe(property: &mut Json, about: &[String]) {
    if !about.is_empty() {
        property["description"] = json!(about.join("; "));
    }
}
