//! Why bytes are not the public part of a storage key that systemd uses.

/// A rule that a public key breaks, and the repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// The rule first, then the bad value.
    pub rule: String,
    /// An imperative: how to get the right file.
    pub help: &'static str,
}

/// How the file is written on the machine. systemd makes the same key for its credentials at each start.
pub const WRITE_IT: &str =
    "write it on the machine with `tpm2_createprimary -C o -G ecc -c p.ctx -f tss -o NODE.pub`";

/// For files that hold something else of the right key.
const AS_TSS: &str =
    "write it as `-f tss -o NODE.pub` does, with tpm2_createprimary or tpm2_readpublic";

/// For text.
const AS_BASE64: &str = "write it as `base64 -w0 NODE.pub` prints it, or name the file";

impl KeyFault {
    /// A fault that a new file repairs.
    pub fn new(rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self {
            rule,
            help: WRITE_IT,
        }
    }

    /// What should be base64 and is not.
    pub fn text() -> Self {
        let rule = "must be a TPM2B_PUBLIC in base64".to_owned();
        Self {
            rule,
            help: AS_BASE64,
        }
    }

    /// A fault of a file in another format.
    pub fn format(rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self { rule, help: AS_TSS }
    }
}
