//! Bootstrap tokens and the file that holds them: their life, clear and encrypted, and builds that may not see them.

#[cfg(feature = "age")]
pub mod encrypted;
pub mod file;
pub mod life;
pub mod missing;
