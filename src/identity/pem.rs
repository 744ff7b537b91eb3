//! PEM as Go's `encoding/pem` reads it, with the line of each block: text around the blocks is ignored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block.
pub struct Block<'a> {
    /// What is between `BEGIN` and the dashes, like `CERTIFICATE`.
    pub label: &'a str,
    /// 1-based line of `BEGIN`.
    pub line: u32,
    /// The lines in between, or `None` if no `END` of the same label follows.
    body: Option<Vec<&'a str>>,
}

impl Block<'_> {
    /// The bytes, or `None` if the block has no end, has headers, or is not base64.
    pub fn decode(&self) -> Option<Vec<u8>> {
        let text: String = self.body.as_ref()?.iter().map(|line| line.trim()).collect();
        STANDARD.decode(text).ok()
    }

    /// Whether its end follows.
    pub fn is_whole(&self) -> bool {
        self.body.is_some()
    }

    /// Whether it begins with headers (RFC 1421), as openssl's own old way of encrypting has them.
    pub fn has_headers(&self) -> bool {
        let first = self.body.as_ref().and_then(|lines| lines.first());
        first.is_some_and(|line| line.contains(':'))
    }
}

/// All blocks of a text in order.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, begin)) = lines.next() {
        let Some(label) = label_of(begin, BEGIN) else {
            continue;
        };
        // Looking ahead on a copy: after a block without an end the reading goes on behind its first line.
        let mut ahead = lines.clone();
        let mut body = Vec::new();
        let end = ahead.by_ref().map(|(_, line)| line).find(|line| {
            let is_end = line.starts_with(DASHES);
            if !is_end {
                body.push(*line);
            }
            is_end
        });
        let is_whole = end.and_then(|end| label_of(end, END)) == Some(label);
        if is_whole {
            lines = ahead;
        }
        blocks.push(Block {
            label,
            line,
            body: is_whole.then_some(body),
        });
    }
    blocks
}

fn label_of<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix(start)?.strip_suffix(DASHES)
}

/// What a file is that was meant to be PEM, and how it becomes PEM: what people copy out of a kubeconfig.
pub fn wrapped(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.contains("certificate-authority-data:") {
        return Some((
            "a kubeconfig",
            "write what its certificate-authority-data is after `base64 -d`",
        ));
    }
    let bare: String = text.split_whitespace().collect();
    let inside = STANDARD.decode(bare).ok()?;
    if inside.starts_with(BEGIN.as_bytes()) {
        return Some((
            "base64 of PEM, as a kubeconfig holds it",
            "run `base64 -d` on it",
        ));
    }
    // DER of a certificate is a SEQUENCE with a length of two bytes (X.690, 8.1.3.5).
    inside.starts_with(&[0x30, 0x82]).then_some((
        "base64 of DER",
        "put it between the lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----",
    ))
}

/// Writes a block as OpenSSL does: 64 characters a line, line feeds only.
pub fn push_block(out: &mut String, label: &str, der: &[u8]) {
    let text = STANDARD.encode(der);
    out.push_str(&format!("{BEGIN}{label}{DASHES}\n"));
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("{END}{label}{DASHES}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_lines() {
        let text = "comment\r\n-----BEGIN A-----\r\nAQI=\r\n-----END A-----\r\n\n-----BEGIN B-----\nAQI=\n-----BEGIN C-----\nAw==\n-----END C-----\n-----BEGIN D-----\nx: y\n\nAw==\n-----END D-----\n-----BEGIN E-----\nAw==\n";
        let found: Vec<_> = blocks(text)
            .iter()
            .map(|b| (b.label, b.line, b.decode()))
            .collect();
        assert_eq!(
            found,
            [
                ("A", 2, Some(vec![1, 2])),
                ("B", 6, None),
                ("C", 8, Some(vec![3])),
                ("D", 11, None),
                ("E", 16, None),
            ]
        );
    }

    #[test]
    fn a_written_block_is_read_back() {
        for length in [0, 1, 47, 48, 49, 96, 500] {
            let der: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut text = String::new();
            push_block(&mut text, "CERTIFICATE", &der);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(blocks(&text)[0].decode(), Some(der));
        }
    }
}
