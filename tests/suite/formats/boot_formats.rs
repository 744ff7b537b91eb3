//! cloud-init and Ignition payloads, checked by the programs that read them in the field.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodebake::model::output::Format;
use nodebake::model::{Interface, Network, Route};
use nodebake::payload::{Forms, Job, NodeFacts};
use nodebake::tree::{Content, Entry, NodeTree};

use crate::support::cloud_init::{apply_cloud_init, cloud_init_says};
use crate::support::oracles;
use crate::support::payload::{assert_states, files, package, rich, units_of_the_image};
use crate::support::trees::{self, Folder};

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
        gateways: vec![ip("10.20.4.1").into(), ip("fd00::1").into()],
        nameservers: vec![ip("10.20.0.53")],
        search: vec!["example.com".into()],
        routes: vec![Route {
            to: "192.168.0.0/16".parse().unwrap(),
            via: ip("10.20.4.2"),
            on_link: false,
            metric: Some(50),
            table: None,
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
