//! What strangers wrote, on its way to a terminal.

/// A foreign text on one line: what would move the cursor, hide, or turn the direction of writing is escaped, since it may
/// make a path or a name look like another one.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        match c.is_control() || hides {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_or_hides_is_escaped_and_the_rest_stays() {
        assert_eq!(shown("a b/ł 🔑\\'\""), "a b/ł 🔑\\'\"");
        for c in "\u{1b}\u{7}\u{7f}\u{9b}\n\r\t\u{200b}\u{200e}\u{2028}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}".chars() {
            let said = shown(&format!("a{c}b"));
            assert!(said.len() > 3 && !said.contains(c), "{said}");
        }
    }
}
