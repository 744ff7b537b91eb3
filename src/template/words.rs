//! The words in the tags of a template, as Tera 2's lexer divides them (its `parsing/lexer.rs`): comments, `raw` and texts
//! in quotes have none. In: a template's text. Out: the words with their locations, up to where the lexer would stop with an
//! error; Tera then says what is wrong with the text.

/// A word of a tag.
pub struct Word<'a> {
    /// Its first byte.
    pub at: usize,
    /// Behind it.
    pub end: usize,
    /// What it is.
    pub is: Is<'a>,
}

/// What a word is.
#[derive(Clone, Copy, PartialEq)]
pub enum Is<'a> {
    /// `{{` or `{%`.
    Open {
        /// Whether it is `{{`.
        prints: bool,
    },
    /// `}}` or `%}`.
    Close,
    /// A name or a keyword.
    Name(&'a str),
    /// Any other character.
    Sign(u8),
    /// A text or a number.
    Constant,
}

/// The words of all tags.
pub fn words(text: &str) -> Vec<Word<'_>> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(open) = next_tag(bytes, at) {
        let end = match bytes.get(open + 1) {
            Some(b'#') => find(bytes, open + 2, b"#}").map(|end| end + 2),
            Some(b'%') if is_tag(bytes, open + 2, "raw").is_some() => end_of_raw(bytes, open),
            _ => tag(text, open, &mut words),
        };
        match end {
            Some(end) => at = end,
            None => break,
        }
    }
    words
}

/// Whether a text reads a key of a map: by its name, or by what is not known before it is rendered.
pub fn reads(text: &str, map: &str, key: &str) -> bool {
    let words = words(text);
    let is = |at: usize| words.get(at).map(|word| word.is);
    let quoted = |at: usize| words.get(at).and_then(|word| text.get(word.at..word.end));
    let reads = |at: usize| match (is(at + 1), is(at + 2)) {
        (Some(Is::Sign(b'.')), Some(Is::Name(name))) => name == key,
        (Some(Is::Sign(b'[')), Some(Is::Constant)) => {
            quoted(at + 2).is_some_and(|text| text.trim_matches(['"', '\'', '`']) == key)
        }
        _ => true,
    };
    let is_map = |at: usize| {
        let is_member = at > 0 && is(at - 1) == Some(Is::Sign(b'.'));
        is(at) == Some(Is::Name(map)) && !is_member
    };
    (0..words.len()).any(|at| is_map(at) && reads(at))
}

fn next_tag(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let found = rest
        .windows(2)
        .position(|two| matches!(two, b"{{" | b"{%" | b"{#"));
    found.map(|found| from + found)
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let mut parts = bytes.get(from..)?.windows(what.len());
    let found = parts.position(|part| part == what);
    found.map(|found| from + found)
}

/// The end of a tag that is `name` alone, like `{% raw -%}`, from behind its `{%`.
fn is_tag(bytes: &[u8], from: usize, name: &str) -> Option<usize> {
    let skip = |at: usize| {
        let rest = bytes.get(at..)?;
        Some(at + rest.len() - rest.trim_ascii_start().len())
    };
    let minus = |at: usize| at + usize::from(bytes.get(at) == Some(&b'-'));
    let at = skip(minus(from))?;
    let rest = bytes.get(at..)?.strip_prefix(name.as_bytes())?;
    let at = minus(skip(bytes.len() - rest.len())?);
    (bytes.get(at..at + 2)? == b"%}").then_some(at + 2)
}

fn end_of_raw(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = is_tag(bytes, open + 2, "raw")?;
    loop {
        at = find(bytes, at, b"{%")? + 2;
        if let Some(end) = is_tag(bytes, at, "endraw") {
            return Some(end);
        }
    }
}

/// Reads one tag into words; its end.
fn tag<'a>(text: &'a str, open: usize, words: &mut Vec<Word<'a>>) -> Option<usize> {
    let bytes = text.as_bytes();
    let prints = bytes.get(open + 1) == Some(&b'{');
    let close: &[u8] = if prints { b"}}" } else { b"%}" };
    let mut at = open + 2 + usize::from(bytes.get(open + 2) == Some(&b'-'));
    let is = Is::Open { prints };
    words.push(Word {
        at: open,
        end: at,
        is,
    });
    loop {
        let rest = bytes.get(at..)?;
        let blanks = rest.len() - rest.trim_ascii_start().len();
        at += blanks;
        let (length, is) = word(text, at, close)?;
        let end = at + length;
        words.push(Word { at, end, is });
        at = end;
        if is == Is::Close {
            return Some(at);
        }
    }
}

/// The word that begins here, and its length.
fn word<'a>(text: &'a str, at: usize, close: &[u8]) -> Option<(usize, Is<'a>)> {
    let rest = text.as_bytes().get(at..)?;
    let counted = |fits: fn(&u8) -> bool| rest.iter().take_while(|byte| fits(byte)).count();
    Some(match *rest.first()? {
        b'-' if rest.get(1..3) == Some(close) => (3, Is::Close),
        _ if rest.get(..2) == Some(close) => (2, Is::Close),
        b'"' | b'\'' | b'`' => (quoted(rest)?, Is::Constant),
        b if b.is_ascii_digit() => (counted(|b| b.is_ascii_digit() || *b == b'.'), Is::Constant),
        b if b.is_ascii_alphabetic() || b == b'_' => {
            let length = counted(|b| b.is_ascii_alphanumeric() || *b == b'_');
            (length, Is::Name(text.get(at..at + length)?))
        }
        b if b.is_ascii() => (1, Is::Sign(b)),
        _ => return None,
    })
}

fn quoted(rest: &[u8]) -> Option<usize> {
    let quote = *rest.first()?;
    let mut escaped = false;
    let end = rest.iter().skip(1).position(|byte| {
        let ends = *byte == quote && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map(|end| end + 2)
}
