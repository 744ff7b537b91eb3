//! The documents of a file as kubectl prints them: YAML and JSON in any mix, with `---` between them or without. kubectl
//! writes `apiVersion` first, so outputs that were put one behind the other are told apart.

use std::sync::Arc;

use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value, parse_part};

/// A part of a file that is one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part<'a> {
    /// Lines of the file above it.
    above: u32,
    text: &'a str,
}

/// What kubectl says instead of an object, where its messages went into the same file.
const MESSAGES: [&str; 4] = [
    "Error from server",
    "error: ",
    "Warning: ",
    "The connection to the server",
];

/// Reads all documents of a text. What is wrong with one of them goes into the report, and the others are read.
pub fn read(file: &Arc<str>, text: &str, report: &mut Report) -> Vec<Located> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    for part in parts(text) {
        if MESSAGES.iter().any(|start| part.text.starts_with(start)) {
            let location = Location::new(file.clone(), part.above + 1, 1);
            let rule = "a message of kubectl, not an object";
            let finding = Finding::new(Id::ImportKindUnknown, &location, "", rule);
            report.add(finding.help("run that command again, and look at its message"));
            continue;
        }
        let read = parse_part(file, part.above, part.text, report);
        documents.extend(read.filter(|tree| tree.value != Value::Null));
    }
    documents
}

/// A document inside a document: a text of a ConfigMap. Its locations are those in the file where it is a block, as kubectl
/// writes it, and else that of the text.
pub fn read_inner(at: &Located, report: &mut Report) -> Option<Located> {
    let text = at.as_str()?;
    let lines = text.lines().count();
    let end = at.location.end.map_or(0, |end| end.line.get());
    let spans = usize::try_from(end.saturating_sub(at.location.line)).unwrap_or(0);
    // The location of a block is that of its first line, below the `|`, and it ends on its last one.
    let is_block = lines > 1 && spans >= lines.saturating_sub(1);
    if is_block {
        let above = at.location.line.saturating_sub(1);
        return parse_part(&at.location.file, above, text, report);
    }
    let mut own = Report::default();
    let read = parse_part(&at.location.file, 0, text, &mut own);
    for mut finding in own.into_findings() {
        finding.location = at.location.clone();
        report.add(finding);
    }
    read.map(|tree| placed(&tree, &at.location))
}

/// The same tree, all of it at one location.
fn placed(tree: &Located, location: &Location) -> Located {
    let value = match &tree.value {
        Value::List(items) => {
            let items = items.iter().map(|item| placed(item, location));
            Value::List(Arc::new(items.collect()))
        }
        Value::Map(map) => {
            let entries = map.iter();
            let entries = entries.map(|(key, field)| (key.clone(), placed(&field.value, location)));
            return Located::map(location, entries);
        }
        scalar => scalar.clone(),
    };
    Located {
        location: location.clone(),
        value,
    }
}

/// Divides a text.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut above = 0;
    loop {
        let start = rest.len() - rest.trim_start().len();
        // Spaces before the first key belong to its document.
        let start = match rest[..start].rfind('\n') {
            Some(end) => end + 1,
            None if rest.trim_start().starts_with(['{', '[']) => start,
            None => 0,
        };
        above += lines(&rest[..start]);
        rest = &rest[start..];
        if rest.trim().is_empty() {
            return parts;
        }
        let end = json_end(rest).unwrap_or_else(|| yaml_end(rest));
        let part = &rest[..end];
        let is_mark = part.trim_end().trim_start_matches(['-', '.']).is_empty();
        if !is_mark {
            parts.push(Part { above, text: part });
        }
        above += lines(part);
        rest = &rest[end..];
    }
}

fn lines(text: &str) -> u32 {
    let count = text.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Where a JSON value ends that the text begins with.
fn json_end(text: &str) -> Option<usize> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    values.next()?.ok()?;
    let end = values.byte_offset();
    // A flow value that is only the beginning of a YAML document is none of JSON.
    let after = text[end..].trim_start_matches([' ', '\t']);
    (!after.starts_with([':', ','])).then_some(end)
}

/// Where a YAML document ends: at the next mark, the next `apiVersion` or the next JSON value.
fn yaml_end(text: &str) -> usize {
    let mut end = 0;
    let mut has_version = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let is_mark = is_mark(line, "---") || is_mark(line, "...");
        let is_version = line.starts_with("apiVersion:");
        let is_message = MESSAGES.iter().any(|start| line.starts_with(start));
        let is_next = is_mark || line.starts_with('{') || is_message || is_version && has_version;
        if index > 0 && is_next {
            return end;
        }
        if is_mark && line.trim_end().len() == 3 || index == 0 && is_message {
            return end + line.len();
        }
        has_version |= is_version;
        end += line.len();
    }
    end
}

fn is_mark(line: &str, mark: &str) -> bool {
    let rest = line.strip_prefix(mark);
    rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u32, &str)> {
        let parts = parts(text).into_iter();
        parts
            .map(|part| (part.above, part.text.trim_end()))
            .collect()
    }

    #[test]
    fn documents_are_told_apart_however_they_were_put_together() {
        for (text, found) in [
            ("", vec![]),
            ("\n\n---\n...\n", vec![]),
            ("a: 1\n---\nb: 2\n", vec![(0, "a: 1"), (2, "b: 2")]),
            ("---\na: 1\n--- \nb: 2", vec![(1, "a: 1"), (3, "b: 2")]),
            (
                "apiVersion: v1\na: 1\napiVersion: v1\nb: 2\n",
                vec![(0, "apiVersion: v1\na: 1"), (2, "apiVersion: v1\nb: 2")],
            ),
            (
                "{\"a\": 1}{\"b\": 2}",
                vec![(0, "{\"a\": 1}"), (0, "{\"b\": 2}")],
            ),
            (
                "{\n\"a\": 1\n}\napiVersion: v1\n",
                vec![(0, "{\n\"a\": 1\n}"), (3, "apiVersion: v1")],
            ),
            (
                "{\"kubeletconfig\": {}}apiVersion: v1\nkind: x\n",
                vec![
                    (0, "{\"kubeletconfig\": {}}"),
                    (0, "apiVersion: v1\nkind: x"),
                ],
            ),
            (
                "apiVersion: v1\nx: |\n  apiVersion: v2\n{\"a\": 1}\n",
                vec![
                    (0, "apiVersion: v1\nx: |\n  apiVersion: v2"),
                    (3, "{\"a\": 1}"),
                ],
            ),
            ("  a: 1\n  b: 2\n", vec![(0, "  a: 1\n  b: 2")]),
            ("{a: 1, b: 2}\n", vec![(0, "{a: 1, b: 2}")]),
            ("[1]: 2\n", vec![(0, "[1]: 2")]),
            ("--- {a: 1}\n", vec![(0, "--- {a: 1}")]),
            (
                "apiVersion: v1\r\na: 1\r\n---\r\nb: 2\r\n",
                vec![(0, "apiVersion: v1\r\na: 1"), (3, "b: 2")],
            ),
            (
                "Error from server (NotFound): x\napiVersion: v1\n",
                vec![
                    (0, "Error from server (NotFound): x"),
                    (1, "apiVersion: v1"),
                ],
            ),
        ] {
            assert_eq!(split(text), found, "{text:?}");
        }
    }

    #[test]
    fn what_is_inside_a_text_has_its_line_of_the_file() {
        let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  kubelet: |\n    apiVersion: x\n    maxPods: many\n";
        let mut report = Report::default();
        let documents = read(&"cm.yaml".into(), text, &mut report);
        let data = documents[0].get("data").expect("data");
        let inner = read_inner(data.get("kubelet").expect("a text"), &mut report).expect("YAML");
        let at = &inner.get("maxPods").expect("a field").location;
        assert_eq!((at.line, &*at.file), (6, "cm.yaml"));
        let text = "{\"data\": {\"kubelet\": \"a: 1\\nb: 2\\n\"}}\n";
        let documents = read(&"cm.json".into(), text, &mut report);
        let data = documents[0].get("data").expect("data");
        let inner = read_inner(data.get("kubelet").expect("a text"), &mut report).expect("YAML");
        assert_eq!(inner.get("b").expect("a field").location.line, 1);
        assert!(report.is_empty(), "{report}");
    }
}
