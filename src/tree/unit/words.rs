//! Words of a value as systemd splits them (src/basic/extract-word.c): blanks, quotes, escapes; and specifiers.

/// What follows `%` (systemd.unit(5), "Specifiers", up to release 262).
const SPECIFIERS: &str = "aAbBCdDEfgGhHiIjJlLmMnNoOpPqsStTuUvVwWyY%";

/// One word, unquoted, with its location in the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Without quotes and escapes.
    pub text: String,
    /// Where it begins, in bytes.
    pub at: usize,
}

/// The words of a value; none where it cannot be split.
pub fn texts(value: &str) -> Vec<String> {
    let words = split(value).unwrap_or_default().into_iter();
    words.map(|word| word.text).collect()
}

/// Splits a value; the error is where and why that cannot be done.
pub fn split(value: &str) -> Result<Vec<Word>, (usize, String)> {
    let mut words = Vec::new();
    let mut rest = value.char_indices().peekable();
    loop {
        while rest.next_if(|(_, c)| c.is_ascii_whitespace()).is_some() {}
        let Some(&(at, _)) = rest.peek() else {
            return Ok(words);
        };
        let mut text = String::new();
        let mut quote: Option<(char, usize)> = None;
        while let Some(&(here, c)) = rest.peek() {
            if quote.is_none() && c.is_ascii_whitespace() {
                break;
            }
            rest.next();
            match (c, quote) {
                ('\\', _) => {
                    let (length, c) = escape(&value[here + 1..]).map_err(|rule| (here, rule))?;
                    text.push(c);
                    for _ in 0..length {
                        rest.next();
                    }
                }
                (c, Some((open, _))) if c == open => quote = None,
                ('"' | '\'', None) => quote = Some((c, here)),
                _ => text.push(c),
            }
        }
        if let Some((open, at)) = quote {
            return Err((at, format!("the quote {open} is not closed")));
        }
        words.push(Word { text, at });
    }
}

/// The words of a value as they were written, quotes and escapes too; the whole value where it cannot be split.
pub fn raw_words(value: &str) -> Vec<&str> {
    let Ok(words) = split(value) else {
        return vec![value.trim()];
    };
    let ends = words.iter().skip(1).map(|word| word.at);
    let ends = ends.chain([value.len()]);
    let raw = words
        .iter()
        .zip(ends)
        .map(|(word, end)| value[word.at..end].trim_end());
    raw.collect()
}

/// What an escape stands for, and how many characters follow its backslash. Numbers stand for one harmless character:
/// only where words begin and end matters here.
fn escape(rest: &str) -> Result<(usize, char), String> {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return Err("ends in a backslash".to_owned());
    };
    let digits = |count: usize, radix: u32| {
        let digits: Vec<char> = rest.chars().skip(count.min(1)).take(count).collect();
        digits.len() == count && digits.iter().all(|c| c.is_digit(radix))
    };
    let octal = rest.chars().take(3).filter(|c| c.is_digit(8)).count() == 3;
    match first {
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' => Ok((1, ' ')),
        's' => Ok((1, ' ')),
        '\\' | '"' | '\'' | ';' => Ok((1, first)),
        'x' if digits(2, 16) => Ok((3, '?')),
        'u' if digits(4, 16) => Ok((5, '?')),
        'U' if digits(8, 16) => Ok((9, '?')),
        '0'..='7' if octal => Ok((3, '?')),
        other => Err(format!("\\{other} is not an escape sequence")),
    }
}

/// The first `%` with a letter or digit that means nothing: where, and which. Before anything else a percent sign
/// is one (src/shared/specifier.c).
pub fn unknown_specifier(value: &str) -> Option<(usize, char)> {
    let mut chars = value.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '%'
            && let Some((_, letter)) = chars.next()
            && letter.is_ascii_alphanumeric()
            && !SPECIFIERS.contains(letter)
        {
            return Some((at, letter));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_like_systemd_does() {
        let texts = |value| {
            let words = split(value).expect(value);
            words.into_iter().map(|word| word.text).collect::<Vec<_>>()
        };
        assert_eq!(texts("a  'b c' \"d\"e\tf\\x20g"), ["a", "b c", "de", "f?g"]);
        assert_eq!(texts("A=\"x\\\"y\" ''"), ["A=x\"y", ""]);
        assert!(texts("  ").is_empty());
        for (value, at, part) in [
            ("a 'b", 2, "not closed"),
            ("a \\", 2, "backslash"),
            ("a\\q", 1, "not an escape"),
            ("\\xz0", 0, "not an escape"),
        ] {
            let (seen, rule) = split(value).expect_err(value);
            assert!(seen == at && rule.contains(part), "{value}: {seen} {rule}");
        }
    }

    #[test]
    fn words_keep_their_quotes() {
        let raw = raw_words("  /x  \"--a=b c\"   --d='e' \\; $F ");
        assert_eq!(raw, ["/x", "\"--a=b c\"", "--d='e'", "\\;", "$F"]);
        assert_eq!(raw_words(" /x 'y "), ["/x 'y"]);
    }

    #[test]
    fn specifiers_are_known_by_their_letter() {
        for good in ["%i-%H", "100%%", "50%", "20% of %%z", "%"] {
            assert_eq!(unknown_specifier(good), None, "{good}");
        }
        assert_eq!(unknown_specifier("a %% %z"), Some((5, 'z')));
        assert_eq!(unknown_specifier("+%F"), Some((1, 'F')));
    }
}
