//! Located trees from JSON and to JSON.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::Location;
use crate::yaml::{Located, Value};

impl Located {
    /// A JSON value, all of it at one location.
    pub fn from_json(location: &Location, json: &Json) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::Float(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => Value::String(text.as_str().into()),
            Json::Array(items) => {
                let items = items.iter().map(|item| Self::from_json(location, item));
                Value::List(Arc::new(items.collect()))
            }
            Json::Object(map) => {
                let entries = map.iter();
                let entries = entries
                    .map(|(key, value)| (key.as_str().into(), Self::from_json(location, value)));
                return Self::map(location, entries);
            }
        };
        Self {
            location: location.clone(),
            value,
        }
    }

    /// The value as JSON, without its locations.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::String(text) => Json::String(text.to_string()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(map) => {
                let entries = map
                    .iter()
                    .map(|(key, field)| (key.to_string(), field.value.to_json()));
                Json::Object(entries.collect())
            }
        }
    }
}
