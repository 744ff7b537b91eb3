//! FAT images as mtools and dosfstools make and read them, and what hurts in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nodebake::inspect::{Limits, inspect};
use tempfile::TempDir;

use super::{entries, listing, shell};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// A folder like a seed and an EFI system partition at once: long names, deep and wide directories, empty files.
const TREE: &str = "mkdir -p root/EFI/BOOT root/loader/entries root/deep/a/b/c root/wide
     printf '#cloud-config\\n' >root/user-data; echo instance-id: x >root/meta-data; : >root/empty
     head -c 300000 /dev/urandom >root/EFI/BOOT/BOOTX64.EFI; echo x >'root/deep/a/b/c/A long Name with spaces.conf'
     echo y >root/loader/entries/ünï-コード.conf; echo z >root/UPPER.TXT; echo w >root/lower.txt
     for n in $(seq 150); do echo $n >root/wide/file-number-$n; done";

/// The images: what mkfs.vfat gets.
const IMAGES: [(&str, &str); 4] = [
    ("fat12", "-F 12 -C fat12 2048"),
    ("fat16", "-F 16 -C fat16 16384"),
    ("fat32", "-F 32 -C fat32 66000"),
    ("sectors", "-F 16 -S 2048 -s 1 -C sectors 20000"),
];

fn made(folder: &Path) {
    oracles::needs(["mkfs.vfat", "mcopy", "mdir"]);
    shell(folder, TREE);
    for (name, options) in IMAGES {
        shell(
            folder,
            &format!(
                "PATH=$PATH:/sbin:/usr/sbin; export LC_ALL=C.UTF-8
                 mkfs.vfat -n CIDATA -i 12345678 {options} >/dev/null
                 mcopy -s -Q -i {name} root/* ::
                 mdel -i {name} ::/wide/file-number-7; mattrib +h -i {name} ::/empty"
            ),
        );
    }
    fs::remove_file(folder.join("root/wide/file-number-7")).unwrap();
}

#[test]
fn what_mtools_writes_is_listed_and_extracted() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    made(folder);
    for (name, _) in IMAGES {
        let listed = listing(folder, name);
        assert_eq!(listed["format"], "fat");
        assert_eq!(listed["members"][0]["label"], "CIDATA");
        // mtools' own listing of the same image, by path.
        let mut theirs = BTreeMap::new();
        let mut mdir = oracles::command(folder, "mdir");
        let mdir = mdir
            .env("LC_ALL", "C.UTF-8")
            .args(["-/", "-b", "-a", "-i", name, "::"]);
        let said = String::from_utf8(mdir.output().unwrap().stdout).unwrap();
        for line in said.lines() {
            let path = line.strip_prefix("::").unwrap();
            let kind = if path.ends_with('/') {
                "directory"
            } else {
                "file"
            };
            theirs.insert(path.trim_end_matches('/').to_owned(), kind);
        }
        let ours: BTreeMap<String, &str> = entries(&listed)
            .into_iter()
            .map(|entry| {
                (
                    entry["path"].as_str().unwrap().to_owned(),
                    entry["type"].as_str().unwrap(),
                )
            })
            .collect();
        assert!(ours.len() > 160);
        assert_eq!(ours, theirs, "{name}");
        let out = format!("{name}.out");
        nodebake(folder, &["inspect", name, "--extract", &out]).good();
        shell(folder, &format!("diff -r root {out}"));
        // And what mtools itself takes out of it.
        shell(
            folder,
            &format!(
                "mkdir {name}.m; LC_ALL=C.UTF-8 mcopy -s -n -i {name} '::*' {name}.m; diff -r {out} {name}.m"
            ),
        );
    }
}

/// Linux takes such an image, and mkosi makes such EFI system partitions; mtools does not read them.
#[test]
fn a_fat32_may_have_fewer_clusters_than_it_should() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    oracles::needs(["mkfs.vfat", "blkid"]);
    shell(
        folder,
        "PATH=$PATH:/sbin:/usr/sbin; mkfs.vfat -n ESP -F 32 -S 4096 -s 1 -C few 40000 >/dev/null 2>&1",
    );
    let said = oracles::content(
        folder,
        "blkid",
        &["-p", "-s", "VERSION", "-o", "value", "few"],
    );
    assert_eq!(said, "FAT32\n");
    let listed = listing(folder, "few");
    assert_eq!(listed["members"][0]["label"], "ESP");
    assert_eq!(listed["notes"][0], "FAT32");
}

/// cloud-init's readers look for the label in one place or the other (DataSourceNoCloud by blkid).
#[test]
fn a_label_in_one_location_only_is_said() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    made(folder);
    let mut bytes = fs::read(folder.join("fat12")).unwrap();
    bytes[43..54].copy_from_slice(b"NO NAME    ");
    fs::write(folder.join("fat12"), bytes).unwrap();
    let listed = listing(folder, "fat12");
    assert_eq!(listed["members"][0]["label"], "CIDATA");
    let notes = listed["notes"].to_string();
    assert!(notes.contains("in the boot sector none"), "{notes}");
}

fn fails(path: &Path) -> String {
    match inspect(path, Limits::default(), None) {
        Err(error) => format!("{error:#}"),
        Ok((_, outcome)) => format!("{:#}", outcome.unwrap_err()),
    }
}

#[test]
fn chains_that_lead_in_a_circle_or_out_of_the_image_end() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    made(folder);
    let good = fs::read(folder.join("fat16")).unwrap();
    let short = |at: usize| usize::from(u16::from_le_bytes([good[at], good[at + 1]]));
    let table = short(14) * short(11);
    let root = table + usize::from(good[16]) * short(22) * short(11);
    let record = |name: &[u8]| {
        let found = good[root..]
            .windows(name.len())
            .position(|window| window == name);
        root + found.unwrap()
    };
    let changed = folder.join("changed");
    let try_with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        fs::write(&changed, bytes).unwrap();
    };
    // A directory whose only cluster is followed by itself.
    let wide = record(b"WIDE       ");
    let cluster = short(wide + 26);
    let entry = table + 2 * cluster;
    try_with(&|bytes| bytes[entry..entry + 2].copy_from_slice(&(cluster as u16).to_le_bytes()));
    assert!(fails(&changed).contains("leads in a circle"));
    try_with(&|bytes| bytes[entry..entry + 2].copy_from_slice(&0xfff0u16.to_le_bytes()));
    assert!(fails(&changed).contains("which does not exist"));
    // A file that says more than it has, and one that says more than there is.
    let small = record(b"UPPER   TXT");
    for (size, said) in [(100_000u32, "ends"), (u32::MAX, "more than the image")] {
        try_with(&|bytes| bytes[small + 28..small + 32].copy_from_slice(&size.to_le_bytes()));
        let error = fails(&changed);
        assert!(error.contains(said), "{error}");
    }
    // A directory that is its own child is entered once.
    try_with(&|bytes| {
        let deep = record(b"DEEP       ");
        bytes[wide + 26] = good[deep + 26];
        bytes[wide + 27] = good[deep + 27];
    });
    let listed = listing(folder, "changed");
    assert!(listed["notes"].to_string().contains("came before"));
    // The boot sector promises more than there is.
    for at in [13, 14, 16, 17, 22] {
        try_with(&|bytes| bytes[at] = 0xff);
        let _ = inspect(&changed, Limits::default(), None);
    }
}
