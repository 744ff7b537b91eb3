//! Certificates: what `pki` makes, judged by openssl, kubectl and Go's own libraries, and what `build` makes of it.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value;

use crate::judges;
use crate::project::{Project, snapshot, text};
use crate::tool::nodebake;

/// Two nodes without tokens: one brings both of its certificates, one asks for its serving certificate.
const CLUSTER: &str = r#"
apiVersion: nodebake/v1
kind: Cluster
name: lab
kubernetes: v1.34.4
apiServer:
  url: https://api.example.com:6443
  endpoints: ["10.0.0.9:6443", "[fd00::9]:6443"]
  ca: pki/ca.pem
  kubeletClientUser: kubernetes-master
network: {clusterDomain: lab.local, clusterDNS: [10.96.0.10], serviceCIDRs: [10.96.0.0/16, "fd01::/112"], podCIDRs: [10.244.0.0/16]}
profiles: [worker]
identity: {client: clientCertificate}
nodes:
  - name: a.example.com
    addresses: [10.0.0.1, "fd00::1"]
    hostname: a
    interfaces: {lan0: {addresses: [10.7.0.1/24]}}
    identity: {serving: preIssued}
    kubeconfigs:
      /etc/kubernetes/kube-proxy.kubeconfig:
        certificate: {user: "system:kube-proxy", group: "system:node-proxier"}
      /etc/example/agent.kubeconfig:
        tokenFile: /var/run/agent/token
        server: https://127.0.0.1:8443
        mode: "0640"
        group: {name: agent, id: 990}
  - name: b
    addresses: [10.0.0.2]
"#;

/// Enough for a project that needs no tokens.
fn project() -> Project {
    let project = Project::empty();
    fs::create_dir_all(project.dir.join("pki")).unwrap();
    fs::write(project.dir.join("cluster.yaml"), CLUSTER).unwrap();
    let _ = project.good(&["key", "generate"]);
    project
}

/// A project with a CA and the nodes' certificates of today, so not at the time of the tests.
fn issued() -> Project {
    let project = project();
    let _ = project.good(&["pki", "init"]);
    let _ = project.good(&["pki", "issue"]);
    project
}

/// Commands that judge at the time of the tests, told to judge now.
fn now(project: &Project, args: &[&str]) -> String {
    let at = time::OffsetDateTime::now_utc();
    let at = nodebake::timing::rfc3339(at).unwrap();
    project.good(&[args, &["--at", &at]].concat())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// openssl's verdict on a leaf: its chain, its purpose, its key.
fn openssl_accepts(folder: &Path, ca: &str, pem: &str, purpose: &str) {
    let checked = judges::content(
        folder,
        "openssl",
        &[
            "verify",
            "-x509_strict",
            "-CAfile",
            ca,
            "-purpose",
            purpose,
            pem,
        ],
    );
    assert_eq!(checked.trim(), format!("{pem}: OK"));
    let other = match purpose {
        "sslclient" => "sslserver",
        _ => "sslclient",
    };
    let refused = judges::run(
        folder,
        "openssl",
        &["verify", "-CAfile", ca, "-purpose", other, pem],
    );
    assert!(!refused.status.success(), "{pem} is good as {other} too");
}

fn same_key(folder: &Path, certificate: &str, key: &str) {
    let of = |args: &[&str]| judges::content(folder, "openssl", args);
    let of_certificate = of(&["x509", "-in", certificate, "-noout", "-pubkey"]);
    assert_eq!(
        of_certificate,
        of(&["pkey", "-in", key, "-pubout"]),
        "{key}"
    );
}

#[test]
fn a_labs_control_plane_is_what_openssl_and_kubectl_accept() {
    let project = project();
    let said = project.good(&["pki", "init", "--san", "lb.example.com", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["encrypted"], false);
    let pki = project.dir.join("pki");
    assert_eq!(mode(&pki.join("control-plane")), 0o700);
    assert_eq!(mode(&pki.join("ca.key")), 0o600);
    for file in fs::read_dir(pki.join("control-plane")).unwrap() {
        let path = file.unwrap().path();
        let holds_key = fs::read_to_string(&path).unwrap().contains("PRIVATE KEY")
            || path.extension().unwrap() == "conf";
        assert_eq!(
            mode(&path),
            if holds_key { 0o600 } else { 0o644 },
            "{path:?}"
        );
    }
    let before = snapshot(&project.dir);
    let again = project.run(&["pki", "init"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("never overwritten"));
    assert_eq!(snapshot(&project.dir), before);
    if !judges::present("openssl") {
        return;
    }
    let lab = pki.join("control-plane");
    for (name, ca, purpose) in [
        ("apiserver", "ca.crt", "sslserver"),
        ("apiserver-kubelet-client", "ca.crt", "sslclient"),
        ("front-proxy-client", "front-proxy-ca.crt", "sslclient"),
    ] {
        openssl_accepts(&lab, ca, &format!("{name}.crt"), purpose);
        same_key(&lab, &format!("{name}.crt"), &format!("{name}.key"));
    }
    same_key(&lab, "../ca.pem", "../ca.key");
    let accounts = judges::content(&lab, "openssl", &["pkey", "-in", "sa.key", "-pubout"]);
    assert_eq!(accounts, fs::read_to_string(lab.join("sa.pub")).unwrap());
    for host in [
        "kubernetes.default.svc.lab.local",
        "api.example.com",
        "lb.example.com",
    ] {
        let args = [
            "verify",
            "-CAfile",
            "ca.crt",
            "-verify_hostname",
            host,
            "apiserver.crt",
        ];
        let _ = judges::content(&lab, "openssl", &args);
    }
    for ip in ["10.0.0.9", "fd00::9", "10.96.0.1", "fd01::1"] {
        let args = [
            "verify",
            "-CAfile",
            "ca.crt",
            "-verify_ip",
            ip,
            "apiserver.crt",
        ];
        let _ = judges::content(&lab, "openssl", &args);
    }
    let subject = [
        "x509",
        "-in",
        "apiserver-kubelet-client.crt",
        "-noout",
        "-subject",
    ];
    assert!(judges::content(&lab, "openssl", &subject).contains("CN = kubernetes-master"));
    if judges::present("kubectl") {
        for (name, user) in [
            ("admin", "kubernetes-admin"),
            ("controller-manager", "system:kube-controller-manager"),
            ("scheduler", "system:kube-scheduler"),
        ] {
            let seen = kubectl_view(&lab, &format!("{name}.conf"));
            assert_eq!(seen["users"][0]["name"], user);
            assert_eq!(
                seen["clusters"][0]["cluster"]["server"],
                "https://api.example.com:6443"
            );
        }
    }
}

fn kubectl_view(folder: &Path, file: &str) -> Value {
    let file = format!("--kubeconfig={file}");
    let args = ["config", "view", "--raw", "-o", "json", &file];
    let seen: Value = serde_json::from_str(&judges::content(folder, "kubectl", &args)).unwrap();
    assert_eq!(seen["contexts"].as_array().unwrap().len(), 1);
    seen
}

#[test]
fn the_example_of_init_makes_room_and_a_ca_of_the_users_does_not() {
    let project = Project::empty();
    let _ = nodebake(project.scratch(), &["init", "project"]).good();
    let _ = project.good(&["pki", "init"]);
    let _ = now(&project, &["check"]);
    fs::remove_file(project.dir.join("pki/ca.key")).unwrap();
    fs::remove_dir_all(project.dir.join("pki/control-plane")).unwrap();
    let again = project.run(&["pki", "init"]);
    assert!(
        text(&again.stderr).contains("ca.pem is there already"),
        "{again:?}"
    );
}

#[test]
fn issued_certificates_are_what_openssl_and_go_accept() {
    let project = issued();
    let folder = project.dir.join("pki/nodes/a.example.com");
    assert_eq!(mode(&folder), 0o700);
    for pem in ["client.pem", "serving.pem", "user-system:kube-proxy.pem"] {
        assert_eq!(mode(&folder.join(pem)), 0o600);
    }
    assert!(!project.dir.join("pki/nodes/b/serving.pem").exists());
    let ca = "../../ca.pem";
    if judges::present("openssl") {
        openssl_accepts(&folder, ca, "client.pem", "sslclient");
        openssl_accepts(&folder, ca, "serving.pem", "sslserver");
        openssl_accepts(&folder, ca, "user-system:kube-proxy.pem", "sslclient");
        same_key(&folder, "serving.pem", "serving.pem");
    }
    if !judges::present("certificates") {
        return;
    }
    let at = nodebake::timing::rfc3339(time::OffsetDateTime::now_utc()).unwrap();
    let go = |args: &[&str]| judges::content(&folder, "certificates", args);
    let node = "system:node:a.example.com system:nodes\n";
    assert_eq!(go(&["client", ca, &at, "client.pem"]), node);
    let names = ["a.example.com", "a", "10.0.0.1", "[fd00::1]", "10.7.0.1"];
    let serving = [&["server", ca, &at, "serving.pem"], &names[..]].concat();
    assert_eq!(go(&serving), node);
    let handshake = [
        "handshake",
        ca,
        &at,
        "serving.pem",
        "client.pem",
        "10.0.0.1",
    ];
    assert_eq!(go(&handshake), node);
    let user = go(&["client", ca, &at, "user-system:kube-proxy.pem"]);
    assert_eq!(user, "system:kube-proxy system:node-proxier\n");
    let foreign = ["server", ca, &at, "serving.pem", "10.0.0.2"];
    assert!(
        !judges::run(&folder, "certificates", &foreign)
            .status
            .success()
    );
}

/// Every kind of key in every form that openssl writes: what makes it, and how it is written again.
const KINDS: [(&str, &[&str], &str); 9] = [
    ("rsa, PKCS#8", &["-newkey", "rsa:2048"], ""),
    ("rsa, PKCS#1", &["-newkey", "rsa:2048"], "rsa -traditional"),
    ("rsa 4096, PKCS#8", &["-newkey", "rsa:4096"], ""),
    (
        "P-256, PKCS#8",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "",
    ),
    (
        "P-256, SEC1",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ec",
    ),
    (
        "P-384, PKCS#8",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "",
    ),
    (
        "P-384, SEC1",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "ec",
    ),
    ("Ed25519", &["-newkey", "ed25519"], ""),
    (
        "P-256, encrypted",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "pkcs8 -topk8 -passout pass:x1",
    ),
];

/// A CA that openssl made, in the project.
fn openssl_ca(project: &Project, how: &[&str], rewrite: &str) {
    let pki = project.dir.join("pki");
    let req = [
        &[
            "req",
            "-x509",
            "-nodes",
            "-days",
            "400",
            "-subj",
            "/O=Test only/OU=Lab/CN=ca",
            "-addext",
            "keyUsage=critical,keyCertSign",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ],
        how,
    ];
    let _ = judges::content(&pki, "openssl", &req.concat());
    if !rewrite.is_empty() {
        let words: Vec<&str> = rewrite.split(' ').collect();
        let words = [&words[..], &["-in", "ca.key", "-out", "ca.new"]].concat();
        let _ = judges::content(&pki, "openssl", &words);
        fs::rename(pki.join("ca.new"), pki.join("ca.key")).unwrap();
    }
    fs::set_permissions(pki.join("ca.key"), Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn cas_of_every_kind_issue_and_their_keys_get_onto_no_node() {
    if !judges::present("openssl") {
        return;
    }
    for (kind, how, rewrite) in KINDS {
        let project = project();
        openssl_ca(&project, how, rewrite);
        let encrypted = rewrite.contains("-topk8");
        let key = fs::read_to_string(project.dir.join("pki/ca.key")).unwrap();
        let label = match rewrite.split(' ').next() {
            Some("rsa") => "-----BEGIN RSA PRIVATE KEY-----",
            Some("ec") => "-----BEGIN EC PRIVATE KEY-----",
            Some("pkcs8") => "-----BEGIN ENCRYPTED PRIVATE KEY-----",
            _ => "-----BEGIN PRIVATE KEY-----",
        };
        assert!(key.contains(label), "{kind}: {key}");
        if encrypted {
            let refused = project.run(&["pki", "issue"]);
            assert!(
                text(&refused.stderr).contains("there is no passphrase"),
                "{kind}"
            );
            let wrong = &mut project.command(&["pki", "issue", "--passphrase-file", "-"]);
            let wrong = wrong.run_with_input(b"x2\n");
            assert!(
                text(&wrong.stderr).contains("with this passphrase"),
                "{kind}"
            );
            let right = &mut project.command(&["pki", "issue", "--passphrase-file", "-"]);
            let right = right.run_with_input(b"x1\n");
            assert!(right.status.success(), "{kind}: {}", text(&right.stderr));
        } else {
            let _ = project.good(&["pki", "issue"]);
        }
        let folder = project.dir.join("pki/nodes/a.example.com");
        openssl_accepts(&folder, "../../ca.pem", "client.pem", "sslclient");
        openssl_accepts(&folder, "../../ca.pem", "serving.pem", "sslserver");
        let _ = now(&project, &["build"]);
        // By name of the file, for the key may be encrypted; by what it is, wherever it lies.
        let cases = match encrypted {
            true => vec!["    source: pki/ca.key"],
            false => vec!["    source: pki/ca.key", "    source: copy.txt"],
        };
        fs::write(project.dir.join("copy.txt"), format!("# mine\n{key}\n")).unwrap();
        for case in cases {
            let with = format!("{CLUSTER}files:\n  /etc/x:\n{case}\n");
            fs::write(project.dir.join("cluster.yaml"), with).unwrap();
            let refused = project.run(&["check"]);
            let said = text(&refused.stdout);
            assert!(
                said.contains("holds the CA's private key"),
                "{kind} {case}: {said}"
            );
            assert!(
                !said.contains(key.lines().nth(2).unwrap()),
                "{kind}: {said}"
            );
        }
    }
}

#[test]
fn an_encrypted_key_of_ours_is_what_openssl_reads() {
    let project = project();
    let init = &mut project.command(&["pki", "init", "--passphrase-file", "-"]);
    let init = init.run_with_input("gehe im & Licht\nnext line\n".as_bytes());
    assert!(init.status.success(), "{}", text(&init.stderr));
    let pki = project.dir.join("pki");
    let key = fs::read_to_string(pki.join("ca.key")).unwrap();
    assert!(
        key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
        "{key}"
    );
    if judges::present("openssl") {
        let args = [
            "pkey",
            "-in",
            "ca.key",
            "-passin",
            "pass:gehe im & Licht",
            "-pubout",
        ];
        let public = judges::content(&pki, "openssl", &args);
        let of_ca = ["x509", "-in", "ca.pem", "-noout", "-pubkey"];
        assert_eq!(public, judges::content(&pki, "openssl", &of_ca));
    }
    fs::write(project.dir.join("passphrase"), "gehe im & Licht\n").unwrap();
    let _ = project.good(&["pki", "issue", "--passphrase-file", "passphrase"]);
    let empty = project.run(&["pki", "issue", "--force", "--passphrase-file", "/dev/null"]);
    assert!(text(&empty.stderr).contains("first line is empty"));
}

/// What `pki issue` said, as (node, certificate, issued).
fn outcomes(said: &str) -> Vec<(String, String, bool)> {
    let said: Vec<Value> = serde_json::from_str(said).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    said.iter()
        .map(|one| {
            (
                word(&one["node"]),
                word(&one["certificate"]),
                one["issued"] == true,
            )
        })
        .collect()
}

#[test]
fn only_what_is_missing_unfit_or_ends_soon_is_issued_again() {
    let project = issued();
    let issue = |args: &[&str]| {
        let all = [&["pki", "issue", "-o", "json"], args].concat();
        let mut outcomes = outcomes(&project.good(&all));
        outcomes.retain(|(_, _, issued)| *issued);
        outcomes
            .into_iter()
            .map(|(node, what, _)| format!("{node} {what}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(issue(&[]), [""; 0]);
    assert_eq!(issue(&[".", "b", "--force"]), ["b client"]);
    assert_eq!(issue(&["--renew-within", "364d"]), [""; 0]);
    assert_eq!(issue(&["--renew-within", "366d"]).len(), 4);
    fs::remove_file(project.dir.join("pki/nodes/b/client.pem")).unwrap();
    assert_eq!(issue(&[]), ["b client"]);
    // An address more, and a certificate of somebody else's.
    let changed = CLUSTER.replace("addresses: [10.0.0.1, ", "addresses: [10.0.0.8, ");
    fs::write(project.dir.join("cluster.yaml"), changed).unwrap();
    let nodes = project.dir.join("pki/nodes");
    let _ = fs::copy(
        nodes.join("a.example.com/client.pem"),
        nodes.join("b/client.pem"),
    )
    .unwrap();
    assert_eq!(issue(&[]), ["a.example.com serving", "b client"]);
    // The key is needed only by who signs.
    fs::remove_file(project.dir.join("pki/ca.key")).unwrap();
    assert_eq!(issue(&[]), [""; 0]);
    let refused = project.run(&["pki", "issue", "--force"]);
    assert_eq!(refused.status.code(), Some(3));
    assert_eq!(
        text(&refused.stderr),
        "error: pki/ca.key: the CA's key is missing; name it with --ca-key, or make a CA with `nodebake pki init`\n"
    );
}

/// One file of a node, as it is shown.
fn shown(project: &Project, node: &str, file: &str) -> String {
    now(project, &["show", node, "--file", file, "--reveal"])
}

#[test]
fn a_node_that_brings_certificates_needs_no_token() {
    let project = issued();
    let _ = now(&project, &["build"]);
    let out = project.out();
    assert!(!out.join("cluster/tokens").exists());
    let bundle = fs::read_to_string(out.join("bundle.json")).unwrap();
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let node = &bundle["nodes"][0];
    assert_eq!(node["tokenId"], Value::Null);
    let folder = project.dir.join("pki/nodes/a.example.com");
    let tree = fs::read_to_string(out.join("nodes/a.example.com/tree.sums")).unwrap();
    assert!(!tree.contains("bootstrap-kubelet.kubeconfig"), "{tree}");
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let summary = now(&project, &["show", "a.example.com"]);
    let link = summary.lines().find(|line| line.contains(current)).unwrap();
    let dated = link.split("-> ").nth(1).unwrap().split(' ').next().unwrap();
    let pair = shown(&project, "a.example.com", dated);
    assert_eq!(pair, fs::read_to_string(folder.join("client.pem")).unwrap());
    let line = summary
        .lines()
        .find(|line| line.contains(&format!("{dated}  (")))
        .unwrap();
    assert!(line.starts_with("0600 root:root"), "{line}");
    let unit = shown(
        &project,
        "a.example.com",
        "/etc/systemd/system/kubelet.service",
    );
    assert!(!unit.contains("bootstrap-kubeconfig"), "{unit}");
    let certificate = shown(
        &project,
        "a.example.com",
        "/etc/kubernetes/pki/kubelet-serving.crt",
    );
    let key = shown(
        &project,
        "a.example.com",
        "/etc/kubernetes/pki/kubelet-serving.key",
    );
    let serving = fs::read_to_string(folder.join("serving.pem")).unwrap();
    assert_eq!(certificate + &key, serving);
    let config = shown(
        &project,
        "a.example.com",
        "/etc/kubernetes/kubelet-config.yaml",
    );
    for line in [
        "serverTLSBootstrap: false\n",
        "tlsCertFile: /etc/kubernetes/pki/kubelet-serving.crt\n",
        "tlsPrivateKeyFile: /etc/kubernetes/pki/kubelet-serving.key\n",
    ] {
        assert!(config.contains(line), "{config}");
    }
    let other = shown(&project, "b", "/etc/kubernetes/kubelet-config.yaml");
    assert!(other.contains("serverTLSBootstrap: true\n"), "{other}");
    let _ = project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    // The end of the first certificate, not of the CA.
    let until = node["usableUntil"].as_str().unwrap();
    assert!(
        summary.contains(&format!("certificate   client, until {until}")),
        "{summary}"
    );
    let hidden = ["show", "a.example.com", "--file", dated, "--at", until];
    let said = project.run(&hidden);
    assert!(!text(&said.stdout).contains("PRIVATE KEY"));
}

#[test]
fn kubectl_reads_every_kubeconfig() {
    let project = issued();
    let scratch = project.scratch();
    let ca = fs::read_to_string(project.dir.join("pki/ca.pem")).unwrap();
    for (file, user, server) in [
        (
            "/var/lib/kubelet/kubeconfig",
            "default-auth",
            "https://api.example.com:6443",
        ),
        (
            "/etc/kubernetes/kube-proxy.kubeconfig",
            "system:kube-proxy",
            "https://api.example.com:6443",
        ),
        (
            "/etc/example/agent.kubeconfig",
            "token",
            "https://127.0.0.1:8443",
        ),
    ] {
        let said = shown(&project, "a.example.com", file);
        let path = scratch.join("kubeconfig");
        fs::write(&path, said).unwrap();
        let mut seen: Vec<Value> = judges::same_values(&path).into_iter().flatten().collect();
        if judges::present("kubectl") {
            seen.push(kubectl_view(scratch, "kubeconfig"));
        }
        for seen in seen {
            assert_eq!(seen["users"][0]["name"], user);
            assert_eq!(seen["clusters"][0]["cluster"]["server"], server);
            let of_user = &seen["users"][0]["user"];
            let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
            match user {
                "default-auth" => {
                    assert_eq!(of_user["client-certificate"], current);
                    assert_eq!(of_user["client-key"], current);
                }
                "token" => assert_eq!(of_user["tokenFile"], "/var/run/agent/token"),
                _ => {
                    let folder = project.dir.join("pki/nodes/a.example.com");
                    let pem =
                        fs::read_to_string(folder.join("user-system:kube-proxy.pem")).unwrap();
                    let both = decode(&of_user["client-certificate-data"])
                        + &decode(&of_user["client-key-data"]);
                    assert_eq!(both, pem);
                }
            }
            assert_eq!(
                decode(&seen["clusters"][0]["cluster"]["certificate-authority-data"]),
                ca
            );
        }
    }
    let summary = now(&project, &["show", "a.example.com"]);
    assert!(summary.contains("0640 root:agent"), "{summary}");
}

fn decode(value: &Value) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap());
    String::from_utf8(bytes.unwrap()).unwrap()
}

/// Ignition configurations of the user's with a text in them: escaped, packed, and as a unit.
fn merged_with(folder: &Path, text: &str) {
    use base64::Engine;
    let escaped =
        percent_encoding::percent_encode(text.as_bytes(), percent_encoding::NON_ALPHANUMERIC);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = base64::engine::general_purpose::STANDARD.encode(packed.finish().unwrap());
    let file = |contents: serde_json::Value| serde_json::json!({"storage": {"files": [{"path": "/etc/y", "contents": contents}]}});
    let unit = serde_json::json!({"name": "y.service", "contents": text});
    for (name, mut config) in [
        (
            "escaped",
            file(serde_json::json!({"source": format!("data:,{escaped}")})),
        ),
        (
            "packed",
            file(serde_json::json!({
                "source": format!("data:;base64,{packed}"),
                "compression": "gzip",
            })),
        ),
        ("unit", serde_json::json!({"systemd": {"units": [unit]}})),
    ] {
        config["ignition"] = serde_json::json!({"version": "3.1.0"});
        fs::write(folder.join(format!("{name}.ign")), config.to_string()).unwrap();
    }
}

/// A file, a template, an overlay's file, a rendered overlay, an asset, a unit, an Ignition configuration; as PEM, as DER
/// and in base64.
#[test]
fn the_cas_key_is_found_wherever_it_slips_in() {
    let project = issued();
    let key = fs::read_to_string(project.dir.join("pki/ca.key")).unwrap();
    let other = fs::read_to_string(project.dir.join("pki/nodes/b/client.pem")).unwrap();
    let indent = |text: &str| {
        text.lines()
            .map(|line| format!("      {line}\n"))
            .collect::<String>()
    };
    let big = |text: &str| {
        // Across the pieces in which a big file is read.
        let mut bytes = vec![b'x'; 64 * 1024 - 100];
        bytes.extend(format!("\n{text}\n").bytes());
        bytes.extend(vec![b'y'; 100_000]);
        bytes
    };
    let overlay = project.dir.join("overlays/o/root/etc");
    fs::create_dir_all(&overlay).unwrap();
    fs::write(
        project.dir.join("overlays/o/overlay.yaml"),
        "apiVersion: nodebake/v1\nkind: Overlay\ndescription: x\n",
    )
    .unwrap();
    for (text, is_found) in [(&key, true), (&other, false)] {
        let der = project.dir.join("key.der");
        let block = text.split("-----BEGIN PRIVATE KEY-----").nth(1).unwrap();
        let base64: String = block
            .lines()
            .take_while(|line| !line.starts_with('-'))
            .collect();
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(base64)
            .unwrap();
        fs::write(&der, bytes).unwrap();
        let asset = project.dir.join("asset");
        fs::write(&asset, big(text)).unwrap();
        use sha2::Digest;
        let digest = sha2::Sha256::digest(fs::read(&asset).unwrap());
        let digest = nodebake::node::hex(&digest);
        let cases = [
            format!("files:\n  /etc/x:\n    content: |\n{}", indent(text)),
            format!(
                "files:\n  /etc/x:\n    template: |\n{}      {{{{ node.name }}}}\n",
                indent(text)
            ),
            format!(
                "vars:\n  k: |\n{}files:\n  /etc/x: {{template: \"{{{{ vars.k }}}}\"}}\n",
                indent(text)
            ),
            "files:\n  /etc/x: {source: key.der}\n".to_owned(),
            format!(
                "files:\n  /etc/x:\n    content: |\n      client-key-data: {}\n",
                base64::engine::general_purpose::STANDARD.encode(text)
            ),
            format!("assets:\n  /etc/x: {{source: asset, sha256: {digest}}}\n"),
            "overlays: {o: {}}\n".to_owned(),
            format!("units:\n  a.service:\n    text: |\n{}", indent(text)),
            "output: {ignition: {merge: [escaped.ign]}}\n".to_owned(),
            "output: {ignition: {merge: [packed.ign]}}\n".to_owned(),
            "output: {ignition: {merge: [{source: unit.ign, secret: true}]}}\n".to_owned(),
        ];
        merged_with(&project.dir, text);
        for case in cases {
            fs::write(overlay.join("x"), text).unwrap();
            fs::write(project.dir.join("cluster.yaml"), format!("{CLUSTER}{case}")).unwrap();
            let at = nodebake::timing::rfc3339(time::OffsetDateTime::now_utc()).unwrap();
            let build = project.run(&["build", "--at", &at]);
            let said = text_of(&build);
            assert_eq!(
                said.contains("holds the CA's private key"),
                is_found,
                "{case}: {said}"
            );
            // A key is no unit either, whosever it is.
            let refused = is_found || case.starts_with("units:");
            assert_eq!(
                build.status.code(),
                Some(if refused { 3 } else { 0 }),
                "{case}: {said}"
            );
        }
    }
}

fn text_of(output: &std::process::Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// A node that joined by certificate renews it, as itself.
#[test]
fn a_review_knows_nodes_that_have_no_token() {
    let project = issued();
    let csr = fs::read_to_string(crate::project::fixtures().join("csr/client.pem")).unwrap();
    let changed = CLUSTER.replace("- name: b\n", "- name: edge-001\n");
    fs::write(project.dir.join("cluster.yaml"), changed).unwrap();
    use base64::Engine;
    let request = base64::engine::general_purpose::STANDARD.encode(csr);
    let asked = serde_json::json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "csr-1"},
        "spec": {"request": request, "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "username": "system:node:edge-001", "groups": ["system:nodes", "system:authenticated"],
            "usages": ["digital signature", "client auth"]},
    });
    let review = &mut project.command(&["csr", "review", "-", "-o", "json"]);
    let said = review.run_with_input(asked.to_string().as_bytes());
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said[0]["decision"], "approve", "{said}");
}

/// A revoked node must not come back by a certificate, nor get a token when everybody does.
#[test]
fn revoked_nodes_stay_out_and_others_get_no_token() {
    let project = issued();
    let _ = project.good(&["token", "create"]);
    assert!(!project.dir.join("secrets.yaml").exists());
    let expiring = project.good(&["token", "expiring", "--within", "9999d"]);
    assert!(expiring.starts_with("no token expires"), "{expiring}");
    let _ = project.good(&["token", "create", ".", "b"]);
    let _ = now(&project, &["check"]);
    let _ = project.good(&["token", "revoke", ".", "b"]);
    let refused = project.run(&["check"]);
    let said = text(&refused.stdout);
    assert!(
        refused.status.code() == Some(3) && said.contains("was revoked at"),
        "{said}"
    );
}

/// An elliptic key may leave out its public half; it is the CA's all the same.
#[test]
fn the_cas_key_is_found_without_its_public_half() {
    if !judges::present("openssl") {
        return;
    }
    let project = issued();
    let pki = project.dir.join("pki");
    for args in [
        &["ec", "-in", "ca.key", "-no_public", "-out", "../sec1"][..],
        &[
            "pkcs8", "-topk8", "-nocrypt", "-in", "../sec1", "-out", "../pkcs8",
        ],
    ] {
        let _ = judges::content(&pki, "openssl", args);
    }
    for name in ["sec1", "pkcs8"] {
        let with = format!("{CLUSTER}files:\n  /etc/x: {{source: {name}}}\n");
        fs::write(project.dir.join("cluster.yaml"), with).unwrap();
        let said = text(&project.run(&["check"]).stdout);
        assert!(
            said.contains("holds the CA's private key"),
            "{name}: {said}"
        );
    }
}
