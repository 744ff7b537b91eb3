//! All tokens of a cluster in memory: creating what is missing, looking up, and the stable text that is kept on disk.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::model::Location;
use crate::report::{Finding, Id};
use crate::seal::SealingSeed;
use crate::secrets::Token;
use crate::secrets::sealing_seed::SeedText;
use crate::secrets::token::{draw_id, draw_secret};
use crate::timing::{rfc3339, whole_seconds};
use crate::yaml::push_quoted;

/// `apiVersion` of the file.
pub(super) const API_VERSION: &str = "nodebake/v1";
/// `kind` of the file.
pub(super) const KIND: &str = "Secrets";

/// The tokens of all nodes: a list for each, the newest last.
#[derive(Clone, Debug)]
pub struct TokenStore {
    /// The file as the user would name it.
    pub(super) file: Arc<str>,
    pub(super) nodes: BTreeMap<String, Vec<Token>>,
    /// From which sealing draws its random values, where anything is sealed.
    pub(super) sealing_seed: Option<SeedText>,
    /// What was read has errors, so that something of it is missing here: saving would lose it for good.
    pub(super) is_partial: bool,
    /// It was read from an encrypted file, and is written as one.
    pub(super) is_encrypted: bool,
    /// Its tokens are placeholders for others, whose ends nobody here knows.
    pub(super) is_placeholder: bool,
}

/// How tokens are created.
#[derive(Clone, Copy, Debug)]
pub struct TokenTerms<'a> {
    /// How long the tokens live; whole seconds count, at least one.
    pub ttl: Duration,
    /// When the tokens are created.
    pub now: OffsetDateTime,
    /// How long after the build a node may still boot: a token that ends before is no good any more.
    pub boot_within: Duration,
    /// Create tokens for nodes too whose newest token is still good.
    pub force: bool,
    /// The tokens' description; `{node}` becomes the node's name.
    pub description: &'a str,
}

/// A token that was just created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreatedToken {
    /// The node that it is for.
    pub node: String,
    /// Its id.
    pub id: String,
    /// When it expires.
    #[serde(serialize_with = "as_rfc3339")]
    pub expires: OffsetDateTime,
}

pub(super) fn as_rfc3339<S: Serializer>(
    at: &OffsetDateTime,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    rfc3339(*at).serialize(serializer)
}

impl TokenStore {
    /// A store without tokens. `file` is its name in findings.
    pub fn new(file: impl Into<Arc<str>>) -> Self {
        Self {
            file: file.into(),
            nodes: BTreeMap::new(),
            sealing_seed: None,
            is_partial: false,
            is_encrypted: false,
            is_placeholder: false,
        }
    }

    /// All nodes by name with their tokens, the newest last.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Token])> {
        self.nodes
            .iter()
            .map(|(node, tokens)| (node.as_str(), tokens.as_slice()))
    }

    /// The newest token of a node, valid or not: what a build uses, so that the clock never decides bytes.
    pub fn newest(&self, node: &str) -> Option<&Token> {
        self.nodes.get(node)?.last()
    }

    /// The newest token of a node if it is good at `at` and for `boot_within` after that: for so long its node may still boot
    /// before its node boots. Else the finding.
    pub fn usable(
        &self,
        node: &str,
        at: OffsetDateTime,
        boot_within: Duration,
    ) -> std::result::Result<&Token, Finding> {
        let path = || format!("tokens.{node}");
        let whole = Location::file(self.file.clone());
        let create = format!("run `nodebake token create` for {node}");
        let Some(token) = self.newest(node) else {
            return Err(
                Finding::new(Id::TokenMissing, &whole, path(), "the node has no token")
                    .help(create)
                    .of_node(node),
            );
        };
        if self.is_placeholder {
            return Ok(token);
        }
        let location = token.location.as_ref().unwrap_or(&whole);
        let until = rfc3339(token.ends()).unwrap_or_default();
        if let Some(revoked) = token.revoked {
            let rule = format!(
                "the token {} was revoked at {}",
                token.id,
                rfc3339(revoked).unwrap_or_default()
            );
            let repair = format!(
                "run `nodebake token create DIR {node}` if it may come back, or take it out of the inventory"
            );
            return Err(Finding::new(Id::TokenRevoked, location, path(), rule).help(repair));
        }
        if !token.is_valid(at) {
            let rule = format!("the token {} expired at {until}", token.id);
            return Err(Finding::new(Id::TokenExpired, location, path(), rule).help(create));
        }
        let end =
            at.checked_add(time::Duration::try_from(boot_within).unwrap_or(time::Duration::MAX));
        if end.is_none_or(|end| !token.is_valid(end)) {
            let rule = format!(
                "the token {} expires at {until}, before the node's time to boot is over",
                token.id
            );
            return Err(Finding::new(Id::TokenExpired, location, path(), rule).help(
                "create tokens that live longer (tokens.ttl), or shorten tokens.bootWithin",
            ));
        }
        Ok(token)
    }

    /// The file as the user would name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether it was read from an encrypted file.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether its tokens are placeholders, whose ends nobody here knows.
    pub fn is_placeholder(&self) -> bool {
        self.is_placeholder
    }

    /// How many tokens it holds.
    pub fn count(&self) -> usize {
        self.nodes.values().map(Vec::len).sum()
    }

    /// Whether another store holds the very same tokens.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.to_yaml(), other.to_yaml()) {
            (Ok(one), Ok(other)) => *one == *other,
            _ => false,
        }
    }

    /// Whether what was read has errors, so that tokens of the file may be missing here.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Creates a token for each of the nodes whose newest one is not good until its node's time to boot is over, in the order
    /// given. No token is removed: an older one may still be on its way to a node.
    pub fn create<'n>(
        &mut self,
        nodes: impl IntoIterator<Item = &'n str>,
        terms: &TokenTerms<'_>,
    ) -> Result<Vec<CreatedToken>> {
        let now = whole_seconds(terms.now);
        let expires = expiry(now, terms)?;
        let mut taken = self.ids();
        let mut created = Vec::new();
        for node in nodes {
            if !terms.force && self.usable(node, terms.now, terms.boot_within).is_ok() {
                continue;
            }
            let epoch = self.newest(node).map_or(0, |token| token.epoch);
            let token = Token {
                id: free_id(&mut taken)?,
                secret: draw_secret()?,
                epoch: epoch
                    .checked_add(1)
                    .context("counting a node's tokens: too many")?,
                created: now,
                expires,
                description: terms.description.replace("{node}", node),
                until: None,
                revoked: None,
                location: None,
            };
            created.push(CreatedToken {
                node: node.to_owned(),
                id: token.id.clone(),
                expires,
            });
            self.nodes.entry(node.to_owned()).or_default().push(token);
        }
        Ok(created)
    }

    /// The seed from which sealing draws its random values. Placeholders for tokens are sealed with one that is no secret.
    pub fn sealing_seed(&self) -> Option<SealingSeed> {
        if self.is_placeholder {
            return Some(SealingSeed::new([0; 32]));
        }
        self.sealing_seed.as_ref().map(SeedText::seed)
    }

    /// Draws a seed where there is none; whether it did.
    pub fn draw_sealing_seed(&mut self) -> Result<bool> {
        if self.sealing_seed.is_some() {
            return Ok(false);
        }
        self.sealing_seed = Some(SeedText::draw()?);
        Ok(true)
    }

    pub(super) fn ids(&self) -> HashSet<String> {
        let tokens = self.nodes.values().flatten();
        tokens.map(|token| token.id.clone()).collect()
    }

    /// The text that is kept on disk: the same store gives the same bytes. Everything that could look like a number,
    /// a date or a boolean to some reader is quoted.
    pub(super) fn to_yaml(&self) -> Result<Zeroizing<String>> {
        // Some 200 bytes a token; growing later would leave unwiped copies behind.
        let count: usize = self.nodes.values().map(Vec::len).sum();
        let mut text = String::with_capacity(256 + 96 * self.nodes.len() + 400 * count);
        text.push_str(
            "# Bootstrap tokens, kept by `nodebake token`: who reads this file can join nodes.\n",
        );
        // Writing to a String cannot fail.
        let _ = write!(text, "apiVersion: {API_VERSION}\nkind: {KIND}\n");
        if let Some(seed) = &self.sealing_seed {
            push_field(&mut text, "sealingSeed: ", seed.expose());
        }
        text.push_str("tokens:");
        push_nodes(&mut text, &self.nodes, push_token)?;
        Ok(Zeroizing::new(text))
    }
}

/// The lists of nodes' tokens, as each kind of file has them.
pub(super) fn push_nodes<T>(
    text: &mut String,
    nodes: &BTreeMap<String, Vec<T>>,
    push_token: fn(&mut String, &T) -> Result<()>,
) -> Result<()> {
    text.push_str(if nodes.is_empty() { " {}\n" } else { "\n" });
    for (node, tokens) in nodes {
        text.push_str("  ");
        push_quoted(text, node);
        text.push_str(if tokens.is_empty() { ": []\n" } else { ":\n" });
        for token in tokens {
            push_token(text, token)?;
        }
    }
    Ok(())
}

fn push_token(text: &mut String, token: &Token) -> Result<()> {
    let time = |at| rfc3339(at).context("writing a token's time: beyond the year 9999");
    push_field(text, "    - id: ", &token.id);
    push_field(text, "      secret: ", token.secret.expose());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "      epoch: {}", token.epoch);
    push_field(text, "      created: ", &time(token.created)?);
    push_field(text, "      expires: ", &time(token.expires)?);
    if !token.description.is_empty() {
        push_field(text, "      description: ", &token.description);
    }
    for (key, at) in [
        ("      until: ", token.until),
        ("      revoked: ", token.revoked),
    ] {
        if let Some(at) = at {
            push_field(text, key, &time(at)?);
        }
    }
    Ok(())
}

fn push_field(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    push_quoted(text, value);
    text.push('\n');
}

fn expiry(created: OffsetDateTime, terms: &TokenTerms<'_>) -> Result<OffsetDateTime> {
    let ttl = Duration::from_secs(terms.ttl.as_secs());
    if ttl.is_zero() {
        bail!("creating tokens: they would live for less than a second");
    }
    if ttl <= terms.boot_within {
        bail!("creating tokens: their ttl must be longer than tokens.bootWithin");
    }
    created
        .checked_add(time::Duration::try_from(ttl)?)
        .filter(|expires| rfc3339(*expires).is_some())
        .context("terms tokens: the ttl ends beyond the year 9999")
}

/// An id that is not in the store yet; two Secrets of one name would be one.
fn free_id(taken: &mut HashSet<String>) -> Result<String> {
    loop {
        let id = draw_id()?;
        if taken.insert(id.clone()) {
            return Ok(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 15:00:00.7 UTC);
    const HOUR: Duration = Duration::from_secs(3600);

    fn terms(now: OffsetDateTime) -> TokenTerms<'static> {
        TokenTerms {
            ttl: HOUR,
            now,
            boot_within: Duration::ZERO,
            force: false,
            description: "for {node}",
        }
    }

    #[test]
    fn a_node_gets_a_token_only_if_it_lacks_a_valid_one() {
        let mut store = TokenStore::new("secrets.yaml");
        let first = store.create(["a", "b"], &terms(NOW)).unwrap();
        assert_eq!(first.len(), 2);
        assert_eq!(first[0].expires, datetime!(2026-11-24 16:00 UTC));
        assert!(store.create(["a", "b"], &terms(NOW)).unwrap().is_empty());
        let later = store.create(["a"], &terms(NOW + HOUR)).unwrap();
        assert_eq!(later.len(), 1);
        let forced = TokenTerms {
            force: true,
            ..terms(NOW)
        };
        assert_eq!(store.create(["b"], &forced).unwrap().len(), 1);
        for (_, tokens) in store.iter() {
            assert_eq!(
                tokens.iter().map(|token| token.epoch).collect::<Vec<_>>(),
                [1, 2]
            );
        }
        assert_eq!(store.newest("a").unwrap().id, later[0].id);
        assert_eq!(store.newest("a").unwrap().description, "for a");
    }

    #[test]
    fn a_token_that_does_not_last_the_boot_within_is_created_again() {
        let mut store = TokenStore::new("secrets.yaml");
        store.create(["a"], &terms(NOW)).unwrap();
        let within = |boot_within| TokenTerms {
            boot_within,
            ..terms(NOW + HOUR / 2)
        };
        assert!(store.create(["a"], &within(HOUR / 4)).unwrap().is_empty());
        assert_eq!(store.create(["a"], &within(HOUR * 3 / 4)).unwrap().len(), 1);
        // The new one would be no good either: creating would never end.
        assert!(store.create(["a"], &within(HOUR)).is_err());
    }

    #[test]
    fn ids_stay_unique() {
        let mut taken = HashSet::new();
        for _ in 0..5_000 {
            free_id(&mut taken).unwrap();
        }
        assert_eq!(taken.len(), 5_000);
    }

    #[test]
    fn a_token_must_outlive_the_time_to_boot() {
        let mut store = TokenStore::new("secrets.yaml");
        store.create(["a"], &terms(NOW)).unwrap();
        assert!(store.usable("a", NOW, HOUR / 2).is_ok());
        for (node, at, boot_within, rule) in [
            ("a", NOW, HOUR, "before the node's time to boot"),
            ("a", NOW, Duration::MAX, "before the node's time to boot"),
            (
                "a",
                NOW + HOUR,
                Duration::ZERO,
                "expired at 2026-11-24T16:00:00Z",
            ),
            ("b", NOW, Duration::ZERO, "has no token"),
        ] {
            let finding = store.usable(node, at, boot_within).unwrap_err();
            assert!(finding.message.contains(rule), "{finding}");
            assert_eq!(*finding.path, format!("tokens.{node}"));
        }
    }

    #[test]
    fn a_ttl_must_be_something_and_end_in_this_era() {
        let mut store = TokenStore::new("secrets.yaml");
        for ttl in [
            Duration::from_millis(999),
            HOUR * 24 * 366 * 8000,
            Duration::MAX,
        ] {
            let wrong = TokenTerms { ttl, ..terms(NOW) };
            assert!(store.create(["a"], &wrong).is_err(), "{ttl:?}");
        }
    }

    #[test]
    fn a_seed_is_kept_in_the_file() {
        let mut store = TokenStore::new("s");
        assert!(store.sealing_seed().is_none());
        assert!(store.draw_sealing_seed().unwrap());
        assert!(!store.draw_sealing_seed().unwrap());
        let text = store.to_yaml().unwrap();
        let mut report = crate::report::Report::default();
        let read = TokenStore::parse(text.as_bytes(), "s", &mut report);
        assert!(report.is_empty(), "{report}");
        assert!(read.is_same(&store));
        let mut other = TokenStore::new("s");
        other.draw_sealing_seed().unwrap();
        assert!(!other.is_same(&store));
        assert!(!format!("{store:?}").contains(store.sealing_seed.as_ref().unwrap().expose()));
    }

    #[test]
    fn what_is_no_seed_is_a_finding_and_is_not_shown() {
        for wrong in [
            "",
            "0123",
            &"0".repeat(63),
            &"A".repeat(64),
            &"g".repeat(64),
        ] {
            assert!(SeedText::of(wrong.into()).is_none(), "{wrong}");
            let text = format!(
                "apiVersion: nodebake/v1\nkind: Secrets\nsealingSeed: \"{wrong}\"\ntokens: {{}}\n"
            );
            let mut report = crate::report::Report::default();
            let store = TokenStore::parse(text.as_bytes(), "s", &mut report);
            assert!(
                report
                    .to_string()
                    .contains("s:3:14: sealingSeed: must be 64 digits"),
                "{report}"
            );
            assert!(wrong.len() < 60 || !report.to_string().contains(wrong));
            assert!(store.is_partial());
        }
        let ascending: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
        assert!(SeedText::of(ascending.as_str().into()).is_some());
    }
}
