//! Keys and signatures, checked by openssl and ssh-keygen.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use nodebake::signing::{NAMESPACE, PRINCIPAL, PublicKey};

use super::{Room, load};
use crate::support::oracles;

#[test]
fn openssl_reads_our_keys_and_derives_the_same_public_half() {
    oracles::needs(["openssl"]);
    let room = Room::new();
    let folder = room.folder.path();
    let text = oracles::content(
        folder,
        "openssl",
        &["pkey", "-in", "keys/sign.key", "-text", "-noout"],
    );
    assert!(text.contains("ED25519 Private-Key"), "{text}");
    let derived = oracles::content(
        folder,
        "openssl",
        &["pkey", "-in", "keys/sign.key", "-pubout"],
    );
    let ours = fs::read_to_string(room.key("sign.pub")).unwrap();
    assert_eq!(derived, ours);
    assert_eq!(PublicKey::from_pem(&ours).unwrap(), room.public);
    // Byte for byte what openssl itself writes: version 1 of PKCS#8.
    let written = oracles::content(folder, "openssl", &["pkey", "-in", "keys/sign.key"]);
    assert_eq!(written, fs::read_to_string(room.key("sign.key")).unwrap());
}

#[test]
fn a_key_of_openssls_signs_for_us() {
    oracles::needs(["openssl"]);
    let room = Room::new();
    let folder = room.folder.path();
    let args = ["genpkey", "-algorithm", "ed25519", "-out", "own.key"];
    oracles::content(folder, "openssl", &args);
    fs::set_permissions(folder.join("own.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let signer = load(&folder.join("own.key"));
    fs::write(folder.join("message"), "text").unwrap();
    fs::write(folder.join("ours.sig"), signer.sign(b"text")).unwrap();
    let args = [
        "pkeyutl", "-sign", "-rawin", "-inkey", "own.key", "-in", "message", "-out",
    ];
    oracles::content(folder, "openssl", &[&args[..], &["theirs.sig"]].concat());
    assert_eq!(
        fs::read(folder.join("ours.sig")).unwrap(),
        fs::read(folder.join("theirs.sig")).unwrap()
    );
}

#[test]
fn ssh_keygen_verifies_what_we_sign_and_nothing_else() {
    oracles::needs(["ssh-keygen"]);
    let room = Room::new();
    room.build("one");
    let verify = |namespace: &str| {
        let line = format!(
            "ssh-keygen -Y verify -f keys/allowed_signers -I {PRINCIPAL} -n {namespace} \
             -s out/SHA256SUMS.sshsig < out/SHA256SUMS"
        );
        oracles::run(room.folder.path(), "sh", &["-c", &line])
    };
    let good = verify(NAMESPACE);
    assert!(good.status.success(), "{good:?}");
    assert!(!verify("file").status.success());
    fs::write(room.out.join("SHA256SUMS"), "").unwrap();
    assert!(!verify(NAMESPACE).status.success());
}

#[test]
fn our_sshsig_is_byte_for_byte_that_of_ssh_keygen() {
    oracles::needs(["ssh-keygen"]);
    let room = Room::new();
    let folder = room.folder.path();
    write_openssh_key(&room, &folder.join("id"));
    let derived = oracles::content(folder, "ssh-keygen", &["-y", "-f", "id"]);
    let allowed = fs::read_to_string(room.key("allowed_signers")).unwrap();
    assert!(allowed.contains(derived.split_whitespace().nth(1).unwrap()));
    for (index, message) in [&b""[..], b"text\n", &[0xff; 100_000]]
        .into_iter()
        .enumerate()
    {
        let name = format!("message{index}");
        fs::write(folder.join(&name), message).unwrap();
        let args = ["-Y", "sign", "-f", "id", "-n", NAMESPACE, &name];
        oracles::content(folder, "ssh-keygen", &args);
        let theirs = fs::read_to_string(folder.join(format!("{name}.sig"))).unwrap();
        assert_eq!(room.signer().sign_ssh(message), theirs);
        assert!(room.public.verifies_ssh(message, &theirs));
    }
    // The other digest that ssh-keygen may use is accepted as well; another namespace is not.
    let name = "message1";
    for (extra, good) in [
        (&["-n", NAMESPACE, "-O", "hashalg=sha256"][..], true),
        (&["-n", "file"][..], false),
    ] {
        fs::remove_file(folder.join("message1.sig")).unwrap();
        let args = [&["-Y", "sign", "-f", "id"], extra, &[name]].concat();
        oracles::content(folder, "ssh-keygen", &args);
        let theirs = fs::read_to_string(folder.join("message1.sig")).unwrap();
        assert_eq!(room.public.verifies_ssh(b"text\n", &theirs), good);
    }
}

/// The same key in OpenSSH's own private format (PROTOCOL.key): ssh-keygen reads no PKCS#8 Ed25519 keys.
pub fn write_openssh_key(room: &Room, file: &Path) {
    fn put(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend_from_slice(bytes);
    }
    fn der(pem: &str) -> Vec<u8> {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        BASE64.decode(body).unwrap()
    }
    let private = der(&fs::read_to_string(room.key("sign.key")).unwrap());
    let public = der(&room.public.to_pem());
    let (seed, point) = (&private[private.len() - 32..], &public[public.len() - 32..]);
    let mut blob = Vec::new();
    put(&mut blob, b"ssh-ed25519");
    put(&mut blob, point);
    let mut secret = [7_u8; 8].to_vec(); // the check numbers: any, twice the same
    secret.extend_from_slice(&blob);
    put(&mut secret, &[seed, point].concat());
    put(&mut secret, b"");
    let padding = (1..).take((8 - secret.len() % 8) % 8);
    secret.extend(padding);
    let mut key = b"openssh-key-v1\0".to_vec();
    put(&mut key, b"none");
    put(&mut key, b"none");
    put(&mut key, b"");
    key.extend_from_slice(&1_u32.to_be_bytes());
    put(&mut key, &blob);
    put(&mut key, &secret);
    let text = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        BASE64.encode(key)
    );
    let mut options = fs::OpenOptions::new();
    let mut written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .unwrap();
    std::io::Write::write_all(&mut written, text.as_bytes()).unwrap();
}
