//! Which of the user's values is in a line of a built-in file: what is wrong there came with it. Built-in files are right as
//! they are, and a test says so.

use crate::model::Location;
use crate::yaml::{Located, Value};

/// How paths of built-in files begin.
pub const BUILT_IN: &str = "built-in:";

/// A value of the user's.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause {
    /// Where it was written.
    pub location: Location,
    /// Its field, as `kubelet.flags.v`.
    pub path: String,
}

/// The value of the merged layers that is in the word at a column of a line, or else elsewhere in the line. The longest one
/// counts; a template's own text is in no line, and its key is looked for.
pub fn cause(merged: &Located, line: &str, column: usize) -> Option<Cause> {
    let start = line
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(line.len(), |(start, _)| start);
    let length = line[start..]
        .find(char::is_whitespace)
        .unwrap_or(line.len() - start);
    let search = Search {
        line,
        word: (start, start + length),
    };
    let mut best: Option<((usize, usize), Location, String)> = None;
    walk(merged, "", "", &mut |key, value, at, path| {
        let rank = search.rank(key, value);
        if rank > (0, 0) && best.as_ref().is_none_or(|best| best.0 < rank) {
            best = Some((rank, at.clone(), path.to_owned()));
        }
    });
    best.map(|(_, location, path)| Cause { location, path })
}

struct Search<'a> {
    line: &'a str,
    /// From where to where the word is in it that is wrong.
    word: (usize, usize),
}

impl Search<'_> {
    /// How much of the line is a value or its key: first of the word, then of the rest.
    fn rank(&self, key: &str, value: &str) -> (usize, usize) {
        let named = self.found(key).filter(|_| key.len() > 2);
        let is_near = |found: &(usize, usize)| found.0 < self.word.1 && found.1 > self.word.0;
        let of_key = match named {
            Some(found) if is_near(&found) => key.len(),
            _ => 0,
        };
        match self.found(value) {
            Some(found) if is_near(&found) => (value.len() + of_key, 0),
            // A number is in many lines, and nobody wrote it there.
            Some(_) if value.len() > 2 => (0, value.len()),
            _ if value.contains("{{") => (of_key, 0),
            _ => (0, 0),
        }
    }

    /// Where a text is in the line, a whole word if it is one. One at the word that is wrong is the best.
    fn found(&self, text: &str) -> Option<(usize, usize)> {
        let text = text.trim();
        if text.is_empty() || text.contains('\n') {
            return None;
        }
        let inside = |c: char| c.is_alphanumeric();
        let mut found = self.line.match_indices(text).filter_map(|(start, text)| {
            let end = start + text.len();
            let before = self.line[..start].chars().next_back();
            let after = self.line[end..].chars().next();
            let is_cut = before.is_some_and(inside) && text.starts_with(inside)
                || after.is_some_and(inside) && text.ends_with(inside);
            (!is_cut).then_some((start, end))
        });
        let first = found.next()?;
        let near = std::iter::once(first)
            .chain(found)
            .find(|(start, end)| *start < self.word.1 && *end > self.word.0);
        Some(near.unwrap_or(first))
    }
}

/// Calls with each scalar that is not built in: its key, its text, where it is and its path.
fn walk(at: &Located, key: &str, path: &str, take: &mut impl FnMut(&str, &str, &Location, &str)) {
    let is_built_in = at.location.file.starts_with(BUILT_IN);
    let mut scalar = |text: &str| {
        if !is_built_in {
            take(key, text, &at.location, path);
        }
    };
    match &at.value {
        Value::String(text) => scalar(text),
        Value::Int(number) => scalar(&number.to_string()),
        Value::Float(number) => scalar(&number.to_string()),
        Value::Bool(value) => scalar(&value.to_string()),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, key, &format!("{path}[{index}]"), take);
            }
        }
        Value::Map(map) => {
            for (key, field) in map.iter() {
                let path = if path.is_empty() {
                    key.to_string()
                } else {
                    format!("{path}.{key}")
                };
                walk(&field.value, key, &path, take);
            }
        }
        Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::yaml::parse;

    #[test]
    fn the_users_value_in_the_line_is_found() {
        let text = "kubelet:\n  flags: {node-labels: \"a=b c=d\", v: 4, cloud-provider: \"{{ vars.cloud }}\"}\n\
                    proxies: {noProxy: [10.0.0.0/8, \"x y\"]}\nother: [q, c]\n";
        let merged = parse(&"cluster.yaml".into(), text, &mut Report::default()).expect("YAML");
        let line = "ARGS=\"--node-labels=a=b c=d --v=4 --cloud-provider=a 'b\"";
        for (at, expected) in [
            ("--node-labels", "kubelet.flags.node-labels 2:24"),
            ("c=d", "kubelet.flags.node-labels 2:24"),
            ("--v", "kubelet.flags.v 2:38"),
            ("--cloud", "kubelet.flags.cloud-provider 2:57"),
            // Nothing of the user's is in that word; the longest value of the line is the likeliest.
            ("'b", "kubelet.flags.node-labels 2:24"),
        ] {
            let column = line.find(at).expect(at) + 1;
            let found = cause(&merged, line, column).expect(at);
            let Location { line, column, .. } = found.location;
            assert_eq!(format!("{} {line}:{column}", found.path), expected, "{at}");
        }
        let found = cause(&merged, "NO_PROXY=10.0.0.0/8,x y", 10);
        assert_eq!(
            found.map(|one| one.path).as_deref(),
            Some("proxies.noProxy[0]")
        );
        assert_eq!(cause(&merged, "nothing of it 44", 1), None);
        let built_in = parse(
            &"built-in:profiles/a.yaml".into(),
            text,
            &mut Report::default(),
        );
        assert_eq!(cause(&built_in.expect("YAML"), line, 1), None);
    }
}
