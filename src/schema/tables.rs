//! The loader's tables as JSON Schema.

use serde_json::{Map, Value as Json, json};

use crate::inventory::LAYER;
use crate::inventory::shape::{Entries, Field, Rule, Shape, Struct};
use crate::schema::kubelet;

/// What a template begins with; what it becomes, only the build knows.
const TEMPLATE: &str = r"\{\{|\{%|\{#";

/// Makes schemas, and collects what they refer to.
pub struct Maker {
    minor: Option<u32>,
    definitions: Map<String, Json>,
    /// Whether any text may be a template here, in place of whatever value.
    is_rendered: bool,
}

impl Maker {
    /// For kubelets of one minor, or of all that are known.
    pub fn new(minor: Option<u32>) -> Self {
        Self {
            minor,
            definitions: Map::new(),
            is_rendered: false,
        }
    }

    /// What was referred to.
    pub fn definitions(self) -> Json {
        Json::Object(self.definitions)
    }

    /// A map whose keys are ours. Layers are merged, so what one of them leaves out may be in another, and
    /// `null` takes away.
    pub fn keys(&mut self, of: &'static Struct, layered: bool) -> Map<String, Json> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for group in of.groups {
            let layered = layered || std::ptr::eq(*group, LAYER.groups[0]);
            for field in *group {
                if field.required && !layered {
                    required.push(field.key);
                }
                properties.insert(field.key.to_owned(), self.property(field, layered));
            }
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Json::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        schema.insert("additionalProperties".to_owned(), json!(false));
        schema
    }

    fn property(&mut self, field: &'static Field, layered: bool) -> Json {
        let value = self.value(&field.shape, layered);
        let mut value = if field.required && !layered {
            beside_others(value)
        } else {
            or_null(value)
        };
        let mut property = Map::new();
        property.insert("description".to_owned(), json!(field.about));
        if let Ok(default) = serde_json::from_str::<Json>(field.default) {
            property.insert("default".to_owned(), default);
        }
        if let Some(value) = value.as_object_mut() {
            property.append(value);
        }
        Json::Object(property)
    }

    fn value(&mut self, shape: &'static Shape, layered: bool) -> Json {
        if let Shape::PerNode(inner) = shape {
            let around = std::mem::replace(&mut self.is_rendered, true);
            let value = self.value(inner, true);
            self.is_rendered = around;
            return value;
        }
        let value = self.plain_value(shape, layered);
        let is_leaf = matches!(
            shape,
            Shape::Bool | Shape::Integer(..) | Shape::Words(_) | Shape::List(_)
        );
        if self.is_rendered && is_leaf {
            json!({"anyOf": [value, {"type": "string", "pattern": TEMPLATE}]})
        } else {
            value
        }
    }

    fn plain_value(&mut self, shape: &'static Shape, layered: bool) -> Json {
        match shape {
            Shape::Bool => json!({"type": "boolean"}),
            Shape::Integer(least, i64::MAX) => json!({"type": "integer", "minimum": least}),
            Shape::Integer(least, most) => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Shape::Text(rule) => string(rule, self.is_rendered),
            Shape::Words(words) => json!({"enum": words}),
            // A list is replaced as a whole, never merged.
            Shape::List(item) => json!({"type": "array", "items": self.value(item, false)}),
            Shape::Map(entries) => self.map(entries, layered),
            Shape::Struct(of) => self.reference(of, layered),
            Shape::Either(all) => {
                let all: Vec<Json> = all.iter().map(|one| self.value(one, layered)).collect();
                json!({"anyOf": all})
            }
            Shape::PerNode(inner) => self.value(inner, layered),
            Shape::Any => json!({}),
            Shape::KubeletConfig => kubelet::config(self.minor, &mut self.definitions),
            Shape::KubeletFlags => kubelet::flags(self.minor, &mut self.definitions),
        }
    }

    fn map(&mut self, entries: &'static Entries, layered: bool) -> Json {
        let value = self.value(&entries.value, layered);
        let value = if layered { or_null(value) } else { value };
        let mut schema = json!({"type": "object", "additionalProperties": &value});
        let mut key = string(entries.key, self.is_rendered);
        // A key is a string, whatever else.
        key.as_object_mut().and_then(|key| key.shift_remove("type"));
        if key.as_object().is_some_and(|key| !key.is_empty()) {
            schema["propertyNames"] = key;
        }
        for (name, about) in entries.known {
            let mut property = Map::new();
            property.insert("description".to_owned(), json!(about));
            if let Some(value) = value.as_object() {
                property.extend(value.clone());
            }
            schema["properties"][*name] = Json::Object(property);
        }
        schema
    }

    fn reference(&mut self, of: &'static Struct, layered: bool) -> Json {
        let reference = json!({"$ref": format!("#/definitions/{}", of.name)});
        if !self.definitions.contains_key(of.name) {
            // First the name, which keeps its place before those that it refers to.
            self.definitions.insert(of.name.to_owned(), Json::Null);
            let keys = Json::Object(self.keys(of, layered));
            self.definitions.insert(of.name.to_owned(), keys);
        }
        reference
    }
}

fn string(rule: &Rule, is_rendered: bool) -> Json {
    let mut schema = json!({"type": "string"});
    let pattern = pattern(rule, is_rendered);
    if !pattern.is_empty() {
        schema["pattern"] = json!(pattern);
    }
    if !rule.examples.is_empty() {
        schema["examples"] = json!(rule.examples);
    }
    schema
}

fn pattern(rule: &Rule, is_rendered: bool) -> String {
    match (rule.pattern, rule.template || is_rendered) {
        ("", _) => String::new(),
        (pattern, false) => pattern.to_owned(),
        (pattern, true) => format!("{pattern}|{TEMPLATE}"),
    }
}

/// The same, or nothing: `null` counts as absent.
pub fn or_null(mut schema: Json) -> Json {
    if let Some(words) = schema.get_mut("enum").and_then(Json::as_array_mut) {
        words.push(Json::Null);
    } else if let Some(all) = schema.get_mut("anyOf").and_then(Json::as_array_mut) {
        all.push(json!({"type": "null"}));
    } else if schema.get("$ref").is_some() {
        return json!({"anyOf": [schema, {"type": "null"}]});
    } else if let Some(kind) = schema.get_mut("type") {
        match kind.as_array_mut() {
            Some(kinds) if kinds.contains(&json!("null")) => {}
            Some(kinds) => kinds.push(json!("null")),
            None => *kind = json!([kind.take(), "null"]),
        }
    }
    schema
}

/// A reference takes no other words beside it before draft 2019-09.
fn beside_others(schema: Json) -> Json {
    match schema.get("$ref") {
        Some(_) => json!({"allOf": [schema]}),
        None => schema,
    }
}
