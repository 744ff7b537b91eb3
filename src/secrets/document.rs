//! secrets.yaml as it is written: mappings with their locations and in their order, so that unknown keys and bad values
//! are all there to be judged. The YAML reader's own checks stop at the first.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::secrets::Secret;
use crate::yaml::Spanned;

/// A mapping as it is written: keys and values in order, with their locations.
pub(super) struct Pairs<V>(pub Vec<(Spanned<String>, V)>);

/// The whole file.
pub(super) struct SecretsDocument {
    pub api_version: Option<Spanned<String>>,
    pub kind: Option<Spanned<String>>,
    pub sealing_seed: Option<Spanned<Secret>>,
    pub tokens: Option<Pairs<Nodes>>,
    pub unknown: Vec<Spanned<String>>,
}

/// One node's tokens, each with its location. All values are read as secrets: one may be in the wrong field.
pub(super) type Nodes = Vec<Spanned<Pairs<Spanned<Secret>>>>;

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Mapping<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Mapping(PhantomData))
    }
}

impl<'de> Deserialize<'de> for SecretsDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping;
        impl<'de> Visitor<'de> for Mapping {
            type Value = SecretsDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with apiVersion, kind and tokens")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretsDocument, A::Error> {
                let mut document = SecretsDocument {
                    api_version: None,
                    kind: None,
                    sealing_seed: None,
                    tokens: None,
                    unknown: Vec::new(),
                };
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    match key.value.as_str() {
                        "apiVersion" => document.api_version = map.next_value()?,
                        "kind" => document.kind = map.next_value()?,
                        "sealingSeed" => document.sealing_seed = map.next_value()?,
                        "tokens" => document.tokens = map.next_value()?,
                        _ => {
                            let IgnoredAny = map.next_value()?;
                            document.unknown.push(key);
                        }
                    }
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Mapping)
    }
}
