//! System extensions: what squashfs-tools and systemd make of them.

use std::fs;
use std::path::Path;

use crate::assets::shared::{project, shared};
use crate::support::fixture::{Project, text};
use crate::support::new_project::NewProject;
use crate::support::oracles;

const NODE: &str = "gpu-1.example.com";

fn built(settings: &str) -> (Project, String) {
    // What is outside of an extension is not asked for here.
    let project = project(&format!("{{sysext: {settings}}}"));
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let kept: Vec<&str> = inventory
        .lines()
        .filter(|line| !line.contains("/srv/"))
        .collect();
    fs::write(&file, kept.join("\n") + "\n").unwrap();
    project.good(&["build"]);
    let extension = shared(&project, NODE)["sysext.tar.gz"].clone();
    (project, extension)
}

/// The extension's name: systemd wants it in the image's file name and in that of its release file.
fn name(extension: &str) -> String {
    let file = extension.strip_prefix("shared/").unwrap();
    file.strip_suffix(".sysext.tar.gz").unwrap().to_owned()
}

#[test]
fn nodes_with_the_same_programs_share_one_extension() {
    let (project, extension) = built("true");
    assert_eq!(shared(&project, "rack-a-1")["sysext.tar.gz"], extension);
    let listed = project.good(&["inspect", &format!("out/{extension}")]);
    let paths: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.rsplit_once(' ').map(|(_, path)| path))
        .filter(|path| path.starts_with('/'))
        .collect();
    let release = format!(
        "/usr/lib/extension-release.d/extension-release.{}",
        name(&extension)
    );
    let expected = [
        "/usr",
        "/usr/lib",
        "/usr/lib/extension-release.d",
        &release,
        "/usr/local",
        "/usr/local/bin",
        "/usr/local/bin/tool",
    ];
    assert_eq!(paths, expected, "{listed}");
    // For another system it is another extension.
    let (_, other) = built("{id: debian, versionID: \"12\"}");
    assert_ne!(extension, other);
}

#[test]
fn squashfs_tools_make_an_image_of_it() {
    oracles::needs(["mksquashfs", "unsquashfs"]);
    let (project, extension) = built("true");
    let script = format!(
        "gzip -dc out/{extension} | mksquashfs - x.raw -tar -quiet -no-progress -noappend >/dev/null; unsquashfs -ll x.raw"
    );
    let listed = oracles::content(&project.dir, "sh", &["-euc", &script]);
    assert!(
        listed.contains("-rwxr-xr-x root/root            300000"),
        "{listed}"
    );
    for folder in ["usr", "usr/local/bin"] {
        let line = listed
            .lines()
            .find(|line| line.ends_with(&format!("squashfs-root/{folder}")));
        assert!(
            line.unwrap().starts_with("drwxr-xr-x root/root"),
            "{listed}"
        );
    }
}

/// systemd's own look at an image (in a package of its own, which is unpacked).
#[test]
fn systemd_takes_an_image_of_it_for_an_extension() {
    oracles::needs_mountable("squashfs");
    oracles::needs_root();
    oracles::needs(["mksquashfs", "systemd-dissect"]);
    let (project, extension) = built("{id: debian, versionID: \"12\"}");
    let image = format!("{}.raw", name(&extension));
    let script = format!(
        "gzip -dc out/{extension} | mksquashfs - {image} -tar -quiet -no-progress -noappend >/dev/null"
    );
    oracles::content(&project.dir, "sh", &["-euc", &script]);
    let said = oracles::content(&project.dir, "systemd-dissect", &[&image]);
    for line in [
        "+ extension for system",
        "ID=debian",
        "VERSION_ID=12",
        "ARCHITECTURE=x86-64",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

/// A root of a system, over which systemd itself merges the extension, in a mount namespace of its own.
fn merged(project: &Project, extension: &str) -> (String, String) {
    oracles::needs(["unshare"]);
    let root = project.dir.join("root");
    let folder = root.join("var/lib/extensions").join(name(extension));
    let script = format!(
        "rm -rf {root}; mkdir -p {root}/usr/lib {root}/usr/local/bin {root}/etc {root}/run {root}/opt {folder}
         printf 'ID=debian\\nVERSION_ID=12\\n' >{root}/usr/lib/os-release; ln -s ../usr/lib/os-release {root}/etc/os-release
         tar -C {folder} -xpzf out/{extension}
         mount --make-rshared /; mount -t tmpfs run /run
         systemd-sysext --root={root} merge
         sha256sum {root}/usr/local/bin/* || true; cat {root}/usr/lib/os-release
         systemd-sysext --root={root} unmerge",
        root = root.display(),
        folder = folder.display()
    );
    let args = ["-m", "--propagation", "private", "sh", "-euc", &script];
    let output = oracles::run(&project.dir, "unshare", &args);
    let said = text(&output.stderr);
    (text(&output.stdout), said)
}

#[test]
fn systemd_merges_it_over_the_systems_that_it_is_for() {
    oracles::needs_root();
    oracles::needs_mountable("overlay");
    oracles::needs(["systemd-sysext"]);
    for (settings, fits) in [
        ("true", true),
        ("{id: debian, versionID: \"12\"}", true),
        ("{id: debian, versionID: \"11\"}", false),
        ("{id: flatcar, level: \"1.0\"}", false),
    ] {
        let (project, extension) = built(settings);
        let (there, said) = merged(&project, &extension);
        let tool = fs::read(project.dir.join("tool")).unwrap();
        let line = format!("{}  ", crate::support::fixture::sha256(&tool));
        assert_eq!(there.contains(&line), fits, "{settings}: {there}{said}");
        assert!(
            there.contains("VERSION_ID=12"),
            "the system's own files stay: {there}"
        );
        assert_eq!(said.contains("incompatible"), !fits, "{settings}: {said}");
        assert!(!is_mounted(&project.dir), "{settings}");
    }
}

fn is_mounted(folder: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    mounts.contains(folder.to_str().unwrap())
}

#[test]
fn what_an_extension_cannot_hold_is_a_finding() {
    let project = project("{sysext: true}");
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stdout);
    assert!(
        said.contains("output.sysext: /srv/own/data: a system extension holds /usr and /opt only"),
        "{said}"
    );
    // A machine of another kind says so in the release file.
    let (project, extension) = built("true");
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        inventory.replacen("nodes:\n", "os: {arch: arm64}\nnodes:\n", 1),
    )
    .unwrap();
    project.good(&["build"]);
    let other = shared(&project, NODE)["sysext.tar.gz"].clone();
    assert_ne!(extension, other);
    let args = ["inspect", &format!("out/{other}"), "--extract", "x"];
    project.good(&args);
    let release = format!(
        "x/usr/lib/extension-release.d/extension-release.{}",
        name(&other)
    );
    let release = fs::read_to_string(project.dir.join(release)).unwrap();
    assert_eq!(release, "ID=_any\nARCHITECTURE=arm64\n");
}

/// On an image whose /usr is read-only, what an extension brings may be there, and what a payload would write may not.
#[test]
fn programs_below_a_read_only_usr_come_in_an_extension() {
    const FOO: &str = "#!/bin/sh\n";
    let digest = crate::support::fixture::sha256(FOO.as_bytes());
    let asset = |path: &str| {
        format!("assets: {{{path}: {{source: foo, sha256: {digest}, mode: \"0755\"}}}}\n")
    };
    let head = "nodes: [{name: n1, addresses: [10.0.0.11]}]\n";
    for (profile, output, more, ids) in [
        (
            "flatcar",
            "{formats: [initramfs], sysext: {id: flatcar, level: \"1.0\"}}",
            asset("/usr/bin/foo"),
            &[][..],
        ),
        (
            "flatcar",
            "{formats: [tarball], sysext: true}",
            asset("/usr/lib/x/foo"),
            &[],
        ),
        (
            "flatcar",
            "{formats: [tarball, initramfs], sysext: true}",
            asset("/opt/bin/foo"),
            &[],
        ),
        (
            "immutable",
            "{formats: [tarball], sysext: true}",
            asset("/usr/bin/foo"),
            &[],
        ),
        (
            "flatcar",
            "{formats: [initramfs]}",
            asset("/usr/bin/foo"),
            &["path-read-only"],
        ),
        (
            "flatcar",
            "{formats: [ignition], sysext: true}",
            asset("/usr/bin/foo"),
            &["path-read-only"],
        ),
        (
            "flatcar",
            "{formats: [tarball, ignition], sysext: true}",
            asset("/usr/bin/foo"),
            &["path-read-only"],
        ),
        (
            "flatcar",
            "{formats: [tarball], sysext: true}",
            asset("/srv/foo"),
            &["sysext-outside"],
        ),
        // An extension holds assets only.
        (
            "flatcar",
            "{formats: [tarball], sysext: true}",
            "files: {/usr/bin/foo: {content: x}}\n".to_owned(),
            &["path-read-only"],
        ),
        (
            "debian",
            "{formats: [cloudInit], sysext: true}",
            asset("/usr/bin/foo"),
            &[],
        ),
    ] {
        let lines = format!("profiles: [worker, {profile}]\noutput: {output}\n{more}{head}");
        let project = NewProject::with_files(&lines, &[("foo", FOO)]);
        assert_eq!(project.ids(), ids, "{lines}");
        if ids.is_empty() && profile == "flatcar" && output.contains("tarball]") {
            project.good(&["build"]);
            let listed = project.good(&["inspect", "out/nodes/n1/n1.tar.gz"]);
            assert!(!listed.contains("/usr/"), "{listed}");
        }
    }
}
