//! The whole line as a user types it: from `init` to a verified bundle, with every option on the way.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use walkdir::WalkDir;

use crate::formats::separate::holds_secret;
use crate::support::fixture::{Project, fixtures, snapshot, text};
use crate::support::oracles;
use crate::support::tool::{SECRET, nodebake};

/// Reads JSON as our library and jq do.
fn json(said: &str) -> Value {
    if oracles::present("jq") {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("said"), said).unwrap();
        oracles::content(folder.path(), "jq", &[".", "said"]);
    }
    serde_json::from_str(said).unwrap()
}

pub fn verified(project: &Project, out: &Path) -> Value {
    let said = project.good(&[
        "verify",
        out.to_str().unwrap(),
        "--key",
        "keys/sign.pub",
        "-o",
        "json",
    ]);
    json(&said)
}

#[test]
fn init_then_build_then_verify_with_both_profiles() {
    for profile in ["worker", "by-hand"] {
        let project = Project::empty();
        let around = project.scratch();
        nodebake(around, &["init", "project", "--profile", profile]).good();
        let said = nodebake(around, &["check", "project"]).good();
        assert_eq!(said, "4 nodes can be built\n", "{profile}");
        nodebake(around, &["build", "project"]).good();
        let verify = ["verify", "project/out", "--key", "project/keys/sign.pub"];
        let said = nodebake(around, &verify).good();
        assert!(
            said.contains("verified: cluster example, generation 1, 4 nodes"),
            "{said}"
        );
        // It builds today and next month.
        let later = (time::OffsetDateTime::now_utc() + time::Duration::days(31))
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap();
        nodebake(around, &["build", "project", "--strict", "--at", &later]).good();
        // A second `init` would overwrite keys that are in use.
        let before = snapshot(&project.dir);
        let again = nodebake(around, &["init", "project"]).run();
        assert_eq!(again.status.code(), Some(1));
        assert_eq!(snapshot(&project.dir), before);
    }
}

/// The key may be with an external signer: only a build that signs needs it.
#[test]
fn without_a_signing_key_only_unsigned_bundles_are_built() {
    let project = Project::of("reference");
    fs::remove_file(project.dir.join("keys/sign.key")).unwrap();
    project.good(&["check"]);
    let refused = project.run(&["build"]);
    assert_eq!(refused.status.code(), Some(3));
    let said = text(&refused.stderr);
    assert!(
        said.contains("error: keys/sign.key: ") && said.contains("key generate"),
        "{said}"
    );
    assert!(!project.out().exists());
    project.good(&["build", "--unsigned"]);
    assert!(!project.out().join("SHA256SUMS.sig").exists());
}

/// What git ignores in a new project is what must not be shared.
#[test]
fn init_keeps_secrets_out_of_git() {
    oracles::needs(["git"]);
    let project = Project::empty();
    nodebake(project.scratch(), &["init", "project"]).good();
    nodebake(project.scratch(), &["build", "project"]).good();
    oracles::content(&project.dir, "git", &["init", "-q"]);
    oracles::content(&project.dir, "git", &["add", "."]);
    let tracked = oracles::content(&project.dir, "git", &["ls-files"]);
    let tracked: Vec<&str> = tracked.lines().collect();
    assert_eq!(
        tracked,
        [
            ".gitignore",
            "README.md",
            "cluster.yaml",
            "keys/allowed_signers",
            "keys/sign.pub",
            "pki/ca.pem",
            "schemas/cluster.schema.json",
            "schemas/overlay.schema.json",
            "schemas/profile.schema.json",
        ]
    );
}

#[test]
fn results_are_json_where_it_is_asked_for() {
    let project = Project::of("modern");
    assert_eq!(
        json(&project.good(&["check", "--format", "json"])),
        serde_json::json!({
            "apiVersion": "nodebake/v1",
            "kind": "Findings",
            "findings": [],
            "summary": {"errors": 0, "warnings": 0, "nodes": 9},
        })
    );
    let made = json(&project.good(&["build", "--print", "json"]));
    assert_eq!((&made["nodes"], &made["signed"]), (&9.into(), &true.into()));
    let shown = json(&project.good(&["show", "edge-004", "-o", "json"]));
    assert_eq!(shown["node"], "edge-004");
    assert!(shown["tree"].as_array().unwrap().len() > 10);
    let origins = json(&project.good(&["show", "edge-004", "--origin", "-o", "json"]));
    let origins = origins.as_array().unwrap();
    let pods = origins
        .iter()
        .find(|origin| origin["path"] == "kubelet.config.maxPods");
    assert_eq!(pods.unwrap()["value"], 60);
    assert_eq!(verified(&project, &project.out())["nodes"], 9);
    let listed = json(&project.good(&["token", "list", "-o", "json"]));
    assert_eq!(listed.as_array().unwrap().len(), 9);
    let created = json(&project.good(&["token", "create", "-o", "json"]));
    assert_eq!(created, serde_json::json!([]), "all tokens are still good");
    fs::remove_file(project.dir.join("secrets.yaml")).unwrap();
    let created = json(&project.good(&[
        "token", "create", "--ttl", "5000d", "-o", "json", ".", "edge-001", "edge-002",
    ]));
    assert_eq!(created.as_array().unwrap().len(), 2);
    // Findings are results of `check`: on stdout, as JSON too.
    let output = project.run(&["check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let findings = json(&text(&output.stdout));
    assert_eq!(
        findings["findings"].as_array().unwrap().len(),
        1,
        "{findings:#}"
    );
    assert_eq!(findings["findings"][0]["severity"], "error");
}

#[test]
fn a_bundle_with_wrong_claims_fails_with_json_and_exit_code_4() {
    let project = Project::of("reference");
    project.good(&["build"]);
    fs::write(project.out().join("extra"), "x").unwrap();
    let output = project.run(&["verify", "out", "--key", "keys/sign.pub", "-o", "json"]);
    assert_eq!(output.status.code(), Some(4));
    let said = json(&text(&output.stdout));
    assert!(said.to_string().contains("extra"), "{said}");
}

#[test]
fn node_glob_bakes_those_and_reuses_the_others() {
    let project = Project::of("modern");
    project.good(&["build"]);
    let before = snapshot(&project.out());
    let inventory = project.dir.join("cluster.yaml");
    let changed = fs::read_to_string(&inventory)
        .unwrap()
        .replace("ntp1.example.com", "ntp9.example.com");
    fs::write(&inventory, changed).unwrap();
    project.good(&["build", "--node", "edge-00[12]", "--node", "gpu-*"]);
    let after = snapshot(&project.out());
    verified(&project, &project.out());
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    let mut baked = 0;
    for (path, entry) in before
        .iter()
        .filter(|(path, _)| path.matches('/').count() == 2 && path.starts_with("nodes/"))
    {
        let chosen = ["edge-001", "edge-002", "gpu-1.example.com"]
            .iter()
            .any(|node| path.starts_with(&format!("nodes/{node}/")));
        // What holds no file of the tree does not change with it.
        let same_always = ["meta-data", "network-config"]
            .iter()
            .any(|end| path.ends_with(end))
            || path.contains(".secrets.");
        assert_eq!(entry == &after[path], !chosen || same_always, "{path}");
        baked += usize::from(chosen);
    }
    assert!(baked > 15, "{baked}");
    let unknown = project.run(&["build", "--node", "nobody-*"]);
    assert_ne!(unknown.status.code(), Some(0));
    assert_eq!(snapshot(&project.out()), after);
}

#[test]
fn format_writes_those_formats_only() {
    let project = Project::of("reference");
    let endings: [(&[&str], &[&str]); 3] = [
        (&["--format", "tarball"], &[".tar.gz"]),
        (&["--format", "cloudInit"], &["meta-data", "user-data"]),
        (
            &["--format", "ignition", "--format", "initramfs"],
            &["config.ign", ".cpio.gz"],
        ),
    ];
    for (args, wanted) in endings {
        project.good(&[&["build"], args].concat());
        verified(&project, &project.out());
        let node = project.out().join("nodes/zhangjun-k8s-02");
        let mut found: Vec<String> = fs::read_dir(node)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("tree."))
            .collect();
        found.sort();
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        assert!(
            found
                .iter()
                .zip(wanted)
                .all(|(name, end)| name.ends_with(end)),
            "{found:?}"
        );
    }
    let unknown = project.run(&["build", "--format", "rpm"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown.stderr));
}

#[test]
fn tokens_come_by_stdin_and_from_another_file() {
    let project = Project::of("reference");
    project.good(&["build"]);
    let before = snapshot(&project.out());
    fs::remove_dir_all(project.out()).unwrap();
    let tokens = project.dir.join("secrets.yaml");
    let bytes = fs::read(&tokens).unwrap();
    fs::remove_file(&tokens).unwrap();
    let missing = project.run(&["build"]);
    assert_eq!(missing.status.code(), Some(3));
    let output = project
        .command(&["build", "--secrets", "-"])
        .run_with_input(&bytes);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(snapshot(&project.out()), before);
    let elsewhere = project.scratch().join("tokens");
    fs::write(&elsewhere, &bytes).unwrap();
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o600)).unwrap();
    project.good(&["build", "--secrets", elsewhere.to_str().unwrap()]);
    assert_eq!(snapshot(&project.out()), before);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let project = Project::of("modern");
    project.good(&["build"]);
    let config = "/etc/kubernetes/kubelet-config.yaml";
    for args in [
        &["check"][..],
        &["show", "edge-001"],
        &["show", "edge-001", "--origin", "-o", "json"],
        &["show", "edge-001", "-o", "json"],
        &["show", "edge-001", "--file", config],
        &["token", "list"],
        &["token", "list", "-o", "json"],
        &["token", "create"],
        &["build"],
        &["build", "--print", "json"],
        &["verify", "out", "--key", "keys/sign.pub"],
    ] {
        // The reading end is closed before the program starts.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = project.command(args).run_into(writer);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
        assert!(!said.contains("roken pipe"), "{args:?}: {said}");
    }
}

#[test]
fn show_names_the_layer_that_set_each_value() {
    let project = Project::of("modern");
    let origins = project.good(&["show", "edge-004", "--origin"]);
    let inventory = fs::read_to_string(fixtures().join("modern/cluster.yaml")).unwrap();
    for (field, file) in [
        ("kubelet.config.maxPods: 60", "cluster.yaml"),
        (
            "kubelet.config.serializeImagePulls: false",
            "built-in:profiles/worker.yaml",
        ),
        (
            "vars.ntp: [\"ntp1.example.com\",\"ntp2.example.com\"]",
            "cluster.yaml",
        ),
    ] {
        let line = origins
            .lines()
            .find(|line| line.starts_with(field))
            .expect(field);
        let place = line.rsplit_once('(').unwrap().1.trim_end_matches(')');
        let mut parts = place.rsplitn(3, ':');
        let column: usize = parts.next().unwrap().parse().unwrap();
        let number: usize = parts.next().unwrap().parse().unwrap();
        assert_eq!(parts.next(), Some(file), "{line}");
        if file == "cluster.yaml" {
            let (_, value) = field.split_once(": ").unwrap();
            let written = inventory.lines().nth(number - 1).unwrap();
            let written = written.get(column - 1..).unwrap();
            assert!(
                written.starts_with(value.get(..1).unwrap()),
                "{line}: {written}"
            );
        }
    }
    // A value that a layer removed is nobody's.
    assert!(
        !origins.contains("systemReserved.ephemeral-storage: \"1Gi\""),
        "{origins}"
    );
}

/// Every command's output is looked through as it runs; here are those that come close to secrets.
#[test]
fn no_output_says_a_secret_unless_it_is_to_be_revealed() {
    for case in ["reference", "modern"] {
        let project = Project::of(case);
        let nodes = json(&project.good(&["token", "list", "-o", "json"]));
        let node = if case == "modern" {
            "gpu-1.example.com"
        } else {
            "zhangjun-k8s-01"
        };
        let kubeconfig = match case {
            "modern" => "/etc/kubernetes/bootstrap-kubelet.kubeconfig",
            _ => "/etc/kubernetes/kubelet-bootstrap.kubeconfig",
        };
        assert!(nodes.is_array());
        for args in [
            &["check"][..],
            &["build"],
            &["show", node],
            &["show", node, "-o", "json"],
            &["show", node, "--origin"],
            &["show", node, "--file", kubeconfig],
            &["token", "list"],
            &["token", "create"],
            &["token", "expiring", "--within", "1h"],
            &["token", "expiring", "--within", "1h", "-o", "json"],
            &["csr", "approver-settings"],
            &["verify", "out", "--key", "keys/sign.pub"],
            &["sign", "out", "--key", "keys/sign.key"],
        ] {
            project.good(args);
        }
        let shown = project.good(&["show", node, "--file", kubeconfig, "--reveal"]);
        assert!(shown.contains(SECRET), "{shown}");
        assert!(
            project
                .good(&["token", "list", "--reveal"])
                .contains(SECRET)
        );
        readable_by_all_without_secrets(&project);
        for args in [
            &["token", "rotate", ".", node, "--overlap", "36h"][..],
            &["token", "rotate", ".", node, "-o", "json"],
            &["token", "revoke", ".", node],
            &["token", "list", "-o", "json"],
        ] {
            project.good(args);
        }
        // What is wrong with a dump is said without the dump.
        let dump = format!(
            "{{\"kind\": \"BootstrapToken\", \"token\": \"{SECRET}\", \"usages\": \"{SECRET}\"}}"
        );
        for command in [&["token", "import", "-"][..], &["csr", "review", "-"]] {
            let output = project.command(command).run_with_input(dump.as_bytes());
            assert_eq!(output.status.code(), Some(1), "{command:?}");
        }
    }
}

/// Only the owner may read what holds a secret: the secret is looked for in what anybody may read, archives included.
fn readable_by_all_without_secrets(project: &Project) {
    let (mut open, mut closed) = (0, 0);
    for entry in WalkDir::new(project.out()) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        if !entry.file_type().is_file() {
            continue;
        }
        if mode & 0o077 == 0 {
            closed += 1;
            continue;
        }
        open += 1;
        // Compressed and encoded forms included.
        assert!(
            !holds_secret(&fs::read(entry.path()).unwrap(), 3),
            "{} is open to all",
            entry.path().display()
        );
    }
    assert!(open > 15 && closed > 10, "{open} {closed}");
}
