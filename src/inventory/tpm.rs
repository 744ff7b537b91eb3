//! `tpm`: what is known of the TPM of a node's machine.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{keys, texts};
use crate::inventory::kinds::plain;
use crate::inventory::text::ProjectFile;
use crate::model::Spanned;
use crate::report::Id;
use crate::seal::StorageKey;

/// The public part of the storage key of a node's TPM.
#[derive(Clone, Debug)]
pub enum TpmKey {
    /// It is in the inventory.
    Here(Spanned<StorageKey>),
    /// It is in a file of the project.
    File(Spanned<String>),
    /// It cannot be read, for which there is a finding.
    Broken,
}

keys! {
    /// What is known of the TPM.
    pub struct TpmKeys: "tpm", as TpmKey = tpm_key {
        /// the public part of its storage key in base64
        "publicKey" => public_key: Option<Spanned<PublicKeyText>>,
        /// a file of the project with the public part of its storage key, as tpm2_createprimary writes it or in base64
        "file" => file: Option<Spanned<ProjectFile>>,
    }
}

texts! {
    /// A TPM2B_PUBLIC in base64.
    PublicKeyText: String = plain, r"^[A-Za-z0-9+/]+={0,2}$",
        ["AFoAIwALAAMAcgAAAAYAgABDABAAAwAQACBrF9Hy4SxCR/i85uVjpEDydwN9gS3rM6D0oTlF2JjClgAgT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU="];
}

#[expect(clippy::unnecessary_wraps, reason = "`keys!` asks for an option")]
fn tpm_key(keys: TpmKeys, at: &Cursor<'_>) -> Option<TpmKey> {
    let key = match (keys.public_key, keys.file) {
        (Some(text), None) => match StorageKey::from_text(&text.value) {
            Ok(value) => TpmKey::Here(Spanned {
                value,
                location: text.location,
            }),
            Err(fault) => {
                let finding = text.location.finding(Id::TpmKeyInvalid, fault.rule);
                at.add(finding.help(fault.help));
                TpmKey::Broken
            }
        },
        (None, Some(file)) => TpmKey::File(file),
        _ => {
            if at.has("publicKey") == at.has("file") {
                at.report(
                    Id::FieldsExclusive,
                    "needs exactly one of publicKey and file",
                );
            }
            TpmKey::Broken
        }
    };
    Some(key)
}
