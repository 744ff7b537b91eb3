//! Files of secrets that are broken, and secrets in the wrong place: findings name the line, never what is in it.

use std::fs;
use std::path::Path;

use super::{NODE, Room};
use crate::support::fixture::text;

/// How many characters of a secret are too many: two tokens of one cluster seldom share as many.
const TOO_MANY: usize = 8;

/// Ways in which hands and editors break a line `… secret: "VALUE" …`; `V` is the value.
const BROKEN: [&str; 24] = [
    "secret: \"V",
    "secret: V\"",
    "secret: 'V",
    "secret: V V",
    "secret:V",
    "secret: [V]",
    "secret: {V: 1}",
    "secret: {a: V, a: V}",
    "secret: *V",
    "secret: !V x",
    "secret: !!V x",
    "secret: &V",
    "secret: \"\\V\"",
    "secret: \"V1\"",
    "secret: \"V\u{e9}\"",
    "secret: \"V\\u202e\"",
    "secret: V: V",
    "secret: \"V\", secret: \"V\"",
    "V: secret",
    "V",
    "id: \"abcdef.V\", secret: \"V\"",
    "epoch: V, secret: \"V\"",
    "expires: \"V\", secret: \"V\"",
    "\tsecret: \"V\"",
];

/// Places of an inventory where somebody may paste a whole token.
const PASTED: [&str; 16] = [
    "generation: T",
    "name: T",
    "kubernetes: T",
    "tokens: T",
    "tokens: {ttl: T}",
    "tokens: {T: x}",
    "tokens: {recipients: [T]}",
    "vars: {token: T}",
    "nodes: T",
    "profiles: [T]",
    "overlays: {T: {}}",
    "labels: {T: T}",
    "kubelet: {flags: {bootstrap-token: T}}",
    "kubelet: {config: {maxPods: T}}",
    "files: {T: {content: x}}",
    "apiServer: T",
];

fn assert_hidden(what: &str, said: &str, secret: &str) {
    let said = said.to_lowercase();
    let all: Vec<char> = secret.to_lowercase().chars().collect();
    for part in all.windows(TOO_MANY) {
        let part: String = part.iter().collect();
        assert!(
            !said.contains(&part),
            "{what}: says {part} of a secret:\n{said}"
        );
    }
}

/// What a command says of a project whose file was changed; the file is put back.
fn said(room: &Room, file: &Path, changed: &str, args: &[&str]) -> String {
    let good = fs::read(file).unwrap();
    fs::write(file, changed).unwrap();
    let output = room.command(args).run();
    fs::write(file, good).unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_broken_file_of_tokens_is_not_repeated() {
    let room = Room::new();
    let file = room.project.dir.join("secrets.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let line = good.lines().find(|line| line.contains("secret: ")).unwrap();
    let start = line.find("secret: ").unwrap();
    let value: String = line[start + 8..]
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    let old = &line[start..start + line[start..].find(&value).unwrap() + 16];
    let old = if line[start..].contains('"') {
        format!("{old}\"")
    } else {
        old.to_owned()
    };
    assert!(line.contains(&old), "{line}: {old}");
    for way in BROKEN {
        for value_now in [value.clone(), value.to_uppercase()] {
            let changed = good.replacen(&old, &way.replace('V', &value_now), 1);
            assert_ne!(changed, good);
            for args in [&["check"][..], &["token", "list"]] {
                let said = said(&room, &file, &changed, args);
                assert_hidden(way, &said, &value);
            }
        }
    }
}

#[test]
fn a_broken_key_is_not_repeated() {
    let room = Room::new();
    let node = "pki/nodes/by-certificate/client.pem";
    let identity: &[&str] = &["token", "encrypt", "--identity", "identity.txt"];
    for (file, args) in [
        ("keys/sign.key", &["check"][..]),
        ("keys/sign.key", &["build"]),
        (
            "keys/sign.key",
            &["verify", "out", "--key", "keys/sign.key"],
        ),
        ("pki/ca.key", &["pki", "issue", ".", "--force"]),
        (node, &["check"]),
        ("identity.txt", identity),
    ] {
        let path = room.project.dir.join(file);
        let good = fs::read_to_string(&path).unwrap();
        let secret = good
            .lines()
            .rfind(|line| !line.starts_with("-----") && !line.starts_with('#'))
            .unwrap()
            .to_owned();
        for (from, to) in [
            (secret.as_str(), format!("{secret} ")),
            (&secret, format!("{secret}=")),
            (&secret, format!("!{secret}")),
            (&secret, secret[1..].to_owned()),
            (&secret, secret.to_uppercase()),
            ("-----BEGIN", "----BEGIN".to_owned()),
            ("-----END", "-----ND".to_owned()),
            ("PRIVATE KEY", "SECRET KEY".to_owned()),
        ] {
            let said = said(&room, &path, &good.replace(from, &to), args);
            assert_hidden(&format!("{file}: {to}"), &said, &secret);
        }
    }
}

#[test]
fn a_token_in_the_wrong_field_is_not_repeated() {
    let room = Room::new();
    let file = room.project.dir.join("cluster.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let secret = "0a1b2c3d4e5f6g7h";
    for way in PASTED {
        let token = format!("abcdef.{secret}");
        let pasted = way.replace('T', &token);
        // At the cluster, and at a node.
        let at_node = good.replacen(
            &format!("name: {NODE}"),
            &format!("name: {NODE}\n    {pasted}"),
            1,
        );
        assert_ne!(at_node, good);
        for changed in [format!("{good}\n{pasted}\n"), at_node] {
            for args in [&["check"][..], &["check", "--format", "json"]] {
                assert_hidden(way, &said(&room, &file, &changed, args), secret);
            }
        }
    }
    // And on the command line.
    let token = format!("abcdef.{secret}");
    for args in [
        vec!["show", &token],
        vec!["token", "create", ".", &token],
        vec!["token", "revoke", ".", &token],
        vec!["build", "--node", &token],
        vec!["check", "--at", &token],
        vec!["check", &token],
        vec!["token", "expiring", "--within", &token],
    ] {
        // The arguments hold the token here: [`crate::support::tool`] would object to them.
        let mut command = std::process::Command::new(crate::support::tool::binary());
        let output = command
            .args(&args)
            .current_dir(&room.project.dir)
            .output()
            .unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_hidden(&args.join(" "), &said, secret);
    }
}
