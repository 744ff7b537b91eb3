//! What cloud-init, tar and the kernel read and people have: it is listed, or named for what it is.

use std::fs;

use serde_json::Value;

use super::{entries, listing, shell};
use crate::support::fixture::text;
use crate::support::oracles;
use crate::support::tool::nodebake;

fn notes(listing: &Value) -> String {
    listing["notes"].to_string()
}

#[test]
fn user_data_is_read_as_cloud_init_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mode_of = |permissions: &str| {
        let document = format!(
            "#cloud-config\nwrite_files:\n- {{path: /a, content: x, permissions: {permissions}}}\n"
        );
        fs::write(folder.join("user-data"), document).unwrap();
        let listing = listing(folder, "user-data");
        entries(&listing)[0]["mode"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_else(|| entries(&listing)[0]["mode"].to_string())
    };
    // cc_write_files.py, decode_perms: a number is the mode itself, a text its octal digits.
    for (permissions, mode) in [
        ("493", "0755"),
        ("420", "0644"),
        ("'0600'", "0600"),
        ("0640", "0640"),
        ("'rw'", "0644"),
        ("[1]", "0644"),
    ] {
        assert_eq!(mode_of(permissions), mode, "{permissions}");
    }
    let document = "#cloud-config\nhostname: a\nhostname: b\nwrite_files:\n- {path: /a, content: !!binary aGkK}\n- path: /b\n  encoding: gz\n  content: !!binary |\n    H4sIAAAAAAAAA8vI5AIAenpv7QMAAAA=\n";
    fs::write(folder.join("user-data"), document).unwrap();
    let listed = listing(folder, "user-data");
    let sizes: Vec<u64> = entries(&listed)
        .iter()
        .map(|row| row["size"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [3, 3]);
    fs::write(folder.join("user-data"), format!("\u{feff}{document}")).unwrap();
    let listed = listing(folder, "user-data");
    assert!(notes(&listed).contains("byte order mark"), "{listed}");
    assert!(entries(&listed).is_empty());
}

#[test]
fn a_tarball_with_a_label_is_listed_like_one_without() {
    oracles::needs(["tar"]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    shell(
        folder,
        "mkdir -p root/etc; echo a >root/etc/a; cd root; tar -cf ../plain.tar etc; tar -V LABEL -cf ../label.tar etc",
    );
    let (plain, label) = (listing(folder, "plain.tar"), listing(folder, "label.tar"));
    assert_eq!(entries(&plain), entries(&label));
    assert_eq!(entries(&label).len(), 2);
}

#[test]
fn what_is_not_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (bytes, name) in [
        (&b"BZh91AY&SY"[..], "bzip2"),
        (b"\x04\x22\x4d\x18\x64\x40", "LZ4 frame"),
        (b"LZIP\x01", "lzip"),
        (b"QFI\xfb\0\0\0\x03", "qcow2"),
        (b"PK\x03\x04\x14", "zip"),
        (b"hsqs\x01", "squashfs"),
        (b"\x7fELF\x02", "program"),
    ] {
        fs::write(folder.join("x"), bytes).unwrap();
        let output = nodebake(folder, &["inspect", "x"]).run();
        let said = text(&output.stderr);
        assert!(
            !output.status.success() && said.contains(name),
            "{name}: {said}"
        );
    }
    let mut disk = vec![0; 2048];
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk[446..450].copy_from_slice(&[0x80, 1, 1, 0]);
    disk[512..520].copy_from_slice(b"EFI PART");
    fs::write(folder.join("x"), disk).unwrap();
    let said = text(&nodebake(folder, &["inspect", "x"]).run().stderr);
    assert!(said.contains("partitions"), "{said}");
}

/// lib/decompress_unxz.c knows CRC32 and no check at all.
#[test]
fn an_initrd_whose_check_the_kernel_does_not_read_is_refused() {
    oracles::needs(["cpio", "xz"]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    shell(
        folder,
        "mkdir -p base/bin; for name in sh mount chroot; do : >base/bin/$name; done; cd base; find . | cpio -o -H newc --quiet >../plain; cd ..
         for check in crc32 crc64 sha256 none; do xz --check=$check <plain >$check; done",
    );
    for (check, is_read) in [
        ("crc32", true),
        ("none", true),
        ("crc64", false),
        ("sha256", false),
    ] {
        let listed = listing(folder, check);
        assert_eq!(
            notes(&listed).contains("the kernel reads"),
            !is_read,
            "{check}: {listed}"
        );
    }
}
