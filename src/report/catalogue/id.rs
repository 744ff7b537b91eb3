//! Ids as users write them, and which of them belong together.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::closest::closest;
use crate::report::catalogue::{ENTRIES, Entry, Id};

impl Id {
    /// All ids, family by family.
    pub fn all() -> impl Iterator<Item = Id> {
        ENTRIES.iter().map(|entry| entry.id)
    }

    /// Whether it compares what several layers bring, so that a layer that is missing is enough for it.
    pub fn compares_layers(self) -> bool {
        matches!(
            self,
            Id::ImageAlwaysPulled
                | Id::ImageMissing
                | Id::KernelSettingDisagrees
                | Id::KubeletNotStarted
                | Id::ProgramElsewhere
                | Id::RegistriesUnused
                | Id::RuntimeDisagrees
                | Id::ShutdownDelayShort
        )
    }

    /// Whether it follows where the kubelet's settings were not read at all: the map that has them is none.
    pub fn follows_unread_settings(self) -> bool {
        matches!(
            self,
            Id::KubeletAnonymous
                | Id::KubeletAuthorizationOpen
                | Id::KubeletClientCaMissing
                | Id::KubeletDebuggingOpen
                | Id::KubeletNotStarted
                | Id::KubeletReadOnlyPort
                | Id::KubeletRotationOff
                | Id::KubeletTlsWeak
        )
    }

    /// What the catalogue says of it.
    pub fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }

    /// The id as users write it: `kubelet-field-unknown`.
    pub fn as_str(self) -> &'static str {
        self.entry().name
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ENTRIES.iter().find(|entry| entry.name == text);
        found.map(|entry| entry.id).ok_or_else(|| {
            match closest(text, ENTRIES.iter().map(|entry| entry.name)) {
                Some(near) => format!("there is no such finding; did you mean {near}?"),
                None => "there is no such finding; `nodebake explain` lists all".to_owned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kebab(name: &str) -> String {
        let mut text = String::new();
        for (at, c) in name.char_indices() {
            if c.is_ascii_uppercase() && at > 0 {
                text.push('-');
            }
            text.push(c.to_ascii_lowercase());
        }
        text
    }

    #[test]
    fn ids_are_their_names_and_each_is_there_once() {
        let mut all: Vec<Id> = Id::all().collect();
        for (index, id) in all.iter().enumerate() {
            assert_eq!(id.entry().id, *id);
            assert_eq!(*id as usize, index);
            assert_eq!(kebab(&format!("{id:?}")), id.as_str());
            assert_eq!(id.as_str().parse(), Ok(*id));
        }
        all.sort_by_key(|id| id.as_str());
        all.dedup_by_key(|id| id.as_str());
        assert_eq!(all.len(), ENTRIES.len());
        let error = "kubelet-feild-unknown".parse::<Id>().expect_err("no id");
        assert!(
            error.contains("did you mean kubelet-field-unknown?"),
            "{error}"
        );
    }

    #[test]
    fn every_id_has_a_line_and_a_page_and_every_page_an_id() {
        let mut sections = 0;
        for id in Id::all() {
            let entry = id.entry();
            let page = entry.page().unwrap_or_default();
            assert!(page.len() > 80, "{id}: {page:?}");
            assert!(
                entry.summary.ends_with('.') && entry.summary.len() < 100,
                "{id}"
            );
        }
        let mut pages: Vec<&str> = ENTRIES.iter().map(|entry| entry.family.page).collect();
        pages.dedup();
        for page in pages {
            sections += page.matches("\n## ").count();
        }
        assert_eq!(sections, ENTRIES.len(), "a section without an id");
    }
}
