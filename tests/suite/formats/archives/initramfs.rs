//! The initramfs payload before GNU cpio, bsdtar and the kernel's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use nodebake::decompress;
use nodebake::model::output::Compression;
use nodebake::payload::{MTIME, Selection, initramfs};
use nodebake::tree::{Content, Entry, NodeTree};
use tempfile::TempDir;

use super::ALL;
use crate::support::oracles;
use crate::support::sample::{
    Dice, RICH_LINKS, RICH_PRESET, Row, Rows, assert_same, declared, digest, needs_any_mode,
    origin, path, rich, unpacked, with_activation,
};

fn pack(tree: &NodeTree, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    initramfs::write(tree, compression, &mut out).unwrap();
    out
}

/// One raw archive's members and where it ends, by the kernel's rules (init/initramfs.c): every directory before what
/// is in it, sizes within bounds, headers on boundaries of four.
fn walk(bytes: &[u8], base_folders: &[&str]) -> (Rows, usize) {
    let mut rows = Rows::new();
    let mut folders: BTreeSet<String> = base_folders.iter().map(|f| (*f).to_owned()).collect();
    let (mut at, mut inode) = (0, 0);
    loop {
        assert_eq!(at % 4, 0);
        assert_eq!(&bytes[at..at + 6], b"070701");
        let header = at;
        let field = |n: usize| {
            let start = header + 6 + 8 * n;
            let digits = std::str::from_utf8(&bytes[start..start + 8]).unwrap();
            u32::from_str_radix(digits, 16).unwrap()
        };
        let (mode, size, name_size) = (field(1), field(6) as usize, field(11) as usize);
        let name = &bytes[at + 110..at + 110 + name_size];
        let name = std::str::from_utf8(name.strip_suffix(b"\0").unwrap()).unwrap();
        let data = (at + 110 + name_size).next_multiple_of(4);
        let body = &bytes[data..data + size];
        at = (data + size).next_multiple_of(4);
        if name == "TRAILER!!!" {
            return (rows, at);
        }
        inode += 1;
        assert_eq!(field(0), inode, "inodes count from 1");
        assert_eq!(field(5), MTIME as u32);
        assert_eq!([7, 8, 9, 10, 12].map(field), [0; 5], "no device, no sum");
        assert!(
            name_size <= 4096 && !name.starts_with('/') && !name.starts_with("./"),
            "{name}"
        );
        if let Some((parent, _)) = name.rsplit_once('/') {
            assert!(folders.contains(parent), "{name} has no parent");
        }
        let (kind, links, body) = match mode & 0o170_000 {
            0o040_000 => ('d', 2, String::new()),
            0o100_000 => ('f', 1, digest(body)),
            0o120_000 => ('l', 1, String::from_utf8(body.to_vec()).unwrap()),
            other => panic!("{other:o}"),
        };
        assert_eq!(field(4), links, "{name}");
        if kind == 'd' {
            assert_eq!(size, 0);
            folders.insert(name.to_owned());
        }
        let row = Row {
            kind,
            mode: mode & 0o7777,
            uid: field(2),
            gid: field(3),
            body,
        };
        assert!(
            rows.insert(name.to_owned(), row).is_none(),
            "{name} comes twice"
        );
    }
}

/// The tree's own rows and root's 0755 directories above them.
fn with_parents(mut rows: Rows) -> Rows {
    for path in rows.keys().cloned().collect::<Vec<_>>() {
        for (end, _) in path.match_indices('/') {
            let parent = Row {
                kind: 'd',
                mode: 0o755,
                uid: 0,
                gid: 0,
                body: String::new(),
            };
            rows.entry(path[..end].to_owned()).or_insert(parent);
        }
    }
    rows
}

#[test]
fn the_kernels_rules_are_kept_for_every_compression() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let expected = with_parents(with_activation(&tree, &RICH_LINKS, RICH_PRESET));
    for compression in ALL {
        let packed = pack(&tree, compression);
        assert_eq!(packed.len() % 4, 0, "what follows starts on a boundary");
        if compression != Compression::None {
            assert_eq!(packed[packed.len() - 4..], [0; 4], "{compression:?}");
        }
        let mut raw = Vec::new();
        let mut reader = decompress::reader(packed.as_slice(), 10 << 20).unwrap();
        reader.read_to_end(&mut raw).unwrap();
        let (rows, end) = walk(&raw, &[]);
        assert_eq!(end, raw.len(), "nothing after the trailer");
        assert_eq!(rows, expected);
    }
}

#[test]
fn gnu_cpio_and_bsdtar_unpack_what_the_tree_says() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let expected = with_parents(with_activation(&tree, &RICH_LINKS, RICH_PRESET));
    let file = scratch
        .path()
        .join(initramfs::file_name(Selection::Whole, Compression::None));
    fs::write(&file, pack(&tree, Compression::None)).unwrap();
    let file = file.to_str().unwrap();
    for (oracle, args) in [
        (
            "cpio",
            &["--quiet", "-idm", "--no-absolute-filenames", "-F", file][..],
        ),
        ("bsdtar", &["-xpf", file][..]),
    ] {
        if oracles::present(oracle) {
            let root = scratch.path().join(oracle);
            fs::create_dir(&root).unwrap();
            oracles::content(&root, oracle, args);
            assert_same(oracle, &expected, unpacked(&root));
        }
    }
}

/// A program unpacks the member, and what it makes of it is the uncompressed payload.
#[test]
fn compressed_members_unpack_to_the_raw_archive() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let raw = digest(&pack(&tree, Compression::None));
    for (oracle, compression) in [
        ("gzip", Compression::Gzip),
        ("xz", Compression::Xz),
        ("zstd", Compression::Zstd),
    ] {
        if !oracles::present(oracle) {
            continue;
        }
        let mut packed = pack(&tree, compression);
        if oracle == "zstd" {
            // Its program takes the padding for a broken frame; the kernel skips it.
            let least = packed.len() - 8;
            while packed.len() > least && !accepts(scratch.path(), oracle, &packed) {
                assert_eq!(packed.pop(), Some(0));
            }
        }
        let name = initramfs::file_name(Selection::Whole, compression);
        fs::write(scratch.path().join(&name), packed).unwrap();
        let script = format!("{oracle} -dc {name} > raw");
        oracles::content(scratch.path(), "sh", &["-c", &script]);
        let unpacked = fs::read(scratch.path().join("raw")).unwrap();
        assert_eq!(digest(&unpacked), raw, "{oracle}");
        if oracle == "xz" {
            let robot = oracles::content(scratch.path(), "xz", &["--robot", "-l", &name]);
            assert!(robot.contains("\tCRC32\t"), "{robot}");
        }
    }
}

fn accepts(folder: &Path, oracle: &str, bytes: &[u8]) -> bool {
    fs::write(folder.join("probe"), bytes).unwrap();
    oracles::run(folder, oracle, &["-t", "probe"])
        .status
        .success()
}

/// What a boot loader does: base, payload and another payload one after the other.
#[test]
fn members_may_follow_each_other_in_any_mixture() {
    let scratch = TempDir::new().unwrap();
    let trees: Vec<NodeTree> = (0..ALL.len())
        .map(|n| {
            let mut tree = NodeTree::default();
            let file = Entry::file(Content::bytes(vec![b'x'; n]), 0o644, origin());
            tree.add(path(&format!("/etc/n{n}")), file).unwrap();
            tree
        })
        .collect();
    let mut buffer = Vec::new();
    let mut starts = Vec::new();
    for compression in ALL.into_iter().chain(ALL) {
        starts.push(buffer.len());
        buffer.extend(pack(&trees[starts.len() % trees.len()], compression));
    }
    for (n, start) in starts.iter().enumerate() {
        assert_eq!(start % 4, 0);
        let mut raw = Vec::new();
        let mut reader = decompress::reader(&buffer[*start..], 10 << 20).unwrap();
        reader.read_to_end(&mut raw).unwrap();
        let (rows, _) = walk(&raw, &[]);
        assert!(
            rows.contains_key(&format!("etc/n{}", (n + 1) % trees.len())),
            "{n}"
        );
    }
    if oracles::present("cpio") {
        let raw = [
            pack(&trees[1], Compression::None),
            pack(&trees[2], Compression::None),
        ];
        fs::write(scratch.path().join("both"), raw.concat()).unwrap();
        // GNU cpio stops at the first trailer, so it is started again where the second archive begins.
        let script = format!(
            "cpio -it <both; tail -c +{} both | cpio -it",
            raw[0].len() + 1
        );
        let listing = oracles::content(scratch.path(), "sh", &["-c", &script]);
        assert_eq!(
            listing.lines().collect::<Vec<_>>(),
            ["etc", "etc/n1", "etc", "etc/n2"]
        );
    }
}

#[test]
fn a_merged_usr_keeps_its_links() {
    let mut tree = NodeTree::default();
    let file = Entry::file(Content::bytes("x"), 0o755, origin());
    tree.add(path("/sbin/early"), file).unwrap();
    let (rows, _) = walk(&pack(&tree, Compression::None), &["sbin"]);
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["sbin/early"]);
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

#[test]
fn an_asset_that_changed_since_the_plan_stops_the_build() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    for change in [&b"shorter"[..], &[0; 300_001], &[0; 300_002]] {
        fs::write(scratch.path().join("asset"), change).unwrap();
        let error = initramfs::write(&tree, Compression::Gzip, &mut Vec::new()).unwrap_err();
        assert!(
            error.to_string().contains("/usr/local/bin/kubelet"),
            "{error}"
        );
    }
}

#[test]
fn generated_trees_come_back() {
    let mut kinds = BTreeMap::new();
    for seed in 2000..2200 {
        let tree = Dice::new(seed).tree();
        let packed = pack(&tree, ALL[seed as usize % ALL.len()]);
        let mut raw = Vec::new();
        let mut reader = decompress::reader(packed.as_slice(), 100 << 20).unwrap();
        reader.read_to_end(&mut raw).unwrap();
        let (rows, _) = walk(&raw, &[]);
        assert_eq!(rows, with_parents(declared(&tree)), "seed {seed}");
        for row in rows.values() {
            *kinds.entry(row.kind).or_insert(0) += 1;
        }
    }
    assert!(kinds.values().all(|count| *count > 200), "{kinds:?}");
}

#[test]
fn generated_trees_are_unpacked_the_same_by_gnu_cpio() {
    needs_any_mode();
    oracles::needs(["cpio"]);
    for seed in 3000..3025 {
        let scratch = TempDir::new().unwrap();
        let tree = Dice::new(seed).tree();
        let file = scratch.path().join("initramfs.cpio");
        fs::write(&file, pack(&tree, Compression::None)).unwrap();
        let root = scratch.path().join("root");
        fs::create_dir(&root).unwrap();
        let args = ["--quiet", "-idm", "-F", file.to_str().unwrap()];
        oracles::content(&root, "cpio", &args);
        let expected = with_parents(declared(&tree));
        assert_same(&format!("seed {seed}"), &expected, unpacked(&root));
    }
}
