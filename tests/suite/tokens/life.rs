//! The later life of tokens, by the binary: rotated, revoked, expiring and imported ones, and what a build makes of
//! them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use nodebake::report::Report;
use nodebake::secrets::{Keys, TokenStore};
use serde_json::{Value, json};

use crate::support::fixture::{Project, snapshot, text};
use crate::support::oracles;

const NODE: &str = "zhangjun-k8s-01";
const OTHER: &str = "zhangjun-k8s-02";

fn store(project: &Project) -> TokenStore {
    let mut report = Report::default();
    let path = project.dir.join("secrets.yaml");
    let store = TokenStore::load(&path, "secrets.yaml", &Keys::default(), &mut report);
    assert!(report.is_empty(), "{report}");
    store.unwrap().unwrap()
}

fn newest(project: &Project, node: &str) -> String {
    store(project).newest(node).unwrap().id.clone()
}

/// Runs the binary; whatever it says, it says no secret of the file as it was before or is after.
fn run(project: &Project, args: &[&str]) -> Output {
    let mut secrets = secrets(project);
    let output = project.run(args);
    secrets.extend(self::secrets(project));
    for said in [&output.stdout, &output.stderr] {
        let said = text(said);
        assert!(
            !secrets.iter().any(|secret| said.contains(secret)),
            "{said}"
        );
    }
    output
}

fn secrets(project: &Project) -> Vec<String> {
    let store = store(project);
    let tokens = store.iter().flat_map(|(_, tokens)| tokens);
    tokens.map(|t| t.secret.expose().to_owned()).collect()
}

fn good(project: &Project, args: &[&str]) -> String {
    let output = run(project, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn json(project: &Project, args: &[&str]) -> Value {
    serde_json::from_str(&good(project, &[args, &["-o", "json"]].concat())).unwrap()
}

/// The expirations of the Secrets among the manifests, by id, as Go's and Python's YAML readers see them.
fn manifests(project: &Project) -> BTreeMap<String, String> {
    let path = project.out().join("cluster/tokens/tokens.yaml");
    let secrets = oracles::same_values(&path);
    let field = |secret: &Value, key: &str| secret["stringData"][key].as_str().unwrap().to_owned();
    secrets
        .iter()
        .map(|secret| (field(secret, "token-id"), field(secret, "expiration")))
        .collect()
}

#[test]
fn a_rotation_touches_the_named_nodes_and_the_old_secret_stays_for_the_overlap() {
    let project = Project::of("reference");
    good(&project, &["build"]);
    let before = snapshot(&project.out());
    let (old, other) = (newest(&project, NODE), newest(&project, OTHER));
    let said = json(
        &project,
        &[
            "token",
            "rotate",
            ".",
            "*-01",
            "--overlap",
            "36h",
            "--ttl",
            "4000d",
        ],
    );
    let new = newest(&project, NODE);
    assert_eq!(said["created"][0]["id"], *new);
    assert_eq!(said["ended"][0]["id"], *old);
    assert_eq!(said["ended"][0]["delete"], false);
    assert_eq!(newest(&project, OTHER), other);

    good(&project, &["build"]);
    let secrets = manifests(&project);
    assert_eq!(secrets.len(), 4);
    assert!(secrets.contains_key(&new));
    assert_eq!(secrets[&old], said["ended"][0]["ends"].as_str().unwrap());
    let after = snapshot(&project.out());
    for (path, entry) in &before {
        let of_others = path.starts_with("nodes/") && !path.contains(NODE);
        assert!(!of_others || after[path] == *entry, "{path}");
    }
    let kubeconfig = "/etc/kubernetes/kubelet-bootstrap.kubeconfig";
    let shown = good(&project, &["show", NODE, "--file", kubeconfig]);
    assert!(shown.contains(&new) && !shown.contains(&old), "{shown}");
    // Long after the overlap the bundle is still the same: the clock decides findings only.
    good(&project, &["build", "--at", "2034-01-01T00:00:00Z"]);
    assert_eq!(snapshot(&project.out()), after);
    assert_eq!(
        good(&project, &["verify", "out", "--key", "keys/sign.pub"])
            .lines()
            .count(),
        1
    );
}

#[test]
fn only_what_ends_soon_is_rotated_where_that_is_asked_for() {
    let project = Project::of("reference");
    let created = |args: &[&str]| {
        let said = json(&project, &[&["token", "rotate", "."], args].concat());
        said["created"].as_array().unwrap().len()
    };
    assert_eq!(created(&["--expiring-within", "1h"]), 0);
    assert_eq!(created(&[NODE, "--ttl", "2h"]), 1);
    assert_eq!(created(&[OTHER, "--expiring-within", "3h"]), 0);
    assert_eq!(created(&["--expiring-within", "3h", "--ttl", "5h"]), 1);
    assert_eq!(created(&["--expiring-within", "3h"]), 0);
    for args in [
        &["token", "rotate"][..],
        &["token", "rotate", "."],
        &["token", "revoke", "."],
    ] {
        let output = run(&project, args);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
    let before = fs::read(project.dir.join("secrets.yaml")).unwrap();
    for (args, code) in [
        (&["token", "rotate", ".", NODE, "nobody-*"][..], 1),
        (&["token", "revoke", ".", NODE, "nobody"], 1),
        (&["token", "rotate", ".", NODE, "--overlap", "soon"], 2),
        (&["token", "rotate", ".", NODE, "--ttl", "0h"], 2),
    ] {
        let output = run(&project, args);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read(project.dir.join("secrets.yaml")).unwrap(), before);
}

#[test]
fn a_revoked_node_builds_no_more_until_it_is_let_in_by_name() {
    let project = Project::of("reference");
    let old = newest(&project, NODE);
    let said = good(&project, &["token", "revoke", ".", NODE]);
    assert_eq!(
        said,
        format!(
            "# {NODE}: revoked {old}\nkubectl --namespace kube-system delete secret --ignore-not-found bootstrap-token-{old}\n"
        )
    );
    for command in ["check", "build"] {
        let output = run(&project, &[command]);
        assert_eq!(output.status.code(), Some(3));
        let findings = text(&output.stdout) + &text(&output.stderr);
        assert!(
            findings.contains(&format!("tokens.{NODE}: the token {old} was revoked at ")),
            "{findings}"
        );
    }
    assert!(!project.out().exists());
    let output = run(&project, &["token", "create"]);
    assert!(text(&output.stdout).contains("nothing was created"));
    assert!(text(&output.stderr).contains("unless it is named"));
    assert!(good(&project, &["token", "list"]).contains("<revoked>"));
    assert_eq!(
        json(&project, &["token", "create", ".", NODE, "--ttl", "4000d"])[0]["node"],
        NODE
    );
    good(&project, &["build"]);
    let secrets = manifests(&project);
    assert!(
        secrets.len() == 3 && !secrets.contains_key(&old),
        "{secrets:?}"
    );
}

/// A bundle from before still holds the token. Its signature is good, so only its generation can tell.
#[test]
fn a_bundle_from_before_the_revocation_is_refused() {
    let project = Project::of("reference");
    good(&project, &["build", "--out", "old"]);
    let old = newest(&project, NODE);
    good(&project, &["token", "revoke", ".", NODE]);
    good(&project, &["token", "create", ".", NODE, "--ttl", "4000d"]);
    let inventory = project.dir.join("cluster.yaml");
    let raised = fs::read_to_string(&inventory)
        .unwrap()
        .replace("generation: 1\n", "generation: 2\n");
    fs::write(&inventory, raised).unwrap();
    good(&project, &["build"]);
    let verify = |out| {
        let args = [
            "verify",
            out,
            "--key",
            "keys/sign.pub",
            "--min-generation",
            "2",
        ];
        run(&project, &args)
    };
    let stale = verify("old");
    assert_eq!(stale.status.code(), Some(4));
    assert!(text(&stale.stdout).contains("generation 1 is older than 2"));
    assert_eq!(verify("out").status.code(), Some(0));
    let mut held = 0;
    for (path, _) in snapshot(&project.out()) {
        let file = project.out().join(&path);
        if file.is_file() {
            let bytes = fs::read(file).unwrap();
            // Reviews must know a token that ended: by its id, which is no secret.
            let is_known = path == "cluster/approver/review.json";
            let has = bytes.windows(6).any(|id| id == old.as_bytes());
            assert_eq!(has, is_known, "{path}");
            held += 1;
        }
    }
    assert!(held > 10);
}

/// A node that has left the inventory can still be shut out, and what holds no token says so.
#[test]
fn a_node_that_has_left_the_inventory_can_be_revoked() {
    let project = Project::of("reference");
    let inventory = project.dir.join("cluster.yaml");
    let without = fs::read_to_string(&inventory).unwrap().replace(
        &format!("  - name: {NODE}\n    addresses: [172.27.138.251]\n"),
        "",
    );
    fs::write(&inventory, without).unwrap();
    let said = json(&project, &["token", "revoke", ".", "*-01"]);
    assert_eq!(said["revoked"][0]["node"], NODE);
    let again = good(&project, &["token", "revoke", ".", NODE]);
    assert_eq!(again, "# every token of these nodes was revoked before\n");
    good(&project, &["build"]);
    assert_eq!(manifests(&project).len(), 2);
}

/// What is printed for people is a script: a shell runs it with a kubectl that writes down what it is asked for.
#[test]
fn the_printed_commands_can_be_piped_to_a_shell() {
    let project = Project::of("reference");
    let bin = project.scratch().join("bin");
    fs::create_dir(&bin).unwrap();
    let kubectl = bin.join("kubectl");
    fs::write(&kubectl, "#!/bin/sh\nprintf '%s|' \"$@\"; echo\n").unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let shell = |script: &str| {
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut command = oracles::command(&project.dir, "sh");
        let command = command.args(["-c", script]).env("PATH", path);
        let output = command.output().unwrap();
        assert!(output.status.success());
        text(&output.stdout)
    };
    let old = newest(&project, NODE);
    let script = good(
        &project,
        &["token", "rotate", ".", NODE, "--overlap", "36h"],
    );
    let until = store(&project).overlapping(NODE).next().unwrap().ends();
    let until = nodebake::timing::rfc3339(until).unwrap();
    let said = shell(&script);
    let (command, patch) = said
        .trim_end()
        .trim_end_matches('|')
        .rsplit_once('|')
        .unwrap();
    assert_eq!(
        command,
        format!("--namespace|kube-system|patch|secret|bootstrap-token-{old}|--patch")
    );
    let patch: Value = serde_json::from_str(patch).unwrap();
    assert_eq!(patch, json!({"stringData": {"expiration": until}}));
    let ids = [newest(&project, OTHER), newest(&project, "zhangjun-k8s-03")];
    let script = good(&project, &["token", "rotate", ".", "*-0[23]"]);
    assert_eq!(
        shell(&script),
        format!(
            "--namespace|kube-system|delete|secret|--ignore-not-found|bootstrap-token-{}|bootstrap-token-{}|\n",
            ids[0], ids[1]
        )
    );
}

#[test]
fn expiring_tokens_end_a_pipeline_with_3() {
    let project = Project::of("reference");
    let expiring = |args: &[&str]| {
        let output = run(
            &project,
            &[&["token", "expiring", "--within", "7d"], args].concat(),
        );
        (output.status.code(), text(&output.stdout))
    };
    let (exit, said) = expiring(&[]);
    assert_eq!(
        (exit, said.as_str()),
        (Some(0), "no token expires within 7d\n")
    );
    good(&project, &["token", "rotate", ".", NODE, "--ttl", "6d"]);
    let (exit, said) = expiring(&[]);
    assert_eq!(exit, Some(3));
    assert!(said.starts_with(&format!("{NODE}: {} expires at ", newest(&project, NODE))));
    let (exit, said) = expiring(&["-o", "json", "--at", "2099-01-01T00:00:00Z"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((exit, said.as_array().unwrap().len()), (Some(3), 3));
    assert_eq!(
        (&said[0]["node"], &said[0]["expired"]),
        (&NODE.into(), &true.into())
    );
    // From stdin, as for a build; a file without the node's token is one that needs it.
    let output = project
        .command(&["token", "expiring", "--within", "1h", "--secrets", "-"])
        .run_with_input(b"apiVersion: nodebake/v1\nkind: Secrets\ntokens: {}\n");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout).matches(": has no token\n").count(), 3);
}

/// Whatever speaks of a bundle says the same time: the end of what ends first.
#[test]
fn every_command_says_until_when_payloads_are_usable() {
    let project = Project::of("reference");
    good(&project, &["token", "rotate", ".", OTHER, "--ttl", "500d"]);
    let until = store(&project).newest(OTHER).unwrap().ends();
    let until = nodebake::timing::rfc3339(until).unwrap();
    let said = good(&project, &["build"]);
    assert!(
        said.ends_with(&format!(", usable until {until}\n")),
        "{said}"
    );
    let verify = ["verify", "out", "--key", "keys/sign.pub"];
    let said = good(&project, &verify);
    assert!(
        said.ends_with(&format!(", usable until {until}\n")),
        "{said}"
    );
    assert_eq!(json(&project, &verify)["usableUntil"], *until);
    let shown = good(&project, &["show", OTHER]);
    assert!(
        shown.contains(&format!("usable until  {until}\n")),
        "{shown}"
    );
    let manifest = fs::read(project.out().join("bundle.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let times: Vec<&str> = manifest["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["usableUntil"].as_str().unwrap())
        .collect();
    assert_eq!(times.iter().min(), Some(&&*until), "{times:?}");
    assert!(
        times[0] > times[1],
        "the CA or another token ends later: {times:?}"
    );
    // Afterwards it still verifies, with a warning.
    let late = [&verify[..], &["--at", "2098-01-01T00:00:00Z"]].concat();
    let output = run(&project, &late);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stderr).starts_with("warning: out: what its nodes need to join has expired")
    );
    assert_eq!(text(&run(&project, &verify).stderr), "");
}

#[test]
fn tokens_made_by_kubeadm_are_taken_over_and_bake_the_same_nodes() {
    let project = Project::of("reference");
    let path = project.dir.join("secrets.yaml");
    let dump: String = store(&project)
        .iter()
        .map(|(node, tokens)| {
            let token = &tokens[0];
            let dump = json!({
                "kind": "BootstrapToken",
                "apiVersion": "output.kubeadm.k8s.io/v1alpha3",
                "token": token.bearer().expose(),
                "description": "kubelet-bootstrap-token",
                "expires": nodebake::timing::rfc3339(token.expires).unwrap(),
                "usages": ["authentication", "signing"],
                "groups": [format!("system:bootstrappers:{node}")],
            });
            serde_json::to_string_pretty(&dump).unwrap() + "\n"
        })
        .collect();
    let kubeconfig = [
        "show",
        NODE,
        "--reveal",
        "--file",
        "/etc/kubernetes/kubelet-bootstrap.kubeconfig",
    ];
    let before = project.good(&kubeconfig);
    fs::remove_file(&path).unwrap();
    let other = r#"{"kind": "BootstrapToken", "token": "zzzzzz.testonlysecretzz", "description": "a person's",
        "expires": "2099-01-01T00:00:00Z", "usages": ["authentication"], "groups": ["system:bootstrappers"]}"#;
    let output = project
        .command(&["token", "import", "-"])
        .run_with_input(format!("{dump}{other}").as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert_eq!(said.matches(": took ").count(), 3, "{said}");
    assert!(
        said.ends_with("left out zzzzzz: neither its groups nor its description name a node\n")
    );
    assert_eq!(project.good(&kubeconfig), before);
    // A dump of something else is refused, and nothing is written.
    let kept = fs::read(&path).unwrap();
    fs::write(project.dir.join("dump"), "testonlysecret0000").unwrap();
    let output = project.run(&["token", "import", "dump"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(&path).unwrap(), kept);
}

#[test]
fn a_file_that_others_may_read_is_changed_by_no_command() {
    let project = Project::of("reference");
    let path = project.dir.join("secrets.yaml");
    let before = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(project.dir.join("dump"), "{}").unwrap();
    for args in [
        &["token", "rotate", ".", NODE][..],
        &["token", "revoke", ".", NODE],
        &["token", "expiring", "--within", "7d"],
        &["token", "import", "dump"],
        &["token", "list"],
    ] {
        let output = project.run(args);
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(text(&output.stderr).contains("secrets.yaml: others may read"));
        assert_eq!(text(&output.stdout), "");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn another_file_of_tokens_can_be_changed() {
    let project = Project::of("reference");
    let elsewhere = project.scratch().join("tokens.yaml");
    fs::rename(project.dir.join("secrets.yaml"), &elsewhere).unwrap();
    let elsewhere = elsewhere.to_str().unwrap();
    project.good(&["token", "rotate", ".", NODE, "--secrets", elsewhere]);
    project.good(&["token", "revoke", ".", OTHER, "--secrets", elsewhere]);
    project.good(&["token", "create", ".", OTHER, "--secrets", elsewhere]);
    let listed = project.good(&["token", "list", "--secrets", elsewhere]);
    assert_eq!(listed.lines().count(), 6, "{listed}");
    assert!(!project.dir.join("secrets.yaml").exists());
}
