//! One value of a located tree, as it is read: every mistake becomes a finding, and reading goes on.

use std::cell::RefCell;
use std::sync::Arc;

use crate::closest::closest;
use crate::model::{FieldLocation, Location};
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Map, Value};

/// One value of the tree and the report that its mistakes go to.
#[derive(Clone)]
pub struct Cursor<'a> {
    value: &'a Located,
    /// The key of an entry and where it is, if that is one.
    key: Option<(&'a Arc<str>, &'a Location)>,
    path: String,
    report: &'a RefCell<Report>,
}

impl<'a> Cursor<'a> {
    /// The value at the top of a file; `path` is empty there.
    pub fn new(value: &'a Located, path: impl Into<String>, report: &'a RefCell<Report>) -> Self {
        Self {
            value,
            key: None,
            path: path.into(),
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
        let key = self.key.map(|(_, location)| location);
        FieldLocation::new(
            key.unwrap_or(&self.value.location).clone(),
            self.path.as_str(),
        )
    }

    /// The key of an entry; empty for what is none.
    pub fn key(&self) -> &str {
        self.key.map_or("", |(key, _)| key)
    }

    /// The key of an entry, that `parse` makes something of; its error is the message of a finding about `id`.
    pub fn parse_key<T, E: ToString>(
        &self,
        id: Id,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.key()) {
            Ok(key) => Some(key),
            Err(rule) => {
                self.report_key(id, rule.to_string());
                None
            }
        }
    }

    /// Whether it is a map that has this key.
    pub fn has(&self, key: &str) -> bool {
        let value = self.value.get(key);
        value.is_some_and(|at| at.value != Value::Null)
    }

    /// Whether it is a list without items.
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.value.value, Value::List(items) if items.is_empty())
    }

    /// The value at the end of a path of keys, if it is there.
    pub fn find(&self, keys: &[&str]) -> Option<Cursor<'a>> {
        keys.iter().try_fold(self.clone(), |at, key| {
            let field = at.value.as_map()?.get(*key)?;
            let child = at.child(key, &field.value);
            (!child.is_null()).then_some(child)
        })
    }

    /// Reads another value, as if it were here.
    pub fn instead<T>(
        &self,
        value: &Located,
        read: impl FnOnce(&Cursor<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut at = Cursor::new(value, self.path.as_str(), self.report);
        at.key = self.key;
        read(&at)
    }

    /// Reads a map without keys, as if it were here.
    pub fn with_empty<T>(&self, read: impl FnOnce(&Cursor<'_>) -> Option<T>) -> Option<T> {
        self.instead(&Located::map(&self.value.location, []), read)
    }

    /// Adds a finding about the key of an entry.
    pub fn report_key(&self, id: Id, message: impl Into<String>) {
        self.add(self.key_location().finding(id, message));
    }

    /// Adds a finding.
    pub fn add(&self, finding: Finding) {
        self.report.borrow_mut().add(finding);
    }

    /// Adds a finding about this value.
    pub fn report(&self, id: Id, message: impl Into<String>) {
        self.add(self.location().finding(id, message));
    }

    fn wrong_type(&self, wanted: &str, repair: Option<&str>) {
        let rule = format!("must be {wanted}, not {}", self.value.value.kind());
        let mut finding = self.location().finding(Id::ValueTypeWrong, rule);
        if let Some(repair) = repair {
            finding = finding.help(repair);
        }
        self.add(finding);
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        self.value.value == Value::Null
    }

    /// The text.
    pub fn string(&self) -> Option<&'a str> {
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
        if converted.is_none() {
            self.report(Id::ValueOutOfRange, format!("{value} is out of range"));
        }
        converted
    }

    /// Like [`Cursor::parse`]. What YAML reads as a number or truth is shown an example, unless quotes are all that it lacks.
    pub fn parse_like<T, E: ToString>(
        &self,
        id: Id,
        examples: &[&str],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let plain = match &self.value.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Float(value) => Some(value.to_string()),
            _ => None,
        };
        match (plain, examples.first()) {
            (Some(plain), Some(example)) if parse(&plain).is_err() => {
                let repair = match id {
                    // 1.30 is the number 1.3: quotes alone would not bring the zero back.
                    Id::VersionInvalid => format!("write a full version such as {example}"),
                    Id::DurationInvalid => {
                        format!("write it with a unit (s, m, h or d), like {example:?}")
                    }
                    _ => format!("write it like {example:?}"),
                };
                self.wrong_type("a string", Some(&repair));
                None
            }
            _ => self.parse(id, parse),
        }
    }

    /// A string that `parse` makes something of; its error is the message of a finding about `id`.
    pub fn parse<T, E: ToString>(
        &self,
        id: Id,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.string()?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(rule) => {
                let finding = self.location().finding(id, rule.to_string());
                self.add(if text.contains(['“', '”', '‘', '’']) {
                    finding.help("typographic quotation marks are no quotes of YAML; write \"")
                } else {
                    finding
                });
                None
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let word = self.word(&words)?;
        let found = choices.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value)
    }

    /// One of a few words, as it is.
    pub fn word(&self, words: &[&'static str]) -> Option<&'static str> {
        let text = self.string()?;
        let found = words.iter().find(|word| **word == text);
        if found.is_none() {
            let rule = format!("must be one of {}; got {text:?}", words.join(", "));
            let finding = self.location().finding(Id::ValueNotAChoice, rule);
            self.add(match meant(text, words) {
                Some(near) => finding.help(format!("did you mean {near}?")),
                None => finding,
            });
        }
        found.copied()
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Cursor<'a>> {
        let Value::List(items) = &self.value.value else {
            let help = match &self.value.value {
                Value::Map(_) => "write each entry as an item: `- name: …`",
                Value::String(text) if is_plain(text) => &format!("write it as [{text}]"),
                _ => "write it as [a, b]",
            };
            self.wrong_type("a list", Some(help));
            return Vec::new();
        };
        let item =
            |(index, value)| Cursor::new(value, format!("{}[{index}]", self.path), self.report);
        items.iter().enumerate().map(item).collect()
    }

    /// Whether something is wrong with it or with what is below it.
    pub fn is_broken(&self) -> bool {
        self.report.borrow().has_error_at(&self.path)
    }

    /// How many findings there are so far: whether reading a value added one.
    pub fn findings_so_far(&self) -> usize {
        self.report.borrow().findings().count()
    }

    /// The entries of a map whose keys are the user's own (paths, names, labels).
    /// `example` is one of them.
    pub fn entries(&self, example: &str) -> Vec<Cursor<'a>> {
        let Value::Map(map) = &self.value.value else {
            let key = match &self.value.value {
                Value::List(items) => items.first().and_then(Located::as_str),
                Value::String(text) => Some(&**text),
                _ => None,
            };
            let key = key.filter(|key| is_plain(key)).unwrap_or(example);
            let shape = format!("write it as a map: {{{key}: …}}");
            self.wrong_type("a map", Some(&shape));
            return Vec::new();
        };
        Some(map)
            .into_iter()
            .flat_map(|map| map.iter())
            .map(|(key, field)| Cursor {
                key: Some((key, &field.key)),
                ..self.child(key, &field.value)
            })
            .collect()
    }

    /// The map.
    pub fn map(&self) -> Option<&'a Map> {
        self.map_of(&[])
    }

    /// A map that has these keys, which are shown where there is another value.
    pub fn map_of(&self, keys: &[&str]) -> Option<&'a Map> {
        match &self.value.value {
            Value::Map(map) => Some(map),
            Value::Null if self.path.is_empty() => {
                self.report(Id::ValueTypeWrong, "the file is empty");
                None
            }
            _ => {
                let keys: Vec<String> = keys.iter().map(|key| format!("{key}: …")).collect();
                let shape = format!("write it as a map: {{{}}}", keys.join(", "));
                self.wrong_type("a map", Some(&*shape).filter(|_| !keys.is_empty()));
                None
            }
        }
    }

    /// The value of a key.
    pub fn child<'c>(&self, key: &str, value: &'c Located) -> Cursor<'c>
    where
        'a: 'c,
    {
        Cursor::new(value, child_path(&self.path, key), self.report)
    }
}

/// The word that was meant by another one: written otherwise, misspelt, or by a name that others have for it.
fn meant(text: &str, words: &[&'static str]) -> Option<&'static str> {
    /// What people call formats and settings: endings of files, names of other programs.
    const ALIASES: [(&str, &str); 12] = [
        ("cpio", "initramfs"),
        ("deflate", "gzip"),
        ("gz", "gzip"),
        ("ign", "ignition"),
        ("initrd", "initramfs"),
        ("openstackconfigdrive", "openstack"),
        ("tar", "tarball"),
        ("targz", "tarball"),
        ("tgz", "tarball"),
        ("systemdnetworkd", "networkd"),
        ("userdata", "cloudInit"),
        ("zst", "zstd"),
    ];
    let bare = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = bare(text);
    let same = words.iter().find(|word| bare(word) == wanted);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == wanted);
    let known = |(_, word): &(&str, &str)| words.iter().find(|known| *known == word);
    let found = same.or_else(|| alias.and_then(known)).copied();
    found.or_else(|| {
        let near = closest(text, words.iter().copied())?;
        words.iter().copied().find(|word| *word == near)
    })
}

/// Whether a text can be an item of a list as it is, short enough for a line.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (1..=40).contains(&text.len()) && text.chars().all(plain)
}

/// The path of a map's entry: `a.b`, or `a["b.c"]` where a dot would mislead.
pub fn child_path(path: &str, key: &str) -> String {
    match (path, key.contains(['.', '/', ' '])) {
        ("", false) => key.to_owned(),
        (path, false) => format!("{path}.{key}"),
        (path, true) => format!("{path}[{key:?}]"),
    }
}
