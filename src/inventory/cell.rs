//! Values from plain text, by what their key takes: cells of tables, and what templates render to.

use std::sync::Arc;

use crate::inventory::shape::Shape;
use crate::inventory::text::Text;
use crate::kubernetes::kubelet_config::FieldKind;
use crate::model::Location;
use crate::yaml::{Located, Value};

/// What a text may become. One that is none of it stays a text: its reader has the finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    bool: bool,
    number: bool,
    text: bool,
    item: Option<Box<Cell>>,
}

impl Cell {
    /// A text as it is.
    pub fn text() -> Self {
        Self {
            text: true,
            ..Self::default()
        }
    }

    fn list_of(item: Option<Self>) -> Self {
        Self {
            item: item.map(Box::new),
            ..Self::default()
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            bool: self.bool || other.bool,
            number: self.number || other.number,
            text: self.text || other.text,
            item: self.item.or(other.item),
        }
    }

    /// Itself, if a cell can be anything of it.
    fn usable(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }

    /// What the shape of a value takes; None for what no text can be.
    pub fn of_shape(shape: &'static Shape) -> Option<Self> {
        let all = shape.alternatives().iter().map(|one| match one {
            Shape::Bool => Self {
                bool: true,
                ..Self::default()
            },
            Shape::Integer(..) => Self {
                number: true,
                ..Self::default()
            },
            Shape::Text(_) | Shape::Words(_) | Shape::Any => Self::text(),
            Shape::List(item) => Self::list_of(Self::of_shape(item)),
            Shape::Either(_) | Shape::PerNode(_) => Self::of_shape(one).unwrap_or_default(),
            Shape::Map(_) | Shape::Struct(_) | Shape::KubeletConfig | Shape::KubeletFlags => {
                Self::default()
            }
        });
        all.fold(Self::default(), Self::or).usable()
    }

    /// The same for a field of the kubelet's configuration.
    pub fn of_kind(kind: &FieldKind) -> Option<Self> {
        let (bool, number, text) = match kind {
            FieldKind::Bool => (true, false, false),
            FieldKind::Int { .. } | FieldKind::Float => (false, true, false),
            FieldKind::DurationOrNanoseconds | FieldKind::IntOrString => (false, true, true),
            FieldKind::String
            | FieldKind::Duration
            | FieldKind::Quantity
            | FieldKind::Time
            | FieldKind::Enum(_)
            | FieldKind::Any => (false, false, true),
            FieldKind::List(item) => return Self::list_of(Self::of_kind(item)).usable(),
            FieldKind::Map(_) | FieldKind::Struct(_) => return None,
        };
        Some(Self {
            bool,
            number,
            text,
            item: None,
        })
    }

    /// The value that a text is, at a location.
    pub fn value(&self, location: &Location, text: &str) -> Value {
        const SEPARATORS: [char; 2] = [' ', ';'];
        // It is divided when it is rendered.
        if Text::looks_like_template(text) {
            return Value::String(text.into());
        }
        if self.bool && matches!(text, "true" | "false") {
            return Value::Bool(text == "true");
        }
        if self.number {
            if let Ok(number) = text.parse() {
                return Value::Int(number);
            }
            if let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) {
                return Value::Float(number);
            }
        }
        match &self.item {
            Some(item) if !self.text || text.contains(SEPARATORS) => {
                let items = text.split(SEPARATORS).filter(|item| !item.is_empty());
                let items = items.map(|text| Located {
                    location: location.clone(),
                    value: item.value(location, text),
                });
                Value::List(Arc::new(items.collect()))
            }
            _ => Value::String(text.into()),
        }
    }
}
