//! SHA256SUMS: the grammar of coreutils' `sha256sum`, written sorted and read strictly.

use crate::model::{Sha256Digest, hex, unhex};

/// The longest SHA256SUMS that is read, in bytes: some 600,000 files.
pub const SUMS_LIMIT: u64 = 64 * 1024 * 1024;

/// Checks a path inside a bundle; the error is the rule that it breaks. Names that `sha256sum` would escape are left
/// out, so every line has its path at the same column and shell lines may cut there.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.len() > 1024 {
        return Err("a path in a bundle must be at most 1024 bytes");
    }
    if path.starts_with('/') {
        return Err("a path in a bundle must be relative");
    }
    if path.contains(|c: char| c.is_control() || c == '\\') {
        return Err("a path in a bundle must not hold control characters or backslashes");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("a path in a bundle must not hold empty components"),
            "." | ".." => return Err("a path in a bundle must not hold '.' or '..'"),
            part if part.len() > 255 => return Err("a path component must be at most 255 bytes"),
            _ => {}
        }
    }
    Ok(())
}

/// Appends one line; the path is one that [`check_path`] passed.
pub fn write_line(out: &mut String, path: &str, sha256: &Sha256Digest) {
    out.push_str(&hex(sha256));
    out.push_str("  ");
    out.push_str(path);
    out.push('\n');
}

/// The digests of a bundle, sorted by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sums {
    lines: Vec<(Box<str>, Sha256Digest)>,
}

impl Sums {
    /// Reads the whole file; the errors name lines (1-based) and rules. Order is part of the grammar: it leaves no room
    /// for a path that is listed twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<String>> {
        let text = std::str::from_utf8(bytes).map_err(|_| vec!["is not UTF-8".to_owned()])?;
        let mut sums = Self::default();
        let mut wrong = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            match parse_line(line) {
                Ok((path, _)) if sums.lines.last().is_some_and(|last| *last.0 >= *path) => {
                    wrong.push(format!("line {}: is out of order or repeated", index + 1));
                }
                Ok(line) => sums.lines.push(line),
                Err(rule) => wrong.push(format!("line {}: {rule}", index + 1)),
            }
            if wrong.len() >= 100 {
                break;
            }
        }
        if wrong.is_empty() {
            Ok(sums)
        } else {
            Err(wrong)
        }
    }

    /// A list of these files, in any order.
    pub fn of(files: impl Iterator<Item = (Box<str>, Sha256Digest)>) -> Self {
        let mut lines: Vec<_> = files.collect();
        lines.sort_unstable();
        Self { lines }
    }

    /// All lines in order.
    pub fn lines(&self) -> &[(Box<str>, Sha256Digest)] {
        &self.lines
    }

    /// The place of a path in [`Self::lines`].
    pub fn position(&self, path: &str) -> Option<usize> {
        self.lines
            .binary_search_by(|(line, _)| (**line).cmp(path))
            .ok()
    }

    /// The digest listed for a path.
    pub fn get(&self, path: &str) -> Option<&Sha256Digest> {
        self.position(path).map(|index| &self.lines[index].1)
    }

    /// Whether any listed path is below a directory.
    pub fn has_below(&self, directory: &str) -> bool {
        let start = format!("{directory}/");
        let index = self.lines.partition_point(|(path, _)| **path < *start);
        self.lines
            .get(index)
            .is_some_and(|(path, _)| path.starts_with(&start))
    }
}

fn parse_line(line: &str) -> Result<(Box<str>, Sha256Digest), &'static str> {
    let line = line.strip_suffix('\n').ok_or("must end in a line feed")?;
    let (digits, path) = line
        .split_at_checked(64)
        .ok_or("must hold 64 hexadecimal digits")?;
    let digest = unhex(digits).ok_or("must hold 64 lower-case hexadecimal digits")?;
    let path = path
        .strip_prefix("  ")
        .ok_or("must have two spaces between digest and path")?;
    check_path(path)?;
    if path.starts_with(crate::manifest::SUMS) {
        return Err("must not list SHA256SUMS or its signatures");
    }
    Ok((path.into(), digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    #[test]
    fn what_is_written_reads_back() {
        let mut text = String::new();
        for path in [" a", "a*b", "c/d é"] {
            check_path(path).expect("good");
            write_line(&mut text, path, &[0xab; 32]);
        }
        let sums = Sums::parse(text.as_bytes()).expect("our own");
        assert_eq!(sums.lines().len(), 3);
        assert_eq!(sums.get("a*b"), Some(&[0xab; 32]));
        assert!(sums.has_below("c") && !sums.has_below("a") && !sums.has_below("c/d é"));
    }

    #[test]
    fn every_breach_of_the_grammar_is_refused() {
        for bad in [
            format!("{ZERO}  a"),
            format!("{ZERO} *a\n"),
            format!("{ZERO} a\n"),
            format!("{ZERO}  /a\n"),
            format!("{ZERO}  ../a\n"),
            format!("{ZERO}  a/../b\n"),
            format!("{ZERO}  a//b\n"),
            format!("{ZERO}  ./a\n"),
            format!("{ZERO}  \n"),
            format!("{ZERO}  a\r\n"),
            format!("\\{ZERO}  a\\nb\n"),
            format!("\\{ZERO}  a\\xb\n"),
            format!("{ZERO}  a\\b\n"),
            format!("{ZERO}  b\n{ZERO}  a\n"),
            format!("{ZERO}  a\n{ZERO}  a\n"),
            format!("{ZERO}  SHA256SUMS\n"),
            format!("{ZERO}  SHA256SUMS.sig\n"),
            format!("{}  a\n", ZERO.replace('0', "A")),
            format!("{}  a\n", &ZERO[1..]),
            "\n".into(),
            "# comment\n".into(),
            format!("{}é  a\n", &ZERO[1..]),
        ] {
            assert!(Sums::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Sums::parse(b"\xff\n").is_err());
        assert!(
            Sums::parse(b"")
                .expect("nothing is fine")
                .lines()
                .is_empty()
        );
    }
}
