//! The tarball before GNU tar, bsdtar, zstd, xz and systemctl.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use nodebake::decompress;
use nodebake::model::output::Compression;
use nodebake::payload::{MTIME, Selection, tarball};
use nodebake::tree::{Asset, AssetSource, Content, Entry, NodeTree};
use tempfile::TempDir;

use super::ALL;
use crate::support::oracles;
use crate::support::sample::{
    Dice, RICH_LINKS, RICH_PRESET, Row, Rows, assert_same, declared, digest, needs_any_mode,
    origin, path, rich, unpacked, with_activation,
};

fn pack(tree: &NodeTree, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    tarball::write(tree, compression, &mut out).unwrap();
    out
}

/// A tarball on disk, by the name that it has in a bundle.
fn file(folder: &Path, tree: &NodeTree, compression: Compression) -> String {
    let name = tarball::file_name("n", Selection::Whole, compression);
    fs::write(folder.join(&name), pack(tree, compression)).unwrap();
    name
}

fn folder_in(scratch: &TempDir, name: &str) -> std::path::PathBuf {
    let folder = scratch.path().join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

#[test]
fn gnu_tar_and_bsdtar_unpack_what_the_tree_says() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let expected = with_activation(&tree, &RICH_LINKS, RICH_PRESET);
    for oracle in ["tar", "bsdtar"] {
        if !oracles::present(oracle) {
            continue;
        }
        for compression in ALL {
            let name = file(scratch.path(), &tree, compression);
            let root = folder_in(&scratch, &format!("{oracle}-{compression:?}"));
            let args = ["-C", root.to_str().unwrap(), "-xpf", &name];
            let output = oracles::run(scratch.path(), oracle, &args);
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{oracle}: {words}");
            // Not a word of complaint either, but for what GNU tar says of the record that bsdtar needs.
            let known = "Ignoring unknown extended header keyword 'hdrcharset'";
            let complaint = words.lines().find(|line| !line.ends_with(known));
            assert_eq!(complaint, None, "{oracle}");
            assert_same(oracle, &expected, unpacked(&root));
        }
    }
}

/// What `tar -tv` lists; its owners need no root to be compared.
#[test]
fn gnu_tar_lists_the_same_rows() {
    oracles::needs(["tar"]);
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let name = file(scratch.path(), &tree, Compression::Gzip);
    let args = [
        "--numeric-owner",
        "--quoting-style=literal",
        "--utc",
        "-tvf",
        &name,
    ];
    let listing = oracles::content(scratch.path(), "tar", &args);
    let mut listed = BTreeMap::new();
    for line in listing.lines() {
        let (perms, rest) = line.split_once(' ').unwrap();
        let (ids, rest) = rest.split_once(' ').unwrap();
        let (_size, rest) = rest.trim_start().split_once(' ').unwrap();
        let name = rest.strip_prefix("1980-01-01 00:00 ").expect(line);
        let (name, target) = name.split_once(" -> ").unwrap_or((name, ""));
        assert!(!name.starts_with(['/', '.']), "{name}");
        let row = format!("{perms} {ids} {target}");
        listed.insert(name.trim_end_matches('/').to_owned(), row);
    }
    let expected: BTreeMap<String, String> = with_activation(&tree, &RICH_LINKS, RICH_PRESET)
        .iter()
        .map(|(path, row)| (path.clone(), long_form(row)))
        .collect();
    assert_eq!(listed, expected);
}

/// A row as `ls -l` would begin it.
fn long_form(row: &Row) -> String {
    let mut text = String::from(match row.kind {
        'f' => '-',
        kind => kind,
    });
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = row.mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (row.mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    let target = if row.kind == 'l' { &row.body } else { "" };
    format!("{text} {}/{} {target}", row.uid, row.gid)
}

#[test]
fn an_images_own_links_and_modes_are_left_alone() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let name = file(scratch.path(), &tree, Compression::Gzip);
    // bsdtar goes through the image's links only with -P; without it, it refuses.
    for (oracle, flags) in [("tar", "-xpf"), ("bsdtar", "-xpPf")] {
        if !oracles::present(oracle) {
            continue;
        }
        let root = folder_in(&scratch, oracle);
        fs::create_dir_all(root.join("var/opt")).unwrap();
        symlink("var/opt", root.join("opt")).unwrap();
        fs::create_dir(root.join("etc")).unwrap();
        fs::set_permissions(root.join("etc"), fs::Permissions::from_mode(0o700)).unwrap();
        let args = ["-C", root.to_str().unwrap(), flags, &name];
        oracles::content(scratch.path(), oracle, &args);
        assert_eq!(
            fs::read_link(root.join("opt")).unwrap(),
            Path::new("var/opt"),
            "{oracle}"
        );
        assert!(root.join("var/opt/cni/bin/bridge").is_file(), "{oracle}");
        let mode = fs::metadata(root.join("etc")).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o700, "{oracle}");
    }
}

#[test]
fn units_stay_as_told_through_a_first_boots_preset_run() {
    oracles::needs(["systemctl", "tar"]);
    let scratch = TempDir::new().unwrap();
    let name = file(scratch.path(), &rich(scratch.path()), Compression::Zstd);
    let root = folder_in(&scratch, "root");
    let units = root.join("usr/lib/systemd/system");
    let presets = root.join("usr/lib/systemd/system-preset");
    fs::create_dir_all(&units).unwrap();
    fs::create_dir_all(&presets).unwrap();
    let text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
    for unit in ["images-own.service", "worker@.service", "other.service"] {
        fs::write(units.join(unit), text).unwrap();
    }
    fs::write(
        units.join("swap.target"),
        "[Install]\nWantedBy=multi-user.target\n",
    )
    .unwrap();
    // What distributions with a closed policy ship.
    fs::write(presets.join("99-default.preset"), "disable *\n").unwrap();
    let folder = root.to_str().unwrap();
    oracles::content(scratch.path(), "tar", &["-C", folder, "-xpf", &name]);
    let root_flag = format!("--root={folder}");
    let state = |unit: &str| {
        let output = oracles::run(
            scratch.path(),
            "systemctl",
            &[&root_flag, "is-enabled", unit],
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let ours = [
        ("kubelet.service", "enabled"),
        ("chatty.service", "disabled"),
        ("swap.target", "masked"),
    ];
    let images = [
        ("images-own.service", "enabled"),
        ("worker@a.service", "enabled"),
        ("worker@b-1.service", "enabled"),
        ("other.service", "disabled"),
    ];
    // An image whose machine-id is empty has no first boot, and no preset is applied.
    for (unit, expected) in ours.into_iter().chain(images) {
        assert_eq!(state(unit), expected, "{unit} as unpacked");
    }
    oracles::content(scratch.path(), "systemctl", &[&root_flag, "preset-all"]);
    for (unit, expected) in ours.into_iter().chain(images) {
        assert_eq!(state(unit), expected, "{unit} after preset-all");
    }
}

#[test]
fn compressors_are_read_and_checked_by_their_own_programs() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    for (oracle, compression) in [
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
        ("xz", Compression::Xz),
    ] {
        if oracles::present(oracle) {
            let name = file(scratch.path(), &tree, compression);
            oracles::content(scratch.path(), oracle, &["-t", &name]);
        }
    }
    let gzip = pack(&tree, Compression::Gzip);
    assert_eq!(gzip[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    if oracles::present("xz") {
        let name = file(scratch.path(), &tree, Compression::Xz);
        let robot = oracles::content(scratch.path(), "xz", &["--robot", "-l", &name]);
        assert!(robot.contains("\tCRC32\t"), "{robot}");
    }
}

#[test]
fn two_runs_and_eight_threads_give_the_same_bytes() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    for compression in ALL {
        let first = pack(&tree, compression);
        let same = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..3).all(|_| pack(&tree, compression) == first)))
                .collect();
            runs.into_iter().all(|run| run.join().unwrap())
        });
        assert!(same, "{compression:?}");
    }
}

/// What the tar crate's reader finds, mtime and order checked on the way.
fn read_back(bytes: &[u8]) -> Rows {
    let reader = decompress::reader(bytes, 100 << 20).unwrap();
    let mut archive = tar::Archive::new(reader);
    let mut rows = Rows::new();
    let mut last = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!(header.mtime().unwrap(), MTIME);
        assert!(header.as_ustar().is_some(), "not POSIX");
        assert_eq!(header.username_bytes(), Some(&b""[..]));
        let name = entry.path_bytes().into_owned();
        let kind = match header.entry_type() {
            tar::EntryType::Regular => 'f',
            tar::EntryType::Directory => 'd',
            tar::EntryType::Symlink => 'l',
            other => panic!("{other:?}"),
        };
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        let body = match kind {
            'f' => digest(&data),
            'd' => String::new(),
            _ => String::from_utf8(entry.link_name_bytes().unwrap().into_owned()).unwrap(),
        };
        let name = String::from_utf8(name)
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        let row = Row {
            kind,
            mode: header.mode().unwrap(),
            uid: header.uid().unwrap() as u32,
            gid: header.gid().unwrap() as u32,
            body,
        };
        let order: Vec<u8> = name.clone().into_bytes();
        assert!(last < order, "{name} is out of order");
        last = order;
        rows.insert(name, row);
    }
    rows
}

#[test]
fn generated_trees_come_back() {
    let mut entries = 0;
    for seed in 0..200 {
        let tree = Dice::new(seed).tree();
        entries += tree.entries().len();
        let packed = pack(&tree, ALL[seed as usize % ALL.len()]);
        assert_eq!(read_back(&packed), declared(&tree), "seed {seed}");
    }
    assert!(entries > 1500, "{entries} are too few to mean anything");
}

#[test]
fn generated_trees_are_unpacked_the_same_by_both_tars() {
    needs_any_mode();
    for oracle in ["tar", "bsdtar"] {
        if !oracles::present(oracle) {
            continue;
        }
        for seed in 1000..1025 {
            let scratch = TempDir::new().unwrap();
            let tree = Dice::new(seed).tree();
            let name = file(scratch.path(), &tree, Compression::Gzip);
            let root = folder_in(&scratch, "root");
            let args = ["-C", root.to_str().unwrap(), "-xpf", &name];
            oracles::content(scratch.path(), oracle, &args);
            assert_same(
                &format!("{oracle}, seed {seed}"),
                &declared(&tree),
                unpacked(&root),
            );
        }
    }
}

/// GNU's `L` and `K` records are what the tar crate writes of its own accord.
#[test]
fn long_names_are_told_by_pax_alone() {
    let scratch = TempDir::new().unwrap();
    let bytes = pack(&rich(scratch.path()), Compression::None);
    assert_eq!(bytes.len() % 512, 0);
    let (mut kinds, mut at) = (BTreeMap::new(), 0);
    while bytes[at] != 0 {
        let header = tar::Header::from_byte_slice(&bytes[at..at + 512]);
        *kinds.entry(header.entry_type().as_byte()).or_insert(0) += 1;
        at += 512 + header.entry_size().unwrap().next_multiple_of(512) as usize;
    }
    assert_eq!(bytes.len(), at + 1024, "two zero blocks and no more");
    let seen: Vec<u8> = kinds.keys().copied().collect();
    assert_eq!(seen, [b'0', b'2', b'5', b'x']);
    // Three paths that ustar cannot split, a link, an id.
    assert_eq!(kinds[&b'x'], 5);
}

/// Takes what comes first, and nothing more.
struct First(Vec<u8>);

impl Write for First {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() > 10_000 {
            return Err(io::Error::other("that is enough"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The archive is a file with a hole: our headers, 9 GiB of zeros, and another archive of ours behind them, which nobody
/// finds who does not know the length.
#[test]
fn a_file_of_9_gib_under_a_long_name_is_listed_with_its_length() {
    const SIZE: u64 = 9 << 30;
    let scratch = TempDir::new().unwrap();
    let at = scratch.path();
    let hole = fs::File::create(at.join("hole")).unwrap();
    hole.set_len(SIZE).unwrap();
    let asset = Asset {
        source: AssetSource::File(at.join("hole")),
        size: SIZE,
        sha256: [0; 32],
        sha512: [0; 64],
    };
    let long = format!("/srv/{}/nine", ["sixteen-letters-"; 12].join("/"));
    let mut large = NodeTree::default();
    let entry = Entry::file(Content::Asset(asset.into()), 0o644, origin());
    large.add(path(&long), entry).unwrap();
    let mut first = First(Vec::new());
    let stopped = tarball::write(&large, Compression::None, &mut first);
    assert!(stopped.is_err(), "it was to be stopped");
    let mut small = NodeTree::default();
    let entry = Entry::file(Content::bytes("x"), 0o600, origin());
    small.add(path("/behind"), entry).unwrap();
    // The blocks before the content: of zeros there are none.
    let is_zero = |block: &[u8]| block.iter().all(|byte| *byte == 0);
    let blocks = first.0.chunks(512).take_while(|block| !is_zero(block));
    let head: Vec<u8> = blocks.flatten().copied().collect();
    let archive = fs::File::create(at.join("nine.tar")).unwrap();
    archive.write_all_at(&head, 0).unwrap();
    let behind = head.len() as u64 + SIZE;
    archive
        .write_all_at(&pack(&small, Compression::None), behind)
        .unwrap();
    for oracle in ["tar", "bsdtar"] {
        if !oracles::present(oracle) {
            continue;
        }
        let listed = oracles::content(at, oracle, &["-tvf", "nine.tar"]);
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines.len(), 2, "{oracle}: {listed}");
        assert!(lines[0].contains(" 9663676416 "), "{oracle}: {listed}");
        assert!(lines[0].ends_with(&long[1..]), "{oracle}: {listed}");
        assert!(lines[1].ends_with(" behind"), "{oracle}: {listed}");
    }
}
