//! A project whose nodes use all that a bundle can hold: what holds for all outputs is asked of this one.

use std::fs;

use tar::{Builder, Header};

use crate::support::fixture::{Project, sha256};

/// The node that has it all.
pub const NODE: &str = "gpu-1.example.com";

/// What the node gets beside its own lines.
const LINES: &str = "    assets:
      /opt/cni/bin: {source: cni.tar, sha256: CNI, unpack: {strip: 1}}
      /usr/local/bin/tool: {source: tool, sha256: TOOL}
    output:
      formats: [tarball, cloudInit, ignition, initramfs]
      assetsURL: \"https://assets.example.com/{sha256}\"
      credential: true
      sysext: true
      cloudInit: {assets: iso, seedISO: true, target: nocloud}
      initramfs: {mode: copyToRoot}
      pxe: {url: \"http://boot.example.com\", kernel: base/vmlinuz, initrd: base/initrd, secrets: elsewhere}
";

/// The file in which the older bundle is.
pub const BEFORE: &str = "before";

/// The project, with an older bundle in [`BEFORE`] that the next one follows by `--upgrade-from`.
pub fn everything() -> Project {
    let project = Project::of("modern");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let gone =
        "    profiles: [gpu]\n    files: {/srv/gone: {content: x}}\n    links: {/srv/link: gone}\n";
    fs::write(&file, inventory.replace("    profiles: [gpu]\n", gone)).unwrap();
    project.good(&["build", "-o", BEFORE]);
    let tool: Vec<u8> = (0u32..200_000)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let mut lines = LINES.to_owned();
    for (name, word, bytes) in [("cni.tar", "CNI", archive()), ("tool", "TOOL", tool)] {
        lines = lines.replace(word, &sha256(&bytes));
        fs::write(project.dir.join(name), bytes).unwrap();
    }
    fs::create_dir(project.dir.join("base")).unwrap();
    for name in ["vmlinuz", "initrd"] {
        fs::write(project.dir.join("base").join(name), name).unwrap();
    }
    let changed = inventory
        .replace(
            "    profiles: [gpu]\n",
            &format!("    profiles: [gpu]\n{lines}"),
        )
        .replace("generation: 3\n", "generation: 4\n");
    assert_ne!(inventory, changed);
    fs::write(file, changed).unwrap();
    project
}

/// An archive of programs, with another name for one and a link.
fn archive() -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    let mut add = |name: &str, link: Option<(tar::EntryType, &str)>| {
        let content = format!("{name}\n").repeat(if link.is_none() { 3000 } else { 0 });
        let mut header = Header::new_ustar();
        header.set_path(name).unwrap();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        if let Some((kind, target)) = link {
            header.set_entry_type(kind);
            header.set_link_name(target).unwrap();
        }
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    };
    add("x/bridge", None);
    add("x/twin", Some((tar::EntryType::Link, "x/bridge")));
    add("x/link", Some((tar::EntryType::Symlink, "bridge")));
    archive.into_inner().unwrap()
}
