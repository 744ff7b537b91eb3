//! NoCloud seeds and user-data with parts of the user's: read by the kernel, xorriso, isoinfo, blkid and cloud-init.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nodebake::model::output::limits::Target;
use nodebake::model::output::{CloudInit, Format, Secrets, Settings};
use nodebake::payload::cloud_init::{FILE_NAMES, SEED_NAME, UserFiles, UserPart};
use nodebake::payload::iso::{self, IsoFile};
use nodebake::payload::{Job, NodeFacts};
use nodebake::tree::{Content, NodeTree};
use serde_json::Value;

use crate::formats::boot_formats::network;
use crate::support::cloud_init::{apply_cloud_init, cloud_init_says};
use crate::support::fixture::{Project, text};
use crate::support::new_project::NewProject;
use crate::support::oracles;
use crate::support::payload::package;
use crate::support::trees;

fn with_seed() -> Settings {
    Settings {
        cloud_init: CloudInit {
            seed_iso: true,
            ..CloudInit::default()
        },
        ..trees::settings()
    }
}

fn facts() -> NodeFacts {
    NodeFacts {
        network: Some(network()),
        user_files: Arc::new(UserFiles {
            parts: Vec::new(),
            vendor_data: Some(Content::bytes("#cloud-config\n{}\n")),
        }),
        ..trees::facts()
    }
}

/// A node's documents with its seed.
fn seeded(at: &Path, tree: &NodeTree) -> PathBuf {
    package(at, Format::CloudInit, tree, &facts(), &with_seed())
}

#[test]
fn every_reader_finds_the_documents_in_the_seed() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = seeded(scratch.path(), &trees::rich(scratch.path()));
    let image = folder.join(SEED_NAME);
    assert_eq!(
        image.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let size = image.metadata().unwrap().len();
    let documents: u64 = FILE_NAMES
        .iter()
        .map(|name| fs::metadata(folder.join(name)).unwrap().len())
        .sum();
    assert_eq!(size % 2048, 0);
    assert!(size - documents < 70_000, "{size} for {documents}");
    if oracles::present("blkid") {
        let tags = ["-p", "-o", "export", SEED_NAME];
        let said = oracles::content(&folder, "blkid", &tags);
        assert!(said.contains("LABEL=cidata\n"), "{said}");
        assert!(said.contains("TYPE=iso9660\n"), "{said}");
    }
    if oracles::present("isoinfo") {
        for option in ["-R", "-J"] {
            let said = oracles::content(&folder, "isoinfo", &[option, "-f", "-i", SEED_NAME]);
            let mut names: Vec<&str> = said
                .lines()
                .map(|line| line.trim_end_matches(";1").trim_start_matches('/'))
                .collect();
            names.sort_unstable();
            let mut expected = FILE_NAMES.to_vec();
            expected.sort_unstable();
            assert_eq!(names, expected, "{option}");
            for path in said.lines() {
                let name = path.trim_end_matches(";1").trim_start_matches('/');
                let output =
                    oracles::run(&folder, "isoinfo", &[option, "-x", path, "-i", SEED_NAME]);
                let same = output.stdout == fs::read(folder.join(name)).unwrap();
                assert!(same, "{option} {path}");
            }
        }
    }
    if oracles::present("xorriso") {
        let args = [
            "-indev", SEED_NAME, "-osirrox", "on", "-extract", "/", "out",
        ];
        let output = oracles::run(&folder, "xorriso", &args);
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        for word in ["WARNING", "FAILURE", "SORRY"] {
            assert!(!said.contains(word), "{said}");
        }
        same_files(&folder, &folder.join("out"));
    }
    if oracles::present("bsdtar") {
        fs::create_dir(folder.join("untarred")).unwrap();
        let args = ["-xf", SEED_NAME, "-C", "untarred"];
        oracles::content(&folder, "bsdtar", &args);
        same_files(&folder, &folder.join("untarred"));
    }
}

fn same_files(folder: &Path, read: &Path) {
    for name in FILE_NAMES {
        let same = fs::read(read.join(name)).unwrap() == fs::read(folder.join(name)).unwrap();
        assert!(same, "{name} in {}", read.display());
    }
}

/// Mounts an image as the kernel reads it and copies what is there, in a namespace that ends with the command.
fn mounted(folder: &Path, options: &str) -> PathBuf {
    let out = folder.join(format!("mounted-{options}"));
    fs::create_dir_all(folder.join("mount")).unwrap();
    let script = format!(
        "mount -t iso9660 -o loop,ro{options} {SEED_NAME} mount && cp -a mount {}",
        out.display()
    );
    let args = ["-m", "sh", "-euc", &script];
    oracles::content(folder, "unshare", &args);
    out
}

#[test]
fn the_kernel_mounts_the_seed() {
    oracles::needs_root();
    oracles::needs_mountable("iso9660");
    oracles::needs(["unshare"]);
    let scratch = tempfile::tempdir().unwrap();
    let folder = seeded(scratch.path(), &trees::rich(scratch.path()));
    let seed = mounted(&folder, "");
    same_files(&folder, &seed);
    let mode = |name: &str| seed.join(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("user-data"), mode("meta-data")), (0o600, 0o644));
    assert_eq!(mode(""), 0o755);
    // Without Rock Ridge the Joliet names are the same.
    same_files(&folder, &mounted(&folder, ",norock"));
}

#[test]
fn cloud_init_makes_the_tree_from_the_seed() {
    let modules = oracles::cloud_init_in_chroot();
    oracles::needs(["bsdtar"]);
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let folder = seeded(scratch.path(), &tree);
    oracles::content(&folder, "bsdtar", &["-xpf", SEED_NAME, "-s", "/^/seed-/"]);
    let mode = |name: &str| folder.join(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        (mode("seed-user-data"), mode("seed-meta-data")),
        (0o600, 0o644)
    );
    let root = apply_cloud_init(&folder, &folder.join("seed-user-data"), &modules);
    assert_eq!(trees::differences(&root, &tree, true), [""; 0]);
}

#[test]
fn the_same_documents_are_the_same_image() {
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let read = |folder: PathBuf| fs::read(folder.join(SEED_NAME)).unwrap();
    let first = read(seeded(scratch.path(), &tree));
    assert!(first == read(seeded(scratch.path(), &tree)));
}

#[test]
fn what_an_image_cannot_hold_is_refused() {
    let nothing = |_: &mut dyn Write| Ok(());
    let one = |out: &mut dyn Write| Ok(out.write_all(b"x")?);
    let mut out = Vec::new();
    let mut said = |name: &str, size: u64, write: iso::WriteFile<'_>| {
        let file = IsoFile {
            name,
            mode: 0o644,
            size,
            write,
        };
        iso::write("cidata", &[file], &mut out)
            .unwrap_err()
            .to_string()
    };
    assert!(said("a/b", 0, &nothing).contains("Joliet has no control characters"));
    assert!(said("x", 1 << 32, &nothing).contains("4 GiB"));
    assert!(said("x", 2, &one).contains("1 byte came instead of 2"));
    let settings = Settings {
        secrets: Secrets::Separate,
        cloud_init: CloudInit {
            seed_iso: true,
            target: Target::Ec2,
            ..CloudInit::default()
        },
        ..trees::settings()
    };
    let scratch = tempfile::tempdir().unwrap();
    let part = UserPart::new("x.sh", "#!/bin/sh\n".into(), false).unwrap();
    let facts = NodeFacts {
        user_files: Arc::new(UserFiles {
            parts: vec![Arc::new(part)],
            vendor_data: None,
        }),
        ..trees::facts()
    };
    let job = Job {
        tree: &trees::rich(scratch.path()),
        facts: &facts,
        settings: &settings,
    };
    let objections = Format::CloudInit.check(&job);
    let fields: Vec<_> = objections
        .iter()
        .map(|found| found.field.unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "output.cloudInit.seedISO",
            "output.cloudInit.seedISO",
            "output.cloudInit.parts"
        ]
    );
}

/// What the user says, and what a part of each kind is.
const CONFIG: &str = "#cloud-config\npackages: [żubr]\nwrite_files:\n- {path: /etc/users-own, content: x}\n\
                      runcmd:\n- [users, own]\n";

fn with_parts(at: &Path, tree: &NodeTree) -> (PathBuf, NodeFacts) {
    let part = |name: &str, text: &str| Arc::new(UserPart::new(name, text.into(), false).unwrap());
    let facts = NodeFacts {
        user_files: Arc::new(UserFiles {
            parts: vec![
                part("extra/own.cfg", CONFIG),
                part("more.cfg", "#cloud-config\nruncmd:\n- [more, of, it]\n"),
                part("hello.sh", "#!/bin/sh\necho hello\n"),
                part("crlf.sh", "#!/bin/sh\r\necho \r\n"),
            ],
            vendor_data: None,
        }),
        users: trees::users(),
        ..trees::facts()
    };
    let folder = package(at, Format::CloudInit, tree, &facts, &trees::settings());
    (folder, facts)
}

#[test]
fn cloud_init_takes_parts_and_ours_together() {
    let modules = oracles::cloud_init_modules();
    let scratch = tempfile::tempdir().unwrap();
    let tree = trees::rich(scratch.path());
    let ascii = {
        let mut tree = NodeTree::default();
        tree.unit_mut("a.service").enabled = Some(true);
        tree
    };
    for (tree, encoding) in [(&tree, "base64"), (&ascii, "7bit")] {
        let (folder, facts) = with_parts(scratch.path(), tree);
        let message = fs::read_to_string(folder.join("user-data")).unwrap();
        assert!(message.contains(&format!("Content-Transfer-Encoding: {encoding}\nContent-Disposition: attachment; filename=\"nodebake.cfg\"")));
        let output = oracles::command(&folder, oracles::PYTHON)
            .arg(oracles::source("cloud_init/message.py"))
            .arg("user-data")
            .arg(folder.join("merged.yaml"))
            .env("PYTHONPATH", &modules)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let others: Value = serde_json::from_slice(&output.stdout).unwrap();
        let script = &others["hello.sh"];
        assert_eq!(script[0], "text/x-shellscript");
        assert_eq!(
            script[1].as_str().unwrap().trim_end(),
            "#!/bin/sh\necho hello"
        );
        assert_eq!(others["crlf.sh"][1], "#!/bin/sh\r\necho \r\n");
        let written = fs::read_to_string(folder.join("merged.yaml")).unwrap();
        let (_, document) = written.split_once("---\n").unwrap();
        let file = folder.join("document.yaml");
        fs::write(&file, format!("#cloud-config\n{document}")).unwrap();
        let mut documents = oracles::same_values(&file);
        let merged = documents.pop().unwrap();
        assert_eq!(merged["packages"][0], "żubr");
        assert_eq!(merged["hostname"], facts.hostname.as_str());
        // Nor do the user's own parts take one another's place.
        assert_eq!(merged["runcmd"][0][0], "users");
        assert_eq!(merged["runcmd"][1][0], "more");
        assert!(merged["runcmd"].as_array().unwrap().len() > 2);
        assert_eq!(merged["write_files"][0]["path"], "/etc/users-own");
        let all = tree.materialised();
        let ours = all
            .values()
            .filter(|entry| matches!(entry.kind, nodebake::tree::EntryKind::File(_)));
        let files = merged["write_files"].as_array().unwrap().len();
        assert_eq!(files, 1 + ours.count());
        assert_eq!(merged["users"].as_array().unwrap().len(), 3);
        if oracles::present("cloud-init") {
            let args = ["schema", "-c", "document.yaml"];
            oracles::content(&folder, "cloud-init", &args);
        }
    }
}

/// Parts of every type that a cloud-init knows by itself, and what it keeps of each; one of a type that a handler of the user's
/// knows.
const TYPES: [(&str, &str, &str, &str); 9] = [
    (
        "a.sh",
        "",
        "#!/bin/sh\necho a\n",
        "instances/i-1/scripts/a.sh",
    ),
    (
        "b.sh",
        "text/x-shellscript-per-boot",
        "#!/bin/sh\necho b\n",
        "scripts/per-boot/b.sh",
    ),
    (
        "c.sh",
        "text/X-ShellScript-per-instance",
        "#!/bin/sh\necho c\n",
        "scripts/per-instance/c.sh",
    ),
    (
        "d.sh",
        "text/x-shellscript-per-once",
        "#!/bin/sh\necho d\n",
        "scripts/per-once/d.sh",
    ),
    (
        "e.cfg",
        "text/jinja2",
        "## template: jinja\n#cloud-config\ntimezone: {{ v1.local_hostname }}\n",
        "timezone: edge",
    ),
    (
        "f.sh",
        "",
        "## template: jinja\n#!/bin/sh\necho {{ v1.local_hostname }}\n",
        "echo edge",
    ),
    (
        "g.cfg",
        "text/cloud-config",
        "locale: en_GB\n",
        "locale: en_GB",
    ),
    (
        "h.cfg",
        "",
        "#cloud-config-archive\n- {type: text/x-shellscript, filename: i.sh, content: \"#!/bin/sh\\n\"}\n",
        "instances/i-1/scripts/i.sh",
    ),
    (
        "j.cfg",
        "text/plain",
        "#cloud-config\nkeyboard: {layout: de}\n",
        "layout: de",
    ),
];

#[test]
fn cloud_init_handles_parts_of_every_type() {
    oracles::needs(["cloud-init", oracles::PYTHON]);
    let handler = "#part-handler\ndef list_types():\n    return ['text/x-mine']\ndef handle_part(data, ctype, filename, payload):\n    if ctype == 'text/x-mine':\n        raise RuntimeError('mine')\n";
    let mut files: Vec<(&str, &str)> = TYPES
        .iter()
        .map(|(name, _, text, _)| (*name, *text))
        .collect();
    files.extend([("mine.py", handler), ("mine", "x"), ("later", "x")]);
    let list = |more: &str| {
        let parts = TYPES.iter().map(|(name, kind, ..)| match *kind {
            "" => (*name).to_owned(),
            kind => format!("{{source: {name}, type: {kind}}}"),
        });
        let parts: Vec<String> = parts.collect();
        format!(
            "profiles: [worker]\noutput: {{formats: [cloudInit], cloudInit: {{parts: [{}, {more}]}}}}\nnodes: [{{name: n1}}]\n",
            parts.join(", ")
        )
    };
    let project =
        NewProject::with_files(&list("mine.py, {source: mine, type: text/x-mine}"), &files);
    project.good(&["build"]);
    let folder = project.dir().join("out/nodes/n1");
    let said: Value =
        serde_json::from_str(&cloud_init_says(&folder, "handlers.py", "user-data")).unwrap();
    let warned = said["warned"].as_array().unwrap();
    // The user's handler was asked, and nothing else was left.
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert!(
        warned[0]
            .as_str()
            .unwrap()
            .contains("Failed calling handler"),
        "{warned:#?}"
    );
    let kept = said["kept"].to_string();
    for (name, _, _, wanted) in TYPES {
        assert!(kept.contains(wanted), "{name}: {kept}");
    }
    for (more, os) in [
        ("{source: mine, type: text/x-mine}, mine.py", ""),
        ("{source: mine, type: text/x-shellscript-per-boot}", ""),
        ("{source: mine, type: text/jinja2}", ""),
        ("{source: mine, type: multipart/mixed}", ""),
        ("{source: mine, type: \"text/x-mine; charset=utf-8\"}", ""),
        ("{source: mine, type: nothing}", ""),
        ("mine", ""),
        ("a.sh", "os: {cloudInit: {version: \"20.4\"}}\n"),
    ] {
        let project = NewProject::with_files(&(list(more) + os), &files);
        assert_eq!(project.ids(), ["user-data-part-invalid"], "{more} {os}");
    }
}

#[test]
fn a_project_adds_files_of_its_own() {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let output = "output: {formats: [cloudInit], cloudInit: {seedISO: true, vendorData: vendor.cfg, \
                  parts: [own.cfg, {source: own.sh, secret: true}]}}\n";
    fs::write(&file, inventory + output).unwrap();
    let write = |name: &str, text: &str| fs::write(project.dir.join(name), text).unwrap();
    write("own.cfg", "packages: []\n");
    write("vendor.cfg", "#cloud-config\n{}\n");
    let said = text(&project.run(&["build"]).stderr);
    assert_eq!(said.matches("error: ").count(), 2, "{said}");
    assert!(
        said.contains("parts[0]: cloud-init cannot tell what it is"),
        "{said}"
    );
    assert!(
        said.contains("parts[1].source: the file own.sh is missing"),
        "{said}"
    );
    write("own.cfg", CONFIG);
    write("own.sh", "#!/bin/sh\n");
    project.good(&["build"]);
    let node = project.out().join("nodes/n1");
    let user_data = fs::read_to_string(node.join("user-data")).unwrap();
    assert!(user_data.starts_with("Content-Type: multipart/mixed; boundary=\"==nodebake-"));
    assert_eq!(
        fs::read_to_string(node.join("vendor-data")).unwrap(),
        "#cloud-config\n{}\n"
    );
    let listed = project.good(&["inspect", "out/nodes/n1/seed.iso"]);
    for name in ["user-data", "meta-data", "vendor-data"] {
        assert!(listed.contains(name), "{listed}");
    }
    let listed = project.good(&["inspect", "out/nodes/n1/user-data"]);
    assert!(
        listed.contains("/etc/kubernetes/bootstrap-kubelet.kubeconfig"),
        "{listed}"
    );
}
