//! Credentials that only one machine's TPM opens: sealed here without a TPM, opened by programs that nobody here wrote.

pub mod project;
pub mod software_tpm;
pub mod systemd;
pub mod tools;
