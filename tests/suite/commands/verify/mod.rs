//! `verify` of what travelled alone: files of a bundle by its signed list, copies of some of its files, and payloads that
//! embed their signed tree. Whatever is changed in them is found, and named.

mod alone;
mod embedded;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// The node whose payloads are looked at.
pub const NODE: &str = "gpu-1.example.com";

/// A built project whose node checks its tree, with everything that a tree may hold.
pub fn built(output: &str) -> Project {
    let project = Project::of("modern");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let more = format!(
        r#"    profiles: [gpu]
    output: {output}
    overlays: {{tree-check: {{}}, time-sync: {{}}}}
    files: {{"/srv/a b/x": {{content: x, mode: "4711", user: {{name: etcd, id: 999}}}}, /srv/a b-c: {{content: "y\n"}}}}
    links: {{/srv/link: /srv/elsewhere}}
    directories: {{/srv/drop: {{mode: "3777"}}}}
    units:
      own.service: {{enabled: true, text: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=other.service\n"}}
      rpcbind.service: {{masked: true}}
      getty@tty7.service: {{enabled: true}}
      off.service: {{enabled: false, text: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}}
      containerd.service: {{dropins: {{10-limits.conf: "[Service]\nLimitNOFILE=1\n"}}}}
"#
    );
    fs::write(&file, inventory.replace("    profiles: [gpu]\n", &more)).unwrap();
    project.good(&["build"]);
    project
}

/// Copies of files of the node in a folder without a bundle around it.
pub fn travelled(project: &Project, names: &[&str]) -> PathBuf {
    let folder = project.scratch().join("alone");
    fs::create_dir_all(&folder).unwrap();
    for name in names {
        let from = project.out().join("nodes").join(NODE).join(name);
        fs::copy(from, folder.join(name)).unwrap();
    }
    folder
}

/// What `verify` says of files in a folder, and how it ends.
pub fn verify(project: &Project, folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let key = project.dir.join("keys/sign.pub").display().to_string();
    let output = nodebake(folder, &[&["verify", "--key", &key], args].concat()).run();
    let said = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), said)
}

pub fn verified(project: &Project, folder: &Path, args: &[&str]) -> String {
    let (code, said) = verify(project, folder, args);
    assert_eq!(code, Some(0), "{args:?}: {said}");
    assert!(!said.contains("NOT"), "{said}");
    said
}

/// It must be refused, and each part said.
pub fn refused(project: &Project, folder: &Path, args: &[&str], parts: &[&str]) {
    let (code, said) = verify(project, folder, args);
    assert_eq!(code, Some(4), "{parts:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("NOT verified"), "{said}");
}

/// A shell in a folder, which must be content.
pub fn shell(folder: &Path, script: &str) {
    oracles::content(folder, "sh", &["-euc", script]);
}
