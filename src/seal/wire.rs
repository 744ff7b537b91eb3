//! The TPM's wire format: big-endian numbers, and buffers after their length of two bytes (TPM 2.0 Library, Part 2,
//! "TPM2B").

/// A buffer of the TPM: its length, then its bytes. What the callers wrap is at most a few hundred bytes.
pub fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("structures of a TPM are short");
    let mut out = Vec::with_capacity(2 + bytes.len());
    out.extend(length.to_be_bytes());
    out.extend(bytes);
    out
}

/// Reads numbers and buffers one after the other.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next bytes, if there are so many.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        let bytes = self.take(2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    }

    /// A number of four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// A buffer after its length.
    pub fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}
