//! Digests as bytes, and as the text that files hold.

/// A SHA-256 digest.
pub type Sha256Digest = [u8; 32];
/// A SHA-512 digest.
pub type Sha512Digest = [u8; 64];

/// Lower-case hexadecimal: the only spelling that Ignition's run-time comparison accepts.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

/// A digest from 64 lower-case hexadecimal digits, and nothing else.
pub fn unhex(digits: &str) -> Option<Sha256Digest> {
    fn nibble(byte: u8) -> Option<u8> {
        match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        }
    }
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(digest)
}
