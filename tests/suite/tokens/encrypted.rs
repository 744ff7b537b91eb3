//! The encrypted secrets file: age itself opens what we write, we open what age and ssh-keygen made, the clear text is
//! on no disk at any time, and every command works with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use nodebake::wording::counted;

use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;
use crate::support::tool::{IDENTITY, SECRET, nodebake};

const NODE: &str = "zhangjun-k8s-01";

/// A key pair: what is written into cluster.yaml, and the file that opens what is encrypted for it.
struct Pair {
    public: String,
    identity: PathBuf,
}

/// A new pair as its own program makes it: age-keygen, or ssh-keygen of a type.
fn pair(folder: &Path, name: &str) -> Pair {
    let identity = folder.join(name);
    let file = identity.to_str().unwrap();
    let public = if let Some(kind) = name.strip_prefix("ssh-") {
        let args = ["-q", "-t", kind, "-N", "", "-C", "a comment", "-f", file];
        oracles::content(folder, "ssh-keygen", &args);
        fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap()
    } else {
        oracles::content(folder, "age-keygen", &["-o", file]);
        oracles::content(folder, "age-keygen", &["-y", file])
    };
    Pair {
        public: public.trim().to_owned(),
        identity,
    }
}

fn needs_age() {
    oracles::needs(["age", "age-keygen", "ssh-keygen"]);
}

/// The reference project with recipients, and its tokens encrypted for them.
fn encrypted_project(names: &[&str]) -> (Project, Vec<Pair>) {
    let project = Project::of("reference");
    let pairs: Vec<Pair> = names
        .iter()
        .map(|name| pair(project.scratch(), name))
        .collect();
    name_recipients(&project, &pairs);
    let said = project.good(&["token", "encrypt"]);
    let recipients = counted(names.len(), "recipient");
    let expected = format!("secrets.yaml.age: 3 tokens, encrypted for {recipients}\n");
    assert_eq!(said, expected);
    assert!(!project.dir.join("secrets.yaml").exists());
    (project, pairs)
}

/// Writes `tokens.recipients` again.
fn name_recipients(project: &Project, pairs: &[Pair]) {
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let without = text
        .lines()
        .filter(|line| !line.starts_with("  recipients: "));
    let without: String = without.map(|line| format!("{line}\n")).collect();
    let listed: Vec<String> = pairs
        .iter()
        .map(|pair| format!("{:?}", pair.public))
        .collect();
    let line = format!("tokens:\n  recipients: [{}]\n", listed.join(", "));
    fs::write(&file, without.replacen("tokens:\n", &line, 1)).unwrap();
}

/// What age itself says is in the file.
fn opened_by_age(project: &Project, pair: &Pair) -> String {
    let identity = pair.identity.to_str().unwrap();
    oracles::content(
        &project.dir,
        "age",
        &["-d", "-i", identity, "secrets.yaml.age"],
    )
}

/// No file of the project but what is in its bundle holds a token's secret in the clear.
fn assert_no_clear_text(folder: &Path) {
    let entries = WalkDir::new(folder).into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != "out") {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let said = String::from_utf8_lossy(&bytes);
            assert!(
                !said.contains(SECRET) && !said.contains("secret:"),
                "{entry:?}"
            );
        }
    }
}

#[test]
fn age_opens_what_we_write_with_each_recipients_identity() {
    needs_age();
    let (project, pairs) = encrypted_project(&[IDENTITY, "ssh-ed25519", "ssh-rsa"]);
    let original = fs::read_to_string(
        crate::support::fixture::fixtures().join("reference/tokens-test-only.yaml"),
    )
    .unwrap();
    let secrets = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("secret:"));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    for pair in &pairs {
        let opened = opened_by_age(&project, pair);
        assert!(opened.starts_with("# Bootstrap tokens"), "{opened}");
        let values = |text| {
            let all: Vec<String> = secrets(text);
            all.iter()
                .map(|line| line.replace(['"', ' '], ""))
                .collect::<Vec<_>>()
        };
        assert_eq!(values(&opened), values(&original));
        let identity = pair.identity.to_str().unwrap();
        let said = project.good(&["check", "--identity", identity]);
        assert!(said.contains("3 nodes"), "{said}");
    }
    let mode = fs::metadata(project.dir.join("secrets.yaml.age")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o7777, 0o600);
    assert_no_clear_text(&project.dir);
}

#[test]
fn we_open_what_age_wrote_armoured_or_not() {
    needs_age();
    for armour in [&[][..], &["-a"]] {
        for name in [IDENTITY, "ssh-ed25519", "ssh-rsa"] {
            let project = Project::of("reference");
            let pair = pair(project.scratch(), name);
            name_recipients(&project, std::slice::from_ref(&pair));
            let args = ["-r", &pair.public, "-o", "secrets.yaml.age", "secrets.yaml"];
            oracles::content(&project.dir, "age", &[armour, &args[..]].concat());
            fs::remove_file(project.dir.join("secrets.yaml")).unwrap();
            let identity = pair.identity.to_str().unwrap();
            let list = project.good(&["token", "list", "--identity", identity]);
            assert_eq!(list.lines().count(), 4, "{list}");
            let args = ["token", "rotate", ".", NODE, "--identity", identity];
            project.good(&args);
            assert_eq!(opened_by_age(&project, &pair).matches("secret:").count(), 4);
        }
    }
}

#[test]
fn a_build_from_the_encrypted_file_is_the_same_bundle() {
    needs_age();
    let plain = Project::of("reference");
    plain.good(&["build"]);
    let (project, pairs) = encrypted_project(&[IDENTITY]);
    let identity = &pairs[0].identity;
    let mut runs = [(); 4].map(|()| project.command(&["build"]));
    runs[0].args(&["--identity", identity.to_str().unwrap()]);
    runs[1].env("NODEBAKE_AGE_IDENTITY_FILE", identity);
    runs[2].env(
        "NODEBAKE_AGE_IDENTITY",
        fs::read_to_string(identity).unwrap(),
    );
    runs[3].args(&["--identity", "-"]);
    for (index, run) in runs.iter_mut().enumerate() {
        let _ = fs::remove_dir_all(project.out());
        let output = match index {
            3 => run.run_with_input(&fs::read(identity).unwrap()),
            _ => run.run(),
        };
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(snapshot(&project.out()), snapshot(&plain.out()));
    }
    // The file itself may come from stdin too.
    let _ = fs::remove_dir_all(project.out());
    let args = [
        "build",
        "--secrets",
        "-",
        "--identity",
        identity.to_str().unwrap(),
    ];
    let sealed = fs::read(project.dir.join("secrets.yaml.age")).unwrap();
    let output = project.command(&args).run_with_input(&sealed);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(snapshot(&project.out()), snapshot(&plain.out()));
    assert_no_clear_text(&project.dir);
}

#[test]
fn every_token_command_reads_and_writes_it_encrypted() {
    needs_age();
    let (project, pairs) = encrypted_project(&[IDENTITY, "other.txt"]);
    let identity = pairs[0].identity.to_str().unwrap().to_owned();
    let good = |args: &[&str]| project.good(&[args, &["--identity", &identity]].concat());
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let fourth = "  - {name: zhangjun-k8s-04, addresses: [172.27.138.240]}\n";
    fs::write(&file, inventory + fourth).unwrap();
    let dump = r#"{"kind": "List", "apiVersion": "v1", "items": [{"kind": "Secret", "apiVersion": "v1",
        "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}, "type": "bootstrap.kubernetes.io/token",
        "data": {"token-id": "YWJjZGVm", "token-secret": "dGVzdG9ubHlzZWNyZXQ5OQ==", "expiration": "MjA5OS0wMS0wMVQwMDowMDowMFo=",
        "usage-bootstrap-authentication": "dHJ1ZQ==", "auth-extra-groups": "c3lzdGVtOmJvb3RzdHJhcHBlcnM6emhhbmdqdW4tazhzLTA0"}}]}"#;
    fs::write(project.dir.join("dump.json"), dump).unwrap();
    let count = |wanted: usize| {
        for pair in &pairs {
            let opened = opened_by_age(&project, pair);
            assert_eq!(opened.matches("secret:").count(), wanted, "{opened}");
        }
        fs::remove_file(project.dir.join("dump.json")).unwrap_or_default();
        assert_no_clear_text(&project.dir);
    };
    assert!(good(&["token", "import", "dump.json"]).contains("took abcdef"));
    count(4);
    good(&["token", "rotate", ".", NODE, "--ttl", "9000d"]);
    count(5);
    good(&["token", "revoke", ".", NODE]);
    good(&["token", "create", ".", NODE, "--ttl", "9000d"]);
    count(6);
    assert_eq!(good(&["token", "list"]).lines().count(), 7);
    good(&["show", NODE]);
    assert!(
        good(&[
            "token",
            "expiring",
            "--within",
            "1h",
            "--at",
            "2027-06-01T00:00:00Z"
        ])
        .starts_with("no token")
    );
    fs::write(
        project.dir.join("csr.json"),
        r#"{"apiVersion": "v1", "kind": "List", "items": []}"#,
    )
    .unwrap();
    good(&["csr", "review", "csr.json"]);
    // Nobody who could open it: no verdict.
    let shut = project.run(&["csr", "review", "csr.json"]);
    assert_eq!(shut.status.code(), Some(3), "{}", text(&shut.stderr));
    assert_eq!(text(&shut.stdout), "");
    // Revoking goes on while the inventory has errors: it must not wait for them.
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(&file, inventory.replace("generation: 1", "generation: x")).unwrap();
    let said = project.run(&["token", "create", "--identity", &identity]);
    assert_eq!(said.status.code(), Some(3));
    fs::write(
        &file,
        inventory.replace("profiles: [by-hand]", "profiles: [no-such]"),
    )
    .unwrap();
    assert!(good(&["token", "revoke", ".", "*-02"]).contains("revoked"));
}

#[test]
fn who_is_no_recipient_any_more_cannot_open_it() {
    needs_age();
    let (project, mut pairs) = encrypted_project(&[IDENTITY, "other.txt"]);
    let identity = pairs[0].identity.to_str().unwrap().to_owned();
    let gone = pairs.pop().unwrap();
    opened_by_age(&project, &gone);
    name_recipients(&project, &pairs);
    let said = project.good(&["token", "encrypt", "--identity", &identity, "-o", "json"]);
    assert!(said.contains("\"recipients\": 1"), "{said}");
    let theirs = gone.identity.to_str().unwrap();
    let output = oracles::run(
        &project.dir,
        "age",
        &["-d", "-i", theirs, "secrets.yaml.age"],
    );
    assert!(!output.status.success());
    opened_by_age(&project, &pairs[0]);
}

/// `init` for recipients never has the clear text on disk, and the project builds.
#[test]
fn a_project_can_begin_encrypted() {
    needs_age();
    let project = Project::empty();
    let pair = pair(project.scratch(), IDENTITY);
    let refused = nodebake(
        project.scratch(),
        &["init", "project", "--recipient", "age1x"],
    )
    .run();
    assert_eq!(refused.status.code(), Some(1));
    assert!(!project.dir.exists());
    nodebake(
        project.scratch(),
        &["init", "project", "--recipient", &pair.public],
    )
    .good();
    assert!(!project.dir.join("secrets.yaml").exists());
    assert_eq!(opened_by_age(&project, &pair).matches("secret:").count(), 4);
    let mut build = nodebake(&project.dir, &["build"]);
    build
        .env("NODEBAKE_AGE_IDENTITY_FILE", &pair.identity)
        .good();
    assert_no_clear_text(&project.dir);
    let ignored = fs::read_to_string(project.dir.join(".gitignore")).unwrap();
    assert!(
        !ignored.lines().any(|line| line == "/secrets.yaml.age"),
        "it may be committed"
    );
    assert!(ignored.lines().any(|line| line == "/secrets.yaml"));
}

/// What `check` says, and that `token create` says the same and changes nothing.
fn refused(project: &Project, args: &[&str]) -> String {
    let before = snapshot(&project.dir);
    let check = project.run(&[&["check"], args].concat());
    assert_eq!(check.status.code(), Some(3), "{}", text(&check.stdout));
    let create = project.run(&[&["token", "create", "."], args].concat());
    assert_eq!(create.status.code(), Some(3));
    let said = text(&check.stderr) + &text(&check.stdout);
    let first = text(&create.stderr);
    let first = first.lines().next().unwrap();
    assert!(said.contains(first), "{said}\n{first}");
    let mut after = snapshot(&project.dir);
    after.retain(|path, _| !path.ends_with(".lock"));
    for folder in [".", ""] {
        after.remove(folder);
    }
    for (path, entry) in after {
        assert_eq!(before[&path], entry, "{path}");
    }
    said
}

#[test]
fn what_cannot_be_opened_or_trusted_is_a_finding() {
    needs_age();
    let (project, pairs) = encrypted_project(&[IDENTITY]);
    let identity = pairs[0].identity.to_str().unwrap();
    let with = ["--identity", identity];
    let file = project.dir.join("secrets.yaml.age");
    let sealed = fs::read(&file).unwrap();
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();

    assert!(
        refused(&project, &[])
            .contains("secrets.yaml.age: the file is encrypted, and no identity was given")
    );
    let other = pair(project.scratch(), "other.txt");
    let other = other.identity.to_str().unwrap();
    assert!(
        refused(&project, &["--identity", other]).contains("none of the identities opens the file")
    );
    fs::write(&file, &sealed[..sealed.len() - 60]).unwrap();
    assert!(refused(&project, &with).contains("secrets.yaml.age: the file is damaged"));
    fs::write(&file, &sealed).unwrap();

    mode(&file, 0o644);
    project.good(&[&["check"], &with[..]].concat());
    mode(&file, 0o666);
    assert!(refused(&project, &with).contains("others may change the file (mode 0666)"));
    mode(&file, 0o600);
    mode(&pairs[0].identity, 0o640);
    assert!(
        refused(&project, &with)
            .contains("identity.txt: others may read or change the file (mode 0640)")
    );
    mode(&pairs[0].identity, 0o600);

    fs::write(project.dir.join("secrets.yaml"), "x").unwrap();
    assert!(refused(&project, &with).contains("secrets.yaml.age: secrets.yaml is there too"));
    let said = project.run(&[&["token", "encrypt"], &with[..]].concat());
    assert_eq!(said.status.code(), Some(3));
    fs::remove_file(project.dir.join("secrets.yaml")).unwrap();

    name_recipients(&project, &[]);
    let said = project.run(&[&["token", "create"], &with[..]].concat());
    let said = text(&said.stderr);
    assert!(
        said.contains(
            "cluster.yaml: tokens.recipients: no recipient is left to encrypt secrets.yaml.age"
        ),
        "{said}"
    );
    // Reading needs no recipients.
    project.good(&[&["check"], &with[..]].concat());
}

#[test]
fn an_interrupted_encryption_is_taken_up_again() {
    needs_age();
    let (project, pairs) = encrypted_project(&[IDENTITY]);
    let identity = pairs[0].identity.to_str().unwrap();
    // As it is when the program dies between writing the one file and removing the other.
    project.add_secrets("reference");
    assert!(refused(&project, &["--identity", identity]).contains("is there too"));
    project.good(&["token", "encrypt", "--identity", identity]);
    assert!(!project.dir.join("secrets.yaml").exists());
    assert_eq!(
        opened_by_age(&project, &pairs[0])
            .matches("secret:")
            .count(),
        3
    );
}

#[test]
fn keys_with_a_passphrase_are_refused_plainly() {
    needs_age();
    let (project, _) = encrypted_project(&[IDENTITY]);
    let locked = project.scratch().join("locked");
    let args = [
        "-q",
        "-t",
        "ed25519",
        "-N",
        "a passphrase",
        "-f",
        locked.to_str().unwrap(),
    ];
    oracles::content(&project.dir, "ssh-keygen", &args);
    let said = refused(&project, &["--identity", locked.to_str().unwrap()]);
    assert!(
        said.contains("locked: the SSH key has a passphrase"),
        "{said}"
    );
    oracles::content(
        &project.dir,
        "ssh-keygen",
        &["-q", "-t", "ecdsa", "-N", "", "-f", "../ecdsa"],
    );
    let said = refused(&project, &["--identity", "../ecdsa"]);
    assert!(
        said.contains("../ecdsa: age knows no SSH keys of this type"),
        "{said}"
    );
    // What is encrypted itself comes in through a pipe.
    let sealed = project.scratch().join("sealed");
    fs::write(
        &sealed,
        fs::read(project.dir.join("secrets.yaml.age")).unwrap(),
    )
    .unwrap();
    fs::set_permissions(&sealed, fs::Permissions::from_mode(0o600)).unwrap();
    let said = refused(&project, &["--identity", sealed.to_str().unwrap()]);
    assert!(said.contains("age -d FILE | nodebake"), "{said}");
}
