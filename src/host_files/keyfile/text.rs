//! A key file as GLib reads it (glib/gkeyfile.c): groups and entries. One line that is neither makes it refuse the file.

use crate::host_files::fault::Fault;
use crate::report::Id;
use crate::tree::Position;

/// One `key=value`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The group, without brackets.
    pub group: String,
    /// The key.
    pub key: String,
    /// The value, with its escapes.
    pub value: String,
    /// Where the key is.
    pub key_at: Position,
    /// Where the value is.
    pub value_at: Position,
}

/// A whole file.
#[derive(Debug, Default)]
pub struct KeyfileText {
    /// Groups with their places.
    pub groups: Vec<(String, Position)>,
    /// Entries in order.
    pub entries: Vec<Entry>,
}

impl KeyfileText {
    /// Reads a text; GLib knows no byte order mark.
    pub fn read(text: &str) -> Result<Self, Box<Fault>> {
        let mut read = Self::default();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let column = |byte: usize| Position {
                line: index + 1,
                column: line[..byte].chars().count() + 1,
            };
            let refuse = |rule: &str| {
                let fault = Fault::at(
                    Id::KeyfileInvalid,
                    column(0),
                    format!("{rule}, so NetworkManager refuses the file"),
                );
                Err(Box::new(fault))
            };
            let leading = line.len() - line.trim_start().len();
            let said = line.trim();
            if said.is_empty() || said.starts_with('#') {
                continue;
            }
            if said.starts_with('\u{feff}') {
                return refuse("the file begins with a byte order mark");
            }
            if let Some(rest) = said.strip_prefix('[')
                && !said.contains('=')
            {
                let Some(group) = rest.strip_suffix(']').filter(|group| !group.is_empty()) else {
                    return refuse("the line is no group, no assignment and no comment");
                };
                read.groups.push((group.to_owned(), column(leading)));
                continue;
            }
            // A group of WireGuard has the peer's key in its name, which ends in =.
            if let Some(group) = said
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                read.groups.push((group.to_owned(), column(leading)));
                continue;
            }
            let Some(equals) = line.find('=') else {
                return refuse("the line is no group, no assignment and no comment");
            };
            let Some((group, _)) = read.groups.last() else {
                return refuse("the line is before the first group");
            };
            let key = line[..equals].trim();
            if key.is_empty() || key.starts_with('[') {
                return refuse("the line has no key before the =");
            }
            let value = &line[equals + 1..];
            let blanks = value.len() - value.trim_start().len();
            read.entries.push(Entry {
                group: group.clone(),
                key: key.to_owned(),
                value: value.trim_start().to_owned(),
                key_at: column(leading),
                value_at: column(equals + 1 + blanks),
            });
        }
        Ok(read)
    }

    /// The value of a key, by one of the names of its group; of several the last one.
    pub fn get(&self, setting: &str, key: &str) -> Option<&Entry> {
        let is_it = |entry: &&Entry| {
            entry.key == key && super::keys::setting_of(&entry.group) == Some(setting)
        };
        self.entries.iter().rev().find(is_it)
    }

    /// Where a setting begins.
    pub fn group(&self, setting: &str) -> Option<Position> {
        let found = self
            .groups
            .iter()
            .find(|(group, _)| super::keys::setting_of(group) == Some(setting));
        found.map(|(_, at)| *at)
    }
}
