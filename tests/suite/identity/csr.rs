//! `csr review` by the binary: requests that openssl makes for the reference cluster's nodes, checked, printed, and
//! carried out by a kubectl that writes down what it is asked for.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::fixture::{Project, text};
use crate::support::oracles;

mod ids;
mod networks;

const CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const SERVING: &str = "kubernetes.io/kubelet-serving";

/// A request as openssl makes it.
pub fn pem(folder: &Path, node: &str, organisation: &str, sans: Option<&str>) -> String {
    let subject = format!("/O={organisation}/CN=system:node:{node}");
    let sans = sans.map(|sans| format!("subjectAltName={sans}"));
    let mut args = vec![
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        &subject,
    ];
    if let Some(sans) = &sans {
        args.extend(["-addext", sans]);
    }
    oracles::content(folder, "openssl", &args)
}

fn csr(name: &str, requestor: &str, signer: &str, pem: &str) -> Value {
    let usage = if signer == SERVING {
        "server auth"
    } else {
        "client auth"
    };
    let group = if requestor.starts_with("system:bootstrap:") {
        "system:bootstrappers"
    } else {
        "system:nodes"
    };
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "creationTimestamp": "2026-11-24T15:00:00Z", "uid": "0"},
        "spec": {
            "groups": [group, "system:authenticated"],
            "request": STANDARD.encode(pem),
            "signerName": signer,
            "usages": ["digital signature", usage],
            "username": requestor,
        },
        "status": {},
    })
}

/// A node's request for a serving certificate, with what openssl made.
pub fn serving_request(node: &str, pem: &str) -> Value {
    csr("csr-1", &format!("system:node:{node}"), SERVING, pem)
}

/// What a cluster with honest nodes, an impostor and others has pending.
fn pending(project: &Project) -> PathBuf {
    let pem = |node: &str, organisation, sans| pem(&project.dir, node, organisation, sans);
    let (first, second) = ("zhangjun-k8s-01", "zhangjun-k8s-02");
    let items = [
        csr(
            "node-csr-1",
            "system:bootstrap:test01",
            CLIENT,
            &pem(first, "system:nodes", None),
        ),
        csr(
            "impostor",
            "system:bootstrap:test01",
            CLIENT,
            &pem(second, "system:nodes", None),
        ),
        csr(
            "masters",
            "system:bootstrap:test02",
            CLIENT,
            &pem(second, "system:masters", None),
        ),
        csr(
            "csr-serving",
            &format!("system:node:{first}"),
            SERVING,
            &pem(
                first,
                "system:nodes",
                Some(&format!("DNS:{first},IP:172.27.138.251")),
            ),
        ),
        csr(
            "extra-san",
            &format!("system:node:{second}"),
            SERVING,
            &pem(
                second,
                "system:nodes",
                Some(&format!("DNS:{second},DNS:kubernetes")),
            ),
        ),
        csr(
            "foreign",
            "system:bootstrap:test02",
            "kubernetes.io/kube-apiserver-client",
            &pem(second, "system:nodes", None),
        ),
        csr(
            "person",
            "jane",
            "example.com/vpn",
            &pem(first, "example", None),
        ),
    ];
    let file = project.dir.join("csr.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(&file, list.to_string()).unwrap();
    file
}

/// A kubectl that writes down its arguments, and fails when it is to deny.
fn kubectl(project: &Project, fails: bool) -> PathBuf {
    let file = project.scratch().join("fake-kubectl");
    let log = project.scratch().join("log");
    let end = if fails {
        "[ \"$2\" != approve ]"
    } else {
        "echo said"
    };
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\n{end}\n", log.display());
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

const APPROVE: &str = "certificate approve node-csr-1 csr-serving";
const DENY: &str = "certificate deny impostor masters foreign";

#[test]
fn an_impostor_is_denied_and_honest_nodes_are_approved() {
    oracles::needs(["openssl"]);
    let project = Project::of("reference");
    // As the profile `worker` says it: no other name is a node's then.
    let inventory = project.dir.join("cluster.yaml");
    let hostname = "\nhostname: \"{{ node.name }}\"\n";
    fs::write(
        &inventory,
        fs::read_to_string(&inventory).unwrap() + hostname,
    )
    .unwrap();
    let file = pending(&project);
    let table = project.good(&["csr", "review", "csr.json"]);
    let decision = |name: &str| {
        let line = table.lines().find(|line| line.contains(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    for (name, expected) in [
        ("node-csr-1", "approve"),
        ("impostor", "deny"),
        ("masters", "deny"),
        ("csr-serving", "approve"),
        ("extra-san", "leave"),
        ("foreign", "deny"),
        ("person", "leave"),
    ] {
        assert_eq!(decision(name), expected, "{table}");
    }
    let lines = project.good(&["csr", "review", "csr.json", "-o", "kubectl"]);
    assert_eq!(lines, format!("kubectl {APPROVE}\nkubectl {DENY}\n"));
    let mut command = project.command(&["csr", "review", "-", "-o", "json"]);
    let output = command.run_with_input(&fs::read(file).unwrap());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said.as_array().unwrap().len(), 7);
    assert_eq!(said[1]["decision"], "deny");
    assert_eq!(said[1]["node"], "zhangjun-k8s-01");
    assert_eq!(said[1]["rule"], "impostor");
    assert_eq!(said[4]["rule"], "unlisted-name");
    assert!(said[4]["repair"].as_str().unwrap().contains("hostname"));
    assert_eq!(said[0]["repair"], Value::Null);
}

/// Without tokens every honest node looks like a stranger, so there is no verdict at all and kubectl is not run.
#[test]
fn without_tokens_there_is_no_verdict() {
    let project = Project::of("reference");
    let request = |name: &str, requestor: &str| {
        let fixture = crate::support::fixture::fixtures().join("csr/client.pem");
        csr(
            name,
            requestor,
            CLIENT,
            &fs::read_to_string(fixture).unwrap(),
        )
    };
    let dump = json!({"items": [request("a", "system:bootstrap:test01")]}).to_string();
    fs::write(project.dir.join("csr.json"), &dump).unwrap();
    let program = kubectl(&project, false);
    let refused = |args: &[&str], said: &str| {
        let all = [&["csr", "review", "csr.json", "--apply"], args].concat();
        let output = project.command(&all).env("KUBECTL", &program).run();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{args:?} {stderr}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
        assert!(stderr.contains(said), "{args:?} {stderr}");
        assert!(!project.scratch().join("log").exists(), "{args:?}");
    };
    let secrets = project.dir.join("secrets.yaml");
    let tokens = fs::read_to_string(&secrets).unwrap();
    refused(
        &["--secrets", "missing.yaml"],
        "missing.yaml: the file is missing",
    );
    refused(
        &["--secrets", "missing.yaml", "--deny-unknown"],
        "the file is missing",
    );
    fs::write(
        &secrets,
        "apiVersion: nodebake/v1\nkind: Secrets\ntokens: {}\n",
    )
    .unwrap();
    let none = "secrets.yaml: tokens: there is no token of 3 nodes that join with one";
    refused(&[], none);
    fs::write(&secrets, "").unwrap();
    refused(&[], "secrets.yaml");
    fs::write(&secrets, &tokens).unwrap();
    // Some of them: what the others ask for is left, and said to be; it must not be denied as unknown.
    let (_, rest) = tokens.split_once("zhangjun-k8s-02").unwrap();
    let head = tokens.split("zhangjun-k8s-02").next().unwrap();
    let head = head.trim_end_matches(['"', ' ']);
    assert!(rest.contains("zhangjun-k8s-03"));
    fs::write(&secrets, head).unwrap();
    let output = project.run(&["csr", "review", "csr.json"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("warning") && stderr.contains("zhangjun-k8s-02"),
        "{stderr}"
    );
    refused(&["--deny-unknown"], "which --deny-unknown would deny");
    fs::remove_file(&secrets).unwrap();
    refused(&[], none);
}

/// What nobody knows is left, unless the user says that the inventory has all there is.
#[test]
fn unknown_ones_are_denied_only_on_demand() {
    let project = Project::of("reference");
    let fixture = crate::support::fixture::fixtures().join("csr/client.pem");
    let pem = fs::read_to_string(fixture).unwrap();
    let items = [
        csr("renewal", "system:node:edge-001", CLIENT, &pem),
        csr("token", "system:bootstrap:zzzzzz", CLIENT, &pem),
        csr("renamed", "system:bootstrap:test01", CLIENT, &pem),
    ];
    fs::write(
        project.dir.join("csr.json"),
        json!({"items": items}).to_string(),
    )
    .unwrap();
    let decisions = |args: &[&str]| {
        let all = [&["csr", "review", "csr.json", "-o", "json"], args].concat();
        let said: Value = serde_json::from_str(&project.good(&all)).unwrap();
        let said = said.as_array().unwrap().iter();
        said.map(|one| format!("{} {}", one["rule"], one["decision"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        decisions(&[]),
        [
            "unknown-node leave",
            "unknown-token leave",
            "unknown-name leave"
        ]
    );
    assert_eq!(
        decisions(&["--deny-unknown"]),
        [
            "unknown-node deny",
            "unknown-token deny",
            "unknown-name deny"
        ]
    );
}

#[test]
fn verdicts_are_carried_out_by_the_users_kubectl() {
    oracles::needs(["openssl"]);
    let project = Project::of("reference");
    pending(&project);
    let log = || fs::read_to_string(project.scratch().join("log")).unwrap_or_default();
    let program = kubectl(&project, false);
    project.good(&["csr", "review", "csr.json"]);
    assert_eq!(log(), "", "nothing is changed unasked");
    let args = ["csr", "review", "csr.json", "--apply", "-o", "json"];
    let output = project.command(&args).env("KUBECTL", &program).run();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(log(), format!("{APPROVE}\n{DENY}\n"));
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok());
    assert_eq!(text(&output.stderr), "said\nsaid\n");
    // A failure is one, and the denials are not kept waiting by it.
    let program = kubectl(&project, true);
    let output = project.run(&[
        "csr",
        "review",
        "csr.json",
        "--apply",
        "--kubectl",
        program.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("1 of its runs failed"));
    assert_eq!(log().matches(DENY).count(), 2);
    let output = project.run(&[
        "csr",
        "review",
        "csr.json",
        "--apply",
        "--kubectl",
        "./missing",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("running ./missing"));
}

#[test]
fn a_revoked_node_gets_no_new_certificate() {
    oracles::needs(["openssl"]);
    let project = Project::of("reference");
    let node = "zhangjun-k8s-03";
    let renewal = csr(
        "renewal",
        &format!("system:node:{node}"),
        CLIENT,
        &pem(&project.dir, node, "system:nodes", None),
    );
    fs::write(project.dir.join("csr.json"), renewal.to_string()).unwrap();
    let review = || project.good(&["csr", "review", "csr.json", "-o", "kubectl"]);
    assert_eq!(review(), "kubectl certificate approve renewal\n");
    project.good(&["token", "revoke", ".", node]);
    assert_eq!(review(), "kubectl certificate deny renewal\n");
    project.good(&["token", "create", ".", node]);
    assert_eq!(review(), "kubectl certificate approve renewal\n");
}

#[test]
fn what_is_no_dump_is_refused() {
    let project = Project::of("reference");
    fs::write(project.dir.join("csr.json"), "{}").unwrap();
    for args in [
        &["csr", "review", "csr.json"][..],
        &["csr", "review", "missing.json"],
        &["csr", "review", "-", "--secrets", "-"],
    ] {
        let output = project.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(text(&output.stdout), "");
    }
}

/// The pattern for an approver in the cluster, read by other YAML readers and tried by grep.
#[test]
fn the_approvers_pattern_takes_the_nodes_and_no_others() {
    let project = Project::of("modern");
    let settings = project.good(&["csr", "approver-settings"]);
    let file = project.dir.join("values.yaml");
    fs::write(&file, settings).unwrap();
    let values = oracles::same_values(&file);
    let pattern = values[0]["providerRegex"].as_str().unwrap();
    let fits = |name: &str| {
        fs::write(project.dir.join("name"), name).unwrap();
        let grep = oracles::run(&project.dir, "grep", &["-qE", pattern, "name"]);
        grep.status.success()
    };
    let nodes: Value =
        serde_json::from_str(&project.good(&["token", "list", "-o", "json"])).unwrap();
    for node in nodes.as_array().unwrap() {
        assert!(fits(node["node"].as_str().unwrap()), "{node} {pattern}");
    }
    for other in [
        "gpu-1xexample.com",
        "evil-edge-001",
        "edge-001.example.com",
        "edge-003",
        "",
    ] {
        assert!(!fits(other), "{other} {pattern}");
    }
    let prefixes = values[0]["providerIpPrefixes"].as_array().unwrap();
    assert!(prefixes.contains(&json!("fd00:20::11/128")), "{prefixes:?}");
}

/// What the review approves, the API server takes and the kubelets' signers sign: by Go's own library.
#[test]
fn what_is_approved_is_what_signers_take() {
    oracles::needs(["requests"]);
    let table = crate::support::fixture::fixtures().join("csr/crafted.tsv");
    let said = oracles::content(Path::new("/"), "requests", &[table.to_str().unwrap()]);
    let said: HashMap<&str, &str> = said
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let table = fs::read_to_string(&table).unwrap();
    let mut approved = 0;
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, rule) = (fields[0], fields[3]);
        if ["first-client", "client-renewal", "serving"].contains(&rule) {
            approved += 1;
            assert_eq!(said[name], "good", "{name}");
        }
        // What Go cannot verify is never approved; what it does verify may prove nothing all the same.
        if rule == "wrong-signature" {
            assert_ne!(said[name], "good", "{name}");
        }
    }
    assert!(approved > 15 && said.len() > 200, "{approved}");
}
