//! Private material on its way into a payload: tokens, the signing key, and keys that were not declared secret are found on
//! every way that a file can go.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::fixture::{Project, sha256, text};
use crate::support::oracles;

const NODE: &str = "    profiles: [gpu]\n";

/// A project with files of each kind of private material beside it, under names that say nothing.
fn project() -> Project {
    let project = Project::of("modern");
    let at = |name: &str| project.dir.join(name);
    let key =
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.txt 2>/dev/null
         openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.txt 2>/dev/null
         openssl pkey -in key.txt -aes256 -passout pass:x -out encrypted.txt
         ssh-keygen -q -t ed25519 -N '' -f openssh.txt
         printf 'server: x\\nuser: {client-key-data: %s}\\n' $(base64 -w0 key.txt) >kubeconfig.txt
         mkdir d; cp key.txt d/inner; tar -czf archive.tgz d; rm -r d";
    oracles::content(&project.dir, "sh", &["-euc", key]);
    fs::write(
        at("age.txt"),
        format!("AGE-SECRET-KEY-1{}\n", "Q".repeat(58)),
    )
    .unwrap();
    fs::copy(at("keys/sign.key"), at("copied.txt")).unwrap();
    fs::copy(at("secrets.yaml"), at("tokens.txt")).unwrap();
    fs::hard_link(at("keys/sign.key"), at("hard.txt")).unwrap();
    symlink("keys/sign.key", at("soft.txt")).unwrap();
    fs::write(at("secrets.yaml.age"), "age-encryption.org/v1\n").unwrap();
    project
}

/// What `check` says with these lines at a node.
fn said(project: &Project, lines: &str) -> (Option<i32>, String) {
    let file = project.dir.join("cluster.yaml");
    let good = fs::read_to_string(&file).unwrap();
    let changed = good.replacen(NODE, &format!("{NODE}{lines}"), 1);
    assert_ne!(good, changed);
    fs::write(&file, changed).unwrap();
    let check = project.run(&["check"]);
    let build = project.run(&["build"]);
    fs::write(file, good).unwrap();
    if check.status.code() == Some(3) {
        assert_eq!(build.status.code(), Some(3), "{lines}");
        assert!(!project.out().exists(), "{lines}");
    } else {
        let _ = fs::remove_dir_all(project.out());
    }
    (
        check.status.code(),
        text(&check.stdout) + &text(&check.stderr),
    )
}

fn pem(project: &Project) -> String {
    fs::read_to_string(project.dir.join("key.txt")).unwrap()
}

const SIGNER: &str = "the key that signs bundles";
const TOKENS: &str = "a bootstrap token";
const UNDECLARED: &str = "a private key and is not declared secret";
const READABLE: &str = "a private key, and others may read it";

#[test]
fn files_with_private_material_are_refused() {
    let project = project();
    fs::remove_file(project.dir.join("secrets.yaml.age")).unwrap();
    for (source, what) in [
        ("keys/sign.key", SIGNER),
        ("copied.txt", SIGNER),
        ("hard.txt", SIGNER),
        ("soft.txt", SIGNER),
        ("secrets.yaml", TOKENS),
        ("tokens.txt", TOKENS),
        ("key.txt", UNDECLARED),
        ("rsa.txt", UNDECLARED),
        ("encrypted.txt", UNDECLARED),
        ("openssh.txt", UNDECLARED),
        ("kubeconfig.txt", UNDECLARED),
        ("age.txt", UNDECLARED),
    ] {
        let (exit, plain) = said(
            &project,
            &format!("    files: {{/etc/x: {{source: {source}}}}}\n"),
        );
        assert_eq!(exit, Some(3), "{source}: {plain}");
        assert!(plain.contains(what), "{source}: {plain}");
        assert_eq!(plain.lines().count(), 1, "{source}: {plain}");
        assert!(plain.starts_with("error: cluster.yaml:"), "{plain}");
        let declared = format!("    files: {{/etc/x: {{source: {source}, secret: true}}}}\n");
        let (exit, plain) = said(&project, &declared);
        let may_be = what == UNDECLARED;
        assert_eq!(exit == Some(0), may_be, "{source}: {plain}");
        assert_eq!(plain.contains(what), !may_be, "{source}: {plain}");
    }
}

/// The encrypted tokens are no secret by what they are, and still nothing for a node.
#[test]
fn the_encrypted_tokens_are_refused_as_a_file() {
    let project = project();
    fs::remove_file(project.dir.join("secrets.yaml")).unwrap();
    let lines = "    files: {/etc/x: {source: secrets.yaml.age, secret: true}}\n";
    let (exit, plain) = said(&project, lines);
    assert_eq!(exit, Some(3), "{plain}");
    assert!(plain.contains(TOKENS), "{plain}");
}

#[test]
fn every_other_way_into_a_payload_is_watched() {
    let project = project();
    fs::remove_file(project.dir.join("secrets.yaml.age")).unwrap();
    let dir = &project.dir;
    let digest = |name: &str| sha256(&fs::read(dir.join(name)).unwrap());
    let block = |indent: usize| -> String {
        let spaces = " ".repeat(indent);
        pem(&project)
            .lines()
            .map(|line| format!("{spaces}{line}\n"))
            .collect()
    };
    let part = format!(
        "#cloud-config\nwrite_files:\n- path: /etc/k\n  content: |\n{}",
        block(4)
    );
    fs::write(dir.join("part.yaml"), part).unwrap();
    let json = serde_json::to_string(&format!(
        "data:,{}",
        pem(&project).replace('\n', "%0A").replace(' ', "%20")
    ))
    .unwrap();
    let merge = format!(
        "{{\"ignition\":{{\"version\":\"3.3.0\"}},\"storage\":{{\"files\":[{{\"path\":\"/etc/k\",\"contents\":{{\"source\":{json}}}}}]}}}}"
    );
    fs::write(dir.join("merge.ign"), merge).unwrap();
    fs::create_dir_all(dir.join("overlays/keys/root/etc")).unwrap();
    let overlay = "apiVersion: nodebake/v1\nkind: Overlay\n";
    fs::write(dir.join("overlays/keys/overlay.yaml"), overlay).unwrap();
    fs::copy(dir.join("key.txt"), dir.join("overlays/keys/root/etc/k")).unwrap();
    let template = format!("{{{{ node.name }}}}\n{}", pem(&project));
    fs::write(dir.join("overlays/keys/root/etc/t.tera"), template).unwrap();
    let inline = |key: &str| format!("    files:\n      /etc/x:\n        {key}: |\n{}", block(10));
    let asset = |name: &str, more: &str| {
        format!(
            "    assets: {{/opt/x: {{source: {name}, sha256: {}{more}}}}}\n",
            digest(name)
        )
    };
    for (lines, what, count) in [
        (inline("content"), UNDECLARED, 1),
        (inline("template"), UNDECLARED, 1),
        ("    overlays: {keys: {}}\n".to_owned(), UNDECLARED, 2),
        (asset("key.txt", ""), READABLE, 1),
        (asset("copied.txt", ""), SIGNER, 1),
        (asset("archive.tgz", ", unpack: true"), READABLE, 1),
        ("    output: {cloudInit: {parts: [part.yaml]}}\n".to_owned(), UNDECLARED, 1),
        ("    output: {cloudInit: {vendorData: part.yaml}}\n".to_owned(), READABLE, 1),
        ("    output: {ignition: {merge: [merge.ign]}}\n".to_owned(), UNDECLARED, 1),
        ("    output: {ignition: {merge: [secrets.yaml]}}\n".to_owned(), TOKENS, 1),
        (
            "    output: {formats: [initramfs], pxe: {url: \"http://a\", kernel: keys/sign.key, initrd: \"http://a/i\", secrets: elsewhere}}\n".to_owned(),
            SIGNER,
            1,
        ),
        (
            "    output: {formats: [initramfs], pxe: {url: \"http://a\", kernel: \"http://a/k\", initrd: key.txt, secrets: elsewhere}}\n".to_owned(),
            READABLE,
            1,
        ),
        ("    registries: {r.example.com: {ca: key.txt}}\n".to_owned(), READABLE, 1),
    ] {
        let (exit, plain) = said(&project, &lines);
        assert_eq!(exit, Some(3), "{lines}: {plain}");
        assert_eq!(
            plain.matches(what).count(),
            count, "{lines}: {plain}");
        assert_eq!(plain.lines().count(), count, "{lines}: {plain}");
    }
}

/// The same ways, for what is declared and for what only looks like a key.
#[test]
fn what_was_declared_secret_passes_and_stays_out_of_public_payloads() {
    let project = project();
    fs::remove_file(project.dir.join("secrets.yaml.age")).unwrap();
    let dir = &project.dir;
    let body: String = pem(&project).lines().nth(1).unwrap().to_owned();
    fs::create_dir_all(dir.join("overlays/keys/root/etc")).unwrap();
    let overlay = "apiVersion: nodebake/v1\nkind: Overlay\nfiles: {/etc/k: {secret: true}}\n";
    fs::write(dir.join("overlays/keys/overlay.yaml"), overlay).unwrap();
    fs::copy(dir.join("key.txt"), dir.join("overlays/keys/root/etc/k")).unwrap();
    let lines = "    overlays: {keys: {}}\n    files:\n      /etc/y: {source: key.txt, secret: true}\n      /etc/z: {content: \"-----BEGIN PRIVATE KEY-----\\n$KEY\\n-----END PRIVATE KEY-----\\n\"}\n    output: {secrets: separate}\n";
    let file = dir.join("cluster.yaml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replacen(NODE, &format!("{NODE}{lines}"), 1)).unwrap();
    project.good(&["build"]);
    let mut secret = 0;
    for entry in walkdir::WalkDir::new(project.out()) {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() || !entry.path().to_string_lossy().contains("nodes/gpu") {
            continue;
        }
        let extracted = project.dir.join("extracted");
        let path = entry.path().to_str().unwrap();
        let output = project.run(&["inspect", path, "--extract", "extracted"]);
        if !output.status.success() {
            continue;
        }
        let holds = walkdir::WalkDir::new(&extracted).into_iter().any(|inner| {
            let inner = inner.unwrap();
            inner.file_type().is_file()
                && fs::read_to_string(inner.path()).is_ok_and(|text| text.contains(&body))
        });
        let is_secret = path.contains("secrets");
        assert!(is_secret || !holds, "{path}");
        secret += usize::from(holds);
        fs::remove_dir_all(extracted).unwrap();
    }
    assert!(secret >= 3, "{secret} secret payloads hold the key");
}
