//! Keys that a struct does not have: which one was meant, or what there is.

use crate::inventory::cursor::child_path;
use crate::inventory::elsewhere::{ForeignKey, elsewhere, repairs};
use crate::inventory::keys::Fields;
use crate::model::Location;
use crate::report::{Finding, Id};

/// So many fields are listed at an unknown one; a node has more.
const LISTED: usize = 16;

impl Fields<'_> {
    /// Reports every key that the struct does not have. Those of one other tool are one mistake, however many they are.
    pub fn finish(self) {
        let known = |key: &str| self.of.field(key).is_some();
        let unknown = self.map.iter().filter(|(key, _)| !known(key));
        let mut foreign: Vec<(&'static str, Vec<ForeignKey<'_>>)> = Vec::new();
        for (key, field) in unknown {
            if let Some((tool, ours)) = elsewhere(self.of.name, key) {
                let key = (&**key, &field.key, ours);
                match foreign.iter_mut().find(|(known, _)| *known == tool) {
                    Some((_, keys)) => keys.push(key),
                    None => foreign.push((tool, vec![key])),
                }
                continue;
            }
            let repair = match self.nearest(key) {
                Some(near) => format!("did you mean {near:?}?"),
                None => self.remove(),
            };
            self.add_unknown(key, &field.key, "unknown field".to_owned(), repair);
        }
        for (tool, keys) in foreign {
            let Some((first, location, ours)) = keys.first() else {
                continue;
            };
            let names: Vec<&str> = keys.iter().map(|(key, ..)| *key).collect();
            let (rule, repair) = if names.len() == 1 {
                ("unknown field".to_owned(), (*ours).to_owned())
            } else {
                let rule = format!("unknown fields, which {tool} has: {}", names.join(", "));
                (rule, repairs(&keys))
            };
            self.add_unknown(first, location, rule, repair);
        }
    }

    fn add_unknown(&self, key: &str, location: &Location, rule: String, repair: String) {
        let path = child_path(&self.at.location().path, key);
        self.at
            .add(Finding::new(Id::FieldUnknown, location, path, rule).help(repair));
    }

    /// The repair of a key that resembles none of the struct's.
    fn remove(&self) -> String {
        let known: Vec<&str> = self.of.fields().map(|field| field.key).collect();
        match known.len() {
            2..=LISTED => format!("remove it; the fields here are {}", known.join(", ")),
            _ => "remove it".to_owned(),
        }
    }
}
