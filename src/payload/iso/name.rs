//! The names of files in an image: short ones of the least common kind, and Joliet's.

use std::collections::BTreeSet;

/// The longest Joliet name, in UCS-2 characters.
const LONGEST: usize = 64;
/// A record has at most 255 bytes, with a short name and Rock Ridge's fields beside this one.
const LONGEST_BYTES: usize = 128;

/// Why an image cannot hold a file of this name.
pub fn flaw(name: &str) -> Option<&'static str> {
    if name.is_empty() || name == "." || name == ".." {
        return Some("that is not the name of a file");
    }
    if name.contains(|c: char| c.is_control() || "*/:;?\\".contains(c)) {
        return Some("Joliet has no control characters and none of * / : ; ? \\ in a name");
    }
    if name.chars().any(|c| u32::from(c) > 0xffff) {
        return Some("Joliet has only characters up to U+FFFF in a name");
    }
    if name.chars().count() > LONGEST {
        return Some("Joliet's names have at most 64 characters");
    }
    (name.len() > LONGEST_BYTES)
        .then_some("the name has more than 128 bytes, which no record has room for")
}

/// The name in UCS-2, with the version that ECMA-119 wants of each file.
pub fn joliet(name: &str) -> Vec<u8> {
    let name = format!("{name};1");
    name.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Names of level 1: eight and three of A-Z, 0-9 and _, different from one another.
pub fn short_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    names
        .map(|name| {
            let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
            let (stem, end) = (letters(stem, 8), letters(end, 3));
            let numbered = (1u32..).map(|number| {
                let number = number.to_string();
                let kept = stem.len().min(8 - number.len());
                format!("{}{number}", &stem[..kept])
            });
            let mut tried = std::iter::once(stem.clone()).chain(numbered);
            let short = tried
                .find(|stem| !taken.contains(&(stem.clone(), end.clone())))
                .unwrap_or_default();
            let name = format!("{short}.{end};1");
            taken.insert((short, end));
            name
        })
        .collect()
}

fn letters(text: &str, most: usize) -> String {
    let letter = |c: char| match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9') => c,
        _ => '_',
    };
    text.chars().map(letter).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_differ() {
        let names = ["user-data", "user-data.secrets", "user-dat-2", "a.b.c", ""];
        assert_eq!(
            short_names(names.into_iter()),
            [
                "USER_DAT.;1",
                "USER_DAT.SEC;1",
                "USER_DA1.;1",
                "A_B.C;1",
                ".;1"
            ]
        );
    }

    #[test]
    fn what_an_image_cannot_hold_is_known() {
        for good in ["user-data", "żółć", &"x".repeat(64)] {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in [
            "",
            "..",
            "a/b",
            "a:b",
            "a\n",
            "🦀",
            &"x".repeat(65),
            &"節".repeat(43),
        ] {
            assert!(flaw(bad).is_some(), "{bad}");
        }
    }
}
