//! Reads a configuration for the rules: typed values, the flags beside it, the feature gates that it sets, and the report.
//! A value of the wrong type is a finding of the types' and ends the rule that asked for it; so does a template.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::kubernetes::BrokenRule;
use crate::kubernetes::gates::{Gate, Gates};
use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};
use crate::kubernetes::rules::Settings;
use crate::kubernetes::value;
use crate::report::Id;

/// The value is of another type, or not known yet.
pub struct Unknown;

/// A value, if it is known.
pub type Known<T> = Result<T, Unknown>;

/// A configuration while it is checked.
pub struct ConfigReader<'c> {
    /// The version of the kubelet.
    pub minor: u32,
    config: &'c Json,
    flags: &'c [(&'c str, &'c str)],
    gates: Gates,
    is_template: fn(&str) -> bool,
    open: Cell<bool>,
    broken: RefCell<Vec<BrokenRule>>,
}

impl<'c> ConfigReader<'c> {
    /// The settings of a kubelet.
    pub fn new(settings: &Settings<'c>, is_template: fn(&str) -> bool) -> Self {
        let Settings {
            config,
            flags,
            minor,
        } = *settings;
        let set = config.get("featureGates").and_then(Json::as_object);
        let set = set.into_iter().flatten();
        let set = set.filter_map(|(name, value)| Some((name.clone(), value.as_bool()?)));
        Self {
            minor,
            config,
            flags,
            gates: Gates::new(set.collect::<BTreeMap<_, _>>(), minor),
            is_template,
            open: Cell::new(false),
            broken: RefCell::new(Vec::new()),
        }
    }

    /// The rules that are broken.
    pub fn into_broken(self) -> Vec<BrokenRule> {
        self.broken.into_inner()
    }

    /// Whether a template was met since the last call.
    pub fn take_open(&self) -> bool {
        self.open.replace(false)
    }

    /// The value of a flag; the last one counts where it is repeated.
    pub fn flag(&self, name: &str) -> Known<Option<&'c str>> {
        let found = self.flags.iter().rev().find(|(known, _)| *known == name);
        let Some((_, text)) = found else {
            return Ok(None);
        };
        if (self.is_template)(text) {
            self.open.set(true);
            return Err(Unknown);
        }
        Ok(Some(text))
    }

    /// Whether a flag of `true` or `false` is set; without it, it is not.
    pub fn flag_is_set(&self, name: &str) -> Known<bool> {
        Ok(self.flag(name)?.and_then(value::go_bool) == Some(true))
    }

    /// Whether a gate that this minor knows is off; a feature whose gate is gone is on.
    pub fn is_off(&self, gate: &str) -> bool {
        Gate::find(gate, self.minor).is_some() && !self.gates.enabled(gate)
    }

    /// The gates that the configuration sets.
    pub fn gates(&self) -> &Gates {
        &self.gates
    }

    /// Whether a feature is on.
    pub fn enabled(&self, gate: &str) -> bool {
        self.gates.enabled(gate)
    }

    /// Whether the minor has a field.
    pub fn has(&self, path: &str) -> bool {
        matches!(Schema::load().path(path, self.minor), FieldAnswer::Found(_))
    }

    /// What a path of keys holds. What is absent or null is None.
    pub fn at(&self, path: &str) -> Known<Option<&'c Json>> {
        // What the minor does not have is a finding about its name already.
        if !self.has(path) {
            return Ok(None);
        }
        let mut at = self.config;
        for key in path.split('.') {
            match at.get(key) {
                None | Some(Json::Null) => return Ok(None),
                Some(value) => at = self.known(value)?,
            }
        }
        Ok(Some(at))
    }

    /// The value itself, unless it is a template.
    pub fn known(&self, value: &'c Json) -> Known<&'c Json> {
        if value.as_str().is_some_and(self.is_template) {
            self.open.set(true);
            return Err(Unknown);
        }
        Ok(value)
    }

    /// A whole number.
    pub fn int(&self, path: &str) -> Known<Option<i64>> {
        let of = |value: &Json| value.as_i64().ok_or(Unknown);
        self.at(path)?.map(of).transpose()
    }

    /// A number.
    pub fn float(&self, path: &str) -> Known<Option<f64>> {
        let of = |value: &Json| value.as_f64().ok_or(Unknown);
        self.at(path)?.map(of).transpose()
    }

    /// `true` or `false`, or the default.
    pub fn bool_or(&self, path: &str, default: bool) -> Known<bool> {
        let of = |value: &Json| value.as_bool().ok_or(Unknown);
        Ok(self.at(path)?.map(of).transpose()?.unwrap_or(default))
    }

    /// A text; absent is empty, as upstream has it.
    pub fn text(&self, path: &str) -> Known<&'c str> {
        let of = |value: &'c Json| value.as_str().ok_or(Unknown);
        Ok(self.at(path)?.map(of).transpose()?.unwrap_or_default())
    }

    /// A duration in nanoseconds.
    pub fn duration(&self, path: &str) -> Known<Option<i64>> {
        let of = |value: &Json| {
            let text = value.as_str().ok_or(Unknown)?;
            value::nanoseconds(text).map_err(|_| Unknown)
        };
        self.at(path)?.map(of).transpose()
    }

    /// A list's items; absent is None.
    pub fn list(&self, path: &str) -> Known<Option<&'c [Json]>> {
        let of = |value: &'c Json| value.as_array().map(Vec::as_slice).ok_or(Unknown);
        self.at(path)?.map(of).transpose()
    }

    /// A list of texts, all of them known; absent is None.
    pub fn texts(&self, path: &str) -> Known<Option<Vec<&'c str>>> {
        let text = |item: &'c Json| self.known(item)?.as_str().ok_or(Unknown);
        let list = self.list(path)?;
        list.map(|items| items.iter().map(text).collect())
            .transpose()
    }

    /// A map's entries whose texts are known, in its order; absent is empty.
    pub fn pairs(&self, path: &str) -> Known<Vec<(&'c str, &'c str)>> {
        let Some(map) = self.at(path)? else {
            return Ok(Vec::new());
        };
        let map = map.as_object().ok_or(Unknown)?;
        let pair = |(key, value): (&'c String, &'c Json)| {
            Some((key.as_str(), self.known(value).ok()?.as_str()?))
        };
        Ok(map.iter().filter_map(pair).collect())
    }

    /// The text of one entry of a map; absent is None.
    pub fn entry(&self, path: &str, key: &str) -> Known<Option<&'c str>> {
        match self.at(path)?.and_then(|map| map.get(key)) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => self.known(value)?.as_str().ok_or(Unknown).map(Some),
        }
    }

    /// Adds a broken rule about the value at a path of keys.
    pub fn say(&self, id: Id, path: &str, message: impl Into<String>) {
        self.add(
            id,
            path.split('.').map(str::to_owned).collect(),
            message,
            None,
        );
    }

    /// The same, with help.
    pub fn advise(&self, id: Id, path: &str, message: impl Into<String>, help: &str) {
        let path = path.split('.').map(str::to_owned).collect();
        self.add(id, path, message, Some(help.to_owned()));
    }

    /// Adds a broken rule about an entry of a map or an item of a list.
    pub fn say_of(&self, id: Id, path: &str, key: &str, message: impl Into<String>) {
        let mut path: Vec<String> = path.split('.').map(str::to_owned).collect();
        path.push(key.to_owned());
        self.add(id, path, message, None);
    }

    /// Adds what the kubelet finds out only when it starts.
    pub fn say_at_start(&self, id: Id, path: Vec<String>, message: impl Into<String>) {
        self.add(id, path, message, None);
        if let Some(last) = self.broken.borrow_mut().last_mut() {
            last.at_start = true;
        }
    }

    /// Adds what the kubelet finds out only when it starts, about a field or an entry of it, with help.
    pub fn refuse(&self, id: Id, path: &[&str], message: impl Into<String>, help: &str) {
        self.push(BrokenRule {
            id,
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            flag: None,
            message: message.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
            at_start: true,
        });
    }

    /// The same about a flag that sets no field.
    pub fn refuse_flag(&self, id: Id, flag: &'static str, message: impl Into<String>, help: &str) {
        self.push(BrokenRule {
            id,
            path: Vec::new(),
            flag: Some(flag),
            message: message.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
            at_start: true,
        });
    }

    /// Adds a broken rule as it is.
    pub fn push(&self, broken: BrokenRule) {
        self.broken.borrow_mut().push(broken);
    }

    fn add(&self, id: Id, path: Vec<String>, message: impl Into<String>, help: Option<String>) {
        self.push(BrokenRule {
            id,
            path,
            flag: None,
            message: message.into(),
            help,
            at_start: false,
        });
    }

    /// Says that a text is none of the words that the field takes.
    pub fn one_of(&self, id: Id, path: &str, text: &str, words: &[&str]) {
        if !words.contains(&text) {
            self.say(
                id,
                path,
                format!("must be one of {}; got {text:?}", words.join(", ")),
            );
        }
    }
}
