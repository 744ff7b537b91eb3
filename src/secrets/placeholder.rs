//! Tokens for those who may not see the real ones, such as a pipeline that checks changes of strangers: placeholders, and
//! tokens as a bundle has them. Nothing that is published is built with either: `build` cannot ask for them.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::macros::datetime;

use crate::secrets::{Token, TokenStore, is_id, is_secret};
use crate::timing::parse_rfc3339;

/// The secret of every placeholder: valid in form, and plainly no token's.
const SECRET: &str = "notarealtoken000";
/// They end with the years that RFC 3339 can write, so that nothing else ends because of them.
const NEVER: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);

impl TokenStore {
    /// The tokens that are known of each node, and a placeholder for each node of which none is. Their ends are not checked.
    pub fn placeholders<'n>(
        nodes: impl IntoIterator<Item = &'n str>,
        known: &BTreeMap<String, Vec<Token>>,
    ) -> Self {
        let mut store = Self::new("--no-tokens");
        store.is_placeholder = true;
        let taken = known.values().flatten().map(|token| token.id.as_str());
        let taken: std::collections::HashSet<&str> = taken.collect();
        let mut ids = (0..).map(id).filter(|id| !taken.contains(id.as_str()));
        for node in nodes {
            let tokens = match known.get(node) {
                Some(tokens) => tokens.clone(),
                None => ids
                    .next()
                    .map(|id| token(&id, SECRET.into(), NEVER))
                    .into_iter()
                    .collect(),
            };
            store.nodes.insert(node.to_owned(), tokens);
        }
        store
    }
}

/// `x00000` and so on, with digits of base 36.
fn id(number: u32) -> String {
    let digit = |place: u32| char::from_digit(number / 36_u32.pow(place) % 36, 36).unwrap_or('0');
    std::iter::once('x')
        .chain((0..5).rev().map(digit))
        .collect()
}

fn token(id: &str, secret: crate::secrets::Secret, expires: OffsetDateTime) -> Token {
    Token {
        id: id.to_owned(),
        secret,
        epoch: 1,
        created: OffsetDateTime::UNIX_EPOCH,
        expires,
        description: String::new(),
        until: None,
        revoked: None,
        location: None,
    }
}

/// The tokens of a bundle, by node, from the Secrets that it has for the API server, in the order of its manifests: where a
/// token was rotated, the older ones go before the one that `newest` names.
pub fn of_secrets(secrets: &str, newest: &BTreeMap<&str, &str>) -> BTreeMap<String, Vec<Token>> {
    let mut known = BTreeMap::new();
    let mut waiting: Vec<Token> = Vec::new();
    for document in secrets.split("---\n") {
        let field = |key: &str| {
            let line = document.lines().find_map(|line| {
                line.strip_prefix("  ")?
                    .strip_prefix(key)?
                    .strip_prefix(": ")
            });
            line.map(|value| value.trim_matches('"'))
        };
        let (Some(id), Some(secret)) = (field("token-id"), field("token-secret")) else {
            continue;
        };
        let Some(expires) = field("expiration").and_then(parse_rfc3339) else {
            continue;
        };
        if !is_id(id) || !is_secret(secret) {
            continue;
        }
        let mut token = token(id, secret.to_owned().into(), expires);
        token.description = field("description").unwrap_or_default().to_owned();
        waiting.push(token);
        if let Some(node) = newest.get(id) {
            let mut tokens = std::mem::take(&mut waiting);
            if let Some((_, older)) = tokens.split_last_mut() {
                older
                    .iter_mut()
                    .for_each(|token| token.until = Some(token.expires));
            }
            known.insert((*node).to_owned(), tokens);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_valid_in_form_different_and_the_same_each_time() {
        let nodes: Vec<String> = (0..2000).map(|n| format!("n{n}")).collect();
        let store = TokenStore::placeholders(nodes.iter().map(String::as_str), &BTreeMap::new());
        let ids: std::collections::BTreeSet<&str> = store
            .iter()
            .map(|(_, tokens)| tokens[0].id.as_str())
            .collect();
        assert_eq!(ids.len(), nodes.len());
        assert!(ids.iter().all(|id| is_id(id)) && is_secret(SECRET));
        assert_eq!(
            store.newest("n0").map(|token| token.id.as_str()),
            Some("x00000")
        );
    }
}
