//! Hides what looks like a secret in messages. Findings and errors repeat what the user wrote, and a secret may be
//! written where something else belongs: a bootstrap token pasted as a name, a private key as a URL.

use std::borrow::Cow;

/// What replaces the secret payload.
const HIDDEN: &str = "<hidden>";

/// The lengths of a bootstrap token's two halves (`[a-z0-9]{6}.[a-z0-9]{16}`, Kubernetes' cluster-bootstrap/token/api).
const TOKEN: (usize, usize) = (6, 16);
/// How an age identity begins (age's specification, "The X25519 recipient type").
const AGE_IDENTITY: &str = "AGE-SECRET-KEY-";
/// How the header of a JWT begins: `{"` in base64 (RFC 7519); service accounts' tokens are JWTs.
const JWT: &str = "eyJ";
/// How a block of PEM begins and ends (RFC 7468).
const PEM_BEGIN: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";

/// How hashes of passwords begin (crypt(5)); what follows is of these characters and has so many at least.
const HASHES: [&str; 9] = [
    "$y$", "$gy$", "$7$", "$2a$", "$2b$", "$2y$", "$6$", "$5$", "$1$",
];
const SHORTEST_HASH: usize = 20;

/// The text without bootstrap tokens' secrets, JWTs, age identities, hashes of passwords and private keys in PEM. A token's id stays: it is
/// no secret, and says which token is meant. A name with the form of a token is hidden too: better one name too many.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let text = without_hashes(without_keys(text));
    if !may_hold_token(&text) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = &*text;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        shown.push_str(&hide_word(&rest[..word]));
        let next = rest[word..]
            .find(is_word)
            .map_or(rest.len(), |at| word + at);
        shown.push_str(&rest[word..next]);
        rest = &rest[next..];
    }
    if shown == *text {
        text
    } else {
        Cow::Owned(shown)
    }
}

/// A cheap look, since nearly all messages hold nothing.
fn may_hold_token(text: &str) -> bool {
    text.contains('.') || text.contains(AGE_IDENTITY)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn hide_word(word: &str) -> Cow<'_, str> {
    if let Some(at) = word.find(AGE_IDENTITY) {
        return Cow::Owned(format!("{}{HIDDEN}", &word[..at + AGE_IDENTITY.len()]));
    }
    // A full stop may follow, or an ellipsis surround it.
    let trimmed = word.trim_matches('.');
    let parts: Vec<&str> = trimmed.split('.').collect();
    match parts[..] {
        [header, _, _] if header.starts_with(JWT) => Cow::Owned(word.replace(trimmed, HIDDEN)),
        [id, secret] if is_token(id, secret) => {
            Cow::Owned(word.replace(trimmed, &format!("{id}.{HIDDEN}")))
        }
        _ => Cow::Borrowed(word),
    }
}

fn is_token(id: &str, secret: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (id.len(), secret.len()) == TOKEN && plain(id) && plain(secret)
}

/// Of a hash its kind stays.
fn without_hashes(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_of_hash = |c: char| c.is_ascii_alphanumeric() || "./$=,-".contains(c);
    let mut shown = String::new();
    let mut rest = &*text;
    while let Some(at) = rest.find('$') {
        let found = HASHES.iter().find(|kind| rest[at..].starts_with(**kind));
        let end = at + found.map_or(1, |kind| kind.len());
        let length = rest[end..]
            .find(|c| !is_of_hash(c))
            .unwrap_or(rest.len() - end);
        shown.push_str(&rest[..end]);
        rest = &rest[end..];
        if found.is_some() && length >= SHORTEST_HASH {
            shown.push_str(HIDDEN);
            rest = &rest[length..];
        }
    }
    if rest.len() == text.len() {
        return text;
    }
    shown.push_str(rest);
    if shown == *text {
        text
    } else {
        Cow::Owned(shown)
    }
}

/// Private keys go from their first line to their last one, or to the end of the text if that is missing.
fn without_keys(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed("");
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find(PEM_BEGIN) {
        let begin = at + found;
        at = begin + PEM_BEGIN.len();
        let label = &text[at..];
        let is_other = label
            .find("-----")
            .is_some_and(|end| !label[..end].ends_with("PRIVATE KEY"));
        if !is_other {
            let shown = shown.to_mut();
            shown.push_str(&text[kept..begin]);
            shown.push_str("<private key hidden>");
            at = text.len() - end_of_key(label).len();
            kept = at;
        }
    }
    match kept {
        0 => Cow::Borrowed(text),
        _ => shown + &text[kept..],
    }
}

/// What follows a key whose label begins here.
fn end_of_key(label: &str) -> &str {
    let Some(end) = label.find(PEM_END) else {
        return "";
    };
    let last = &label[end + PEM_END.len()..];
    last.find("-----").map_or("", |dashes| &last[dashes + 5..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_passwords_are_hidden_and_their_kind_is_not() {
        let hash = "a".repeat(86);
        for (text, expected) in [
            (format!("got \"$6$saltsalt${hash}\""), "got \"$6$<hidden>\""),
            (
                format!("$y$j9T$salt.salt${} x", &hash[..43]),
                "$y$<hidden> x",
            ),
            ("costs $5$ or $6$".to_owned(), "costs $5$ or $6$"),
            ("${HOME} $$".to_owned(), "${HOME} $$"),
        ] {
            assert_eq!(redacted(&text), expected);
        }
    }

    #[test]
    fn secrets_are_hidden_wherever_they_are_written() {
        for (text, shown) in [
            (
                "\"abcdef.0123456789abcdef\" is not a version",
                "\"abcdef.<hidden>\" is not a version",
            ),
            ("token abcdef.0123456789abcdef.", "token abcdef.<hidden>."),
            ("ABCDEF.0123456789ABCDEF", "ABCDEF.<hidden>"),
            (
                "nodes[2].abcdef.0123456789abcdef",
                "nodes[2].abcdef.<hidden>",
            ),
            ("x=AGE-SECRET-KEY-1QQQQ; y", "x=AGE-SECRET-KEY-<hidden>; y"),
            ("Bearer eyJhbGci.eyJpc3Mi.c2ln-_ x", "Bearer <hidden> x"),
            (
                "a -----BEGIN RSA PRIVATE KEY----- MIIE -----END RSA PRIVATE KEY----- b",
                "a <private key hidden> b",
            ),
            (
                "a -----BEGIN PRIVATE KEY-----\nMIIE",
                "a <private key hidden>",
            ),
            ("-----BEGIN", "-----BEGIN"),
            (
                "-----BEGIN CERTIFICATE-----\nMIIC -----BEGIN PRIVATE KEY-----\nMIIE\n",
                "-----BEGIN CERTIFICATE-----\nMIIC <private key hidden>",
            ),
        ] {
            assert_eq!(redacted(text), shown);
        }
    }

    #[test]
    fn all_else_stays() {
        for text in [
            "",
            "error: cluster.yaml:14:9: nodes[2].taints: effect must be NoSchedule; write NoSchedule",
            "gpu-1.example.com, 10.20.4.11, v1.34.4, abcdef.<hidden>, é…",
            "worker.abcdef.0123456789abcdef",
            "begins with BEGIN PRIVATE KEY",
            "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n",
        ] {
            assert!(matches!(redacted(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
