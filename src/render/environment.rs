//! The environment of a unit, and the words of its commands that come from there (systemd.service(5), "Command lines";
//! systemd.exec(5), `Environment=` and `EnvironmentFile=`).

use std::collections::BTreeMap;

use crate::tree::{Content, Effective, EntryKind, NodeTree, unit_words};

/// Variables by name, as far as they are known.
pub(super) struct Environment {
    known: BTreeMap<String, String>,
    /// Whether all files with variables are in the payload.
    is_whole: bool,
}

impl Environment {
    /// What a unit sets, and the files that it names; files win.
    pub(super) fn of(unit: &Effective, tree: &NodeTree) -> Self {
        let mut known = BTreeMap::new();
        for value in unit.values("Service", "Environment") {
            let words = unit_words(value);
            let pairs = words.iter().filter_map(|word| word.split_once('='));
            known.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let mut is_whole = unit.values("Service", "PassEnvironment").next().is_none();
        for value in unit.values("Service", "EnvironmentFile") {
            let path = value.trim().trim_start_matches('-');
            match tree.get(path).map(|entry| &entry.kind) {
                Some(EntryKind::File(Content::Blob(blob))) => {
                    known.extend(variables(&String::from_utf8_lossy(blob.bytes())));
                }
                _ => is_whole = false,
            }
        }
        Self { known, is_whole }
    }

    /// The words with variables replaced, and whether they are all of them. `$NAME` as a word of its own becomes several,
    /// `${NAME}` stays in its word; a variable that nobody sets is empty.
    pub(super) fn expand(&self, words: &[String]) -> (Vec<String>, bool) {
        let mut expanded = Vec::with_capacity(words.len());
        let mut has_variables = false;
        for word in words {
            let name = word.strip_prefix('$').filter(|name| is_name(name));
            if let Some(name) = name {
                has_variables = true;
                let value = self.known.get(name).map(|value| unit_words(value));
                expanded.extend(value.unwrap_or_default());
            } else {
                has_variables |= word.contains("${");
                expanded.push(self.replaced(word));
            }
        }
        (expanded, self.is_whole || !has_variables)
    }

    fn replaced(&self, word: &str) -> String {
        let mut text = String::with_capacity(word.len());
        let mut rest = word;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                text.push_str("${");
                rest = after;
                break;
            };
            text.push_str(self.known.get(name).map_or("", String::as_str));
            rest = tail;
        }
        text.push_str(rest);
        text.replace("$$", "$")
    }
}

fn is_name(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(is_letter)
}

/// The assignments of a file with variables: comments begin with `#` or `;`, values may be quoted.
fn variables(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', ';']));
    let pairs = lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        Some((name.trim().to_owned(), unquoted.unwrap_or(value).to_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NodePath;
    use crate::tree::{Entry, Origin, Unit};

    fn expanded(unit: &str, file: Option<&str>, words: &[&str]) -> (Vec<String>, bool) {
        let origin = Origin("t".into());
        let mut tree = NodeTree::default();
        if let Some(text) = file {
            let path = NodePath::parse("/etc/default/kubelet").unwrap();
            let entry = Entry::file(Content::bytes(text), 0o644, origin.clone());
            tree.add(path, entry).unwrap();
        }
        let unit = Unit {
            text: Some((Content::bytes(format!("[Service]\n{unit}")), origin)),
            ..Unit::default()
        };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Environment::of(&unit.effective(), &tree).expand(&words)
    }

    #[test]
    fn variables_are_replaced_as_systemd_does_it() {
        let env = "Environment=A=1 'B=--x --y' C=\n";
        let file = "EnvironmentFile=-/etc/default/kubelet\n";
        for (unit, text, words, expected, is_whole) in [
            (
                env,
                None,
                &["--a=${A}", "$B", "$C", "--c=$A", "$$"][..],
                &["--a=1", "--x", "--y", "--c=$A", "$"][..],
                true,
            ),
            (env, None, &["$MISSING", "--m=${MISSING}"], &["--m="], true),
            (
                file,
                Some("# x\nEXTRA=\"--anonymous-auth=true --v=2\"\n"),
                &["$EXTRA"],
                &["--anonymous-auth=true", "--v=2"],
                true,
            ),
            (file, None, &["--v=1", "$EXTRA"], &["--v=1"], false),
            (file, None, &["--v=1"], &["--v=1"], true),
            (
                "Environment=EXTRA=--v=1\nEnvironmentFile=/etc/default/kubelet\n",
                Some("EXTRA=--v=2\n"),
                &["$EXTRA"],
                &["--v=2"],
                true,
            ),
        ] {
            let expected: Vec<String> = expected.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(
                expanded(unit, text, words),
                (expected, is_whole),
                "{unit} {words:?}"
            );
        }
    }
}
