//! The tarball before programs that make images of it: systemd's import, a Dockerfile's `ADD`, and mkosi.

use std::fs;
use std::path::{Path, PathBuf};

use nodebake::model::output::Compression;
use nodebake::payload::{Selection, tarball};
use tempfile::TempDir;

use super::ALL;
use crate::support::oracles;
use crate::support::sample::{
    RICH_LINKS, RICH_PRESET, Rows, assert_same, rich, unpacked, with_activation,
};

/// The rich tree's tarball in a scratch folder, and what must come of it.
struct RenderedNode {
    scratch: TempDir,
    expected: Rows,
}

impl RenderedNode {
    fn new() -> Self {
        let scratch = TempDir::new().unwrap();
        let tree = rich(scratch.path());
        for compression in ALL {
            let name = tarball::file_name("n", Selection::Whole, compression);
            let mut file = fs::File::create(scratch.path().join(name)).unwrap();
            tarball::write(&tree, compression, &mut file).unwrap();
        }
        let expected = with_activation(&tree, &RICH_LINKS, RICH_PRESET);
        Self { scratch, expected }
    }

    fn at(&self) -> &Path {
        self.scratch.path()
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.at().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// An image whose `opt` is a link and whose `etc` is closed, as a tarball. Returns what is in it.
    fn image(&self) -> Rows {
        let script = "umask 022; mkdir -p image/var/opt image/etc image/usr/bin image/usr/lib; ln -s var/opt image/opt
            for folder in bin lib; do ln -s usr/$folder image/$folder; done; echo ID=test >image/usr/lib/os-release
            echo root:x:0:0:root:/root:/bin/sh >image/etc/passwd; echo root:x:0: >image/etc/group; : >image/etc/machine-id
            chmod 700 image/etc; tar -C image -cf image.tar .";
        oracles::content(self.at(), "sh", &["-euc", script]);
        unpacked(&self.at().join("image"))
    }

    /// Asserts that a root has the tree in it, and the image's own things as they were.
    fn is_applied_over(&self, image: &Rows, who: &str, root: &Path) {
        let mut rows = unpacked(root);
        for (path, row) in image {
            if !self.expected.contains_key(path) {
                assert_eq!(rows.remove(path).as_ref(), Some(row), "{who}: {path}");
            }
        }
        // What the tree has below opt is behind the image's link.
        let behind = |path: String| match path.strip_prefix("var/opt/") {
            Some(rest) => format!("opt/{rest}"),
            None => path,
        };
        let rows = rows.into_iter().map(|(path, row)| (behind(path), row));
        assert_same(who, &self.expected, rows.collect());
    }
}

#[test]
fn systemd_imports_it_as_a_machine() {
    oracles::needs_root();
    oracles::needs(["systemd-import"]);
    let baked = RenderedNode::new();
    let machines = baked.folder("machines");
    let option = format!("--image-root={}", machines.display());
    for compression in [Compression::None, Compression::Gzip, Compression::Xz] {
        let name = tarball::file_name("n", Selection::Whole, compression);
        let machine = format!("{compression:?}").to_lowercase();
        let args = [&option, "tar", &name, &machine];
        oracles::content(baked.at(), "systemd-import", &args);
        let root = machines.join(&machine);
        assert_same(&machine, &baked.expected, unpacked(&root));
    }
}

#[test]
fn a_dockerfile_adds_it() {
    oracles::needs_root();
    oracles::needs(["buildah"]);
    let baked = RenderedNode::new();
    let image = baked.image();
    let at = baked.at();
    fs::write(
        at.join("Dockerfile"),
        "FROM scratch\nADD image.tar /\nADD n.tar.gz /\n",
    )
    .unwrap();
    let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
    fs::write(at.join("policy.json"), policy).unwrap();
    // All of it stays in the scratch folder, and the last container is what the image is made of.
    let store = [
        "--root",
        "store",
        "--runroot",
        "run",
        "--storage-driver",
        "vfs",
    ];
    let bud = "bud --isolation chroot --signature-policy policy.json --layers=false -q -t n .";
    let args: Vec<&str> = store.into_iter().chain(bud.split(' ')).collect();
    oracles::content(at, "buildah", &args);
    let layers = fs::read_dir(at.join("store/vfs/dir")).unwrap();
    let roots: Vec<PathBuf> = layers.map(|layer| layer.unwrap().path()).collect();
    assert_eq!(roots.len(), 1, "{roots:?}");
    baked.is_applied_over(&image, "buildah", &roots[0]);
}

/// mkosi up to 14 gives ExtraTrees= to this function.
#[test]
fn pythons_unpack_archive_takes_it() {
    oracles::needs_root();
    oracles::needs(["python3"]);
    let baked = RenderedNode::new();
    let python = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2])";
    for compression in [Compression::None, Compression::Gzip, Compression::Xz] {
        let name = tarball::file_name("n", Selection::Whole, compression);
        let root = baked.folder(&format!("python-{compression:?}"));
        let args = ["-c", python, &name, root.to_str().unwrap()];
        oracles::content(baked.at(), "python3", &args);
        assert_same("python", &baked.expected, unpacked(&root));
    }
}

/// As one of the trees that an image begins with, and as one that is copied over it. mkosi applies presets and tmpfiles.d
/// after that; what it makes without the tarball is the image's.
#[test]
fn mkosi_takes_it_as_a_base_tree_and_as_an_extra_tree() {
    oracles::needs_root();
    oracles::needs(["mkosi"]);
    let baked = RenderedNode::new();
    baked.image();
    let at = baked.at();
    // Its own scratch is here too.
    let _ = (baked.folder("work"), baked.folder("cache"));
    let make = |name: &str, settings: &str| {
        let config = format!(
            "[Distribution]\nDistribution=custom\n[Output]\nFormat=directory\nOutput={name}\n\
             [Build]\nWorkspaceDirectory=work\nPackageCacheDirectory=cache\n[Content]\nBootable=no\nBuildSources=\n{settings}"
        );
        fs::write(at.join("mkosi.conf"), config).unwrap();
        oracles::content(at, "mkosi", &["build"]);
        at.join(name)
    };
    let bare = unpacked(&make("bare", "BaseTrees=image.tar\n"));
    for compression in ALL {
        let name = tarball::file_name("n", Selection::Whole, compression);
        for (tree, settings) in [
            ("base", format!("BaseTrees=image.tar,{name}\n")),
            ("extra", format!("BaseTrees=image.tar\nExtraTrees={name}\n")),
        ] {
            let root = make(&format!("{tree}-{compression:?}").to_lowercase(), &settings);
            baked.is_applied_over(&bare, &format!("mkosi, {tree} tree {name}"), &root);
        }
    }
}
