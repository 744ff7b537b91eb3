//! secrets.yaml in: every fault of its tokens becomes a located finding, and none repeats a secret. A fault of the
//! YAML itself ends the reading, as YAML readers stop at their first.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use anyhow::Context;
use time::OffsetDateTime;

use crate::error::Result;
use crate::input;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::secrets::document::{Nodes, Pairs, SecretsDocument};
use crate::secrets::encryption::is_encrypted;
use crate::secrets::file::LIMIT;
use crate::secrets::sealing_seed::SeedText;
use crate::secrets::store::{API_VERSION, KIND};
use crate::secrets::{Keys, Secret, Token, TokenStore, is_id, is_secret};
use crate::timing::parse_rfc3339;
use crate::yaml::{self, Spanned};

/// The keys of a token.
const KEYS: [&str; 8] = [
    "id",
    "secret",
    "epoch",
    "created",
    "expires",
    "description",
    "until",
    "revoked",
];
const ID_RULE: &str = "must be six characters of a-z and 0-9";
const SECRET_RULE: &str = "must be sixteen characters of a-z and 0-9";
const MINT_ANEW: &str = "take the token out and run `nodebake token create`";

impl TokenStore {
    /// Reads a store from a file, stdin or a decrypting program; `keys` open it if it is encrypted. `name` is what
    /// findings call it. A store with findings holds the tokens that have none.
    pub fn read(
        reader: &mut dyn Read,
        name: &str,
        keys: &Keys,
        report: &mut Report,
    ) -> Result<Self> {
        let read = input::secret_from(reader, LIMIT);
        let read = report
            .take(read, name)
            .with_context(|| format!("reading {name}"))?;
        Ok(match read {
            Some(bytes) => Self::of_bytes(&bytes, name, keys, report),
            None => Self::unreadable(name),
        })
    }

    /// Reads a store from the bytes of its file.
    pub(super) fn of_bytes(bytes: &[u8], name: &str, keys: &Keys, report: &mut Report) -> Self {
        if !is_encrypted(bytes) {
            return Self::parse(bytes, name, report);
        }
        let mut store = match keys.open(bytes, &Location::file(name)) {
            Ok(text) => Self::parse(&text, name, report),
            Err(finding) => {
                report.add(finding);
                Self::unreadable(name)
            }
        };
        store.is_encrypted = true;
        store
    }

    /// What there is where nothing could be read, for which there is a finding.
    pub(super) fn unreadable(name: &str) -> Self {
        Self {
            is_partial: true,
            ..Self::new(name)
        }
    }

    /// Reads a store from its text.
    pub(super) fn parse(bytes: &[u8], name: &str, report: &mut Report) -> Self {
        let mut store = Self::new(name);
        let whole = Location::file(store.file.clone());
        let Ok(text) = std::str::from_utf8(bytes) else {
            report.add(Finding::new(
                Id::SecretsInvalid,
                &whole,
                "",
                "the file must be UTF-8 text",
            ));
            store.is_partial = true;
            return store;
        };
        match yaml::read::<SecretsDocument>(text) {
            Ok(document) => {
                let mut reading = SecretsReader::new(&store.file);
                let (seed, nodes) = reading.document(document);
                store.sealing_seed = seed;
                store.nodes = nodes.into_iter().collect();
                store.is_partial = reading.report.has_errors();
                report.merge(reading.report);
            }
            Err(fault) => {
                let location = Location::new(store.file.clone(), fault.line, fault.column);
                let rule = fault.without_quotes(text, &KEYS, "not the YAML of a secrets file");
                report.add(Finding::new(Id::SecretsInvalid, &location, "", rule));
                store.is_partial = true;
            }
        }
        store
    }
}

/// The state of one reading.
struct SecretsReader {
    file: Arc<str>,
    report: Report,
    /// Where each id was first seen.
    ids: HashMap<String, Location>,
}

impl SecretsReader {
    fn new(file: &Arc<str>) -> Self {
        Self {
            file: file.clone(),
            report: Report::default(),
            ids: HashMap::new(),
        }
    }

    fn location<T>(&self, value: &Spanned<T>) -> Location {
        let at = value.referenced;
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Location::new(self.file.clone(), number(at.line()), number(at.column()))
    }

    fn document(
        &mut self,
        document: SecretsDocument,
    ) -> (Option<SeedText>, Vec<(String, Vec<Token>)>) {
        for (field, value, wanted) in [
            ("apiVersion", &document.api_version, API_VERSION),
            ("kind", &document.kind, KIND),
        ] {
            if value.as_ref().is_none_or(|value| value.value != wanted) {
                let whole = Location::file(self.file.clone());
                let location = value.as_ref().map_or(whole, |value| self.location(value));
                self.report.add(Finding::new(
                    Id::SecretsInvalid,
                    &location,
                    field,
                    format!("must be {wanted}"),
                ));
            }
        }
        for key in &document.unknown {
            let rule = "unknown key; a secrets file has apiVersion, kind, sealingSeed and tokens";
            self.report.add(Finding::new(
                Id::SecretsInvalid,
                &self.location(key),
                "",
                rule,
            ));
        }
        let seed = document.sealing_seed.and_then(|seed| {
            let location = self.location(&seed);
            let read = SeedText::of(seed.value);
            if read.is_none() {
                let rule = "must be 64 digits of 0-9 and a-f";
                let field = "sealingSeed";
                self.report.add(
                    Finding::new(Id::SecretsInvalid, &location, field, rule).help(
                        "restore it; with another one each sealed credential gets other bytes",
                    ),
                );
            }
            read
        });
        let nodes = document.tokens.map_or_else(Vec::new, |tokens| tokens.0);
        let nodes = nodes.into_iter().map(|(node, tokens)| {
            let tokens = self.node(&node.value, tokens);
            (node.value, tokens)
        });
        (seed, nodes.collect())
    }

    fn node(&mut self, node: &str, entries: Nodes) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let path = format!("tokens.{node}[{index}]");
            let location = self.location(&entry);
            let Some(token) = self.token(&path, location, entry.value) else {
                continue;
            };
            if tokens.last().is_some_and(|last| last.epoch >= token.epoch) {
                let location = token
                    .location
                    .clone()
                    .unwrap_or_else(|| Location::file(self.file.clone()));
                let rule = "epochs must rise: a node's newest token comes last";
                self.report.add(Finding::new(
                    Id::SecretsInvalid,
                    &location,
                    format!("{path}.epoch"),
                    rule,
                ));
            }
            tokens.push(token);
        }
        tokens
    }

    /// One token, or `None` if it has findings.
    fn token(
        &mut self,
        path: &str,
        location: Location,
        pairs: Pairs<Spanned<Secret>>,
    ) -> Option<Token> {
        let mut entry = TokenEntry {
            reading: self,
            path,
            location: &location,
            pairs: pairs.0,
            is_good: true,
        };
        entry.refuse_unknown_keys();
        let id = entry.value("id", MINT_ANEW, ID_RULE, |text| {
            is_id(text).then(|| text.to_owned())
        });
        let secret = entry.value("secret", MINT_ANEW, SECRET_RULE, |text| {
            is_secret(text).then(|| Secret::from(text))
        });
        let epoch = entry.epoch();
        let created = entry.time("created");
        let expires = entry.time("expires");
        let description = entry.optional("description");
        let until = entry.time_if_there("until");
        let revoked = entry.time_if_there("revoked");
        if created.is_some() && expires.is_some() && expires <= created {
            entry.fault("expires", MINT_ANEW, "must be later than created");
        }
        if until.is_some() && (until <= created || until > expires) {
            let rule = "must be later than created and not later than expires";
            entry.fault("until", "take it out", rule);
        }
        entry.claim(id.as_deref());
        if !entry.is_good {
            return None;
        }
        Some(Token {
            id: id?,
            secret: secret?,
            epoch: epoch?,
            created: created?,
            expires: expires?,
            description,
            until,
            revoked,
            location: Some(location),
        })
    }
}

/// One token as it is being read.
struct TokenEntry<'a> {
    reading: &'a mut SecretsReader,
    path: &'a str,
    location: &'a Location,
    pairs: Vec<(Spanned<String>, Spanned<Secret>)>,
    is_good: bool,
}

impl TokenEntry<'_> {
    fn find(&self, key: &str) -> Option<&Spanned<Secret>> {
        let pair = self.pairs.iter().find(|(name, _)| name.value == key);
        pair.map(|(_, value)| value)
    }

    /// A finding about a field, at its value if it is there.
    fn fault(&mut self, key: &str, repair: &str, rule: &str) {
        let location = self
            .find(key)
            .map_or(self.location.clone(), |value| self.reading.location(value));
        let finding = Finding::new(
            Id::SecretsInvalid,
            &location,
            format!("{}.{key}", self.path),
            rule,
        );
        self.reading.report.add(finding.help(repair));
        self.is_good = false;
    }

    /// An unknown key is not repeated: it may be a secret that lost its own key.
    fn refuse_unknown_keys(&mut self) {
        for (key, _) in &self.pairs {
            if !KEYS.contains(&key.value.as_str()) {
                let rule = "unknown key; a token has id, secret, epoch, created, expires, and may have description, until and revoked";
                self.reading.report.add(Finding::new(
                    Id::SecretsInvalid,
                    &self.reading.location(key),
                    self.path,
                    rule,
                ));
                self.is_good = false;
            }
        }
    }

    fn value<T>(
        &mut self,
        key: &str,
        repair: &str,
        rule: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = self.find(key).map(|text| read(text.value.expose()));
        match found {
            Some(Some(value)) => return Some(value),
            Some(None) => self.fault(key, repair, rule),
            None => self.fault(key, repair, "is missing"),
        }
        None
    }

    fn epoch(&mut self) -> Option<u32> {
        let repair = "write 1 for a node's first token";
        self.value(
            "epoch",
            repair,
            "must be a whole number from 1 on",
            |text| text.parse().ok().filter(|epoch| *epoch > 0),
        )
    }

    fn time(&mut self, key: &str) -> Option<OffsetDateTime> {
        let rule = "must be an RFC 3339 time in whole seconds";
        self.value(
            key,
            "write it like 2026-11-24T15:00:00Z",
            rule,
            parse_rfc3339,
        )
    }

    fn time_if_there(&mut self, key: &str) -> Option<OffsetDateTime> {
        self.find(key).is_some().then(|| self.time(key)).flatten()
    }

    fn optional(&self, key: &str) -> String {
        self.find(key)
            .map_or_else(String::new, |text| text.value.expose().to_owned())
    }

    /// Ids name Secrets in the cluster, so each may be in the file once.
    fn claim(&mut self, id: Option<&str>) {
        let (Some(id), Some(value)) = (id, self.find("id")) else {
            return;
        };
        let location = self.reading.location(value);
        if let Some(first) = self.reading.ids.get(id) {
            let rule = format!("the id {id} is already there at {first}");
            self.fault("id", MINT_ANEW, &rule);
        } else {
            self.reading.ids.insert(id.to_owned(), location);
        }
    }
}

#[cfg(test)]
mod tests;
