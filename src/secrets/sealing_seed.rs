//! The sealing seed as the secrets file has it: 32 random bytes in hexadecimal.

use anyhow::anyhow;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::model::hex;
use crate::seal::SealingSeed;
use crate::secrets::Secret;

/// The bytes of a seed.
const LENGTH: usize = 32;

/// A seed's text, which is a seed.
#[derive(Clone, Debug)]
pub(super) struct SeedText(Secret);

impl SeedText {
    /// The text, if it is 64 digits.
    pub fn of(text: Secret) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = text.expose();
        let is_seed = digits.len() == 2 * LENGTH && digits.bytes().all(is_digit);
        is_seed.then_some(Self(text))
    }

    /// A new one from the operating system.
    pub fn draw() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        getrandom::fill(&mut *bytes)
            .map_err(|error| anyhow!("reading the system's randomness: {error}"))?;
        Ok(Self(hex(&*bytes).into()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The seed itself.
    pub fn seed(&self) -> SealingSeed {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        for (byte, digits) in bytes.iter_mut().zip(self.0.expose().as_bytes().chunks(2)) {
            let value = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or_default() as u8;
            *byte = digits.iter().fold(0, |sum, digit| sum * 16 + value(digit));
        }
        SealingSeed::new(*bytes)
    }
}
