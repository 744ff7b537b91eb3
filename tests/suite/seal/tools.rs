//! tpm2-tools: the storage key that they write is read, other keys are refused, and they import and unseal what was made
//! without a TPM. Images whose systemd is older than 255 open secrets with them.

use std::fs;

use nodebake::seal::{StorageKey, seal};
use sha2::{Digest, Sha256};

use crate::seal::software_tpm::{SoftwareTpm, seed};
use crate::support::oracles;

#[test]
fn they_import_and_unseal_the_key() {
    oracles::needs(["swtpm", "tpm2"]);
    let tpm = SoftwareTpm::start();
    let sealed = seal(&seed(), &tpm.key(), "token", b"content").unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(tpm.folder().join(name), bytes).unwrap();
    write("pub", &sealed.import.public);
    write("dup", &sealed.import.private);
    write("seed", &sealed.import.seed);
    tpm.tool("import -Q -C p.ctx -u pub -i dup -s seed -r imported");
    tpm.tool("load -Q -C p.ctx -u pub -r imported -c o.ctx");
    tpm.tool("startauthsession --policy-session -S session");
    let key = tpm.tool("unseal -Q -c o.ctx -p session:session");
    assert_eq!(key.len(), 32);
    // The credential's content is encrypted with the key's digest, so the key itself is not in it.
    let again = seal(&seed(), &tpm.key(), "token", b"content").unwrap();
    assert_eq!(again.text, sealed.text);
    assert_ne!(Sha256::digest(&key)[..], key[..]);

    let other = SoftwareTpm::start();
    other.key();
    let write = |name: &str, bytes: &[u8]| fs::write(other.folder().join(name), bytes).unwrap();
    write("pub", &sealed.import.public);
    write("dup", &sealed.import.private);
    write("seed", &sealed.import.seed);
    let output = other.try_tool("import -Q -C p.ctx -u pub -i dup -s seed -r imported");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("integrity check failed"), "{said}");
}

/// The fingerprint is the name that tpm2_readpublic prints.
#[test]
fn the_fingerprint_is_the_tpms_own_name() {
    oracles::needs(["swtpm", "tpm2"]);
    let tpm = SoftwareTpm::start();
    let key = tpm.key();
    let shown = String::from_utf8(tpm.tool("readpublic -c p.ctx")).unwrap();
    assert!(shown.contains(&key.fingerprint()), "{shown}");
}

/// All ways to write the right key give the same bytes; all other keys are refused for what they are.
#[test]
fn only_the_key_of_systemd_is_taken() {
    oracles::needs(["swtpm", "tpm2"]);
    let tpm = SoftwareTpm::start();
    let public = tpm.public();
    for args in [
        "createprimary -Q -C o -G ecc256 -c q.ctx -f tss -o q.pub",
        "createprimary -Q -C o -G ecc:null:aes128cfb -c q.ctx -f tss -o q.pub",
        "readpublic -Q -c p.ctx -f tss -o q.pub",
    ] {
        tpm.tool(args);
        assert_eq!(
            fs::read(tpm.folder().join("q.pub")).unwrap(),
            public,
            "{args}"
        );
    }
    let storage = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth";
    let with_no_da =
        format!("createprimary -Q -C o -G ecc -a {storage}|noda -c q.ctx -f tss -o q.pub");
    let sha384 = "createprimary -Q -C o -G ecc -g sha384 -c q.ctx -f tss -o q.pub";
    for (args, file, word) in [
        (
            "createprimary -Q -C o -c q.ctx -f tss -o q.pub",
            "q.pub",
            "RSA",
        ),
        (&with_no_da, "q.pub", "systemd-analyze srk"),
        (
            "createprimary -Q -C o -G ecc384 -c q.ctx -f tss -o q.pub",
            "q.pub",
            "the curve",
        ),
        (sha384, "q.pub", "the name algorithm"),
        (
            "createprimary -Q -C o -G ecc:null:aes256cfb -c q.ctx -f tss -o q.pub",
            "q.pub",
            "128 bits",
        ),
        (
            "createek -Q -c q.ctx -G ecc -f tss -u q.pub",
            "q.pub",
            "userWithAuth",
        ),
        ("readpublic -Q -c p.ctx -f pem -o q.pem", "q.pem", "PEM"),
        (
            "readpublic -Q -c p.ctx -f tpmt -o q.tpmt",
            "q.tpmt",
            "begin with the size",
        ),
        ("readpublic -Q -c p.ctx", "p.ctx", "context of tpm2-tools"),
    ] {
        tpm.tool(args);
        let bytes = fs::read(tpm.folder().join(file)).unwrap();
        let fault = StorageKey::from_bytes(&bytes).unwrap_err();
        assert!(fault.rule.contains(word), "{args}: {}", fault.rule);
    }
}
