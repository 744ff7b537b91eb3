//! Pieces of sentences and of command lines that several rooms write.

use std::fmt::Display;

/// `1 node`, `2 nodes`, `3 entries`. All numbers of things in messages are written by it, or by those below.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    if count == N::from(1) {
        return format!("1 {what}");
    }
    match what.strip_suffix('y') {
        Some(start) if !start.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {start}ies"),
        _ if what.ends_with('s') => format!("{count} {what}es"),
        _ => format!("{count} {what}s"),
    }
}

/// `1 node is`, `2 nodes are`.
pub fn are(count: usize, what: &str) -> String {
    let verb = if count == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(count, what))
}

/// `1 node has`, `2 nodes have`.
pub fn have(count: usize, what: &str) -> String {
    let verb = if count == 1 { "has" } else { "have" };
    format!("{} {verb}", counted(count, what))
}

/// `a, b, c`, or `a, b and 7 more` where only `most` are named.
pub fn named(names: &[String], most: usize) -> String {
    let first = names.get(..most).unwrap_or(names).join(", ");
    match names.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A word for `sh`, whatever it holds: in single quotes all but the quote itself is literal.
pub fn shell_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_are_cut_and_numbers_agree() {
        let names: Vec<String> = (0..10).map(|n| format!("n{n}")).collect();
        assert_eq!(named(&names[..2], 8), "n0, n1");
        assert_eq!(named(&names[..8], 8).matches(',').count(), 7);
        assert!(named(&names, 8).ends_with("n7 and 2 more"));
        assert_eq!(named(&[], 8), "");
        assert_eq!(
            (counted(1, "node"), counted(0, "node")),
            ("1 node".into(), "0 nodes".into())
        );
        for (count, what, written) in [
            (1_u64, "entry", "1 entry"),
            (2, "entry", "2 entries"),
            (2, "key", "2 keys"),
            (2, "address", "2 addresses"),
        ] {
            assert_eq!(counted(count, what), written);
        }
        assert_eq!(
            are(1, "node") + ", " + &are(2, "node"),
            "1 node is, 2 nodes are"
        );
        assert_eq!(
            have(1, "node") + ", " + &have(0, "node"),
            "1 node has, 0 nodes have"
        );
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
    }
}
