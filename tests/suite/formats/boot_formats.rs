//! cloud-init and Ignition payloads, checked by the programs that read them in the field.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodebake::model::output::{Format, Settings};
use nodebake::model::{Interface, Network, Route};
use nodebake::payload::{Forms, Job, NodeFacts};
use nodebake::tree::{Content, Entry, EntryKind, NodeTree};

use crate::support::oracles;
use crate::support::trees::{self, Folder};

pub fn oracle_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/oracle")
        .join(name)
}

/// Writes one format of a tree into a folder below `at` and returns that.
pub fn package(
    at: &Path,
    format: Format,
    tree: &NodeTree,
    facts: &NodeFacts,
    settings: &Settings,
) -> PathBuf {
    let folder = tempfile::tempdir_in(at).unwrap().keep();
    let job = Job {
        tree,
        facts,
        settings,
    };
    format
        .write(&job, &Forms::default(), &mut Folder(folder.clone()))
        .unwrap();
    folder
}

pub fn rich(at: &Path, format: Format) -> (NodeTree, PathBuf) {
    let tree = trees::rich(at);
    let folder = package(at, format, &tree, &trees::facts(), &trees::settings());
    (tree, folder)
}

/// Runs a script of ours that uses cloud-init's modules.
pub fn cloud_init_says(folder: &Path, script: &str, file: &str) -> String {
    let modules = oracles::cloud_init_modules();
    let output = oracles::command(folder, oracles::PYTHON)
        .arg(oracle_file("cloud_init").join(script))
        .arg(file)
        .env("PYTHONPATH", modules)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} of {file}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn files(tree: &NodeTree) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for (path, entry) in tree.entries() {
        if let EntryKind::File(content) = &entry.kind {
            let mut bytes = Vec::new();
            content.copy_to(&mut bytes).unwrap();
            files.insert(path.to_string(), (entry.mode, bytes));
        }
    }
    files
}

/// The image's own units, as far as the rich tree speaks of them.
pub fn units_of_the_image(root: &Path) {
    let folder = root.join("usr/lib/systemd/system");
    fs::create_dir_all(&folder).unwrap();
    for name in ["systemd-networkd.service", "systemd-timesyncd.service"] {
        let text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
        fs::write(folder.join(name), text).unwrap();
    }
}

pub fn assert_states(root: &Path, folder: &Path) {
    oracles::needs(["systemctl"]);
    let root_option = format!("--root={}", root.display());
    for (unit, state) in trees::STATES {
        let output = oracles::run(folder, "systemctl", &[&root_option, "is-enabled", unit]);
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            *state,
            "{unit}"
        );
    }
}

#[test]
fn a_unit_that_is_declared_as_a_file_too_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let mut tree = trees::rich(scratch.path());
    let file = Entry::file(Content::bytes("x"), 0o644, trees::origin());
    let at = "/etc/systemd/system/a-kubelet.service";
    tree.add(trees::path(at), file).unwrap();
    let job = Job {
        tree: &tree,
        facts: &trees::facts(),
        settings: &trees::settings(),
    };
    for format in Format::ALL {
        let mut out = Folder(scratch.path().to_owned());
        let error = format.write(&job, &Forms::default(), &mut out);
        let reason = error.unwrap_err().to_string();
        assert!(reason.ends_with("declares it too"), "{reason}");
    }
}

#[test]
fn cloud_init_finds_nothing_to_say_about_user_data() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let facts = NodeFacts {
        users: trees::users(),
        ..trees::facts()
    };
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    oracles::needs(["cloud-init"]);
    let args = ["schema", "--annotate", "-c", "user-data"];
    let said = oracles::content(&folder, "cloud-init", &args);
    assert_eq!(said, "Valid cloud-config: user-data\n");
}

#[test]
fn yaml_readers_agree_on_every_document() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let facts = NodeFacts {
        network: Some(network()),
        ..trees::facts()
    };
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    for name in ["user-data", "meta-data", "network-config"] {
        let documents = oracles::same_values(&folder.join(name));
        assert_eq!(documents.len(), 1, "{name}");
    }
}

#[test]
fn cloud_init_reads_the_same_bytes() {
    let scratch = tempfile::tempdir().unwrap();
    let (tree, folder) = rich(scratch.path(), Format::CloudInit);
    let said = cloud_init_says(&folder, "apply.py", "user-data");
    let listed: Vec<BTreeMap<String, String>> = serde_json::from_str(&said).unwrap();
    let mut expected = files(&tree);
    for item in &listed {
        let path = &item["path"];
        // Units are files here as well.
        let Some((_, bytes)) = expected.remove(path) else {
            assert!(path.starts_with("/etc/systemd/system/"), "{path}");
            continue;
        };
        let content = STANDARD.decode(&item["content"]).unwrap();
        assert!(content == bytes, "{path} differs");
    }
    assert!(expected.is_empty(), "{:?}", expected.keys());
}

#[test]
fn cloud_init_itself_makes_the_tree() {
    let modules = oracles::cloud_init_in_chroot();
    let scratch = tempfile::tempdir().unwrap();
    let mut tree = trees::rich(scratch.path());
    trees::add_instance(&mut tree);
    let mut suid = Entry::file(Content::bytes("x"), 0o6755, trees::origin());
    tree.add(trees::path("/opt/suid"), suid.clone()).unwrap();
    suid.group = trees::rich(scratch.path())
        .get("/var/lib/daemons")
        .unwrap()
        .group
        .clone();
    tree.add(trees::path("/opt/sgid"), suid).unwrap();
    let sticky = Entry::directory(0o1777, trees::origin());
    tree.add(trees::path("/var/sticky"), sticky).unwrap();
    for (at, text) in [
        (
            "/etc/tmpfiles.d/test.conf",
            "f /var/lib/by-tmpfiles 0640 - - - made\n",
        ),
        (
            "/etc/sysctl.d/90-test.conf",
            "net.bridge.bridge-nf-call-iptables = 1\n",
        ),
        ("/etc/modules-load.d/test.conf", "br_netfilter\n"),
        (
            "/etc/systemd/network/10-test.network",
            "[Match]\nName=none\n",
        ),
    ] {
        let entry = Entry::file(Content::bytes(text), 0o644, trees::origin());
        tree.add(trees::path(at), entry).unwrap();
    }
    let facts = trees::facts();
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    let root = apply_cloud_init(&folder, &folder.join("user-data"), &modules);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
    assert_eq!(
        fs::read_to_string(root.join("var/lib/by-tmpfiles")).unwrap(),
        "made"
    );
    units_of_the_image(&root);
    assert_states(&root, &folder);
    let root_option = format!("--root={}", root.display());
    let args = [&root_option[..], "is-enabled", "many@one.service"];
    assert_eq!(oracles::content(&folder, "systemctl", &args), "enabled\n");
}

/// Applies user-data in a chroot below `folder`; returns its root.
pub fn apply_cloud_init(folder: &Path, user_data: &Path, modules: &str) -> PathBuf {
    apply_with_disks(folder, user_data, modules, "")
}

/// The same, with folders on which cloud-init mounts disks when the files are written; what is on these is in
/// `.oracle/disks` then.
pub fn apply_with_disks(folder: &Path, user_data: &Path, modules: &str, disks: &str) -> PathBuf {
    apply_in(folder, user_data, modules, &[("DISKS", disks)])
}

/// The same with what in_chroot.sh takes from its environment.
pub fn apply_in(
    folder: &Path,
    user_data: &Path,
    modules: &str,
    environment: &[(&str, &str)],
) -> PathBuf {
    let root = folder.join("root");
    let output = oracles::command(folder, "unshare")
        .args(["-m", "sh"])
        .arg(oracle_file("cloud_init/in_chroot.sh"))
        .args([&root, user_data])
        .arg(oracle_file("cloud_init/apply.py"))
        .arg(modules)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cloud-init in a chroot: {said}");
    root
}

#[test]
fn cloud_init_itself_makes_the_users() {
    let modules = oracles::cloud_init_in_chroot();
    let scratch = tempfile::tempdir().unwrap();
    let facts = NodeFacts {
        users: trees::users(),
        ..trees::facts()
    };
    let tree = NodeTree::default();
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    let root = apply_cloud_init(&folder, &folder.join("user-data"), &modules);
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    let core = passwd.lines().find(|line| line.starts_with("core:"));
    let core: Vec<&str> = core.unwrap().split(':').collect();
    assert_eq!(
        (core[2], core[5], core[6]),
        ("1234", "/var/home/core", "/bin/sh")
    );
    assert!(passwd.contains("\nplain:"), "{passwd}");
    let groups = fs::read_to_string(root.join("etc/group")).unwrap();
    for group in ["adm:", "made-anew:"] {
        let line = groups.lines().find(|line| line.starts_with(group));
        assert!(line.unwrap().ends_with("core"), "{groups}");
    }
    let keys = fs::read_to_string(root.join("var/home/core/.ssh/authorized_keys")).unwrap();
    let keys: Vec<&str> = keys.lines().collect();
    for key in &facts.users[0].ssh_keys {
        assert!(keys.contains(&key.as_str()), "{keys:?}");
    }
}

#[test]
fn runcmd_wakes_up_what_was_written_in_order() {
    let scratch = tempfile::tempdir().unwrap();
    let mut tree = trees::rich(scratch.path());
    trees::add_instance(&mut tree);
    for at in [
        "/etc/sysctl.d/9.conf",
        "/etc/modules-load.d/x.conf",
        "/etc/tmpfiles.d/x.conf",
        "/etc/sysusers.d/x.conf",
    ] {
        let entry = Entry::file(Content::bytes("\n"), 0o644, trees::origin());
        tree.add(trees::path(at), entry).unwrap();
    }
    let facts = trees::facts();
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    let text = fs::read_to_string(folder.join("user-data")).unwrap();
    let (_, runcmd) = text.split_once("\nruncmd:\n").unwrap();
    let expected = include_str!("../../fixtures/boot-formats/runcmd.yaml");
    assert_eq!(runcmd, expected);
}

#[test]
fn user_data_and_config_are_closed_when_they_hold_secrets() {
    use std::os::unix::fs::MetadataExt;
    let scratch = tempfile::tempdir().unwrap();
    let mut tree = trees::rich(scratch.path());
    for (secret, mode) in [(true, 0o600), (false, 0o644)] {
        if !secret {
            tree.remove(&trees::path("/etc/kubernetes/bootstrap.kubeconfig"))
                .unwrap();
        }
        for (format, name, mode) in [
            (Format::CloudInit, "user-data", mode),
            (Format::CloudInit, "meta-data", 0o644),
            (Format::Ignition, "config.ign", mode),
        ] {
            let folder = package(
                scratch.path(),
                format,
                &tree,
                &trees::facts(),
                &trees::settings(),
            );
            let seen = fs::metadata(folder.join(name)).unwrap().mode() & 0o777;
            assert_eq!(seen, mode, "{name}");
        }
    }
}

#[test]
fn threads_that_share_forms_write_the_same_bytes() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let (facts, settings, forms) = (trees::facts(), trees::settings(), Forms::default());
    let job = Job {
        tree: &tree,
        facts: &facts,
        settings: &settings,
    };
    let pack = |forms: &Forms| {
        let folder = tempfile::tempdir_in(scratch.path()).unwrap().keep();
        for format in [Format::CloudInit, Format::Ignition] {
            format
                .write(&job, forms, &mut Folder(folder.clone()))
                .unwrap();
        }
        ["user-data", "config.ign"].map(|name| fs::read(folder.join(name)).unwrap())
    };
    let alone = pack(&Forms::default());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| pack(&forms))).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == alone);
        }
    });
}

#[test]
fn a_node_without_files_is_still_a_document() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = NodeTree::default();
    let (facts, settings) = (trees::facts(), trees::settings());
    let folder = package(scratch.path(), Format::CloudInit, &tree, &facts, &settings);
    assert_eq!(
        fs::read_to_string(folder.join("meta-data")).unwrap(),
        "instance-id: \"kubernetes-gpu-1.example.com-g3\"\nlocal-hostname: \"gpu-1.example.com\"\n"
    );
    assert!(!folder.join("network-config").exists());
    if oracles::present("cloud-init") {
        oracles::content(&folder, "cloud-init", &["schema", "-c", "user-data"]);
    }
    let folder = package(scratch.path(), Format::Ignition, &tree, &facts, &settings);
    let config = fs::read_to_string(folder.join("config.ign")).unwrap();
    assert_eq!(config, "{\"ignition\":{\"version\":\"3.0.0\"}}\n");
}

pub fn network() -> Network {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let fixed = Interface {
        name: "lan0".into(),
        mac: Some("52:54:00:12:34:56".into()),
        addresses: vec![
            "10.20.4.11/23".parse().unwrap(),
            "fd00::11/64".parse().unwrap(),
        ],
        gateways: vec![ip("10.20.4.1"), ip("fd00::1")],
        nameservers: vec![ip("10.20.0.53")],
        search: vec!["example.com".into()],
        routes: vec![Route {
            to: "192.168.0.0/16".parse().unwrap(),
            via: ip("10.20.4.2"),
            metric: Some(50),
        }],
        mtu: Some(9000),
        ..Interface::default()
    };
    let dynamic = Interface {
        name: "eno1".into(),
        dhcp4: true,
        ..Interface::default()
    };
    Network {
        interfaces: vec![fixed, dynamic],
    }
}

#[test]
fn cloud_init_understands_the_network() {
    let scratch = tempfile::tempdir().unwrap();
    let facts = NodeFacts {
        network: Some(network()),
        ..trees::facts()
    };
    let tree = NodeTree::default();
    let folder = package(
        scratch.path(),
        Format::CloudInit,
        &tree,
        &facts,
        &trees::settings(),
    );
    let text = fs::read_to_string(folder.join("network-config")).unwrap();
    assert_eq!(
        text,
        include_str!("../../fixtures/boot-formats/network-config.yaml")
    );
    let said = cloud_init_says(&folder, "network.py", "network-config");
    let rendered: BTreeMap<String, String> = serde_json::from_str(&said).unwrap();
    for line in [
        "MACAddress=52:54:00:12:34:56",
        "Address=10.20.4.11/23",
        "Address=fd00::11/64",
        "Gateway=10.20.4.1",
        "Gateway=fd00::1",
        "Destination=192.168.0.0/16",
        "DNS=10.20.0.53",
        "Domains=example.com",
        "MTUBytes=9000",
    ] {
        assert!(
            rendered["lan0"].lines().any(|seen| seen == line),
            "{line}\n{}",
            rendered["lan0"]
        );
    }
    assert!(
        rendered["eno1"].contains("DHCP=ipv4"),
        "{}",
        rendered["eno1"]
    );
}
