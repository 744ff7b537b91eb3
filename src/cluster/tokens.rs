//! The Secrets that make the API server know the tokens, one document each in one file: 10,000 small files would
//! weigh on every later step (digests, media, `kubectl create`) and give nothing, as one command takes them all.

use std::io::Write;

use anyhow::Context;
use zeroize::Zeroize;

use crate::cluster::ClusterObjects;
use crate::error::Result;
use crate::secrets::Token;
use crate::timing::rfc3339;
use crate::yaml::push_quoted;

/// Writes the Secrets of all tokens in the order given; what is held in memory is one document. The file is secret.
pub fn write_tokens<'a>(
    out: &mut dyn Write,
    objects: &ClusterObjects,
    tokens: impl IntoIterator<Item = (&'a str, &'a Token)>,
) -> Result<()> {
    let mut document = String::with_capacity(1024);
    for (node, token) in tokens {
        document.clear();
        push_token_secret(&mut document, objects, node, token)?;
        out.write_all(document.as_bytes())?;
    }
    document.zeroize();
    Ok(())
}

/// Appends the Secret of one node's token as a YAML document. All values are strings to the API server, so all are
/// quoted: an id like 1e3456 is else a number.
pub fn push_token_secret(
    text: &mut String,
    objects: &ClusterObjects,
    node: &str,
    token: &Token,
) -> Result<()> {
    let expires =
        rfc3339(token.ends()).context("writing a token Secret: it expires beyond the year 9999")?;
    text.push_str("---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: bootstrap-token-");
    text.push_str(&token.id);
    text.push_str("\n  namespace: kube-system\ntype: bootstrap.kubernetes.io/token\nstringData:\n");
    push_field(text, "token-id", &token.id);
    push_field(text, "token-secret", token.secret.expose());
    push_field(text, "expiration", &expires);
    for usage in &objects.usages {
        text.push_str("  usage-bootstrap-");
        text.push_str(usage.name());
        text.push_str(": \"true\"\n");
    }
    let groups = objects.groups.extra(node);
    if !groups.is_empty() {
        push_field(text, "auth-extra-groups", &groups.join(","));
    }
    if !token.description.is_empty() {
        push_field(text, "description", &token.description);
    }
    Ok(())
}

fn push_field(text: &mut String, key: &str, value: &str) {
    text.push_str("  ");
    text.push_str(key);
    text.push_str(": ");
    push_quoted(text, value);
    text.push('\n');
}
