//! The later life of tokens: another one in place of an old one, an end before its time, and who needs one soon.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::Result;
use crate::secrets::store::as_rfc3339;
use crate::secrets::{CreatedToken, Token, TokenStore, TokenTerms};
use crate::timing::{rfc3339, whole_seconds};

/// A token whose end was brought forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The node that it was for.
    pub node: String,
    /// Its id.
    pub id: String,
    /// When its Secret ends; not later than now means that the Secret is to be deleted.
    #[serde(serialize_with = "as_rfc3339")]
    pub ends: OffsetDateTime,
    /// Whether the Secret is to be deleted now.
    pub delete: bool,
}

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The new tokens.
    pub created: Vec<CreatedToken>,
    /// The old tokens that were still good.
    pub ended: Vec<Ended>,
}

/// A node that needs a new token soon, or now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// The node.
    pub node: String,
    /// The id of its newest token; none where it never had one.
    pub id: Option<String>,
    /// When that token ends.
    pub expires: Option<String>,
    /// Whether that was before now.
    pub expired: bool,
}

impl TokenStore {
    /// Creates a new token for each of the nodes. The old ones that are still good go on for `overlap`: until then their
    /// Secrets stay among the manifests. How long is written down here, so that no build needs a clock.
    pub fn rotate(
        &mut self,
        nodes: &[&str],
        overlap: Duration,
        terms: &TokenTerms<'_>,
    ) -> Result<Rotated> {
        let now = whole_seconds(terms.now);
        let overlap = Duration::from_secs(overlap.as_secs());
        let until = now
            .checked_add(time::Duration::try_from(overlap)?)
            .filter(|until| rfc3339(*until).is_some())
            .context("rotating tokens: the overlap ends beyond the year 9999")?;
        self.settle(now);
        // Before tokens are created, which may fail: the ends are this store's only while it is saved.
        let mut ended = Vec::new();
        for node in nodes {
            let tokens = self.nodes.get_mut(*node).map(Vec::as_mut_slice);
            for token in tokens.unwrap_or_default() {
                ended.extend(end(token, node, now, until));
            }
        }
        let terms = TokenTerms {
            force: true,
            ..*terms
        };
        let created = self.create(nodes.iter().copied(), &terms)?;
        Ok(Rotated { created, ended })
    }

    /// Takes the Secrets of tokens whose overlap has passed from among the manifests, and returns how many there were. A
    /// build has no clock, so it is for the commands that have one.
    pub fn settle(&mut self, now: OffsetDateTime) -> usize {
        let tokens = self.nodes.values_mut().flatten();
        let passed = tokens.filter(|token| token.until.is_some() && !token.is_valid(now));
        passed.map(close).count()
    }

    /// Marks all tokens of the nodes as revoked: no payload and no Secret is made of them any more. The ids stay, so
    /// that a request for a certificate can still be traced to its node.
    pub fn revoke(&mut self, nodes: &[&str], now: OffsetDateTime) -> Vec<Ended> {
        let now = whole_seconds(now);
        let mut ended = Vec::new();
        for node in nodes {
            let tokens = self.nodes.get_mut(*node).map(Vec::as_mut_slice);
            for token in tokens.unwrap_or_default() {
                if token.revoked.is_some() {
                    continue;
                }
                // The Secret of a token that has expired may still be there, on a cluster without a token cleaner.
                ended.push(Ended {
                    node: (*node).to_owned(),
                    id: token.id.clone(),
                    ends: now,
                    delete: true,
                });
                token.until = None;
                token.revoked = Some(now);
            }
        }
        ended
    }

    /// Those of the nodes whose newest token is not good to the end of `within`, the first to end first; one without
    /// any token is among them. A revoked one is not: it has no token because somebody wanted it so.
    pub fn expiring<'n>(
        &self,
        nodes: impl IntoIterator<Item = &'n str>,
        now: OffsetDateTime,
        within: Duration,
    ) -> Vec<Expiring> {
        let within = time::Duration::try_from(within).unwrap_or(time::Duration::MAX);
        let horizon = now.checked_add(within);
        let mut found: Vec<(Option<OffsetDateTime>, Expiring)> = Vec::new();
        for node in nodes {
            let newest = self.newest(node);
            let is_fine = newest.is_some_and(|token| {
                token.revoked.is_some() || horizon.is_some_and(|horizon| horizon < token.ends())
            });
            if is_fine {
                continue;
            }
            let ends = newest.map(Token::ends);
            let expiring = Expiring {
                node: node.to_owned(),
                id: newest.map(|token| token.id.clone()),
                expires: ends.and_then(rfc3339),
                expired: ends.is_some_and(|ends| ends <= now),
            };
            found.push((ends, expiring));
        }
        // Stable: nodes that end together stay in the order of the inventory.
        found.sort_by_key(|(ends, _)| *ends);
        found.into_iter().map(|(_, expiring)| expiring).collect()
    }

    /// The tokens of a node that another one has replaced and whose Secrets still belong among the manifests.
    pub fn overlapping(&self, node: &str) -> impl Iterator<Item = &Token> {
        let tokens = self.nodes.get(node).map(Vec::as_slice).unwrap_or_default();
        let older = tokens.split_last().map(|(_, older)| older);
        let older = older.unwrap_or_default().iter();
        older.filter(|token| token.until.is_some() && token.revoked.is_none())
    }

    /// Whether the node was shut out: its newest token is revoked.
    pub fn is_revoked(&self, node: &str) -> bool {
        self.newest(node)
            .is_some_and(|token| token.revoked.is_some())
    }

    /// The node and the token of an id.
    pub fn by_id(&self) -> std::collections::HashMap<&str, (&str, &Token)> {
        let nodes = self.iter();
        nodes
            .flat_map(|(node, tokens)| {
                tokens
                    .iter()
                    .map(move |token| (token.id.as_str(), (node, token)))
            })
            .collect()
    }
}

/// The end of an overlap becomes the end of the token.
fn close(token: &mut Token) {
    if let Some(until) = token.until.take() {
        token.expires = token.expires.min(until);
    }
}

/// Brings a token's end forward.
fn end(token: &mut Token, node: &str, now: OffsetDateTime, until: OffsetDateTime) -> Option<Ended> {
    if !token.is_valid(now) {
        return None;
    }
    let ends = until.min(token.ends());
    let delete = ends <= now || ends <= token.created;
    if delete {
        // The end is written down, a second after its beginning at the earliest, as the file wants it.
        token.expires = now.max(token.created + time::Duration::SECOND);
    }
    token.until = (!delete).then_some(ends);
    Some(Ended {
        node: node.to_owned(),
        id: token.id.clone(),
        ends,
        delete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 15:00:00.7 UTC);
    const HOUR: Duration = Duration::from_secs(3600);

    fn terms(now: OffsetDateTime) -> TokenTerms<'static> {
        TokenTerms {
            ttl: HOUR * 10,
            now,
            boot_within: Duration::ZERO,
            force: false,
            description: "",
        }
    }

    fn store() -> TokenStore {
        let mut store = TokenStore::new("secrets.yaml");
        store.create(["a", "b"], &terms(NOW)).unwrap();
        store
    }

    /// The store as the next command finds it.
    fn read_back(store: &TokenStore) -> TokenStore {
        let mut report = Report::default();
        let text = store.to_yaml().unwrap();
        let again = TokenStore::parse(text.as_bytes(), "secrets.yaml", &mut report);
        assert!(report.is_empty(), "{report}");
        assert_eq!(*again.to_yaml().unwrap(), *text);
        again
    }

    fn overlapping(store: &TokenStore, node: &str) -> Vec<String> {
        store.overlapping(node).map(|t| t.id.clone()).collect()
    }

    #[test]
    fn the_old_token_stays_until_the_overlap_ends_and_others_are_not_touched() {
        let mut store = store();
        let old = store.newest("a").unwrap().clone();
        let rotated = store.rotate(&["a"], HOUR * 2, &terms(NOW + HOUR)).unwrap();
        let store = read_back(&store);
        assert_eq!(rotated.created[0].id, store.newest("a").unwrap().id);
        assert_eq!(store.newest("a").unwrap().epoch, 2);
        assert_eq!(overlapping(&store, "a"), std::slice::from_ref(&old.id));
        let until = datetime!(2026-11-24 18:00 UTC);
        assert_eq!(store.overlapping("a").next().unwrap().ends(), until);
        assert_eq!(
            rotated.ended,
            [Ended {
                node: "a".into(),
                id: old.id,
                ends: until,
                delete: false
            }]
        );
        assert_eq!(store.iter().nth(1).unwrap().1.len(), 1);
        assert!(overlapping(&store, "b").is_empty());
    }

    #[test]
    fn an_overlap_never_makes_a_token_live_longer_and_ends_by_the_next_rotation() {
        let mut store = store();
        store.rotate(&["a"], HOUR * 100, &terms(NOW)).unwrap();
        let first = store.overlapping("a").next().unwrap();
        assert_eq!(first.ends(), first.expires);
        // Twelve hours later the first has ended, and its place among the manifests with it.
        let again = store.rotate(&["a"], HOUR, &terms(NOW + HOUR * 9)).unwrap();
        assert_eq!(again.ended.len(), 2);
        let last = store.rotate(&["a"], HOUR, &terms(NOW + HOUR * 12)).unwrap();
        assert_eq!(last.ended.len(), 1);
        assert_eq!(
            overlapping(&read_back(&store), "a"),
            [last.ended[0].id.clone()]
        );
    }

    #[test]
    fn an_overlap_that_has_passed_is_settled_for_all_nodes_and_one_that_has_not_stays() {
        let mut store = store();
        store.rotate(&["a"], HOUR, &terms(NOW)).unwrap();
        store.rotate(&["b"], HOUR * 3, &terms(NOW)).unwrap();
        assert_eq!(store.settle(NOW + HOUR / 2), 0);
        assert_eq!(store.settle(NOW + HOUR * 2), 1);
        let store = read_back(&store);
        assert!(overlapping(&store, "a").is_empty());
        assert_eq!(overlapping(&store, "b").len(), 1);
        let old = &store.iter().next().unwrap().1[0];
        assert_eq!(old.ends(), datetime!(2026-11-24 16:00 UTC));
    }

    #[test]
    fn without_an_overlap_the_old_secret_is_to_be_deleted() {
        for later in [Duration::ZERO, HOUR] {
            let mut store = store();
            let rotated = store
                .rotate(&["a"], Duration::ZERO, &terms(NOW + later))
                .unwrap();
            assert!(rotated.ended[0].delete && rotated.ended.len() == 1);
            let store = read_back(&store);
            assert!(overlapping(&store, "a").is_empty());
            let old = &store.iter().next().unwrap().1[0];
            assert!(!old.is_valid(NOW + later + Duration::from_secs(1)));
        }
    }

    #[test]
    fn a_revoked_node_has_no_token_and_keeps_its_ids() {
        let mut store = store();
        store.rotate(&["a"], HOUR, &terms(NOW)).unwrap();
        let ended = store.revoke(&["a"], NOW + HOUR / 2);
        assert!(ended.len() == 2 && ended.iter().all(|ended| ended.delete));
        assert!(
            store.revoke(&["a"], NOW + HOUR).is_empty(),
            "once is enough"
        );
        let mut store = read_back(&store);
        assert!(store.is_revoked("a") && !store.is_revoked("b"));
        assert!(overlapping(&store, "a").is_empty());
        let finding = store.usable("a", NOW, Duration::ZERO).unwrap_err();
        assert!(
            finding
                .message
                .ends_with("was revoked at 2026-11-24T15:30:00Z"),
            "{finding}"
        );
        assert_eq!(store.by_id()[ended[0].id.as_str()].0, "a");
        // A new token lets it in again; the old ones stay out.
        assert_eq!(store.create(["a"], &terms(NOW + HOUR)).unwrap().len(), 1);
        assert!(store.usable("a", NOW + HOUR, Duration::ZERO).is_ok());
        assert!(!store.is_revoked("a") && overlapping(&store, "a").is_empty());
    }

    #[test]
    fn those_that_end_first_come_first() {
        let mut store = store();
        store.rotate(&["a"], HOUR, &terms(NOW + HOUR)).unwrap();
        store.create(["d"], &terms(NOW)).unwrap();
        store.revoke(&["d"], NOW);
        let names = |at, within| {
            let found = store.expiring(["a", "b", "c", "d"], at, within);
            let said = found.into_iter();
            said.map(|found| format!("{} {}", found.node, found.expired))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(NOW, HOUR), ["c false"]);
        assert_eq!(names(NOW, HOUR * 10), ["c false", "b false"]);
        assert_eq!(names(NOW, Duration::MAX).len(), 3);
        assert_eq!(
            names(NOW + HOUR * 10, HOUR),
            ["c false", "b true", "a false"]
        );
    }
}
