//! secrets.yaml in: every fault of its tokens becomes a located finding, and none repeats a secret. A fault of the
//! YAML itself ends the reading, as YAML readers stop at their first.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use anyhow::Context;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::report::{Finding, Place, Report};
use crate::secrets::document::{Document, Nodes, Pairs};
use crate::secrets::store::{API_VERSION, KIND};
use crate::secrets::{Secret, Token, TokenStore, is_id, is_secret};
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
    /// Reads a store from stdin, a file descriptor or a decrypting program. `name` is what findings call it. A store
    /// with findings holds the tokens that have none.
    pub fn read(reader: &mut dyn Read, name: &str, report: &mut Report) -> Result<Self> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
        let _ = reader
            .read_to_end(&mut bytes)
            .with_context(|| format!("reading {name}"))?;
        Ok(Self::parse(&bytes, name, report))
    }

    /// Reads a store from its text.
    pub(super) fn parse(bytes: &[u8], name: &str, report: &mut Report) -> Self {
        let mut store = Self::new(name);
        let whole = Place::file(store.file.clone());
        let Ok(text) = std::str::from_utf8(bytes) else {
            report.add(Finding::error(&whole, "", "the file must be UTF-8 text"));
            store.is_partial = true;
            return store;
        };
        match yaml::read::<Document>(text) {
            Ok(document) => {
                let mut reading = Reading::new(&store.file);
                store.nodes = reading.document(document).into_iter().collect();
                store.is_partial = reading.report.has_errors();
                report.merge(reading.report);
            }
            Err(fault) => {
                let place = Place::new(store.file.clone(), fault.line, fault.column);
                let rule = fault.without_quotes(text, &KEYS, "not the YAML of a secrets file");
                report.add(Finding::error(&place, "", rule));
                store.is_partial = true;
            }
        }
        store
    }
}

/// The state of one reading.
struct Reading {
    file: Arc<str>,
    report: Report,
    /// Where each id was first seen.
    ids: HashMap<String, Place>,
}

impl Reading {
    fn new(file: &Arc<str>) -> Self {
        Self {
            file: file.clone(),
            report: Report::default(),
            ids: HashMap::new(),
        }
    }

    fn place<T>(&self, value: &Spanned<T>) -> Place {
        let at = value.referenced;
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Place::new(self.file.clone(), number(at.line()), number(at.column()))
    }

    fn document(&mut self, document: Document) -> Vec<(String, Vec<Token>)> {
        for (field, value, wanted) in [
            ("apiVersion", &document.api_version, API_VERSION),
            ("kind", &document.kind, KIND),
        ] {
            if value.as_ref().is_none_or(|value| value.value != wanted) {
                let whole = Place::file(self.file.clone());
                let place = value.as_ref().map_or(whole, |value| self.place(value));
                self.report
                    .add(Finding::error(&place, field, format!("must be {wanted}")));
            }
        }
        for key in &document.unknown {
            let rule = "unknown key; a secrets file has apiVersion, kind and tokens";
            self.report.add(Finding::error(&self.place(key), "", rule));
        }
        let nodes = document.tokens.map_or_else(Vec::new, |tokens| tokens.0);
        nodes
            .into_iter()
            .map(|(node, tokens)| {
                let tokens = self.node(&node.value, tokens);
                (node.value, tokens)
            })
            .collect()
    }

    fn node(&mut self, node: &str, entries: Nodes) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let path = format!("tokens.{node}[{index}]");
            let place = self.place(&entry);
            let Some(token) = self.token(&path, place, entry.value) else {
                continue;
            };
            if tokens.last().is_some_and(|last| last.epoch >= token.epoch) {
                let place = token
                    .place
                    .clone()
                    .unwrap_or_else(|| Place::file(self.file.clone()));
                let rule = "epochs must rise: a node's newest token stands last";
                self.report
                    .add(Finding::error(&place, format!("{path}.epoch"), rule));
            }
            tokens.push(token);
        }
        tokens
    }

    /// One token, or `None` if it has findings.
    fn token(&mut self, path: &str, place: Place, pairs: Pairs<Spanned<Secret>>) -> Option<Token> {
        let mut entry = Entry {
            reading: self,
            path,
            place: &place,
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
            place: Some(place),
        })
    }
}

/// One token as it is being read.
struct Entry<'a> {
    reading: &'a mut Reading,
    path: &'a str,
    place: &'a Place,
    pairs: Vec<(Spanned<String>, Spanned<Secret>)>,
    is_good: bool,
}

impl Entry<'_> {
    fn find(&self, key: &str) -> Option<&Spanned<Secret>> {
        let pair = self.pairs.iter().find(|(name, _)| name.value == key);
        pair.map(|(_, value)| value)
    }

    /// A finding about a field, at its value if it is there.
    fn fault(&mut self, key: &str, repair: &str, rule: &str) {
        let place = self
            .find(key)
            .map_or(self.place.clone(), |value| self.reading.place(value));
        let finding = Finding::error(&place, format!("{}.{key}", self.path), rule);
        self.reading.report.add(finding.repair(repair));
        self.is_good = false;
    }

    /// An unknown key is not repeated: it may be a secret that lost its own key.
    fn refuse_unknown_keys(&mut self) {
        for (key, _) in &self.pairs {
            if !KEYS.contains(&key.value.as_str()) {
                let rule = "unknown key; a token has id, secret, epoch, created, expires, and may have description, until and revoked";
                self.reading
                    .report
                    .add(Finding::error(&self.reading.place(key), self.path, rule));
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

    /// Ids name Secrets in the cluster, so each may stand in the file once.
    fn claim(&mut self, id: Option<&str>) {
        let (Some(id), Some(value)) = (id, self.find("id")) else {
            return;
        };
        let place = self.reading.place(value);
        if let Some(first) = self.reading.ids.get(id) {
            let rule = format!("the id {id} is already there at {first}");
            self.fault("id", MINT_ANEW, &rule);
        } else {
            let _ = self.reading.ids.insert(id.to_owned(), place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "apiVersion: nodebake/v1
kind: Secrets
tokens:
  node-a:
    - {id: 1e3456, secret: 0123456789012345, epoch: 1, created: 2026-11-24T15:00:00Z, expires: 2026-11-25T15:00:00Z}
    - {id: '0644ab', secret: abcdefghijklmnop, epoch: 2, created: 2026-11-24T15:00:00Z, expires: 2026-11-25T15:00:00Z, description: 'two: \"2\"'}
  1e3: # a node's name may look like a number
    - id: 123456
      secret: 00000000000000e1
      epoch: 7
      created: 2026-11-24T16:00:00+01:00
      expires: '2026-11-25T15:00:00Z'
  empty: []
";

    fn parse(text: &str) -> (TokenStore, String) {
        let mut report = Report::default();
        let store = TokenStore::read(&mut text.as_bytes(), "s.yaml", &mut report).unwrap();
        assert_eq!(store.is_partial, report.has_errors());
        (store, report.to_string())
    }

    fn facts(store: &TokenStore) -> Vec<String> {
        let line = |node: &str, t: &Token| {
            let bearer = t.bearer();
            let text = format!(
                "{node} {} {} {} {}",
                bearer.expose(),
                t.epoch,
                t.created,
                t.expires
            );
            format!("{text} {}", t.description)
        };
        let nodes = store.iter();
        nodes
            .flat_map(|(node, tokens)| tokens.iter().map(move |token| line(node, token)))
            .collect()
    }

    #[test]
    fn what_looks_like_a_number_stays_text_there_and_back() {
        let (store, findings) = parse(GOOD);
        assert_eq!(findings, "");
        let first = facts(&store);
        assert_eq!(first.len(), 3);
        assert!(
            first[0].starts_with("1e3 123456.00000000000000e1 7 2026-11-24 15:00:00.0 +00"),
            "{first:?}"
        );
        assert!(
            first[1].starts_with("node-a 1e3456.0123456789012345 1 "),
            "{first:?}"
        );
        let text = store.to_yaml().unwrap();
        let (again, findings) = parse(&text);
        assert_eq!(findings, "");
        assert_eq!(facts(&again), first);
        assert_eq!(*again.to_yaml().unwrap(), *text);
        assert!(
            text.contains(
                "    - id: \"1e3456\"\n      secret: \"0123456789012345\"\n      epoch: 1\n"
            ),
            "{}",
            *text
        );
        assert_eq!(
            store.newest("1e3").unwrap().place,
            Some(Place::new("s.yaml", 8, 7))
        );
    }

    #[test]
    fn an_empty_store_is_read_back() {
        let (store, findings) = parse(&TokenStore::new("x").to_yaml().unwrap());
        assert_eq!((findings.as_str(), store.iter().count()), ("", 0));
    }

    /// Each case changes one thing of the good text; the finding must start and go on as given.
    #[test]
    fn each_fault_is_found_at_its_place_and_no_secret_is_repeated() {
        for (from, to, place, rule) in [
            (
                "nodebake/v1",
                "nodebake/v2",
                "s.yaml:1:13: apiVersion: ",
                "must be nodebake/v1",
            ),
            ("kind: Secrets\n", "", "s.yaml: kind: ", "must be Secrets"),
            ("kind:", "extra: 1\nkind:", "s.yaml:2:1: ", "unknown key"),
            (
                "id: 123456",
                "id: 12345",
                "s.yaml:8:11: tokens.1e3[0].id: ",
                "must be six",
            ),
            (
                "id: 123456",
                "id: ABCDEF",
                "s.yaml:8:11: tokens.1e3[0].id: ",
                "must be six",
            ),
            (
                "secret: 00000000000000e1",
                "secret: 00000000000000e",
                "s.yaml:9:15: tokens.1e3[0].secret: ",
                "must be sixteen",
            ),
            (
                "epoch: 7",
                "epoch: 0",
                "s.yaml:10:14: tokens.1e3[0].epoch: ",
                "must be a whole number",
            ),
            (
                "epoch: 7\n",
                "epoch: 7\n      exipres: 1\n",
                "s.yaml:11:7: tokens.1e3[0]: ",
                "unknown key",
            ),
            (
                "      epoch: 7\n",
                "",
                "s.yaml:8:7: tokens.1e3[0].epoch: ",
                "is missing",
            ),
            (
                "epoch: 2",
                "epoch: 1",
                "s.yaml:6:7: tokens.node-a[1].epoch: ",
                "epochs must rise",
            ),
            (
                "'0644ab'",
                "123456",
                "s.yaml:8:11: tokens.1e3[0].id: ",
                "the id 123456 is already there at s.yaml:6:12",
            ),
            (
                "'2026-11-25T15:00:00Z'",
                "tomorrow",
                "s.yaml:12:16: tokens.1e3[0].expires: ",
                "must be an RFC 3339 time",
            ),
            (
                "'2026-11-25T15:00:00Z'",
                "2026-11-24T15:00:00Z",
                "s.yaml:12:16: tokens.1e3[0].expires: ",
                "must be later",
            ),
            (
                "epoch: 7\n",
                "epoch: 7\n      until: 2026-11-25T15:00:01Z\n",
                "s.yaml:11:14: tokens.1e3[0].until: ",
                "must be later than created and not later than expires",
            ),
            (
                "epoch: 7\n",
                "epoch: 7\n      revoked: yes\n",
                "s.yaml:11:16: tokens.1e3[0].revoked: ",
                "must be an RFC 3339 time",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let (_, findings) = parse(&GOOD.replacen(from, to, 1));
            assert!(
                findings.starts_with(&format!("error: {place}{rule}")),
                "{to}: {findings}"
            );
            assert_eq!(findings.lines().count(), 1, "{findings}");
            assert_hides_secrets(&findings);
        }
    }

    #[test]
    fn all_faults_come_in_one_run() {
        let text = GOOD.replace("id: ", "id: X").replace("epoch: ", "epoch: y");
        let (store, findings) = parse(&text);
        assert_eq!(findings.lines().count(), 6, "{findings}");
        assert!(facts(&store).is_empty());
        assert_hides_secrets(&findings);
    }

    /// Each of these makes the YAML reader itself complain, some of them by quoting what they stumbled over.
    #[test]
    fn a_complaint_of_the_yaml_reader_repeats_no_secret() {
        for (from, to, place) in [
            (
                "secret: 00000000000000e1",
                "secret: \"00000000000000e1",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: *00000000000000e1",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "00000000000000e1: x\n      00000000000000e1: y",
                "s.yaml:10:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: !00000000000000e1",
                "s.yaml",
            ),
            (
                "secret: 00000000000000e1",
                "secret: !00000000000000e1 {00000000000000e1",
                "s.yaml",
            ),
            (
                "secret: 00000000000000e1",
                "secret: [00000000000000e1]",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: {00000000000000e1: 1}",
                "s.yaml:9:",
            ),
            ("secret: 00000000000000e1", "00000000000000e1", "s.yaml:9:"),
            (
                "secret: 00000000000000e1",
                "secret: @00000000000000e1",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: `00000000000000e1",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: \"\\q00000000000000e1\"",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: |00000000000000e1",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: !!int 00000000000000e1",
                "s.yaml:9:",
            ),
            (
                "secret: 00000000000000e1",
                "secret: !!binary 00000000000000e1",
                "s.yaml:9:",
            ),
            ("  1e3: #", "  00000000000000e1\n  1e3: #", "s.yaml"),
            ("tokens:\n", "tokens: 00000000000000e1\n", "s.yaml"),
            ("tokens:\n", "00000000000000e1\ntokens:\n", "s.yaml"),
            ("  node-a:\n", "\tnode-a:\n", "s.yaml"),
            (
                "epoch: 7\n",
                "epoch: 7\n      secret: x\n",
                "s.yaml:11:7: the key secret is there twice",
            ),
            ("  empty: []\n", "  node-a: []\n", "s.yaml"),
            ("  empty: []\n", "---\na: 1\n", "s.yaml"),
            ("  empty: []\n", "  empty: [00000000000000e1]\n", "s.yaml"),
            ("  empty: []\n", "  empty: 00000000000000e1\n", "s.yaml"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let (_, findings) = parse(&GOOD.replacen(from, to, 1));
            assert!(
                findings.starts_with(&format!("error: {place}")),
                "{to}: {findings}"
            );
            assert_hides_secrets(&findings);
        }
        let (_, findings) = parse("");
        assert!(findings.contains("apiVersion"), "{findings}");
        let mut report = Report::default();
        let _ = TokenStore::parse(b"a: \xff\n", "s.yaml", &mut report);
        assert_eq!(
            report.to_string(),
            "error: s.yaml: the file must be UTF-8 text\n"
        );
    }

    fn assert_hides_secrets(findings: &str) {
        for part in ["0000000", "0123456789", "abcdefgh"] {
            assert!(!findings.contains(part), "{findings}");
        }
    }
}
