//! The only user of the age library: recipients and identities from text, and files for and from them.

use std::io::{Read, Write};

use ::age::armor::{ArmoredReader, ArmoredWriter, Format};
use ::age::ssh::{self, ParseRecipientKeyError};
use ::age::{DecryptError, Decryptor, Encryptor, x25519};
use anyhow::{Context, anyhow};
use zeroize::Zeroizing;

use crate::error::Result;

/// Somebody that a file is encrypted for.
pub type Recipient = Box<dyn ::age::Recipient + Send + Sync>;
/// What opens a file.
pub type Identity = Box<dyn ::age::Identity + Send + Sync>;

/// Reads a recipient; the error is the rule.
pub fn recipient(text: &str) -> std::result::Result<Recipient, String> {
    if text.starts_with("ssh-") {
        return match text.parse::<ssh::Recipient>() {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(error) => Err(ssh_rule(&error)),
        };
    }
    if let Ok(recipient) = text.parse::<x25519::Recipient>() {
        return Ok(Box::new(recipient));
    }
    let upper = text.to_ascii_uppercase();
    Err(if upper.contains("PRIVATE KEY") || upper.starts_with("AGE-") {
        "is a private key, which must be in no file of the project; write the public one, and make a new pair"
    } else if text.starts_with("age1") && text[4..].contains('1') {
        "is a recipient of an age plugin; only age1… (X25519), ssh-ed25519 and ssh-rsa are known"
    } else {
        "is not a recipient: give age1… (X25519) as age-keygen prints it, or a line of an ssh-ed25519 or ssh-rsa public key"
    }
    .to_owned())
}

fn ssh_rule(error: &ParseRecipientKeyError) -> String {
    match error {
        ParseRecipientKeyError::RsaModulusTooLarge => "the RSA key is longer than 4096 bits",
        ParseRecipientKeyError::RsaModulusTooSmall => "the RSA key is shorter than 2048 bits",
        ParseRecipientKeyError::Unsupported(_) | ParseRecipientKeyError::Ignore => {
            "age knows no SSH keys of this type; write an ssh-ed25519 or ssh-rsa one"
        }
        _ => "is not an SSH public key",
    }
    .to_owned()
}

/// Reads what one file holds: age identities by line, or one SSH private key. The error is the rule.
pub fn identities(text: &str) -> std::result::Result<Vec<Identity>, String> {
    if text.trim_start().starts_with("-----BEGIN") {
        return Ok(vec![ssh_identity(text)?]);
    }
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let read = |(line, number): (&str, u32)| match line.parse::<x25519::Identity>() {
        Ok(identity) => Ok(Box::new(identity) as Identity),
        Err(_) if line.starts_with("AGE-PLUGIN-") || line.starts_with("AGE-SECRET-KEY-PQ-") => {
            Err(format!(
                "line {number} is an identity of an age plugin or of another kind than X25519, which is not known"
            ))
        }
        Err(_) => Err(format!("line {number} is not an age identity")),
    };
    lines.map(read).collect()
}

fn ssh_identity(text: &str) -> std::result::Result<Identity, String> {
    let text = format!("{}\n", text.trim().replace("\r\n", "\n"));
    let text = Zeroizing::new(text);
    match ssh::Identity::from_buffer(text.as_bytes(), None) {
        Ok(identity @ ssh::Identity::Unencrypted(_)) => Ok(Box::new(identity)),
        Ok(ssh::Identity::Encrypted(_)) => {
            Err("the SSH key has a passphrase; pass a copy without one on stdin (--identity -), or use an age identity".to_owned())
        }
        Ok(ssh::Identity::Unsupported(_)) => {
            Err("age knows no SSH keys of this type or form; use ssh-ed25519 or ssh-rsa in OpenSSH's format".to_owned())
        }
        Err(_) => Err("is not an SSH private key".to_owned()),
    }
}

/// Opens a file; the error is the rule.
pub fn open(
    bytes: &[u8],
    identities: &[Identity],
) -> std::result::Result<Zeroizing<Vec<u8>>, &'static str> {
    const DAMAGED: &str = "the file is damaged: it does not decrypt to its end";
    // Its reader wants the armour's mark first; people and pipelines put line breaks before it.
    let bytes = bytes.trim_ascii_start();
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(bytes)).map_err(|_| DAMAGED)?;
    if decryptor.is_scrypt() {
        return Err(
            "the file is encrypted with a passphrase; encrypt it for recipients, or pass what `age -d` says on stdin (--secrets -)",
        );
    }
    let identities = identities.iter().map(|one| &**one as &dyn ::age::Identity);
    let mut reader = match decryptor.decrypt(identities) {
        Ok(reader) => reader,
        Err(DecryptError::NoMatchingKeys) => {
            return Err("none of the identities opens the file: it was not encrypted for them");
        }
        Err(_) => return Err(DAMAGED),
    };
    // Growing would leave unwiped copies behind; what it holds is never longer than the file.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    match reader.read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(_) => Err(DAMAGED),
    }
}

/// Encrypts for all recipients. Armoured: it passes through pipelines' variables, and git shows that it is text.
pub fn encrypt(text: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>> {
    let encrypting = "encrypting the tokens";
    let recipients = recipients.iter().map(|one| &**one as &dyn ::age::Recipient);
    let encryptor =
        Encryptor::with_recipients(recipients).map_err(|error| anyhow!("{encrypting}: {error}"))?;
    let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).context(encrypting)?;
    let mut writer = encryptor.wrap_output(armour).context(encrypting)?;
    writer.write_all(text).context(encrypting)?;
    let armour = writer.finish().context(encrypting)?;
    armour.finish().context(encrypting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> String {
        recipient(text).err().expect(text)
    }

    #[test]
    fn what_is_no_recipient_is_refused_and_never_repeated() {
        let identity = x25519::Identity::generate();
        let public = identity.to_public().to_string();
        assert!(recipient(&public).is_ok());
        assert!(rule(&public[..public.len() - 1]).contains("is not a recipient"));
        assert!(rule("github:somebody").contains("is not a recipient"));
        assert!(rule("age1yubikey1qwerty").contains("plugin"));
        assert!(rule("ssh-dss AAAAB3NzaC1kc3MAAACB").contains("SSH"));
        let secret = identity.to_string();
        let secret = ::age::secrecy::ExposeSecret::expose_secret(&secret);
        assert!(rule(secret).contains("private key"));
        assert!(!rule(secret).contains(secret));
    }

    #[test]
    fn what_is_no_identity_is_refused_by_its_line() {
        let refused = |text: &str| identities(text).err().expect(text);
        assert_eq!(refused("# a\n\nx\n"), "line 3 is not an age identity");
        assert!(refused("AGE-PLUGIN-X-1ABC").contains("plugin"));
        assert!(refused("-----BEGIN EC PRIVATE KEY-----\n").contains("SSH private key"));
        assert_eq!(identities("# nothing\n").map(|all| all.len()), Ok(0));
    }

    #[test]
    fn every_recipient_opens_it_and_nobody_else() {
        let [one, two, other] = [(); 3].map(|()| x25519::Identity::generate());
        let recipients = [&one, &two].map(|one| Box::new(one.to_public()) as Recipient);
        let encrypted = encrypt(b"tokens: {}\n", &recipients).expect("it is all in memory");
        for reader in [one, two] {
            let opened = open(&encrypted, &[Box::new(reader)]);
            assert_eq!(opened.expect("for them").as_slice(), b"tokens: {}\n");
        }
        let refused = open(&encrypted, &[Box::new(other)]).expect_err("not for them");
        assert!(refused.contains("none of the identities"), "{refused}");
        assert!(encrypt(b"x", &[]).is_err());
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_found() {
        let identity = x25519::Identity::generate();
        let public: Recipient = Box::new(identity.to_public());
        let encrypted = encrypt(b"tokens: {}\n", &[public]).expect("it is all in memory");
        let reader: [Identity; 1] = [Box::new(identity)];
        for length in 1..encrypted.len() - 1 {
            assert!(
                open(&encrypted[..length], &reader).is_err(),
                "cut at {length}"
            );
        }
        for at in 0..encrypted.len() - 1 {
            let mut changed = encrypted.clone();
            changed[at] ^= 1;
            let opened = open(&changed, &reader);
            assert!(
                opened.is_err() || opened.is_ok_and(|text| *text == b"tokens: {}\n"),
                "byte {at}"
            );
        }
    }
}
