//! Canaries: every secret of a project is known, and is searched for in all that any command prints, writes or leaves
//! behind. [`crate::support::tool`] looks at arguments and output of every run of this suite; here every command runs, good and
//! failing, and files and cores are searched too.

mod broken;
mod commands;
mod search;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::json;

use crate::formats::initrd::base;
use crate::support::everything::{BEFORE, NODE, everything};
use crate::support::fixture::{Project, fixtures};
use crate::support::oracles;
use crate::support::tool::{IDENTITY, Tool};

use search::Canaries;

/// The node that brings certificates instead of a token.
const BY_CERTIFICATE: &str = "by-certificate";

/// A file that its owner declared secret, of which each node has a copy.
const DECLARED: &str = "canary-of-a-file-that-was-declared-secret";

/// A project with each kind of secret: tokens, a signing key, a CA's key, a node's certificates, an age identity, and a
/// file that the inventory declares secret.
struct Room {
    project: Project,
    canaries: Canaries,
}

impl Room {
    fn new() -> Self {
        let project = everything();
        fs::remove_file(project.dir.join("pki/ca.pem")).unwrap();
        let inventory = project.dir.join("cluster.yaml");
        let text = fs::read_to_string(&inventory).unwrap();
        let more = format!(
            "nodes:\n  - name: {BY_CERTIFICATE}\n    addresses: [10.20.9.9]\n    \
             identity: {{client: clientCertificate, serving: preIssued}}\n    \
             files: {{/etc/declared: {{source: declared, secret: true}}}}\n"
        );
        let changed = text.replacen("nodes:\n", &more, 1);
        assert_ne!(changed, text);
        fs::write(&inventory, changed).unwrap();
        fs::write(project.dir.join("declared"), DECLARED).unwrap();
        base(&project.dir, "base-initrd", &["scripts/functions"], "gzip");
        project.good(&["pki", "init", "."]);
        project.good(&["pki", "issue", "."]);
        if oracles::present("age-keygen") {
            oracles::content(&project.dir, "age-keygen", &["-o", IDENTITY]);
        }
        let tmp = project.scratch().join("tmp");
        fs::create_dir(&tmp).unwrap();
        fs::write(project.dir.join("requests.json"), requests()).unwrap();
        let mut canaries = Canaries::of(&project.dir);
        canaries.add("the declared file", DECLARED);
        Self { project, canaries }
    }

    fn tmp(&self) -> PathBuf {
        self.project.scratch().join("tmp")
    }

    /// A run whose temporary files are below the room.
    fn command(&self, args: &[&str]) -> Tool {
        let mut command = self.project.command(args);
        command.env("TMPDIR", self.tmp());
        command
    }

    /// What others could read of all that is in the room.
    fn leaks(&self) -> Vec<String> {
        self.canaries.readable_below(self.project.scratch())
    }

    /// Cores hold no secret, and go.
    fn assert_clean_cores(&self) {
        for entry in fs::read_dir(&self.project.dir).unwrap() {
            let path = entry.unwrap().path();
            if path
                .file_name()
                .unwrap()
                .as_encoded_bytes()
                .starts_with(b"core")
            {
                let found = self.canaries.find(&fs::read(&path).unwrap());
                assert!(found.is_none(), "a core holds a secret of {found:?}");
                fs::remove_file(path).unwrap();
            }
        }
    }

    fn assert_no_leak(&self, after: &str) {
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "after {after}: {leaks:?}");
    }
}

/// A dump with one CSR.
fn requests() -> String {
    let pem = fs::read(fixtures().join("csr/client.pem")).unwrap();
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "csr-1", "creationTimestamp": "2026-11-24T15:00:00Z"},
        "spec": {
            "request": STANDARD.encode(pem),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "client auth"],
            "username": "system:bootstrap:mtst02",
            "groups": ["system:bootstrappers", "system:authenticated"],
        },
        "status": {},
    })
    .to_string()
}

/// Every command, as it ends well and as it fails, in every form of its output.
#[test]
fn no_command_says_a_secret_or_leaves_one_for_others() {
    let room = Room::new();
    room.assert_no_leak("the project was made");
    let mut ran = std::collections::BTreeSet::new();
    for case in commands::cases() {
        let output = match case.input {
            Some(file) => {
                let input = fs::read(room.project.dir.join(file)).unwrap();
                room.command(&case.args).run_with_input(&input)
            }
            None => room.command(&case.args).run(),
        };
        let shown = case.args.join(" ");
        assert_eq!(
            output.status.code(),
            Some(case.exit),
            "{shown}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        for (stream, said) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let revealed = case.args.contains(&"--reveal") && stream == "stdout";
            let found = room.canaries.find(said);
            assert!(found.is_none() || revealed, "{shown}: {stream}: {found:?}");
        }
        room.assert_no_leak(&shown);
        ran.insert(case.command());
    }
    let missing: Vec<String> = commands::all()
        .into_iter()
        .filter(|command| !ran.contains(command))
        .collect();
    assert!(missing.is_empty(), "no case runs {missing:?}");
}

/// The search finds what it must, or the test above could not fail.
#[test]
fn a_planted_secret_is_found_in_every_form() {
    let room = Room::new();
    room.command(&["build"]).good();
    room.assert_no_leak("build");
    let secret = room.project.out().join("cluster/tokens/tokens.yaml");
    let payload = room
        .project
        .out()
        .join(format!("nodes/{NODE}/{NODE}.secrets.tar.gz"));
    for (file, name) in [(&secret, "a manifest"), (&payload, "a packed payload")] {
        let planted = room.tmp().join("planted");
        crate::support::fixture::copy(file, &planted, 0o644);
        assert!(!room.leaks().is_empty(), "{name}");
        fs::remove_file(planted).unwrap();
    }
    room.assert_no_leak("the plants were removed");
}

/// Killed at any moment, a run leaves no secret that others may read; and a crash leaves no core.
#[test]
fn a_run_that_dies_leaves_no_secret_for_others() {
    let room = Room::new();
    room.command(&["build"]).good();
    let runs: [&[&str]; 7] = [
        &["build", "--upgrade-from", BEFORE],
        &["diff", "--at", crate::support::fixture::AT],
        &["token", "rotate", ".", NODE],
        &["token", "create", "."],
        &["pki", "issue", ".", "--force"],
        &["show", NODE],
        &["key", "generate", "other"],
    ];
    for args in runs {
        let start = std::time::Instant::now();
        room.command(args).run();
        let takes = start.elapsed();
        for turn in 0..4u32 {
            room.command(args).killed_after(takes * (turn + 1) / 5);
            room.assert_no_leak(&format!("{} was killed", args.join(" ")));
            let mut crashing = room
                .command(args)
                .below("ulimit -c unlimited; exec \"$0\" \"$@\"");
            let output = crashing.signalled(takes * (turn + 1) / 5, &[Signal::ABORT]);
            // A process that has only just begun may dump one: it has read nothing yet.
            if output.status.core_dumped() {
                room.assert_clean_cores();
            }
            room.assert_no_leak(&format!("{} crashed", args.join(" ")));
        }
    }
}
