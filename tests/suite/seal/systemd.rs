//! `systemd-creds decrypt` of two releases opens what was sealed to its machine, and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use nodebake::seal::{CONTENT_LIMIT, seal};

use crate::seal::software_tpm::{SoftwareTpm, seed};
use crate::support::oracles;

const READERS: [&str; 2] = ["systemd-creds-257", "systemd-creds-262"];

/// The readers that are on this machine.
pub fn readers() -> Vec<&'static str> {
    oracles::needs(["swtpm", "tpm2"]);
    let mut readers = READERS.to_vec();
    readers.retain(|reader| oracles::present(reader));
    readers
}

#[test]
fn its_machine_opens_content_of_every_size() {
    let readers = readers();
    let tpm = SoftwareTpm::start();
    let key = tpm.key();
    for size in [
        0,
        1,
        7,
        8,
        43,
        128,
        129,
        5000,
        CONTENT_LIMIT - 4096,
        CONTENT_LIMIT,
    ] {
        let content: Vec<u8> = (0..size).map(|i| (i * 7 + i / 256) as u8).collect();
        for name in ["bootstrap-kubeconfig", "a", "tmpfiles.extra"] {
            let sealed = seal(&seed(), &key, name, &content).unwrap();
            for reader in &readers {
                let opened = tpm.open(reader, name, &sealed.text).unwrap();
                assert!(opened == content, "{reader}: {name} of {size} bytes");
            }
            if size > 5000 {
                break; // the content says it already
            }
        }
    }
}

#[test]
fn no_other_machine_and_no_other_name_opens_it() {
    let readers = readers();
    let (tpm, other) = (SoftwareTpm::start(), SoftwareTpm::start());
    assert_ne!(tpm.public(), other.public());
    let sealed = seal(&seed(), &tpm.key(), "token", b"content").unwrap();
    for reader in readers {
        assert_eq!(tpm.open(reader, "token", &sealed.text).unwrap(), b"content");
        let said = other.open(reader, "token", &sealed.text).unwrap_err();
        assert!(
            said.contains("Failed to unseal secret using TPM2")
                || said.contains("does not belong to this TPM"),
            "{reader}: {said}"
        );
        let said = tpm.open(reader, "other", &sealed.text).unwrap_err();
        assert!(said.contains("does not match"), "{reader}: {said}");
    }
}

/// The header, what the TPM imports, the metadata, the content, the tag: wherever a bit changes, nothing is opened.
#[test]
fn a_changed_byte_opens_nothing() {
    let readers = readers();
    let tpm = SoftwareTpm::start();
    let sealed = seal(
        &seed(),
        &tpm.key(),
        "token",
        b"some content of a credential",
    )
    .unwrap();
    let bytes = BASE64.decode(sealed.text.trim_end()).unwrap();
    for reader in readers {
        for at in (0..bytes.len()).step_by(19).chain([bytes.len() - 1]) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            let opened = tpm.open(reader, "token", &BASE64.encode(&changed));
            assert!(opened.is_err(), "{reader} opens it with byte {at} changed");
        }
        let cut = BASE64.encode(&bytes[..bytes.len() - 1]);
        assert!(tpm.open(reader, "token", &cut).is_err(), "{reader}");
        assert!(tpm.open(reader, "token", &sealed.text).is_ok(), "{reader}");
    }
}

/// A cleared TPM has another key: what was sealed before is lost.
#[test]
fn a_cleared_machine_opens_nothing() {
    let readers = readers();
    let tpm = SoftwareTpm::start();
    let key = tpm.key();
    let sealed = seal(&seed(), &key, "token", b"content").unwrap();
    tpm.tool("clear -Q -c p");
    assert_ne!(tpm.key(), key);
    for reader in readers {
        assert!(tpm.open(reader, "token", &sealed.text).is_err(), "{reader}");
    }
}
