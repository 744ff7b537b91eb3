//! Targets that are one file: everything else of the project or bundle around it is good.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::child::CURRENT;
use super::targets::{ROOM, run};
use crate::formats::initrd::base;
use crate::support::fixture::{AT, Project, copy_all, fixtures, sha256};
use crate::support::oracles;

/// The bundle that others are compared with.
const OLD: &str = "old";
/// What `import` makes.
const IMPORTED: &str = "imported";
/// What `initrd append` writes.
const APPENDED: &str = "appended";

/// One file that is mutated, and the command that reads it.
pub struct FileTarget {
    pub name: &'static str,
    /// How many inputs are tried in each run of the tests: some seconds.
    pub rounds: u64,
    /// Writes the seeds.
    seeds: fn(&Path),
    /// Runs the command on an input whose seed has this name; whether the input was accepted.
    try_on: fn(&str, &[u8]) -> bool,
}

pub const FILES: [FileTarget; 9] = [
    FileTarget {
        name: "tables",
        rounds: 150,
        seeds: tables,
        try_on: |_, bytes| in_room("racks.csv", bytes, &["check", ROOM, "--at", AT]),
    },
    FileTarget {
        name: "tokens",
        rounds: 200,
        seeds: |seeds| from_room("secrets.yaml", seeds),
        try_on: |_, bytes| in_room("secrets.yaml", bytes, &["token", "list", ROOM]),
    },
    FileTarget {
        name: "authorities",
        rounds: 150,
        seeds: authorities,
        try_on: |_, bytes| {
            let pem = as_pem("CERTIFICATE", bytes);
            in_room("pki/ca.pem", &pem, &["check", ROOM, "--at", AT])
        },
    },
    FileTarget {
        name: "templates",
        rounds: 200,
        seeds: templates,
        try_on: |_, bytes| in_room(TEMPLATE, bytes, &["check", ROOM, "--at", AT]),
    },
    FileTarget {
        name: "keys",
        rounds: 100,
        seeds: keys,
        try_on: |_, bytes| {
            fs::write(CURRENT, as_pem("PUBLIC KEY", bytes)).unwrap();
            run(&["verify", "room/out", "--key", CURRENT])
        },
    },
    FileTarget {
        name: "import",
        rounds: 200,
        seeds: dumps,
        try_on: |_, _| {
            let before = fs::read(Path::new(ROOM).join("secrets.yaml")).unwrap();
            let passed = run(&["token", "import", CURRENT, ROOM]);
            fs::write(Path::new(ROOM).join("secrets.yaml"), before).unwrap();
            passed
        },
    },
    FileTarget {
        name: "clusters",
        rounds: 150,
        seeds: clusters,
        try_on: |seed, _| cluster(seed),
    },
    FileTarget {
        name: "append",
        rounds: 150,
        seeds: bases,
        try_on: |_, _| append(),
    },
    FileTarget {
        name: "diff",
        rounds: 150,
        seeds: bundle_files,
        try_on: compare,
    },
];

/// The project's template that is mutated.
const TEMPLATE: &str = "overlays/chrony/root/etc/chrony/chrony.conf.tera";

impl FileTarget {
    /// Makes the seeds, and a project with its bundle around the file.
    pub fn prepare(&self, folder: &Path, seeds: &Path) {
        let project = Project::of("modern");
        project.good(&["build"]);
        copy_all(&project.dir, &folder.join(ROOM));
        copy_all(&project.out(), &folder.join(OLD));
        (self.seeds)(seeds);
    }

    /// Tries an input; whether it was accepted.
    pub fn try_on(&self, seed: &Path, bytes: &[u8]) -> bool {
        (self.try_on)(seed.to_str().unwrap(), bytes)
    }
}

/// Puts bytes in place of a file of the room, so that its mode stays, and afterwards what was there.
fn in_room(file: &str, bytes: &[u8], args: &[&str]) -> bool {
    let file = Path::new(ROOM).join(file);
    let before = fs::read(&file).unwrap();
    fs::write(&file, bytes).unwrap();
    let passed = run(args);
    fs::write(file, before).unwrap();
    passed
}

fn from_room(file: &str, seeds: &Path) {
    let from = seeds.with_file_name(ROOM).join(file);
    let name = Path::new(file).file_name().unwrap();
    fs::copy(from, seeds.join(name)).unwrap();
}

/// What is text goes as it is; DER is put into PEM, or nothing would get past the base64.
fn as_pem(label: &str, bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(b"-----") {
        return bytes.to_vec();
    }
    let body = STANDARD.encode(bytes);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn tables(seeds: &Path) {
    from_room("racks.csv", seeds);
    let quoted = "name,addresses,mac,labels.zone,vars.rack\n\
                  \"rack-b-1\",\"10.30.1.1 10.30.1.2\",52:54:00:00:00:01,\"a,b\",\"x \"\"y\"\"\"\n\
                  rack-b-2,10.30.1.3,,,\r\n";
    fs::write(seeds.join("quoted.csv"), quoted).unwrap();
}

fn authorities(seeds: &Path) {
    from_room("pki/ca.pem", seeds);
    let pem = fs::read_to_string(seeds.join("ca.pem")).unwrap();
    fs::write(seeds.join("ca.der"), der(&pem)).unwrap();
    for (name, key) in [("rsa", "rsa:2048"), ("ed25519", "ed25519")] {
        let script = format!(
            "openssl req -x509 -newkey {key} -nodes -keyout /dev/null -subj /CN=x -days 9000 -outform DER -out {name}.der \
             -addext nameConstraints=critical,permitted\\;DNS:example.com 2>/dev/null"
        );
        oracles::content(seeds, "sh", &["-euc", &script]);
    }
}

fn templates(seeds: &Path) {
    from_room(TEMPLATE, seeds);
    for (name, text) in [
        (
            "loops",
            "{% for a in node.addresses %}{% for c in a %}{{ loop.index }}{{ c }}{% endfor %}{% endfor %}\n",
        ),
        (
            "sets",
            "{% set x = node.name ~ node.name %}{% set y = x ~ x %}{{ y | replace(from=\"a\", to=x) }}{{ y | length }}\n",
        ),
        (
            "ifs",
            "{% if node.name is starting_with(\"gpu\") and not (1 + 2 * 3 > 7) %}a{% elif vars is defined %}{{ vars | json }}{% else %}c{% endif %}\n",
        ),
        (
            "filters",
            "{{ node.name | upper | truncate(length=3) | b64encode }} {{ [1, [2, [3]]] | json }} {{ range(end=9) | join(sep=\",\") }}\n",
        ),
        (
            "raw",
            "{% raw %}{{ x }}{% endraw %}{# comment #}{{- kubelet.config | json -}}\n",
        ),
    ] {
        fs::write(seeds.join(name), text).unwrap();
    }
}

fn keys(seeds: &Path) {
    from_room("keys/sign.pub", seeds);
    let pem = fs::read_to_string(seeds.join("sign.pub")).unwrap();
    fs::write(seeds.join("sign.der"), der(&pem)).unwrap();
}

/// What kubeadm and kubectl print of tokens.
fn dumps(seeds: &Path) {
    let kubeadm = json!({
        "kind": "BootstrapToken", "apiVersion": "output.kubeadm.k8s.io/v1alpha3", "creationTimestamp": null,
        "token": "abcdef.testonlysecret99", "description": "edge-001", "expires": "2036-01-01T00:00:00Z",
        "usages": ["authentication", "signing"], "groups": ["system:bootstrappers:node:edge-001"],
    });
    let data = [
        ("token-id", "fedcba"),
        ("token-secret", "testonlysecret98"),
        ("expiration", "2036-01-01T00:00:00Z"),
        ("usage-bootstrap-authentication", "true"),
        ("auth-extra-groups", "system:bootstrappers:node:edge-002"),
    ];
    let data: Value = data
        .map(|(key, text)| (key, STANDARD.encode(text)))
        .into_iter()
        .collect();
    let secrets = json!({"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": "bootstrap-token-fedcba", "namespace": "kube-system"}, "data": data,
    }]});
    for (name, value) in [("kubeadm.json", kubeadm), ("secrets.json", secrets)] {
        let text = serde_json::to_string_pretty(&value).unwrap();
        fs::write(seeds.join(name), text).unwrap();
    }
}

/// Dumps of a cluster, and inventories of other tools.
fn clusters(seeds: &Path) {
    let from = fixtures().join("import");
    for name in [
        "prod-eu1/config-view.yaml",
        "prod-eu1/kubeadm-config.yaml",
        "prod-eu1/kubelet-config.yaml",
        "prod-eu1/nodes.json",
        "prod-eu1/kube-apiserver-cp-1.yaml",
        "lab.ini",
        "machines.csv",
    ] {
        let file = Path::new(name).file_name().unwrap();
        fs::copy(from.join(name), seeds.join(file)).unwrap();
    }
}

/// A project is made of the input, or nothing is.
fn cluster(seed: &str) -> bool {
    let from = match seed.rsplit('.').next() {
        Some("ini") => "ansible",
        Some("csv") => "csv",
        _ => "kubectl",
    };
    let passed = run(&["import", "--project", IMPORTED, "--from", from, CURRENT]);
    assert_eq!(
        passed,
        Path::new(IMPORTED).exists(),
        "half of it was written"
    );
    let _ = fs::remove_dir_all(IMPORTED);
    passed
}

/// Initrds to which a payload can be appended; their headers are left alone by many mutations.
fn bases(seeds: &Path) {
    let long =
        "usr/share/a-long-name-that-nobody-looks-at-and-that-a-mutation-may-change-without-harm";
    for (name, pack) in [("plain", "cat"), ("gzip", "gzip -n"), ("zstd", "zstd -q")] {
        base(
            seeds,
            name,
            &["bin/busybox", "scripts/functions", long],
            pack,
        );
        fs::remove_dir_all(seeds.join(format!("{name}.d"))).unwrap();
        let padding = format!("head -c 100000 /dev/zero >>{name}");
        if pack == "cat" {
            oracles::content(seeds, "sh", &["-euc", &padding]);
        }
    }
}

fn append() -> bool {
    let node = "gpu-1.example.com";
    let (bundle, key) = ("room/out", "room/keys/sign.pub");
    let passed = run(&[
        "initrd", "append", "--base", CURRENT, "--node", node, "--bundle", bundle, "--key", key,
        "-o", APPENDED,
    ]);
    assert_eq!(
        passed,
        Path::new(APPENDED).exists(),
        "half of it was written"
    );
    let _ = fs::remove_file(APPENDED);
    passed
}

/// Files of a bundle that `diff` looks into, under their paths.
fn bundle_files(seeds: &Path) {
    let bundle = seeds.with_file_name(OLD);
    for path in [
        "bundle.json",
        "index.json",
        "cluster/rbac/rbac.yaml",
        "cluster/tokens/tokens.yaml",
        "cluster/node-labels.sh",
        "nodes/gpu-1.example.com/tree.json",
        "nodes/gpu-1.example.com/config.ign",
        "nodes/gpu-1.example.com/user-data",
        "nodes/gpu-1.example.com/network-config",
        "nodes/gpu-1.example.com/gpu-1.example.com.tar.gz",
        "nodes/edge-001/tree.sums",
    ] {
        let to = seeds.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(bundle.join(path), to).unwrap();
    }
}

/// Compares the old bundle with one of which a file is another one, and whose lists say so.
fn compare(path: &str, bytes: &[u8]) -> bool {
    let out = Path::new("room/out");
    let lists = ["bundle.json", "SHA256SUMS"];
    let before = lists.map(|name| fs::read(out.join(name)).unwrap());
    let file = fs::read(out.join(path)).unwrap();
    fs::write(out.join(path), bytes).unwrap();
    if path != lists[0] {
        fs::write(out.join(lists[0]), listed(&before[0], path, bytes)).unwrap();
    }
    let sums = String::from_utf8(before[1].clone()).unwrap();
    let sums: String = sums
        .lines()
        .map(|line| match &line[66..] {
            name if name == path || name == lists[0] => {
                let digest = sha256(&fs::read(out.join(name)).unwrap());
                format!("{digest}  {name}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(out.join(lists[1]), sums).unwrap();
    let passed = run(&["diff", OLD, "room/out"]) & run(&["diff", OLD, "room/out", "-o", "json"]);
    fs::write(out.join(path), file).unwrap();
    for (name, bytes) in lists.iter().zip(before) {
        fs::write(out.join(name), bytes).unwrap();
    }
    passed
}

/// bundle.json with the size and digest of a file.
fn listed(manifest: &[u8], path: &str, bytes: &[u8]) -> String {
    let mut manifest: Value = serde_json::from_slice(manifest).unwrap();
    mark(&mut manifest, path, bytes);
    serde_json::to_string_pretty(&manifest).unwrap()
}

fn mark(value: &mut Value, path: &str, bytes: &[u8]) {
    match value {
        Value::Object(object) => {
            if object.get("path").and_then(Value::as_str) == Some(path) {
                object["size"] = json!(bytes.len());
                object["sha256"] = json!(sha256(bytes));
            }
            object
                .values_mut()
                .for_each(|inner| mark(inner, path, bytes));
        }
        Value::Array(all) => all.iter_mut().for_each(|inner| mark(inner, path, bytes)),
        _ => {}
    }
}
