//! The keys of an Ignition configuration, strictly. Ignition reads JSON with Go's library, which takes `Files` for `files`
//! and the last of two: whoever looks only at what keys should be called would see another configuration than the node.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::Result;
use crate::input::{self, Limit};
use crate::inspect::Limits;
use crate::report::Id;
use crate::verify::embedded::claims::Wrong;

/// The keys of which a configuration that is nothing but a tree is made.
const KEYS: [&str; 25] = [
    "compression",
    "contents",
    "directories",
    "dropins",
    "enabled",
    "files",
    "group",
    "hard",
    "hash",
    "id",
    "ignition",
    "links",
    "mask",
    "mode",
    "name",
    "overwrite",
    "path",
    "source",
    "storage",
    "systemd",
    "target",
    "units",
    "user",
    "verification",
    "version",
];

/// Says which keys of a configuration are there twice in one object, or are none of a tree's.
pub fn check(file: &Path, wrong: &mut Vec<Wrong>) -> Result<()> {
    let reading = || format!("reading {}", file.display());
    let limit = Limit::bytes(Limits::default().document);
    let bytes = input::read(file, limit).with_context(reading)?;
    let odd = RefCell::new(BTreeSet::new());
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let read = Keys(&odd)
        .deserialize(&mut reader)
        .and_then(|()| reader.end());
    let shown = file.display().to_string();
    if read.is_err() {
        wrong.push(Wrong::new(
            Id::VerifyPayloadUnfit,
            &shown,
            "is not plain JSON",
        ));
    }
    for rule in odd.into_inner() {
        wrong.push(Wrong::new(Id::VerifyPayloadSaysMore, &shown, rule));
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Keys<'a>(&'a RefCell<BTreeSet<String>>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !KEYS.contains(&key.as_str()) {
                self.0
                    .borrow_mut()
                    .insert(format!("says {key}: nobody signed that"));
            }
            if !seen.insert(key.clone()) {
                self.0.borrow_mut().insert(format!("says {key} twice"));
            }
            map.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }
}
