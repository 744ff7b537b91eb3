//! A virtual machine that boots Debian with cloud-init beside our seed (QEMU without KVM): it comes up to multi-user.target
//! with the kubelet's unit started, and has what tree.json says. Minutes, so only `make conformance` asks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::judges;
use crate::project::Project;
use crate::trees::SSH_KEY;

/// A boot takes a minute and a half on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(900);

/// Says on the console what the booted system has, and switches it off.
const REPORT: &str = r#"#!/bin/sh
exec >/dev/ttyS0
echo 1 >/proc/sys/kernel/printk
folders='/etc /opt /usr/local /var/lib'
find $folders -xdev ! -path '/var/lib/dpkg/*' -printf 'NODE %y %m %U %G %l|%p\n'
find $folders -xdev ! -path '/var/lib/dpkg/*' -type f -exec sha256sum '{}' + | sed 's/^/SUM /'
for unit in multi-user.target kubelet.service cloud-final.service; do
    echo "SAYS $unit $(systemctl is-active $unit)"
done
echo "SAYS label $(blkid -o value -s LABEL /dev/vdb) of $(blkid -o value -s TYPE /dev/vdb)"
echo "SAYS hostname $(hostname)"
echo "SAYS core $(id -nG core) $(cut -d' ' -f2 ~core/.ssh/authorized_keys | tail -n 1)"
echo "SAYS instance $(cat /var/lib/cloud/data/instance-id)"
cloud-init status --long | sed 's/^/SAYS status /'
sed 's/^/CLOUD /' /var/log/cloud-init-output.log
echo "SAYS end"
systemctl poweroff --force
"#;

/// Boots the image with the seed as a second disk; what the console says until the machine switches itself off.
fn boot(folder: &Path, image: &Path, seed: &Path) -> String {
    let of_image = |name: &str| image.join(name).to_str().unwrap().to_owned();
    let drive = |file: &str, more: &str| format!("file={file},format=raw,if=virtio,{more}");
    let mut child = judges::command(folder, "qemu-system-x86_64")
        .args([
            "-machine",
            "q35",
            "-cpu",
            "max",
            "-accel",
            "tcg,thread=multi",
        ])
        .args([
            "-smp", "2", "-m", "1024", "-display", "none", "-monitor", "none",
        ])
        .args(["-no-reboot", "-nic", "none", "-serial", "file:console"])
        .args([
            "-kernel",
            &of_image("kernel"),
            "-initrd",
            &of_image("initrd"),
        ])
        .args(["-append", "root=/dev/vda rw console=ttyS0 panic=-1"])
        .args(["-drive", &drive(&of_image("disk"), "snapshot=on")])
        .args(["-drive", &drive(seed.to_str().unwrap(), "readonly=on")])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            let _ = child.wait().unwrap();
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = fs::read(folder.join("console")).unwrap();
    String::from_utf8_lossy(&said).replace('\r', "")
}

fn project() -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let more = format!(
        "paths: {{kubelet: /usr/bin/kubelet}}\n\
         output: {{formats: [cloudInit], cloudInit: {{seedISO: true}}}}\n\
         users: {{core: {{groups: [adm], sshKeys: [\"{SSH_KEY} me\"]}}}}\n\
         directories: {{/opt/own: {{mode: \"0711\"}}}}\n\
         links: {{/opt/own/link: ../nowhere}}\n\
         files: {{/opt/own/file: {{content: \"x\\n\", mode: \"0640\", group: {{name: adm, id: 4}}}},\n  \
           /usr/local/sbin/report: {{source: report, mode: \"0755\"}}}}\n\
         units: {{report.service: {{enabled: true, text: \"[Unit]\\nAfter=multi-user.target cloud-final.service kubelet.service\\n\
           [Service]\\nType=oneshot\\nExecStart=/usr/local/sbin/report\\n[Install]\\nWantedBy=multi-user.target\\n\"}}}}\n"
    );
    fs::write(&file, inventory + &more).unwrap();
    fs::write(project.dir.join("report"), REPORT).unwrap();
    let _ = project.good(&["build"]);
    project
}

#[test]
fn a_machine_comes_up_from_the_seed() {
    if !(judges::in_conformance("a machine with cloud-init")
        && judges::conformance("qemu-system-x86_64"))
    {
        return;
    }
    let image = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("judges")
        .join("cloud-image");
    assert!(
        image.join("disk").exists(),
        "the image with cloud-init is missing; `make conformance` makes it"
    );
    let project = project();
    let node = project.out().join("nodes/n1");
    let console = boot(project.scratch(), &image, &node.join("seed.iso"));
    let says = |what: &str| {
        let found = console.lines().find_map(|line| {
            let (_, said) = line.split_once("SAYS ")?;
            said.strip_prefix(what)?.strip_prefix(' ')
        });
        found.map(str::to_owned)
    };
    assert!(console.contains("SAYS end"), "{console}");
    for (what, expected) in [
        ("multi-user.target", "active"),
        ("kubelet.service", "active"),
        ("cloud-final.service", "active"),
        ("label", "cidata of iso9660"),
        ("hostname", "n1"),
        ("instance", "bad-n1-g1"),
        ("status", "status: done"),
    ] {
        assert_eq!(says(what).as_deref(), Some(expected), "{what}\n{console}");
    }
    let core = says("core").unwrap();
    let key = SSH_KEY.split(' ').nth(1).unwrap();
    assert!(core.contains("adm") && core.ends_with(key), "{core}");
    same_tree(&node, &console);
}

/// Every entry of tree.json is on the machine as it says.
fn same_tree(node: &Path, console: &str) {
    let after = |mark: &str| {
        let lines = console.lines();
        let marked = lines.filter_map(move |line| line.split_once(mark).map(|(_, rest)| rest));
        marked.collect::<Vec<_>>()
    };
    let found: BTreeMap<&str, &str> = after("NODE ")
        .into_iter()
        .filter_map(|line| line.split_once('|'))
        .map(|(facts, path)| (path, facts))
        .collect();
    let sums: BTreeMap<&str, &str> = after("SUM ")
        .into_iter()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, path)| (path, sum))
        .collect();
    let tree = fs::read(node.join("tree.json")).unwrap();
    let tree: Value = serde_json::from_slice(&tree).unwrap();
    let entries = tree["entries"].as_array().unwrap();
    assert!(entries.len() > 10);
    for entry in entries {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let path = text("path");
        let kind = match text("type") {
            "symlink" | "link" => "l",
            other => &other[..1],
        };
        let mode = text("mode").trim_start_matches('0');
        let expected = format!(
            "{kind} {mode} {} {} {}",
            entry["uid"],
            entry["gid"],
            text("target")
        );
        assert_eq!(found.get(path), Some(&expected.as_str()), "{path}");
        if kind == "f" {
            assert_eq!(sums.get(path), Some(&text("sha256")), "{path}");
        }
    }
}
