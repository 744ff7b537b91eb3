//! Digests beside what Ignition writes or fetches, and how much its targets take.

use sha2::{Digest as _, Sha256, Sha512};

use crate::model::hex;
use crate::model::output::{IgnitionDigest, IgnitionTarget};
use crate::payload::ignition::live_iso;
use crate::tree::Content;

impl IgnitionTarget {
    /// The most that it takes, as it counts.
    pub fn max_bytes(self) -> Option<u64> {
        match self {
            Self::Platform(target) => target.limit().map(|limit| limit.max_bytes),
            Self::LiveIso => Some(live_iso::AREA),
        }
    }
}

impl IgnitionDigest {
    /// `sha512-HEX` of a content, after decompression and in lower case: Ignition compares it as a string.
    pub(super) fn of(self, content: &Content) -> Option<String> {
        match self {
            Self::Sha512 => Some(format!("sha512-{}", hex(&content.sha512()))),
            Self::Sha256 => Some(format!("sha256-{}", hex(&content.sha256()))),
            Self::None => None,
        }
    }

    /// The same of a content that is fetched: that one is never left out.
    pub(super) fn of_fetched(self, content: &Content) -> Option<String> {
        match self {
            Self::None => Self::Sha512.of(content),
            Self::Sha256 | Self::Sha512 => self.of(content),
        }
    }

    /// What makes the digest of a configuration that is fetched: that one is never left out.
    pub(super) fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
            Self::Sha512 | Self::None => Hasher::Sha512(Sha512::new()),
        }
    }
}

/// A digest in the making.
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sha512(digest) => digest.update(bytes),
        }
    }

    /// `sha512-HEX`.
    pub(super) fn finish(self) -> String {
        match self {
            Self::Sha256(digest) => format!("sha256-{}", hex(&digest.finalize())),
            Self::Sha512(digest) => format!("sha512-{}", hex(&digest.finalize())),
        }
    }
}
