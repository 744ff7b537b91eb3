//! Booting over the network: what is in a bundle for boot servers, who may read it, and that the loaders' own programs
//! read the scripts. Machines boot from them in `boot::network`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::formats::initrd::{NODE, node};
use crate::support::fixture::{Project, copy, sha256, snapshot, text};
use crate::support::oracles;

/// The MAC address of the node.
pub const MAC: &str = "52:54:00:12:34:56";
/// The folders of a bundle that a boot server serves.
pub const SERVED: [&str; 2] = ["boot", "shared"];

/// An asset, which goes into an asset archive.
const TOOL: &[u8] = b"#!/bin/sh\n";

/// The project, with network boot for one node; `files` are copied into it from a folder.
pub fn project(settings: &str, files: &[(&str, &str)], from: &Path) -> Project {
    let project = Project::of("modern");
    for (path, source) in files {
        let path = project.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        copy(&from.join(source), &path, 0o600);
    }
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        &format!(
            "    profiles: [gpu]\n    output: {{pxe: {settings}}}\n    \
             assets: {{/opt/own/tool: {{source: tool, sha256: {}}}}}\n",
            sha256(TOOL)
        ),
    );
    assert_ne!(inventory, changed);
    fs::write(file, changed).unwrap();
    fs::write(project.dir.join("tool"), TOOL).unwrap();
    project
}

const SETTINGS: &str =
    "{url: \"http://boot.example.com/k8s/\", kernel: \"http://boot.example.com/{node}/vmlinuz?a=1&b=2\",
      initrd: files/base.img, arguments: [console=ttyS0], secrets: elsewhere}";

fn sample() -> Project {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("base"), "no initrd\n").unwrap();
    project(SETTINGS, &[("files/base.img", "base")], scratch.path())
}

fn read(project: &Project, path: &str) -> String {
    fs::read_to_string(project.out().join(path)).unwrap()
}

#[test]
fn scripts_name_kernel_initrds_and_payload_in_order() {
    let project = sample();
    project.good(&["build"]);
    let served = "http://boot.example.com/k8s/boot";
    let index: Value = serde_json::from_str(&read(&project, "index.json")).unwrap();
    let archive = index[NODE]["assets.cpio.gz"].as_str().unwrap();
    assert!(archive.starts_with("shared/"), "{archive}");
    assert_eq!(
        read(&project, "boot/ipxe/52-54-00-12-34-56.ipxe"),
        format!(
            "#!ipxe\n# {NODE}\n\
             kernel http://boot.example.com/{NODE}/vmlinuz?a=1&b=2 initrd=initrd-1 initrd=initrd-2 initrd=initrd-3 \
             rdinit=/usr/lib/nodebake/init console=ttyS0\n\
             initrd --name initrd-1 {served}/base/files/base.img\n\
             initrd --name initrd-2 http://boot.example.com/k8s/{archive}\n\
             initrd --name initrd-3 {served}/nodes/{NODE}/initramfs.cpio.gz\n\
             boot\n"
        )
    );
    assert_eq!(
        read(&project, "boot/pxelinux.cfg/01-52-54-00-12-34-56"),
        format!(
            "# {NODE}\nDEFAULT node\nLABEL node\n  LINUX http://boot.example.com/{NODE}/vmlinuz?a=1&b=2\n  \
             INITRD {served}/base/files/base.img,http://boot.example.com/k8s/{archive},{served}/nodes/{NODE}/initramfs.cpio.gz\n  \
             APPEND rdinit=/usr/lib/nodebake/init console=ttyS0\n"
        )
    );
    let device = served.replace("http://boot.example.com", "(http,boot.example.com)");
    assert_eq!(
        read(&project, "boot/grub/grub.cfg-01-52-54-00-12-34-56"),
        format!(
            "set timeout=0\nmenuentry '{NODE}' {{\n  linux '(http,boot.example.com)/{NODE}/vmlinuz?a=1&b=2' \
             'rdinit=/usr/lib/nodebake/init' 'console=ttyS0'\n  \
             initrd '{device}/base/files/base.img' '(http,boot.example.com)/k8s/{archive}' '{device}/nodes/{NODE}/initramfs.cpio.gz'\n}}\n"
        )
    );
    let chain = format!("chain --autofree {served}/ipxe/${{netX/mac:hexhyp}}.ipxe");
    assert!(read(&project, "boot/boot.ipxe").contains(&chain));
    if oracles::present("grub-script-check") {
        for file in ["grub.cfg", "grub.cfg-01-52-54-00-12-34-56"] {
            let folder = project.out().join("boot/grub");
            oracles::content(&folder, "grub-script-check", &[file]);
        }
    }
}

/// Everything that a boot server shows may be read by all, and holds no secret; nothing big is there twice.
#[test]
fn what_is_served_is_open_and_holds_no_secret() {
    let project = sample();
    project.good(&["build"]);
    let secrets = fs::read_to_string(project.dir.join("secrets.yaml")).unwrap();
    let secrets: Vec<&str> = secrets
        .lines()
        .filter_map(|line| line.trim().strip_prefix("secret: "))
        .collect();
    assert!(!secrets.is_empty());
    let files = snapshot(&project.out().join("boot"));
    assert!(files.len() > 8, "{files:?}");
    for (path, facts) in &files {
        let open = ["0755 directory", "0644 "]
            .iter()
            .any(|open| facts.starts_with(open));
        assert!(open, "{path}: {facts}");
    }
    let payload = format!("nodes/{NODE}/initramfs.cpio.gz");
    let unpacked = project.scratch().join("unpacked");
    let file = project.out().join("boot").join(&payload);
    let args = [
        "inspect",
        file.to_str().unwrap(),
        "--extract",
        unpacked.to_str().unwrap(),
    ];
    project.good(&args);
    for entry in walkdir::WalkDir::new(&unpacked).into_iter().flatten() {
        let content = fs::read(entry.path()).unwrap_or_default();
        let content = String::from_utf8_lossy(&content).into_owned();
        let found = secrets.iter().find(|secret| content.contains(**secret));
        assert!(found.is_none(), "{}", entry.path().display());
    }
    // The payload is there instead of in the node's folder; the secret payload stays where only its owner comes.
    let names = snapshot(&node(&project));
    assert!(!names.contains_key("initramfs.cpio.gz"), "{names:?}");
    assert!(names["initramfs.secrets.cpio.gz"].starts_with("0600 "));
    let index: Value = serde_json::from_str(&read(&project, "index.json")).unwrap();
    assert_eq!(index[NODE]["initramfs.cpio.gz"], format!("boot/{payload}"));
    let verified = project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    assert!(verified.contains("verified"), "{verified}");
    // Other nodes' payloads are where they always were.
    assert!(
        project
            .out()
            .join("nodes/edge-001/initramfs.cpio.zst")
            .exists()
    );
}

#[test]
fn a_reused_node_is_served_as_before_and_a_new_choice_makes_it_again() {
    let project = sample();
    project.good(&["build"]);
    let before = snapshot(&project.out());
    project.good(&["build", "--node", "edge-001"]);
    assert_eq!(snapshot(&project.out()), before);
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let start = inventory.find("    output: {pxe:").unwrap();
    let end = start + inventory[start..].find("elsewhere}}\n").unwrap() + "elsewhere}}\n".len();
    fs::write(&file, inventory[..start].to_owned() + &inventory[end..]).unwrap();
    project.good(&["build", "--node", "edge-001"]);
    assert!(node(&project).join("initramfs.cpio.gz").exists());
    assert!(!project.out().join("boot").exists());
}

#[test]
fn secrets_are_fetched_by_https_and_then_by_ipxe_alone() {
    let project = sample();
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let url = "secretsURL: \"https://boot.example.com/{node}/initramfs.secrets.cpio.gz\"";
    fs::write(&file, inventory.replace("secrets: elsewhere", url)).unwrap();
    project.good(&["build"]);
    let script = read(&project, "boot/ipxe/52-54-00-12-34-56.ipxe");
    let last = format!(
        "initrd --name initrd-4 https://boot.example.com/{NODE}/initramfs.secrets.cpio.gz\nboot\n"
    );
    assert!(script.ends_with(&last), "{script}");
    for other in ["grub", "pxelinux.cfg"] {
        assert!(!project.out().join("boot").join(other).exists(), "{other}");
    }
    // With secrets inline the whole payload is one.
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        inventory.replace("output: {pxe:", "output: {secrets: inline, pxe:"),
    )
    .unwrap();
    project.good(&["build"]);
    let script = read(&project, "boot/ipxe/52-54-00-12-34-56.ipxe");
    assert!(
        script.ends_with(&last.replace("initrd-4", "initrd-3")),
        "{script}"
    );
    assert!(!project.out().join("boot/nodes").exists());
    assert!(snapshot(&node(&project))["initramfs.cpio.gz"].starts_with("0600 "));
}

#[test]
fn a_base_that_is_a_file_counts_among_what_a_root_in_the_initramfs_takes() {
    let scratch = tempfile::tempdir().unwrap();
    let script = "head -c 3000000 /dev/zero >zeros; echo zeros | cpio -o -H newc --quiet >base";
    oracles::content(scratch.path(), "sh", &["-euc", script]);
    let project = project(SETTINGS, &[("files/base.img", "base")], scratch.path());
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    for (memory, code) in [("8Mi", 3), ("10Mi", 0)] {
        let kept =
            "{systemReserved: null, kubeReserved: null, evictionHard: {memory.available: 0%}}";
        let with = format!(
            "    profiles: [gpu]\n    os: {{memory: {memory}}}\n    kubelet: {{config: {kept}}}\n"
        );
        fs::write(&file, inventory.replace("    profiles: [gpu]\n", &with)).unwrap();
        let output = project.run(&["check"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{memory}: {said}");
        assert_eq!(
            said.contains("9 MiB, base initrd included"),
            code == 3,
            "{said}"
        );
    }
    let sizes = project.good(&["show", NODE, "--sizes"]);
    assert!(
        sizes.contains("memory for a root in the initramfs"),
        "{sizes}"
    );
}

#[test]
fn one_file_is_made_of_a_base_and_a_payload_that_is_served() {
    let project = sample();
    project.good(&["build"]);
    crate::formats::initrd::base(project.scratch(), "base", &["bin/busybox"], "gzip -n");
    let base = project.scratch().join("base");
    let args = [
        "initrd",
        "append",
        "--base",
        base.to_str().unwrap(),
        "--node",
        NODE,
        "--key",
        "keys/sign.pub",
        "-o",
        "both",
    ];
    let output = project.run(&args);
    assert!(output.status.success(), "{}", text(&output.stderr));
}
