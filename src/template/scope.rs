//! What templates see: values by name, and how much of them is the same for all nodes of a class.

use serde::{Serialize, Serializer};

use crate::template::meter;
use crate::template::uses::Parts;

/// What templates see.
#[derive(Clone, Default)]
pub struct Scope {
    pub(super) values: tera::Context,
    /// The length of the longest text among them.
    pub(super) longest: usize,
    /// The parts that are the same for all nodes of the class.
    pub(super) steady: Parts,
}

/// A value that many scopes share; copying it is cheap.
#[derive(Clone, Debug)]
pub struct ScopeValue {
    value: tera::Value,
    longest: usize,
}

impl ScopeValue {
    /// Makes a value from anything that can be serialised.
    pub fn new(value: &impl Serialize) -> Self {
        let value = tera::Value::from_serializable(value);
        let longest = meter::longest(&value);
        Self { value, longest }
    }
}

/// Within another value it is not copied.
impl Serialize for ScopeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Scope {
    /// Gives templates a name to start from.
    pub fn set(&mut self, name: &'static str, value: ScopeValue) {
        self.set_steady(name, value, Parts::NONE);
    }

    /// The same for a name of which some parts are the same for all nodes of the class.
    pub fn set_steady(&mut self, name: &'static str, value: ScopeValue, steady: Parts) {
        self.longest = self.longest.max(value.longest);
        self.steady = self.steady.with(steady);
        self.values.insert_value(name, value.value);
    }

    /// Whether a dotted name is defined.
    pub(super) fn has(&self, name: &str) -> bool {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        self.values
            .get(first)
            .is_some_and(|value| rest.is_empty() || value.get_from_path(rest).is_some())
    }
}
