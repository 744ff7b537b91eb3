//! Changes of a text of YAML that leave all other lines as they are.

use std::sync::Arc;

use crate::model::Location;
use crate::report::Report;
use crate::yaml::{Located, Value, parse};

/// The text with another value at the location of a scalar on one line; None where its end is not known.
pub fn replaced(text: &str, at: &Location, value: &str) -> Option<String> {
    let end = at.end.filter(|end| end.line.get() == at.line)?;
    let start = offset(text, at.line, at.column)?;
    let end = offset(text, at.line, end.column)?;
    Some(format!("{}{value}{}", text.get(..start)?, text.get(end..)?))
}

/// The byte at which a column of a line begins; both count from 1, columns in characters.
fn offset(text: &str, line: u32, column: u32) -> Option<usize> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let line = text.get(start..)?.split('\n').next()?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let in_line = line
        .char_indices()
        .nth(column)
        .map_or(line.len(), |(at, _)| at);
    Some(start + in_line)
}

/// The text with further items of `nodes`, each of which begins with two spaces and a dash; None where the list is written on
/// one line.
pub fn with_items(text: &str, tree: &Located, items: &[String]) -> Option<String> {
    if items.is_empty() {
        return Some(text.to_owned());
    }
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let nodes = tree.as_map().and_then(|map| map.get("nodes"));
    let nodes = nodes.map(|field| (&field.key, &field.value.value));
    let items: String = items.concat();
    match nodes {
        Some((_, Value::List(list))) if !list.is_empty() => {
            let first = list.first()?;
            let last = list.last()?;
            let line = |number: u32| {
                let index = usize::try_from(number).ok()?.checked_sub(1)?;
                text.split_inclusive('\n').nth(index)
            };
            let dash = line(first.location.line)?;
            let indent = dash.len() - dash.trim_start().len();
            // A list on one line, or one whose items begin below their dashes.
            let is_item = |line: &str| line.trim_start().starts_with("- ");
            if !is_item(dash) || !is_item(line(last.location.line)?) {
                return None;
            }
            let end = end_of(text, last.location.line, indent)?;
            let mut out = text.get(..end)?.to_owned();
            if !out.ends_with('\n') {
                out.push_str(ending);
            }
            for line in items.lines() {
                out.push_str(&" ".repeat(indent));
                out.push_str(line.strip_prefix("  ").unwrap_or(line));
                out.push_str(ending);
            }
            out.push_str(text.get(end..)?);
            Some(out)
        }
        Some((at, Value::List(_) | Value::Null)) => {
            // `nodes: []`, or nothing behind the key.
            let start = offset(text, at.line, 1)?;
            let rest = text.get(start..)?;
            let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let line = rest.get(..length)?;
            let value = line.trim_end().strip_prefix("nodes:")?.trim();
            if !matches!(value, "" | "[]") {
                return None;
            }
            let items = items.replace('\n', ending);
            let after = text.get(start + length..)?;
            Some(format!(
                "{}nodes:{ending}{items}{after}",
                text.get(..start)?
            ))
        }
        Some(_) => None,
        None => {
            let gap = if text.ends_with('\n') { "" } else { ending };
            let items = items.replace('\n', ending);
            Some(format!("{text}{gap}nodes:{ending}{items}"))
        }
    }
}

/// The byte behind the last line of an item that begins on a line: lines below its dash, but no empty lines and comments that
/// follow it.
fn end_of(text: &str, line: u32, indent: usize) -> Option<usize> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let mut at: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let mut end = None;
    for (number, line) in text.get(at..)?.split_inclusive('\n').enumerate() {
        let content = line.trim();
        let depth = line.len() - line.trim_start().len();
        let is_below = number == 0 || depth > indent;
        if !content.is_empty() && !content.starts_with('#') && !is_below {
            break;
        }
        at += line.len();
        if !content.is_empty() && is_below {
            end = Some(at);
        }
    }
    end
}

/// How many lines around a change may be shown: none where a file has secret lines.
pub fn context(file: &str, text: &str, lines: usize) -> usize {
    let mut report = Report::default();
    let name: Arc<str> = file.into();
    if parse(&name, text, &mut report).is_none() {
        return if file.ends_with(".pem") { lines } else { 0 };
    }
    let numbers = (1..).zip(text.lines());
    let mut hidden = numbers.filter(|(number, line)| {
        let at = Location::new(name.clone(), *number, 1);
        !line.trim().is_empty() && report.sources().quote(&at).is_none()
    });
    if hidden.next().is_some() { 0 } else { lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Located {
        parse(&"cluster.yaml".into(), text, &mut Report::default()).expect("valid YAML")
    }

    #[test]
    fn items_are_added_where_the_list_ends_and_nothing_else_changes() {
        let items = ["  - name: b\n    managed: false\n".to_owned()];
        for (text, expected) in [
            (
                "nodes:\n  - name: a   # mine\n    labels: {x: y}\n# end\nvars: {a: 1}\n",
                Some(
                    "nodes:\n  - name: a   # mine\n    labels: {x: y}\n  - name: b\n    managed: false\n# end\nvars: {a: 1}\n",
                ),
            ),
            (
                "nodes:\n- name: a\n",
                Some("nodes:\n- name: a\n- name: b\n  managed: false\n"),
            ),
            (
                "nodes:\n- {name: a}",
                Some("nodes:\n- {name: a}\n- name: b\n  managed: false\n"),
            ),
            (
                "nodes:\r\n  - name: a\r\n\r\nkind: Cluster\r\n",
                Some(
                    "nodes:\r\n  - name: a\r\n  - name: b\r\n    managed: false\r\n\r\nkind: Cluster\r\n",
                ),
            ),
            (
                "nodes:\n  - name: a\n    # of a\n    files:\n      /etc/motd: |\n        hi\n\n        there\nx: 1\n",
                Some(
                    "nodes:\n  - name: a\n    # of a\n    files:\n      /etc/motd: |\n        hi\n\n        there\n  - name: b\n    managed: false\nx: 1\n",
                ),
            ),
            (
                "kind: Cluster\n",
                Some("kind: Cluster\nnodes:\n  - name: b\n    managed: false\n"),
            ),
            (
                "nodes: []\nx: 1\n",
                Some("nodes:\n  - name: b\n    managed: false\nx: 1\n"),
            ),
            (
                "nodes:\nx: 1\n",
                Some("nodes:\n  - name: b\n    managed: false\nx: 1\n"),
            ),
            ("nodes: [{name: a}]\n", None),
            ("nodes: [{name: a},\n  {name: c}]\n", None),
        ] {
            let found = with_items(text, &tree(text), &items);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_replaced_and_its_comment_stays() {
        let text = "apiServer:\n  version: v1.34.4   # as of May\n";
        let tree = tree(text);
        let at = tree
            .get("apiServer")
            .and_then(|at| at.get("version"))
            .expect("a value");
        let new = replaced(text, &at.location, "v1.35.0").expect("on one line");
        assert_eq!(new, "apiServer:\n  version: v1.35.0   # as of May\n");
    }

    #[test]
    fn lines_around_a_secret_are_not_shown() {
        assert_eq!(context("c.yaml", "a: 1\nb: 2\n", 3), 3);
        let secret = "files:\n  /etc/x: {content: hush, secret: true}\nb: 2\n";
        assert_eq!(context("c.yaml", secret, 3), 0);
    }
}
