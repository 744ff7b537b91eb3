//! Reading a located tree field by field, by the tables of [`crate::inventory::shape`]: every mistake becomes a finding,
//! and reading goes on. Whoever reads what no table declares, or reads it as something else, is stopped in debug builds.

use std::cell::RefCell;
use std::sync::Arc;

use crate::closest::closest;
use crate::inventory::shape::{Shape, Struct};
use crate::model::{FieldLocation, Location, Spanned};
use crate::report::{Finding, Report};
use crate::yaml::{Located, Map, Value};

/// One value of the tree and the report that its mistakes go to.
#[derive(Clone)]
pub struct Cursor<'a> {
    value: &'a Located,
    /// Where the key of an entry stands, if that is one.
    key: Option<&'a Location>,
    path: String,
    shape: &'static Shape,
    report: &'a RefCell<Report>,
}

impl<'a> Cursor<'a> {
    /// The value at the top of a file; `path` is empty there.
    pub fn new(
        value: &'a Located,
        path: impl Into<String>,
        shape: &'static Shape,
        report: &'a RefCell<Report>,
    ) -> Self {
        Self {
            value,
            key: None,
            path: path.into(),
            shape,
            report,
        }
    }

    /// The value itself.
    pub fn located(&self) -> &'a Located {
        self.value
    }

    /// Where it was written.
    pub fn location(&self) -> FieldLocation {
        FieldLocation::new(self.value.location.clone(), self.path.as_str())
    }

    /// Where the key of an entry was written: what a finding about a name or a path points to.
    pub fn key_location(&self) -> FieldLocation {
        FieldLocation::new(
            self.key.unwrap_or(&self.value.location).clone(),
            self.path.as_str(),
        )
    }

    /// Adds an error about the key of an entry.
    pub fn key_error(&self, rule: impl Into<String>) {
        self.add(self.key_location().error(rule));
    }

    /// Adds a finding.
    pub fn add(&self, finding: Finding) {
        self.report.borrow_mut().add(finding);
    }

    /// Adds an error about this value.
    pub fn error(&self, rule: impl Into<String>) {
        self.add(self.location().error(rule));
    }

    fn wrong_type(&self, wanted: &str, repair: Option<&str>) {
        let rule = format!("must be {wanted}, not {}", self.value.value.kind());
        let mut finding = self.location().error(rule);
        if let Some(repair) = repair {
            finding = finding.repair(repair);
        }
        self.add(finding);
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.value.value == Value::Null
    }

    /// Stops a developer who reads what the tables declare otherwise.
    fn declared(&self, as_this: bool) {
        debug_assert!(as_this, "{}: declared as {:?}", self.path, self.shape);
    }

    /// The text.
    pub fn string(&self) -> Option<&'a str> {
        self.declared(self.shape.takes_text());
        match &self.value.value {
            Value::String(text) => return Some(text),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                self.wrong_type("a string", Some("put it in quotes"));
            }
            _ => self.wrong_type("a string", None),
        }
        None
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        self.declared(self.shape.takes_bool());
        match &self.value.value {
            Value::Bool(value) => return Some(*value),
            Value::String(text) if matches!(&**text, "yes" | "no" | "on" | "off") => {
                self.wrong_type("true or false", Some("write true or false"));
            }
            _ => self.wrong_type("true or false", None),
        }
        None
    }

    /// A whole number that `T` can hold.
    pub fn integer<T: TryFrom<i64>>(&self) -> Option<T> {
        let Value::Int(value) = self.value.value else {
            self.wrong_type("a whole number", None);
            return None;
        };
        let converted = T::try_from(value).ok();
        self.declared(self.shape.takes_integer(value) <= converted.is_some());
        if converted.is_none() {
            self.error(format!("{value} is out of range"));
        }
        converted
    }

    /// A string that `parse` makes something of; its error is the rule.
    pub fn parse<T, E: ToString>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        match parse(self.string()?) {
            Ok(value) => Some(value),
            Err(rule) => {
                self.error(rule.to_string());
                None
            }
        }
    }

    /// Like [`Cursor::parse`], with the location kept.
    pub fn parse_at<T, E: ToString>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        let value = self.parse(parse)?;
        Some(Spanned {
            value,
            location: self.location(),
        })
    }

    /// The text with its location.
    pub fn string_at(&self) -> Option<Spanned<String>> {
        self.parse_at(|text| Ok::<_, String>(text.to_owned()))
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let words = choices.iter().map(|(word, _)| *word);
        self.declared(self.shape.takes_words(words));
        let text = self.string()?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let finding = self.location().error(format!("{text:?} is not known here"));
            self.add(finding.repair(format!("write one of {}", words.join(", "))));
        }
        found.map(|(_, value)| *value)
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Cursor<'a>> {
        self.declared(self.shape.item().is_some());
        let shape = self.shape.item().unwrap_or(&Shape::Any);
        let Value::List(items) = &self.value.value else {
            self.wrong_type("a list", Some("write it as [a, b]"));
            return Vec::new();
        };
        let item = |(index, value)| {
            Cursor::new(value, format!("{}[{index}]", self.path), shape, self.report)
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The entries of a map whose keys are the user's own (paths, names, labels).
    pub fn entries(&self) -> Vec<(&'a Arc<str>, Cursor<'a>)> {
        self.declared(self.shape.value().is_some());
        let shape = self.shape.value().unwrap_or(&Shape::Any);
        self.map()
            .into_iter()
            .flat_map(|map| map.iter())
            .map(|(key, field)| {
                let mut entry = self.child(key, &field.value, shape);
                entry.key = Some(&field.key);
                (key, entry)
            })
            .collect()
    }

    /// The fields of a map whose keys are ours.
    pub fn fields(&self) -> Option<Fields<'a>> {
        let map = self.map()?;
        let is_there = |key: &str| {
            let field = map.get(key);
            field.is_some_and(|field| field.value.value != Value::Null)
        };
        let told = |of: &&Struct| of.told_by.is_empty() || is_there(of.told_by);
        let of = self.shape.structs().find(told);
        self.declared(of.is_some());
        Some(Fields {
            at: self.clone(),
            map,
            of: of.unwrap_or(&Struct::NOTHING),
            asked: RefCell::default(),
        })
    }

    /// The map.
    pub fn map(&self) -> Option<&'a Map> {
        match &self.value.value {
            Value::Map(map) => Some(map),
            _ => {
                self.wrong_type("a map", None);
                None
            }
        }
    }

    fn child(&self, key: &str, value: &'a Located, shape: &'static Shape) -> Cursor<'a> {
        Cursor::new(value, child_path(&self.path, key), shape, self.report)
    }
}

/// The path of a map's entry: `a.b`, or `a["b.c"]` where a dot would mislead.
pub fn child_path(path: &str, key: &str) -> String {
    match (path, key.contains(['.', '/', ' '])) {
        ("", false) => key.to_owned(),
        (path, false) => format!("{path}.{key}"),
        (path, true) => format!("{path}[{key:?}]"),
    }
}

/// A map whose keys are ours: what its struct does not have is unknown.
pub struct Fields<'a> {
    at: Cursor<'a>,
    map: &'a Map,
    of: &'static Struct,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// A field that may be absent; `null` counts as absent.
    pub fn optional(&self, key: &'static str) -> Option<Cursor<'a>> {
        let declared = self.of.field(key);
        let mut structs = self.at.shape.structs();
        debug_assert!(
            structs.any(|of| of.field(key).is_some()),
            "{} has no {key}",
            self.of.name
        );
        self.asked.borrow_mut().push(key);
        let field = self.map.get(key)?;
        let child = self.at.child(key, &field.value, &declared?.shape);
        Some(child).filter(|cursor| !cursor.is_null())
    }

    /// A field that must be there.
    pub fn required(&self, key: &'static str) -> Option<Cursor<'a>> {
        debug_assert!(
            self.of.field(key).is_some_and(|field| field.required),
            "{key}"
        );
        let found = self.optional(key);
        if found.is_none() {
            self.at.error(format!("the field {key:?} is missing"));
        }
        found
    }

    /// The items of a list that may be absent.
    pub fn list(&self, key: &'static str) -> Vec<Cursor<'a>> {
        let list = self.optional(key);
        list.map(|list| list.items()).unwrap_or_default()
    }

    /// Reads every entry of a map that may be absent.
    pub fn each<T>(
        &self,
        key: &'static str,
        read: impl Fn(&'a Arc<str>, &Cursor<'a>) -> Option<T>,
    ) -> Vec<T> {
        let entries = self.optional(key).map(|map| map.entries());
        let entries = entries.unwrap_or_default();
        let read = |(key, at): &(&'a Arc<str>, Cursor<'a>)| read(key, at);
        entries.iter().filter_map(read).collect()
    }

    /// Knows keys that are read elsewhere.
    pub fn allow(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend(keys);
    }

    /// The cursor of the map as a whole.
    pub fn cursor(&self) -> &Cursor<'a> {
        &self.at
    }

    /// Reports every key that the struct does not have.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, field) in self.map {
            if self.of.field(key).is_some() {
                debug_assert!(
                    asked.contains(&&**key),
                    "{}.{key} is not read",
                    self.of.name
                );
                continue;
            }
            let path = child_path(&self.at.path, key);
            let structs = self.at.shape.structs();
            let known = structs.flat_map(|of| of.fields().map(|field| field.key));
            let repair = match closest(key, known) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "remove it".to_owned(),
            };
            self.at
                .add(Finding::error(&field.key, path, "unknown field").repair(repair));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::shape::field;

    static READ: Struct = Struct {
        name: "read",
        groups: &[&[
            field("name", Shape::Any, ""),
            field("a", Shape::Any, ""),
            field("b", Shape::Any, ""),
            field("c", Shape::List(&Shape::Any), ""),
            field("d", Shape::Integer(0, 255), ""),
            field("e", Shape::Any, "").required(),
        ]],
        told_by: "",
    };

    static TOP: Shape = Shape::Struct(&READ);

    fn findings(text: &str, read: impl FnOnce(&Fields<'_>)) -> String {
        let mut report = Report::default();
        let tree = crate::yaml::parse(&"t".into(), text, &mut report).expect("valid YAML");
        let report = RefCell::new(report);
        if let Some(fields) = Cursor::new(&tree, "", &TOP, &report).fields() {
            read(&fields);
            fields.finish();
        }
        report.into_inner().to_string()
    }

    #[test]
    fn unknown_fields_are_all_named_with_the_nearest_known_one() {
        let found = findings("nmae: x\nq: 1\n", |fields| {
            fields.optional("name");
        });
        assert_eq!(
            found,
            "error: t:1:1: nmae: unknown field; did you mean \"name\"?\nerror: t:2:1: q: unknown field; remove it\n"
        );
    }

    #[test]
    fn wrong_types_say_what_is_wanted() {
        let found = findings("a: 5\nb: yes\nc: x\nd: 300\n", |fields| {
            fields.optional("a").and_then(|a| a.string());
            fields.optional("b").and_then(|b| b.bool());
            fields.optional("c").map(|c| c.items());
            fields.optional("d").and_then(|d| d.integer::<u8>());
            fields.required("e");
        });
        assert_eq!(
            found,
            "error: t:1:1: the field \"e\" is missing\n\
             error: t:1:4: a: must be a string, not a whole number; put it in quotes\n\
             error: t:2:4: b: must be true or false, not a string; write true or false\n\
             error: t:3:4: c: must be a list, not a string; write it as [a, b]\n\
             error: t:4:4: d: 300 is out of range\n"
        );
    }
}
