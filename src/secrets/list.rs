//! `token list`: the columns of `kubeadm token list` in its order and widths, then the node; or JSON.

use std::fmt::Write;

use serde::Serialize;
use time::OffsetDateTime;

use crate::columns::table;
use crate::error::Result;
use crate::model::TokenUsage;
use crate::secrets::{CreatedToken, Token, TokenStore};
use crate::timing::{rfc3339, short_human};

/// kubeadm's columns. The node comes last, so that scripts that count from the left go on working.
const COLUMNS: [&str; 7] = [
    "TOKEN",
    "TTL",
    "EXPIRES",
    "USAGES",
    "DESCRIPTION",
    "EXTRA GROUPS",
    "NODE",
];
/// kubeadm's `tabwriter.NewWriter(writer, 10, 4, 3, ' ', 0)`: cells are padded by 3, to at least 10.
const PADDING: usize = 3;
const NARROWEST: usize = 10;

/// What `token list` prints.
pub struct Listing<'a> {
    /// The tokens.
    pub store: &'a TokenStore,
    /// What the tokens may do.
    pub usages: &'a [TokenUsage],
    /// The extra groups of a node's tokens, in the order of the Secret.
    pub groups: &'a dyn Fn(&str) -> Vec<String>,
    /// The time by which "TTL" is counted.
    pub now: OffsetDateTime,
    /// Print the secrets too.
    pub reveal: bool,
}

/// What `token create` prints for people.
pub fn created_text(created: &[CreatedToken]) -> String {
    if created.is_empty() {
        return "every node has a good token; nothing was created\n".to_owned();
    }
    let mut text = String::new();
    for CreatedToken { node, id, expires } in created {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{node}: created {id}, good until {}",
            rfc3339(*expires).unwrap_or_default()
        );
    }
    text
}

/// A token for programs.
#[derive(Serialize)]
struct TokenRow<'a> {
    node: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    epoch: u32,
    created: Option<String>,
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    valid: bool,
    usages: Vec<&'static str>,
    groups: Vec<String>,
    description: &'a str,
}

impl Listing<'_> {
    /// The table for people. It ends with a line break.
    pub fn to_text(&self) -> String {
        let mut rows = vec![COLUMNS.map(str::to_owned)];
        rows.extend(self.tokens().map(|(node, token)| self.cells(node, token)));
        table(&rows, PADDING, NARROWEST)
    }

    /// A JSON array for programs, with a line break at the end.
    pub fn to_json(&self) -> Result<String> {
        let rows: Vec<TokenRow<'_>> = self
            .tokens()
            .map(|(node, token)| self.row(node, token))
            .collect();
        let mut text = serde_json::to_string_pretty(&rows)?;
        text.push('\n');
        Ok(text)
    }

    fn tokens(&self) -> impl Iterator<Item = (&str, &Token)> {
        let nodes = self.store.iter();
        nodes.flat_map(|(node, tokens)| tokens.iter().map(move |token| (node, token)))
    }

    fn shown(&self, token: &Token) -> String {
        if self.reveal {
            token.bearer().expose().to_owned()
        } else {
            token.hidden()
        }
    }

    fn cells(&self, node: &str, token: &Token) -> [String; COLUMNS.len()] {
        let usages: Vec<&str> = self.usages.iter().map(|usage| usage.name()).collect();
        let ttl = match token.revoked {
            Some(_) => "<revoked>".to_owned(),
            None => short_human((token.ends() - self.now).whole_seconds()),
        };
        [
            self.shown(token),
            ttl,
            rfc3339(token.ends()).unwrap_or_default(),
            or_none(usages.join(",")),
            or_none(one_line(&token.description)),
            or_none((self.groups)(node).join(",")),
            node.to_owned(),
        ]
    }

    fn row<'a>(&self, node: &'a str, token: &'a Token) -> TokenRow<'a> {
        TokenRow {
            node,
            id: &token.id,
            token: self.reveal.then(|| self.shown(token)),
            epoch: token.epoch,
            created: rfc3339(token.created),
            expires: rfc3339(token.expires),
            until: token.until.and_then(rfc3339),
            revoked: token.revoked.and_then(rfc3339),
            valid: token.is_valid(self.now),
            usages: self.usages.iter().map(|usage| usage.name()).collect(),
            groups: (self.groups)(node),
            description: &token.description,
        }
    }
}

/// kubeadm's word for an empty cell.
fn or_none(cell: String) -> String {
    if cell.is_empty() {
        "<none>".to_owned()
    } else {
        cell
    }
}

/// A description may hold anything; a table's cell may not break lines or steer the terminal.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn store() -> TokenStore {
        let mut store = TokenStore::new("secrets.yaml");
        for (node, id, hours) in [
            ("zhangjun-k8s-01", "ta7onm", 24),
            ("zhangjun-k8s-02", "2sb8wy", -1),
        ] {
            let created = datetime!(2020-02-07 07:36:30 UTC);
            let token = Token {
                id: id.into(),
                secret: "0123456789abcdef".into(),
                epoch: 1,
                created: created - time::Duration::DAY,
                expires: created + time::Duration::hours(hours),
                description: "kubelet-bootstrap-token".into(),
                until: None,
                revoked: None,
                location: None,
            };
            store.nodes.insert(node.into(), vec![token]);
        }
        store
    }

    fn listing<'a>(store: &'a TokenStore, reveal: bool) -> Listing<'a> {
        Listing {
            store,
            usages: TokenUsage::ALL,
            groups: &|node| vec![format!("system:bootstrappers:{node}")],
            now: datetime!(2020-02-07 07:37 UTC),
            reveal,
        }
    }

    /// The header and the rows of the reference procedure, but for the hidden secret, UTC and the node.
    #[test]
    fn the_table_is_kubeadms() {
        let text = listing(&store(), false).to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "TOKEN             TTL         EXPIRES                USAGES                   DESCRIPTION               EXTRA GROUPS                           NODE",
                "ta7onm.<hidden>   23h         2020-02-08T07:36:30Z   authentication,signing   kubelet-bootstrap-token   system:bootstrappers:zhangjun-k8s-01   zhangjun-k8s-01",
                "2sb8wy.<hidden>   <invalid>   2020-02-07T06:36:30Z   authentication,signing   kubelet-bootstrap-token   system:bootstrappers:zhangjun-k8s-02   zhangjun-k8s-02",
            ]
        );
    }

    #[test]
    fn secrets_show_only_when_asked_for() {
        let store = store();
        for reveal in [false, true] {
            let listing = listing(&store, reveal);
            assert_eq!(
                listing.to_text().contains("ta7onm.0123456789abcdef"),
                reveal
            );
            assert_eq!(
                listing.to_json().unwrap().contains("0123456789abcdef"),
                reveal
            );
        }
    }
}
