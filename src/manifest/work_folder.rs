//! Folders inside a bundle's folder while one bundle is exchanged for another there.

/// A new bundle that is not complete.
pub const NEW: &str = ".nodebake-new";
/// A new bundle that is complete, and an exchange that has begun.
pub const READY: &str = ".nodebake-ready";
/// An old bundle that is being removed.
pub const OLD: &str = ".nodebake-old";

/// Why a bundle does not verify while the exchange is not at its end, with the repair.
pub const HALF_WAY: &str =
    "the exchange for a new bundle was interrupted; run `nodebake build`, which finishes it first";

/// Whether it is one of these folders at the top of a bundle.
pub fn is_work(name: &str) -> bool {
    [NEW, READY, OLD].contains(&name)
}

/// Whether a run that was killed may leave a folder of this name beside a bundle that is whole.
pub fn is_leftover(name: &str) -> bool {
    [NEW, OLD].contains(&name)
}
