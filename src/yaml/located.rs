//! Text into a located tree, so that *all* findings can be collected, which serde's first error forbids; and values
//! into stable text that YAML 1.1 and 1.2 readers understand alike.

mod json;
mod raw;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::model::Location;
use crate::report::{Finding, Id, Report, SourceEntry};
use crate::yaml::Fault;
use crate::yaml::located::raw::Raw;
use crate::yaml::unclosed::{Unclosed, unclosed};

/// A value with the location where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// Where.
    pub location: Location,
    /// What.
    pub value: Value,
}

/// A YAML value. Lists and maps are shared, so that layers that agree cost nothing to copy.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`, no other spelling.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// A sequence.
    List(Arc<Vec<Located>>),
    /// A mapping in the order it was written.
    Map(Arc<Map>),
}

/// The entries of a mapping.
pub type Map = IndexMap<Arc<str>, Field>;

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Where the key is.
    pub key: Location,
    /// What it holds.
    pub value: Located,
}

impl Value {
    /// How a message names this kind of value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Located {
    /// A string that was not read from YAML.
    pub fn string(location: &Location, text: impl Into<Arc<str>>) -> Self {
        Self {
            location: location.clone(),
            value: Value::String(text.into()),
        }
    }

    /// A map that was not read from YAML.
    pub fn map(
        location: &Location,
        entries: impl IntoIterator<Item = (Arc<str>, Located)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| {
            let key_location = value.location.clone();
            (
                key,
                Field {
                    key: key_location,
                    value,
                },
            )
        });
        Self {
            location: location.clone(),
            value: Value::Map(Arc::new(entries.collect())),
        }
    }

    /// The map's entries, if it is one.
    pub fn as_map(&self) -> Option<&Arc<Map>> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// One entry of a map.
    pub fn get(&self, key: &str) -> Option<&Located> {
        self.as_map()?.get(key).map(|field| &field.value)
    }
}

/// Reads one document. What is wrong with it goes into the report; None when nothing usable is left.
pub fn parse(file: &Arc<str>, text: &str, report: &mut Report) -> Option<Located> {
    let options = serde_saphyr::options! {
        budget: super::budget(super::NODES, super::SCALARS),
        // Forwarded to us, so that every repeated key is a finding of its own and parsing goes on.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // `yes` and `on` stay strings: YAML 1.2, and what Kubernetes users mean by a label value.
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(root) => {
            let source = Source {
                file,
                text,
                above: 0,
            };
            let root = source.locate(root, report);
            report.remember(file, text, entries(&root));
            Some(root)
        }
        Err(error) => {
            // Which of its lines are secret is not known then.
            if !text.contains("secret") {
                report.remember(file, text, Vec::new());
            }
            report.add(syntax_finding(&error, file, text));
            None
        }
    }
}

/// Reads one document of a file of somebody else's, which begins below `above` lines and may hold secrets: no line of it is
/// remembered for messages, and no message quotes it.
pub fn parse_part(file: &Arc<str>, above: u32, text: &str, report: &mut Report) -> Option<Located> {
    let options = serde_saphyr::options! {
        budget: super::budget(super::NODES, super::SCALARS),
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(root) => Some(Source { file, text, above }.locate(root, report)),
        Err(error) => {
            // Tabs between the values of JSON are not YAML's.
            if text.starts_with(['{', '['])
                && let Ok(json) = serde_json::from_str(text)
            {
                let location = Location::new(file.clone(), above.saturating_add(1), 1);
                return Some(Located::from_json(&location, &json));
            }
            let fault = Fault::new(&error);
            let line = above.saturating_add(fault.line);
            let location = Location::new(file.clone(), line, fault.column);
            let message = fault.without_quotes(text, &[], "its syntax is wrong here");
            let rule = format!("not valid YAML: {message}");
            report.add(Finding::new(Id::YamlInvalid, &location, "", rule));
            None
        }
    }
}

fn syntax_finding(error: &serde_saphyr::Error, file: &Arc<str>, text: &str) -> Finding {
    let fault = Fault::new(error);
    let location = Location::new(file.clone(), fault.line, fault.column);
    let finding = Finding::new(
        Id::YamlInvalid,
        &location,
        "",
        format!("not valid YAML: {}", fault.message),
    );
    let line = usize::try_from(location.line).unwrap_or(0);
    let line = text
        .split('\n')
        .nth(line.saturating_sub(1))
        .unwrap_or_default();
    // In front of the braces, a quote has begun; or the braces begin a map.
    let braces = line.find("{{").map(|at| line[..at].trim_end());
    let below = |open: &Unclosed| u32::try_from(open.line).is_ok_and(|line| line <= fault.line);
    if let (None, Some(open)) = (braces, unclosed(text).filter(below)) {
        return unclosed_finding(open, file);
    }
    match braces {
        _ if fault.message.contains("tab") => finding.help("indent with spaces"),
        Some(before) if before.ends_with('"') => {
            finding.help("use single quotes inside the braces: \"{{ vars['x'] }}\"")
        }
        Some(_) => Finding {
            message: "not valid YAML: a template must be in quotes".into(),
            ..finding.help("put templates in quotes: \"{{ node.name }}\"")
        },
        None => finding,
    }
}

/// A reader stops where it can make nothing of what follows; the mistake is where the bracket or the quote begins.
fn unclosed_finding(open: Unclosed, file: &Arc<str>) -> Finding {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let location = Location::new(file.clone(), number(open.line), number(open.column)).spanning(1);
    let rule = format!(
        "not valid YAML: the {} that begins here is not closed",
        open.mark
    );
    let finding = Finding::new(Id::YamlInvalid, &location, "", rule);
    finding.help(format!("close it with {}", open.closing()))
}

/// The entries of a tree that may hold what is secret: files with their content, and what is said of them.
fn entries(root: &Located) -> Vec<SourceEntry> {
    let mut entries = Vec::new();
    collect_entries(root, &mut entries);
    entries
}

fn collect_entries(at: &Located, entries: &mut Vec<SourceEntry>) {
    match &at.value {
        Value::Map(map) => {
            for (key, field) in map.iter() {
                let has = |key: &str| field.value.get(key).is_some();
                if ["content", "template", "secret"].into_iter().any(has) {
                    let secret = field.value.get("secret").map(|at| &at.value);
                    entries.push(SourceEntry {
                        key: key.clone(),
                        secret: secret == Some(&Value::Bool(true)),
                        lines: field.key.line..=last_line(&field.value),
                    });
                }
                collect_entries(&field.value, entries);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect_entries(item, entries)),
        _ => {}
    }
}

/// The last line of a value.
fn last_line(at: &Located) -> u32 {
    let own = at
        .location
        .end
        .map_or(at.location.line, |end| end.line.get());
    match &at.value {
        Value::Map(map) => map
            .values()
            .map(|field| last_line(&field.value))
            .fold(own, u32::max),
        Value::List(items) => items.iter().map(last_line).fold(own, u32::max),
        _ => own,
    }
}

/// The text of a file, to find where its values end.
struct Source<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    /// Lines of the file above the text.
    above: u32,
}

impl Source<'_> {
    /// Where a value begins; and where it ends, if it is a scalar.
    fn location(&self, at: serde_saphyr::Location) -> Location {
        let clamp = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let line = self.above.saturating_add(clamp(at.line()));
        let location = Location::new(self.file.clone(), line, clamp(at.column()));
        let size = |number: Option<u64>| usize::try_from(number?).ok();
        let bytes = size(at.span().byte_offset()).zip(size(at.span().byte_len()));
        let written = bytes.and_then(|(from, length)| self.text.get(from..from + length));
        match written.map(str::trim_end) {
            Some(written) if !written.is_empty() => match written.rsplit_once('\n') {
                None => location.spanning(written.chars().count()),
                Some((above, last)) => {
                    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                    let line = location.line + number(above.matches('\n').count() + 1);
                    location.until(line, number(last.chars().count() + 1))
                }
            },
            _ => location,
        }
    }

    fn locate(&self, raw: Spanned<Raw>, report: &mut Report) -> Located {
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Bool(value) => Value::Bool(value),
            Raw::Int(value) => Value::Int(value),
            Raw::Float(value) => Value::Float(value),
            Raw::String(text) => Value::String(text.into()),
            Raw::List(items) => {
                let items = items.into_iter().map(|item| self.locate(item, report));
                Value::List(Arc::new(items.collect()))
            }
            Raw::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, value) in entries {
                    let field = Field {
                        key: self.location(key.defined),
                        value: self.locate(value, report),
                    };
                    let name: Arc<str> = key.value.into();
                    if let Some(first) = map.get(&name) {
                        let rule = format!("the key is on line {} already", first.key.line);
                        let finding =
                            Finding::new(Id::YamlKeyRepeated, &field.key, name.to_string(), rule);
                        report.add(finding.help("keep one of them"));
                        continue;
                    }
                    map.insert(name, field);
                }
                Value::Map(Arc::new(map))
            }
        };
        Located {
            location: self.location(raw.defined),
            value,
        }
    }
}

impl Serialize for Located {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, field) in entries.iter() {
                    map.serialize_entry(&**key, &field.value)?;
                }
                map.end()
            }
        }
    }
}

/// Stable block-style text of a value.
pub fn to_text<T: Serialize>(value: &T) -> crate::error::Result<String> {
    let options = serde_saphyr::ser_options! {
        // Folding at 80 columns would turn a long flag or URL into `>-`, which is right but reads badly in a diff.
        folded_wrap_chars: usize::MAX,
    };
    let mut text = serde_saphyr::to_string_with_options(value, options)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Located>, String) {
        let mut report = Report::default();
        let tree = parse(&"t.yaml".into(), text, &mut report);
        (tree, report.to_string())
    }

    #[test]
    fn every_value_knows_its_location() {
        let (tree, report) = read("a: 1\nb:\n  - x\n  - {c: yes, d: true}\n");
        assert_eq!(report, "");
        let tree = tree.expect("valid");
        let list = tree.get("b").expect("b");
        let Value::List(items) = &list.value else {
            panic!("a list")
        };
        assert_eq!(items[0].location.to_string(), "t.yaml:3:5");
        let c = items[1].get("c").expect("c");
        assert_eq!(
            (c.as_str(), c.location.to_string().as_str()),
            (Some("yes"), "t.yaml:4:9")
        );
        assert_eq!(items[1].get("d").expect("d").value, Value::Bool(true));
    }

    #[test]
    fn all_duplicate_keys_are_found_and_reading_goes_on() {
        let (tree, report) = read("a: 1\na: 2\nb: {x: 1, x: 2}\n");
        assert!(tree.is_some());
        assert_eq!(
            report,
            "error: t.yaml:2:1: a: the key is on line 1 already; keep one of them\n\
             error: t.yaml:3:11: x: the key is on line 3 already; keep one of them\n"
        );
    }

    #[test]
    fn syntax_errors_have_a_location() {
        for (text, start) in [
            ("a: [1\nb: 2\n", "error: t.yaml:1:4: "),
            ("a:\n\tb: 1\n", "error: t.yaml:2:"),
            ("a: 'x\n", "error: t.yaml:"),
        ] {
            let (_, report) = read(text);
            assert!(report.starts_with(start), "{report}");
            assert_eq!(report.lines().count(), 1, "{report}");
        }
    }

    #[test]
    fn strings_that_other_readers_misread_are_quoted() {
        for text in [
            "yes",
            "off",
            "0644",
            "1e3",
            "1_000",
            "12:30:45",
            "~",
            "2026-01-01",
            "@x",
            "",
            " x",
            "y",
            "0o17",
        ] {
            let written = to_text(&[text]).expect("writable");
            assert!(written.contains('"') || written.contains('\''), "{written}");
        }
    }
}
