//! A file's content as the `content:` (and `encoding:`) lines of a `write_files` item.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::payload::gzip::Gzip;

/// How far the lines of a block are indented: below `content:`, which is inside a list item.
const INDENT: &str = "    ";

/// The lines for bytes in memory: a block that people can read where every YAML reader gives the same bytes back, else
/// the smaller of base64 and base64 of gzip.
pub fn lines(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok("") => "  content: \"\"\n".to_owned(),
        Ok(text) if fits_block(text) => block(text),
        _ => encoded(bytes),
    }
}

/// The lines in whichever form is the smallest.
pub fn smallest(bytes: &[u8]) -> String {
    let (readable, packed) = (lines(bytes), encoded(bytes));
    if packed.len() < readable.len() {
        packed
    } else {
        readable
    }
}

/// Whether a literal block holds the text exactly. Line breaks other than LF would be normalised (CR, NEL, LS, PS),
/// other controls and byte order marks are refused, and a text of line breaks only has no line to indent by.
fn fits_block(text: &str) -> bool {
    text.bytes().any(|byte| byte != b'\n')
        && text.chars().all(|c| match c {
            '\n' | '\t' | ' '..='~' => true,
            '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
            '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => true,
            _ => false,
        })
}

fn block(text: &str) -> String {
    let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let mut out = String::with_capacity(text.len() + lines * INDENT.len() + 16);
    out.push_str("  content: |");
    if text.starts_with([' ', '\t', '\n']) {
        // A reader takes the first line's indentation for the block's, unless it is told (YAML 1.1, 9.2.1); the
        // indicator counts from the list item, two columns in.
        out.push('2');
    }
    let body = text.trim_end_matches('\n');
    match text.len() - body.len() {
        0 => out.push('-'),
        1 => {}
        _ => out.push('+'),
    }
    out.push('\n');
    for line in body.split('\n') {
        if !line.is_empty() {
            out.push_str(INDENT);
            out.push_str(line);
        }
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(
        '\n',
        (text.len() - body.len()).saturating_sub(1),
    ));
    out
}

fn encoded(bytes: &[u8]) -> String {
    let packed = Gzip::new().pack(bytes);
    let (encoding, bytes) = if packed.len() < bytes.len() {
        ("gz+b64", &packed[..])
    } else {
        ("b64", bytes)
    };
    let mut out = format!("  encoding: {encoding}\n  content: \"");
    STANDARD.encode_string(bytes, &mut out);
    out.push_str("\"\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_text_is_a_block() {
        for (text, expected) in [
            ("a\nb\n", "  content: |\n    a\n    b\n"),
            ("a\n\n b", "  content: |-\n    a\n\n     b\n"),
            ("a\n\n\n", "  content: |+\n    a\n\n\n"),
            ("  a\n", "  content: |2\n      a\n"),
            ("", "  content: \"\"\n"),
        ] {
            assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn what_yaml_would_change_is_encoded() {
        for bytes in [
            &b"a\r\n"[..],
            b"\n\n",
            b"a\0",
            b"\xff",
            "a\u{85}".as_bytes(),
            "a\u{2028}b".as_bytes(),
            "\u{feff}a".as_bytes(),
            b"\x7f",
        ] {
            assert!(lines(bytes).starts_with("  encoding: b64\n"), "{bytes:?}");
        }
        assert!(lines(&[0; 500]).starts_with("  encoding: gz+b64\n"));
    }
}
