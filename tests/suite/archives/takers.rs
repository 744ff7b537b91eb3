//! The tarball before programs that make images of it: systemd's import, a Dockerfile's `ADD`, and what mkosi calls.

use std::fs;
use std::path::{Path, PathBuf};

use nodebake::payload::{Compression, Part, tarball};
use tempfile::TempDir;

use super::ALL;
use super::sample::{RICH_LINKS, RICH_PRESET, Rows, assert_same, rich, unpacked, with_activation};
use crate::judges;

/// The rich tree's tarball in a scratch folder, and what must come of it.
struct Baked {
    scratch: TempDir,
    expected: Rows,
}

impl Baked {
    fn new() -> Self {
        let scratch = TempDir::new().unwrap();
        let tree = rich(scratch.path());
        for compression in ALL {
            let name = tarball::file_name("n", Part::Whole, compression);
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

    /// An image whose `opt` is a link and whose `etc` is closed, as a tarball.
    fn image(&self) {
        let script = "mkdir -p image/var/opt image/etc; ln -s var/opt image/opt; chmod 700 image/etc; tar -C image -cf image.tar .";
        let _ = judges::content(self.at(), "sh", &["-euc", script]);
    }

    /// Asserts that a root has the tree in it, and the image's own things as they were.
    fn lies_over_the_image(&self, who: &str, root: &Path) {
        let link = fs::read_link(root.join("opt"));
        assert_eq!(link.ok().as_deref(), Some(Path::new("var/opt")), "{who}");
        let mut rows = unpacked(root);
        assert_eq!(rows.remove("opt").unwrap().kind, 'l');
        assert_eq!(rows.remove("etc").map(|row| row.mode), Some(0o700), "{who}");
        let behind: Vec<String> = rows
            .keys()
            .filter(|path| path.starts_with("var/opt"))
            .cloned()
            .collect();
        for path in behind {
            let row = rows.remove(&path).unwrap();
            let _ = rows.insert(path.replacen("var/opt", "opt", 1), row);
        }
        let _ = rows.remove("opt");
        assert_same(who, &self.expected, rows);
    }
}

#[test]
fn systemd_imports_it_as_a_machine() {
    if !(judges::root() && judges::present("systemd-import")) {
        return;
    }
    let baked = Baked::new();
    let machines = baked.folder("machines");
    let option = format!("--image-root={}", machines.display());
    for compression in [Compression::None, Compression::Gzip, Compression::Xz] {
        let name = tarball::file_name("n", Part::Whole, compression);
        let machine = format!("{compression:?}").to_lowercase();
        let args = [&option, "tar", &name, &machine];
        let _ = judges::content(baked.at(), "systemd-import", &args);
        let root = machines.join(&machine);
        assert_same(&machine, &baked.expected, unpacked(&root));
    }
}

#[test]
fn a_dockerfile_adds_it() {
    if !(judges::root() && judges::present("buildah")) {
        return;
    }
    let baked = Baked::new();
    baked.image();
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
    let _ = judges::content(at, "buildah", &args);
    let layers = fs::read_dir(at.join("store/vfs/dir")).unwrap();
    let roots: Vec<PathBuf> = layers.map(|layer| layer.unwrap().path()).collect();
    assert_eq!(roots.len(), 1, "{roots:?}");
    baked.lies_over_the_image("buildah", &roots[0]);
}

/// mkosi 14 (Debian 12's) gives ExtraTrees= to Python's unpack_archive; later ones give them, and BaseTrees=, to GNU tar
/// with these options.
#[test]
fn it_unpacks_as_mkosi_unpacks_trees() {
    if !(judges::root() && judges::present("python3") && judges::present("tar")) {
        return;
    }
    let baked = Baked::new();
    let python = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2])";
    let options = "--extract --no-xattrs --numeric-owner --same-permissions --same-owner --keep-directory-symlink";
    for compression in [Compression::None, Compression::Gzip, Compression::Xz] {
        let name = tarball::file_name("n", Part::Whole, compression);
        let root = baked.folder(&format!("python-{compression:?}"));
        let args = ["-c", python, &name, root.to_str().unwrap()];
        let _ = judges::content(baked.at(), "python3", &args);
        assert_same("python", &baked.expected, unpacked(&root));
    }
    baked.image();
    for compression in ALL {
        let name = tarball::file_name("n", Part::Whole, compression);
        let root = baked.folder(&format!("tar-{compression:?}"));
        for archive in ["image.tar", &name] {
            let mut args: Vec<&str> = options.split(' ').collect();
            args.extend(["--file", archive, "--directory", root.to_str().unwrap()]);
            let _ = judges::content(baked.at(), "tar", &args);
        }
        baked.lies_over_the_image("tar", &root);
    }
}
