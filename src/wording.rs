//! Pieces of sentences and of command lines that several rooms write.

/// `1 node`, `2 nodes`.
pub fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
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
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
    }
}
