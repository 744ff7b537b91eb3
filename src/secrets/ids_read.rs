//! A file of token ids in. Every mistake is a located finding; none repeats what is in the wrong field, since that
//! may be a whole token, or the secrets file itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;

use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::secrets::ids::KIND;
use crate::secrets::store::API_VERSION;
use crate::secrets::{TokenId, TokenIds, is_id};
use crate::timing::parse_rfc3339;
use crate::yaml::{self, Located, Map, Value};

const SYNTAX: &str = "not the YAML of a file of token ids, or a key that is there twice";
const EXPORT: &str = "run `nodebake csr export-ids` where the tokens are";

impl TokenIds {
    /// Reads a file of the cluster of this name; `None` if it has findings.
    pub fn read(text: &str, name: &str, cluster: &str, report: &mut Report) -> Option<Self> {
        let file: Arc<str> = name.into();
        let mut reading = IdsReader::default();
        let mut raw = Report::default();
        let root = yaml::parse(&file, text, &mut raw);
        for finding in raw.into_findings() {
            let finding = Finding::new(Id::TokenIdsInvalid, &finding.location, "", SYNTAX);
            reading.report.add(finding.help(EXPORT));
        }
        let nodes = root.map(|root| reading.document(&root, cluster));
        let is_good = !reading.report.has_errors();
        report.merge(reading.report);
        nodes.filter(|_| is_good).map(|nodes| Self { nodes })
    }
}

#[derive(Default)]
struct IdsReader {
    report: Report,
    /// Where each id was first seen.
    ids: HashMap<String, Location>,
}

impl IdsReader {
    fn fault(&mut self, location: &Location, path: &str, rule: &str, repair: &str) {
        let finding = Finding::new(Id::TokenIdsInvalid, location, path, rule);
        self.report.add(finding.help(repair));
    }

    fn document(&mut self, root: &Located, cluster: &str) -> BTreeMap<String, Vec<TokenId>> {
        let empty = Map::default();
        let fields = root.as_map().map_or(&empty, |fields| &**fields);
        for (key, field) in fields {
            if !["apiVersion", "kind", "cluster", "tokens"].contains(&&**key) {
                let rule =
                    "unknown key; a file of token ids has apiVersion, kind, cluster and tokens";
                self.fault(&field.key, "", rule, EXPORT);
            }
        }
        for (key, wanted) in [
            ("apiVersion", API_VERSION),
            ("kind", KIND),
            ("cluster", cluster),
        ] {
            let found = root.get(key);
            if found.and_then(Located::as_str) != Some(wanted) {
                let location = found.map_or(&root.location, |found| &found.location);
                self.fault(location, key, &format!("must be {wanted}"), EXPORT);
            }
        }
        let Some(tokens) = root.get("tokens") else {
            self.fault(&root.location, "tokens", "is missing", EXPORT);
            return BTreeMap::new();
        };
        let Some(nodes) = tokens.as_map() else {
            let rule = "must be a map of node names to lists";
            self.fault(&tokens.location, "tokens", rule, EXPORT);
            return BTreeMap::new();
        };
        let nodes = nodes.iter();
        nodes
            .map(|(node, field)| (node.to_string(), self.node(&field.value)))
            .collect()
    }

    fn node(&mut self, at: &Located) -> Vec<TokenId> {
        let Value::List(tokens) = &at.value else {
            self.fault(&at.location, "tokens", "must be a list of tokens", EXPORT);
            return Vec::new();
        };
        tokens
            .iter()
            .filter_map(|token| self.token(token))
            .collect()
    }

    fn token(&mut self, at: &Located) -> Option<TokenId> {
        let Some(fields) = at.as_map() else {
            let rule = "must be a map with id and expires";
            self.fault(&at.location, "tokens", rule, EXPORT);
            return None;
        };
        for (key, field) in &**fields {
            match &**key {
                "id" | "expires" | "revoked" => {}
                "secret" => self.fault(
                    &field.key,
                    "tokens",
                    "this file must hold no secrets",
                    "take it out; if others could read the file, run `nodebake token rotate`",
                ),
                _ => self.fault(
                    &field.key,
                    "tokens",
                    "unknown key; a token has id and expires, and may have revoked",
                    EXPORT,
                ),
            }
        }
        let id = self.id(at);
        let expires = self.time(at, "expires");
        let revoked = at.get("revoked").and_then(|_| self.time(at, "revoked"));
        Some(TokenId {
            id: id?,
            expires: expires?,
            revoked,
        })
    }

    fn id(&mut self, at: &Located) -> Option<String> {
        const RULE: &str = "must be six characters of a-z and 0-9, in quotes";
        let Some(value) = at.get("id") else {
            self.fault(&at.location, "tokens.id", "is missing", EXPORT);
            return None;
        };
        let text = value.as_str().unwrap_or_default();
        if text.contains('.') {
            let rule = "must be an id without the secret that follows the dot";
            let repair = "write the six characters before the dot; if others could read the file, run `nodebake token rotate`";
            self.fault(&value.location, "tokens.id", rule, repair);
            return None;
        }
        if !is_id(text) {
            self.fault(&value.location, "tokens.id", RULE, EXPORT);
            return None;
        }
        if let Some(first) = self.ids.get(text) {
            let rule = format!("the id {text} is already there at {first}");
            self.fault(&value.location, "tokens.id", &rule, EXPORT);
            return None;
        }
        self.ids.insert(text.to_owned(), value.location.clone());
        Some(text.to_owned())
    }

    fn time(&mut self, at: &Located, key: &str) -> Option<OffsetDateTime> {
        let path = format!("tokens.{key}");
        let Some(value) = at.get(key) else {
            self.fault(&at.location, &path, "is missing", EXPORT);
            return None;
        };
        let time = value.as_str().and_then(parse_rfc3339);
        if time.is_none() {
            let rule = "must be an RFC 3339 time in whole seconds";
            let repair = "write it like 2026-11-24T15:00:00Z";
            self.fault(&value.location, &path, rule, repair);
        }
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn read(text: &str) -> (Option<TokenIds>, String) {
        let mut report = Report::default();
        let ids = TokenIds::read(text, "ids.yaml", "test", &mut report);
        assert_eq!(ids.is_none(), report.has_errors());
        (ids, report.to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        let token = |id: &str, revoked| TokenId {
            id: id.to_owned(),
            expires: datetime!(2026-12-01 00:00 UTC),
            revoked,
        };
        let revoked = Some(datetime!(2026-11-01 00:00 UTC));
        let mut ids = TokenIds::default();
        for _ in 0..2 {
            let written = ids.to_yaml("test").unwrap();
            assert_eq!(read(&written).0, Some(ids.clone()), "{written}");
            let tokens = vec![token("123456", revoked), token("1e1000", None)];
            ids.nodes.insert("on".to_owned(), tokens);
            ids.nodes.insert("off".to_owned(), Vec::new());
        }
        assert!(ids.has("on") && !ids.has("off") && !ids.is_revoked("on"));
        assert_eq!(ids.by_id()["123456"].0, "on");
    }

    #[test]
    fn the_guides_example_is_read() {
        const GUIDE: &str = include_str!("../man/requests.md");
        let (_, rest) = GUIDE.split_once("```text\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let mut report = Report::default();
        let ids = TokenIds::read(example, "ids.yaml", "example", &mut report);
        let ids = ids.unwrap_or_else(|| panic!("{report}"));
        assert!(ids.by_id()["abc123"].1.revoked.is_some() && !ids.is_revoked("edge-001"));
        let head = "without secrets, for `nodebake csr review --ids`";
        let written = ids.to_yaml("example").unwrap();
        assert!(
            written.contains(head) && written.ends_with(example),
            "{written}"
        );
    }

    #[test]
    fn mistakes_are_located_and_repeat_no_secret() {
        const HEAD: &str = "apiVersion: nodebake/v1\nkind: TokenIds\ncluster: test\n";
        const SECRET: &str = "testonlysecret00";
        let one = |token: &str| format!("{HEAD}tokens:\n  a:\n    - {token}\n");
        let good = "id: abcdef, expires: \"2026-12-01T00:00:00Z\"";
        for (text, said) in [
            (String::new(), "apiVersion: must be nodebake/v1"),
            ("[]".into(), "tokens: is missing"),
            (HEAD.into(), "tokens: is missing"),
            (
                format!("{HEAD}tokens: []\n"),
                "ids.yaml:4:9: tokens: must be a map",
            ),
            (format!("{HEAD}tokens: {{a: 5}}\n"), "must be a list"),
            (
                HEAD.replace("TokenIds", "Secrets"),
                "ids.yaml:2:7: kind: must be TokenIds",
            ),
            (
                HEAD.replace("test", "other"),
                "ids.yaml:3:10: cluster: must be test",
            ),
            (
                format!("{HEAD}tokens: {{}}\nmore: {SECRET}\n"),
                "ids.yaml:5:1: unknown key",
            ),
            (
                format!("{HEAD}tokens: {{}}\ntokens: {{}}\n"),
                "a key that is there twice",
            ),
            (format!("{HEAD}tokens: {{\"{SECRET}\n"), "not the YAML"),
            (one(SECRET), "must be a map with id"),
            (
                one(&format!("{{{good}, secret: {SECRET}}}")),
                "must hold no secrets",
            ),
            (
                one(&format!("{{{good}, {SECRET}: x}}")),
                "unknown key; a token has",
            ),
            (
                one(&format!(
                    "{{id: abcdef.{SECRET}, expires: \"2026-12-01T00:00:00Z\"}}"
                )),
                "ids.yaml:6:12: tokens.id: must be an id without the secret",
            ),
            (
                one(&format!("{{id: {SECRET}, expires: x}}")),
                "six characters",
            ),
            (
                one("{id: 123456, expires: \"2026-12-01T00:00:00Z\"}"),
                "in quotes",
            ),
            (one("{id: abcdef}"), "tokens.expires: is missing"),
            (
                one(&format!("{{id: abcdef, expires: {SECRET}}}")),
                "RFC 3339",
            ),
            (
                one(&format!("{{{good}, revoked: yes}}")),
                "tokens.revoked: must be",
            ),
            (
                one(&format!("{{{good}}}\n    - {{{good}}}")),
                "is already there at ids.yaml:6",
            ),
        ] {
            let (ids, report) = read(&text);
            assert!(ids.is_none(), "{text}");
            assert!(report.contains(said), "{text}\n{report}");
            assert!(!report.contains(SECRET), "{report}");
        }
        assert!(read(&one(&format!("{{{good}}}"))).0.is_some());
    }
}
