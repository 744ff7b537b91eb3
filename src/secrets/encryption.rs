//! Encryption of the secrets file at rest, in the age format (age-encryption.org/v1). In: the recipients and what
//! opens it here. Out: an armoured age file, or the text that one holds, which exists in memory only.

use std::fmt;
use std::io;
use std::path::Path;

use anyhow::Context;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::input::{self, Limit};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::secrets::file_access::check_file;
use crate::wording::counted;

#[cfg(feature = "age")]
#[path = "encryption/with_age.rs"]
mod format;
#[cfg(not(feature = "age"))]
#[path = "encryption/without_age.rs"]
mod format;

/// How a binary age file starts, and how an armoured one does (age-encryption.org/v1, "Header" and "ASCII armor").
const MARKS: [&[u8]; 2] = [
    b"age-encryption.org/",
    b"-----BEGIN AGE ENCRYPTED FILE-----",
];
/// The longest identity file that is read, in bytes.
const IDENTITY_LIMIT: Limit = Limit::mib(1);

/// Whether bytes are an age file.
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
    let bytes = &bytes[start.unwrap_or(0)..];
    MARKS.iter().any(|mark| bytes.starts_with(mark))
}

/// The recipients that a secrets file is encrypted for, and what opens one here. The default is nobody and nothing.
#[derive(Default)]
pub struct Keys {
    recipients: Vec<format::Recipient>,
    identities: Vec<format::Identity>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (recipients, identities) = (self.recipients.len(), self.identities.len());
        write!(
            f,
            "Keys({}, {})",
            counted(recipients, "recipient"),
            counted(identities, "identity")
        )
    }
}

impl Keys {
    /// Adds a recipient: `age1…`, or a line of an SSH public key (ssh-ed25519, ssh-rsa). The error is the rule, which
    /// never repeats the text: it may be a private key.
    pub fn add_recipient(&mut self, text: &str) -> std::result::Result<(), String> {
        self.recipients.push(format::recipient(text.trim())?);
        Ok(())
    }

    /// How many recipients there are.
    pub fn recipients(&self) -> usize {
        self.recipients.len()
    }

    /// Adds the identities of an age identity file or of an unencrypted SSH private key. The error is the rule, which
    /// never repeats the text.
    pub fn add_identities(&mut self, text: &str) -> std::result::Result<(), String> {
        if is_encrypted(text.as_bytes()) {
            return Err(
                "the identities are encrypted themselves; open them first: `age -d FILE | nodebake … --identity -`"
                    .to_owned(),
            );
        }
        let identities = format::identities(text)?;
        if identities.is_empty() {
            return Err("there is no identity in it".to_owned());
        }
        self.identities.extend(identities);
        Ok(())
    }

    /// Adds the identities of a file, which only its owner may read; `-` is stdin. `name` is what findings call it.
    pub fn load_identities(&mut self, path: &Path, name: &str, report: &mut Report) -> Result<()> {
        let reading = || format!("reading {name}");
        let read = if path == Path::new("-") {
            input::secret_from(io::stdin().lock(), IDENTITY_LIMIT).map(|bytes| (bytes, None))
        } else {
            input::read_or_pipe(path, IDENTITY_LIMIT).map(|(bytes, facts)| (bytes, Some(facts)))
        };
        let Some((bytes, facts)) = report.take(read, name).with_context(reading)? else {
            return Ok(());
        };
        if let Some(facts) = facts {
            check_file(&facts, name, report);
        }
        let added = match std::str::from_utf8(&bytes) {
            Ok(text) => self.add_identities(text),
            Err(_) => Err("the file must be UTF-8 text".to_owned()),
        };
        if let Err(rule) = added {
            report.add(Finding::new(
                Id::AgeIdentityInvalid,
                &Location::file(name),
                "",
                rule,
            ));
        }
        Ok(())
    }

    /// Opens an age file; the error is the finding.
    pub(super) fn open(
        &self,
        bytes: &[u8],
        location: &Location,
    ) -> std::result::Result<Zeroizing<Vec<u8>>, Finding> {
        let finding = |rule: &str| Finding::new(Id::SecretsLocked, location, "", rule);
        if self.identities.is_empty() {
            return Err(finding("the file is encrypted, and no identity was given")
                .help("say --identity FILE, or set NODEBAKE_AGE_IDENTITY_FILE"));
        }
        format::open(bytes, &self.identities).map_err(finding)
    }

    /// Encrypts a text for all recipients.
    pub(super) fn encrypt(&self, text: &[u8]) -> Result<Vec<u8>> {
        format::encrypt(text, &self.recipients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_file_is_known_by_how_it_starts() {
        for encrypted in [
            "age-encryption.org/v1\n-> X25519 a",
            "-----BEGIN AGE ENCRYPTED FILE-----\nYQ==",
            "\n  -----BEGIN AGE ENCRYPTED FILE-----\n",
        ] {
            assert!(is_encrypted(encrypted.as_bytes()), "{encrypted}");
        }
        for plain in [
            "",
            " ",
            "apiVersion: nodebake/v1\n",
            "# age-encryption.org/v1",
        ] {
            assert!(!is_encrypted(plain.as_bytes()), "{plain}");
        }
    }

    #[test]
    fn without_an_identity_the_finding_says_how_to_name_one() {
        let finding = Keys::default()
            .open(
                b"age-encryption.org/v1\n",
                &Location::file("secrets.yaml.age"),
            )
            .expect_err("nothing opens it");
        assert_eq!(
            finding.to_string(),
            "error: secrets.yaml.age: the file is encrypted, and no identity was given; \
             say --identity FILE, or set NODEBAKE_AGE_IDENTITY_FILE"
        );
    }

    #[test]
    fn an_encrypted_identity_is_refused_with_the_way_out() {
        let rule = Keys::default()
            .add_identities("age-encryption.org/v1\n-> scrypt x 18\n")
            .expect_err("encrypted");
        assert!(rule.contains("age -d FILE"), "{rule}");
    }
}
