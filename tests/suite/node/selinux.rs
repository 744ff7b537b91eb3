//! Labels of SELinux, set by policycoreutils' own setfiles: on what was copied to a root, and on what tar unpacked, with
//! the lines that the documentation has. No kernel with SELinux is needed for that: labels are attributes of files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::formats::initrd::{NODE, built, node};
use crate::support::oracles;

/// A root with a small policy: of the image's own things only what is in declared directories may get a label.
fn root(folder: &Path, selinux: &str) -> PathBuf {
    let script = format!(
        "mkdir root root/usr root/run root/sbin root/proc root/etc root/var; cd root
         for link in bin lib lib64; do ln -s usr/$link $link; done
         mkdir -p etc/selinux/small/contexts/files; echo theirs >etc/theirs
         printf 'SELINUX={selinux}\\nSELINUXTYPE=small\\n' >etc/selinux/config
         printf '/.*\\tsystem_u:object_r:default_t:s0\\n/etc(/.*)?\\tsystem_u:object_r:etc_t:s0\\n/etc/kubernetes(/.*)?\\tsystem_u:object_r:kube_t:s0\\n' \
            >etc/selinux/small/contexts/files/file_contexts
         cp -L \"$(command -v setfiles)\" sbin/setfiles"
    );
    oracles::content(folder, "sh", &["-euc", &script]);
    folder.join("root")
}

/// What the image has in directories that the node declares: a program and a folder, with labels of its own.
const FOREIGN: [&str; 4] = [
    "/etc/kubernetes/manifests/theirs",
    "/etc/cni/net.d/folder",
    "/etc/cni/net.d/folder/theirs",
    "/var/lib/chrony/.theirs",
];

fn put_foreign(root: &Path) {
    let script = format!(
        "mkdir -p etc/kubernetes/manifests etc/cni/net.d/folder var/lib/chrony
         for path in {}; do [ -d .$path ] || echo theirs >.$path; done",
        FOREIGN.join(" ")
    );
    oracles::content(root, "sh", &["-euc", &script]);
    let label = "import os, sys\nfor path in sys.argv[1:]: os.setxattr('.' + path, 'security.selinux', b'a:b:own_t:s0\\0')";
    let args: Vec<&str> = ["-c", label].into_iter().chain(FOREIGN).collect();
    oracles::content(root, "python3", &args);
}

fn assert_foreign(root: &Path, found: &BTreeMap<String, String>) {
    for path in FOREIGN {
        assert_eq!(found[path], "own_t", "{path} is the image's");
    }
    for (path, label) in [
        ("/etc/kubernetes/manifests", "kube_t"),
        ("/etc/cni/net.d", "etc_t"),
        ("/var/lib/chrony", "default_t"),
    ] {
        assert_eq!(found[path], label, "{path} is declared");
    }
    let left = fs::read_dir(root.join("etc")).unwrap().chain(
        fs::read_dir(root.join("etc/nodebake"))
            .into_iter()
            .flatten(),
    );
    for entry in left {
        let name = entry.unwrap().file_name();
        assert!(
            !name.to_str().unwrap().starts_with("like"),
            "{name:?} is left"
        );
    }
}

/// Path → type of the label, of all that has one.
fn labels(root: &Path) -> BTreeMap<String, String> {
    let script = r#"
import os, sys
for folder, folders, files in os.walk("."):
    if folder.startswith(("./usr", "./run", "./proc")): continue
    for name in folders + files:
        path = os.path.join(folder, name)
        try: label = os.getxattr(path, "security.selinux", follow_symlinks=False)
        except OSError: continue
        print(path[1:], label.rstrip(b"\0").decode().split(":")[2])
"#;
    let said = oracles::content(root, "python3", &["-c", script]);
    let line = |line: &str| {
        line.rsplit_once(' ')
            .map(|(path, label)| (path.to_owned(), label.to_owned()))
    };
    said.lines().filter_map(line).collect()
}

fn needs_labels() {
    oracles::needs_root();
    oracles::needs(["setfiles", "unshare", "python3", "cpio"]);
}

/// Copies as the initrd does where it has chroot.
fn copy(folder: &Path) {
    let script = "mount --make-rprivate /; mount --bind /usr root/usr; mount --bind initrd/nodebake/copy root/run; mount --bind /proc root/proc
        chroot root /bin/sh /run/apply /run ''; chroot root /bin/sh /run/label";
    oracles::content(folder, "unshare", &["-m", "sh", "-euc", script]);
}

/// What of ours must be labelled: the entries of tree.json, where the root has them.
fn expected(node: &Path) -> BTreeMap<String, String> {
    let tree = fs::read(node.join("tree.json")).unwrap();
    let tree: serde_json::Value = serde_json::from_slice(&tree).unwrap();
    let entries = tree["entries"].as_array().unwrap().iter();
    let paths = entries.map(|entry| entry["path"].as_str().unwrap().to_owned());
    let label = |path: &str| match path {
        path if path.starts_with("/etc/kubernetes/") => "kube_t",
        path if path.starts_with("/etc/") => "etc_t",
        _ => "default_t",
    };
    paths
        .filter(|path| !path.starts_with("/usr/"))
        .map(|path| (path.clone(), label(&path).to_owned()))
        .collect()
}

#[test]
fn what_is_copied_gets_the_labels_of_the_roots_own_policy() {
    needs_labels();
    let project = built("{secrets: inline, initramfs: {mode: copyToRoot, compression: none}}");
    let overlay = node(&project).join("initramfs.cpio");
    for (selinux, labelled) in [
        ("enforcing", true),
        ("permissive", true),
        ("disabled", false),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        let root = root(folder, selinux);
        let script = format!(
            "mkdir initrd; cd initrd; cpio -id --quiet <{}",
            overlay.display()
        );
        oracles::content(folder, "sh", &["-euc", &script]);
        // /usr is the host's there: what is in it stays out of the list.
        let script = "for list in initrd/nodebake/copy/list.*; do grep -v '\tusr/\\|  usr/' $list >new; mv new $list; done";
        oracles::content(folder, "sh", &["-euc", script]);
        put_foreign(&root);
        copy(folder);
        let found = labels(&root);
        if !labelled {
            assert_eq!(found.len(), FOREIGN.len(), "{found:?}");
            continue;
        }
        for (path, label) in expected(&node(&project)) {
            assert_eq!(found.get(&path), Some(&label), "{path}");
        }
        assert_foreign(&root, &found);
        // Folders that were made on the way too, and nothing of the image.
        assert_eq!(found["/etc/nodebake"], "etc_t");
        for theirs in [
            "/etc",
            "/etc/theirs",
            "/var",
            "/etc/selinux/config",
            "/sbin/setfiles",
        ] {
            assert!(!found.contains_key(theirs), "{theirs}");
        }
        assert!(!root.join("etc/nodebake/unlabelled").exists());
        assert_eq!(found["/etc/nodebake/copied.files"], "etc_t");
    }
}

/// The lines of the documentation, for a root that tar filled.
#[test]
fn what_was_unpacked_gets_its_labels_by_the_documented_lines() {
    oracles::needs(["tar"]);
    needs_labels();
    let project = built("{formats: [tarball], secrets: inline}");
    let scratch = tempfile::tempdir().unwrap();
    let root = root(scratch.path(), "enforcing");
    let archive = node(&project).join(format!("{NODE}.tar.gz"));
    let archive = archive.to_str().unwrap();
    oracles::content(&root, "tar", &["-xpf", archive]);
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/man/payloads.md");
    let guide = fs::read_to_string(guide).unwrap();
    let lines = guide
        .split("```sh\n")
        .find(|lines| lines.contains("| setfiles "));
    let lines = lines.and_then(|lines| lines.split("```").next());
    let lines = lines
        .unwrap()
        .replace("out/nodes/worker-1/worker-1.tar.gz", archive)
        .replace("/mnt/image", root.to_str().unwrap())
        .replace("targeted", "small");
    put_foreign(&root);
    oracles::content(scratch.path(), "sh", &["-euc", &lines]);
    let found = labels(&root);
    for (path, label) in expected(&node(&project)) {
        assert_eq!(found.get(&path), Some(&label), "{path}");
    }
    for theirs in ["/etc", "/etc/theirs", "/var", "/etc/selinux/config"] {
        assert!(!found.contains_key(theirs), "{theirs}");
    }
    assert_foreign(&root, &found);
}
