//! The project's signing key, and what is beside it: who else could change it is found by every command that signs or
//! would sign, before a receiver finds out. And who else could read the secrets of a bundle is found by `verify`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::support::fixture::{Project, fixtures, text};

/// Commands that read the project's key; the second writes a bundle, which must not come about.
const READERS: [&[&str]; 3] = [
    &["check"],
    &["build", "-o", "other"],
    &["sign", "out", "--key", "keys/sign.key"],
];

fn refused(project: &Project, finding: &str) {
    for args in READERS {
        let output = project.run(args);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
        assert_eq!(said.matches(finding).count(), 1, "{args:?}: {said}");
    }
    assert!(!project.dir.join("other").exists());
}

#[test]
fn a_public_key_of_another_pair_is_a_finding() {
    let project = Project::of("modern");
    project.good(&["build", "--unsigned"]);
    project.good(&["key", "generate", "elsewhere"]);
    for name in ["sign.pub", "allowed_signers"] {
        let path = project.dir.join("keys").join(name);
        let before = fs::read(&path).ok();
        let other = project.dir.join("elsewhere/keys").join(name);
        fs::copy(other, &path).unwrap();
        let finding = format!("error: keys/{name}: must be of the same key pair as keys/sign.key");
        refused(&project, &finding);
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    for args in READERS {
        project.good(args);
    }
}

#[test]
fn keys_that_others_may_exchange_are_a_finding() {
    let project = Project::of("modern");
    project.good(&["build", "--unsigned"]);
    let set = |name: &str, mode| {
        fs::set_permissions(project.dir.join(name), Permissions::from_mode(mode)).unwrap();
    };
    for (name, mode, tight) in [
        ("keys", 0o775, 0o755),
        ("keys/sign.pub", 0o664, 0o644),
        ("keys/sign.key", 0o620, 0o600),
    ] {
        set(name, mode);
        refused(
            &project,
            &format!("(mode {mode:04o})").replace("(mode 0620)", "mode is 0620"),
        );
        set(name, tight);
    }
    // The project's folder is that of secrets.yaml and of keys/: one finding.
    set("", 0o777);
    for args in &READERS[..2] {
        let output = project.run(args);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(
            said.matches("others may write the folder").count(),
            1,
            "{said}"
        );
        assert!(
            said.contains("error: .: ") && said.contains("chmod go-w ."),
            "{said}"
        );
        assert_eq!(output.status.code(), Some(3), "{said}");
    }
    set("", 0o775);
    for args in READERS {
        project.good(args);
    }
}

/// A key of another name is a key by itself: the project's public one need not be of it.
#[test]
fn a_key_elsewhere_is_not_held_against_the_projects() {
    let project = Project::of("modern");
    project.good(&["key", "generate", "elsewhere"]);
    let key = project.dir.join("signing.pem");
    fs::rename(project.dir.join("elsewhere/keys/sign.key"), &key).unwrap();
    project.good(&["build", "--key", "signing.pem"]);
    assert!(fixtures().join("sign-test-only.pub").exists());
    project.good(&["verify", "out", "--key", "elsewhere/keys/sign.pub"]);
}

/// Media without modes, and copies without them, give secrets to everybody who can log in: the bundle is still the right
/// one, and the warning says what to do.
#[test]
fn secrets_that_others_may_read_are_a_warning() {
    let project = Project::of("modern");
    project.good(&["build"]);
    let verify = || project.run(&["verify", "out", "--key", "keys/sign.pub"]);
    assert!(verify().stderr.is_empty());
    let json = || {
        let said = project.good(&["verify", "out", "--key", "keys/sign.pub", "-o", "json"]);
        let verdict: serde_json::Value = serde_json::from_str(&said).unwrap();
        verdict["exposed"].as_array().unwrap().len()
    };
    assert_eq!(json(), 0);
    let loosen = |line: &str| {
        let done = crate::support::oracles::run(&project.dir, "sh", &["-c", line]);
        assert!(done.status.success(), "{line}");
    };
    // What `cp -r` makes of files that some FAT has held.
    loosen("chmod -R a+rX out");
    let output = verify();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("warning: out: files with secrets may be read by others: cluster/tokens/"),
        "{said}"
    );
    assert!(
        said.contains(" more; run `chmod -R go= out/cluster/tokens out/nodes/*`"),
        "{said}"
    );
    let count = json();
    assert!(count > 5, "{count}");
    // The repair is one.
    let repair = said.split('`').nth(1).unwrap();
    loosen(repair);
    assert!(verify().stderr.is_empty());
    assert_eq!(json(), 0);
}
