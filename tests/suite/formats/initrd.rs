//! Overlays in their three modes, and `initrd append`: what the kernel makes of it is asked in `boot`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::tool::{Tool, nodebake};

/// A node with everything in its payload that the project has.
pub const NODE: &str = "gpu-1.example.com";

/// The project, built with other settings for the node's output.
pub fn built(output: &str) -> Project {
    built_with(output, &[])
}

/// The same with files beside the inventory, which the settings name.
pub fn built_with(output: &str, files: &[(&str, &str)]) -> Project {
    let project = Project::of("modern");
    for (name, content) in files {
        fs::write(project.dir.join(name), content).unwrap();
    }
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        &format!("    profiles: [gpu]\n    output: {output}\n"),
    );
    assert_ne!(inventory, changed);
    fs::write(file, changed).unwrap();
    project.command(&["build"]).good();
    project
}

/// The node's folder in the bundle.
pub fn node(project: &Project) -> PathBuf {
    project.out().join("nodes").join(NODE)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// An initrd with nothing but names, as a mode needs them; `pack` compresses it.
pub fn base(folder: &Path, name: &str, files: &[&str], pack: &str) {
    let script = format!(
        "rm -rf {name}.d; mkdir {name}.d; cd {name}.d
         for file in {}; do mkdir -p $(dirname $file); echo x >$file; done
         find . | LC_ALL=C sort | cpio -o -H newc --quiet | {pack} >../{name}",
        files.join(" ")
    );
    oracles::content(folder, "sh", &["-euc", &script]);
}

const BUSYBOX: [&str; 1] = ["bin/busybox"];

/// Puts the node's payload behind a base initrd; paths are absolute, or below the project.
pub fn append(project: &Project, base: &str, out: &str) -> Tool {
    append_for(NODE, project, base, out)
}

/// The same for a node of another project.
pub fn append_for(node: &str, project: &Project, base: &str, out: &str) -> Tool {
    let mut command = nodebake(&project.dir, &["initrd", "append", "--base", base]);
    command.args(["--node", node, "--key", "keys/sign.pub", "-o", out]);
    command
}

/// The words that `initrd append` says the kernel must be given.
pub fn kernel_arguments(said: &str) -> String {
    let words = said.trim().split(", ");
    let words = words.filter_map(|word| word.strip_prefix("kernel argument "));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_manifest_names_the_mode_and_the_kernels_arguments() {
    for (mode, argument) in [
        ("diskless", "rdinit=/usr/lib/nodebake/init"),
        ("copyToRoot", ""),
        ("coreosLive", "ignition.platform.id=metal"),
    ] {
        let project = built(&format!("{{initramfs: {{mode: {mode}}}}}"));
        let bundle = json(&project.out().join("bundle.json"));
        let nodes = bundle["nodes"].as_array().unwrap();
        let record = nodes.iter().find(|node| node["name"] == NODE).unwrap();
        assert_eq!(record["initramfs"]["mode"], mode);
        let arguments = record["initramfs"]["kernelArguments"].to_string();
        assert!(arguments.contains(argument), "{arguments}");
        // A node without that format has no such line.
        let other = nodes.iter().find(|node| node["name"] == "cp-1.example.com");
        assert_eq!(other.unwrap()["initramfs"], Value::Null);
    }
}

#[test]
fn a_live_system_gets_the_nodes_ignition_configuration() {
    let project = built("{initramfs: {mode: coreosLive, compression: xz}}");
    let node = node(&project);
    let args = ["inspect", "initramfs.cpio.xz", "--extract", "out"];
    let listed = nodebake(&node, &args).good();
    assert!(listed.contains("- 0600 0:0"), "{listed}");
    let copied = fs::read(node.join("out/config.ign")).unwrap();
    assert_eq!(copied, fs::read(node.join("config.ign")).unwrap());
    assert_eq!(fs::read_dir(node.join("out")).unwrap().count(), 1);
}

#[test]
fn secrets_that_nothing_fetches_are_a_finding_in_a_live_system() {
    let project = Project::of("modern");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        "    profiles: [gpu]\n    output: {secrets: separate, initramfs: {mode: coreosLive}}\n",
    );
    fs::write(&file, changed).unwrap();
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stdout);
    assert!(
        said.contains("output.initramfs.mode") && said.contains("secretsURL"),
        "{said}"
    );
}

/// What follows the base is the payload to the last byte, where the kernel finds it, whatever the base is.
#[test]
fn payloads_are_appended_to_any_base() {
    let project = built("{secrets: inline, initramfs: {compression: none}}");
    let payload = fs::read(node(&project).join("initramfs.cpio")).unwrap();
    let dir = &project.dir;
    oracles::content(
        dir,
        "sh",
        &[
            "-euc",
            "mkdir -p e/kernel/x86/microcode; echo code >e/kernel/x86/microcode/AuthenticAMD.bin
                   (cd e; find . | cpio -o -H newc --quiet) >early",
        ],
    );
    for (name, pack) in [
        ("raw", "cat"),
        ("gzip", "gzip -n"),
        ("xz", "xz --check=crc32"),
        ("zstd", "zstd -q"),
        ("lz4", "lz4 -l -q"),
    ] {
        if name != "raw" && !oracles::present(name) {
            continue;
        }
        base(dir, "plain", &BUSYBOX, pack);
        for odd in 0..4 {
            let script = format!("cat early plain >base; head -c {odd} /dev/zero >>base");
            oracles::content(dir, "sh", &["-euc", &script]);
            let size = fs::metadata(dir.join("base")).unwrap().len() as usize;
            let output = append(&project, "base", "both").run();
            assert!(output.status.success(), "{}", text(&output.stderr));
            let both = fs::read(dir.join("both")).unwrap();
            assert_eq!(both[..size], fs::read(dir.join("base")).unwrap());
            let start = both.len() - payload.len();
            assert_eq!(start % 4, 0, "{name}");
            assert!(both[start..] == payload, "{name}");
            let zeros = &both[size..start];
            assert!(zeros.len() < 8 && zeros.iter().all(|byte| *byte == 0));
            assert!(name == "raw" || zeros.len() >= 4, "{name}");
            let args = ["inspect", "both", "-o", "json"];
            let listing: Value = serde_json::from_str(&nodebake(dir, &args).good()).unwrap();
            assert_eq!(listing["members"].as_array().unwrap().len(), 3, "{name}");
            assert_eq!(listing["notes"], serde_json::json!([]));
        }
    }
    let mode = fs::metadata(dir.join("both")).unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&mode);
    assert_eq!(mode & 0o777, 0o600, "it holds a token");
}

/// lib/decompress_unxz.c of the kernel knows CRC32 and no check at all; xz itself makes CRC64 where nobody says more.
#[test]
fn a_base_whose_check_the_kernel_does_not_read_is_refused() {
    oracles::needs(["cpio", "xz"]);
    let project = built("{secrets: inline}");
    for (check, is_read) in [
        ("crc32", true),
        ("none", true),
        ("crc64", false),
        ("sha256", false),
    ] {
        base(
            &project.dir,
            "base",
            &BUSYBOX,
            &format!("xz --check={check}"),
        );
        let out = format!("with-{check}");
        let output = append(&project, "base", &out).run();
        let said = text(&output.stderr);
        assert_eq!(output.status.success(), is_read, "{check}: {said}");
        assert_eq!(project.dir.join(&out).exists(), is_read, "{check}");
        assert!(
            is_read || said.contains("the kernel reads none or CRC32 only"),
            "{said}"
        );
    }
}

#[test]
fn what_cannot_work_is_refused_and_nothing_is_written() {
    let copied = built("{initramfs: {mode: copyToRoot}}");
    let live = built("{initramfs: {mode: coreosLive}}");
    let ram = built("{secrets: separate}");
    let cases: [(&Project, &[&str], &str); 7] = [
        (&ram, &["etc/x"], "sh, mount and chroot"),
        (&copied, &["bin/busybox"], "systemd or initramfs-tools"),
        (&live, &["bin/busybox"], "the base needs Ignition"),
        (
            &ram,
            &["bin/busybox", "usr/lib/nodebake/init"],
            "an initramfs payload is in it already",
        ),
        (
            &ram,
            &["bin/busybox", "config.ign"],
            "an initramfs payload is in it already",
        ),
        (
            &copied,
            &["scripts/functions", "nodebake/copy/copy"],
            "an initramfs payload is in it already",
        ),
        (
            &copied,
            &["usr/lib/systemd/system/initrd.target", "config.ign"],
            "an initramfs payload is in it already",
        ),
    ];
    for (project, files, said) in cases {
        base(&project.dir, "base", files, "gzip");
        let output = append(project, "base", "both").run();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
        assert!(!project.dir.join("both").exists());
    }
    base(&ram.dir, "base", &BUSYBOX, "gzip");
    let good = append(&ram, "base", "both").run();
    assert!(good.status.success(), "{}", text(&good.stderr));
    let listing = nodebake(&ram.dir, &["inspect", "both"]).good();
    assert_eq!(
        listing.matches("\nmember ").count(),
        3,
        "the secret payload is there: {listing}"
    );
    let twice = append(&ram, "both", "again").run();
    assert!(
        text(&twice.stderr).contains("in it already"),
        "{}",
        text(&twice.stderr)
    );
    // A link of the base where the payload lists a directory: the kernel would remove it.
    let script = "rm -rf l; mkdir -p l/bin l/srv; cd l; echo >bin/busybox; ln -s srv usr; find . | cpio -o -H newc --quiet >../linked; head -c 3000 ../base >../cut; head -c 100 /dev/urandom >>../cut; echo text >../text";
    oracles::content(&ram.dir, "sh", &["-euc", script]);
    for (file, said) in [
        (
            "linked",
            "/usr is a link in the base and a directory in the payload",
        ),
        ("cut", "neither an archive nor a compression"),
        ("text", "it must be an initrd"),
        ("absent", "No such file"),
    ] {
        let output = append(&ram, file, "again").run();
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(
            text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
    }
    assert!(!ram.dir.join("again").exists());
}

#[test]
fn a_bundle_that_does_not_verify_is_not_used() {
    let project = built("{secrets: inline}");
    base(&project.dir, "base", &BUSYBOX, "gzip");
    let payload = node(&project).join("initramfs.cpio.gz");
    let mut bytes = fs::read(&payload).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&payload, bytes).unwrap();
    let output = append(&project, "base", "both").run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let sums = project.out().join("SHA256SUMS");
    let changed = fs::read_to_string(&sums).unwrap().replacen('0', "1", 1);
    fs::write(&sums, changed).unwrap();
    let output = append(&project, "base", "both").run();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let left = fs::read_dir(&project.dir).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.contains("both")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_killed_run_left_is_no_hindrance() {
    let project = built("{initramfs: {compression: none}}");
    base(&project.dir, "base", &BUSYBOX, "cat");
    let left = project.dir.join(".both.nodebake-new");
    fs::write(&left, "half").unwrap();
    let output = append(&project, "base", "both").run();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(project.dir.join("both").exists() && !left.exists());
}
