//! What a nodebake that was built without its `age` feature says of encrypted files.

use std::convert::Infallible;

use anyhow::bail;
use zeroize::Zeroizing;

use crate::error::Result;

const ABSENT: &str = "this nodebake was built without age encryption";

/// There is none.
pub type Recipient = Infallible;
/// There is none.
pub type Identity = Infallible;

/// Refuses.
pub fn recipient(_: &str) -> std::result::Result<Recipient, String> {
    Err(ABSENT.to_owned())
}

/// Refuses.
pub fn identities(_: &str) -> std::result::Result<Vec<Identity>, String> {
    Err(ABSENT.to_owned())
}

/// Refuses.
pub fn open(_: &[u8], _: &[Identity]) -> std::result::Result<Zeroizing<Vec<u8>>, &'static str> {
    Err(ABSENT)
}

/// Refuses.
pub fn encrypt(_: &[u8], _: &[Recipient]) -> Result<Vec<u8>> {
    bail!("encrypting the tokens: {ABSENT}")
}
