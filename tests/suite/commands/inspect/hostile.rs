//! Files made to hurt: cut short, changed anywhere, growing without end, leading in circles.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nodebake::inspect::{Limits, Listing, inspect};
use tempfile::TempDir;

use super::{sample, shell};
use crate::support::fixture::text;
use crate::support::oracles;
use crate::support::tool::nodebake;

fn read(path: &Path, limits: Limits) -> Result<Listing, String> {
    let (listing, outcome) = inspect(path, limits, None).map_err(|error| format!("{error:#}"))?;
    outcome
        .map(|()| listing)
        .map_err(|error| format!("{error:#}"))
}

/// One good file of each kind, small.
pub fn good_files(folder: &Path) -> Vec<&'static str> {
    sample(folder);
    shell(
        folder,
        "head -c 700 /dev/zero >root/usr/bin/tool; rm root/etc/pipe
         (cd root; find . | cpio -o -H newc --quiet) >cpio; gzip -nc cpio >cpio.gz
         tar -C root -cf tar .; xz -c tar >tar.xz
         printf '%s' '{\"ignition\":{\"version\":\"3.3.0\"},\"storage\":{\"files\":[{\"path\":\"/a\",\"contents\":{\"compression\":\"gzip\",\"source\":\"data:;base64,' >ign
         echo hello | gzip -n | base64 -w0 >>ign; printf '\"}}]}}' >>ign
         printf '#cloud-config\\nwrite_files:\\n- path: /a\\n  encoding: gz+b64\\n  content: ' >user-data
         echo hello | gzip -n | base64 -w0 >>user-data; echo >>user-data
         printf 'Content-Type: multipart/mixed; boundary=\"b\"\\nMIME-Version: 1.0\\n\\n--b\\nContent-Type: text/cloud-config\\n\\n#cloud-config\\nwrite_files: [{path: /a, content: x}]\\n--b--\\n' >mime",
    );
    let mut files = vec![
        "cpio",
        "cpio.gz",
        "tar",
        "tar.xz",
        "ign",
        "user-data",
        "mime",
    ];
    if oracles::present("zstd") && oracles::present("lz4") {
        shell(folder, "zstd -qc cpio >cpio.zst; lz4 -l -qc cpio >cpio.lz4");
        files.extend(["cpio.zst", "cpio.lz4"]);
    }
    if oracles::present("xorriso") {
        shell(
            folder,
            "xorriso -as genisoimage -quiet -R -J -o iso root 2>/dev/null",
        );
        files.push("iso");
    }
    if oracles::present("mkfs.vfat") && oracles::present("mcopy") {
        shell(
            folder,
            "PATH=$PATH:/sbin:/usr/sbin; mkfs.vfat -F 12 -n CIDATA -C fat 200 >/dev/null
             mcopy -s -Q -i fat root/usr ::; mmd -i fat ::/etc; mcopy -Q -i fat root/etc/a root/etc/empty ::/etc",
        );
        files.push("fat");
    }
    for file in &files {
        let listing = read(&folder.join(file), Limits::default()).unwrap();
        assert!(!listing.members[0].entries.is_empty(), "{file}");
    }
    files
}

/// Never a panic, and never more than was there: what is cut anywhere ends in an error or a shorter listing.
#[test]
fn files_that_are_cut_anywhere_end_well() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    for file in good_files(folder) {
        let bytes = fs::read(folder.join(file)).unwrap();
        let cut = folder.join("cut");
        let step = (bytes.len() / 200).max(1);
        for length in (0..bytes.len()).step_by(step) {
            fs::write(&cut, &bytes[..length]).unwrap();
            let _ = read(&cut, Limits::default());
        }
        // In the middle of what is compressed no reader may be content.
        if file.contains('.') {
            fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
            assert!(read(&cut, Limits::default()).is_err(), "{file}");
        }
    }
}

#[test]
fn bombs_end_at_the_limit() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    shell(
        folder,
        "mkdir r; truncate -s 300M r/zeros; (cd r; echo zeros | cpio -o -H newc --quiet) | gzip -1 >cpio.gz
         tar -C r -c zeros | xz -0 >tar.xz
         { printf '#cloud-config\\nwrite_files:\\n- path: /a\\n  encoding: gz+b64\\n  content: '; head -c 300M /dev/zero | gzip -1 | base64 -w0; echo; } >user-data
         rm -r r",
    );
    for file in ["cpio.gz", "tar.xz", "user-data"] {
        let args = ["inspect", file, "--max-unpacked", "1000000", "-o", "json"];
        let output = nodebake(folder, &args).run();
        assert_eq!(output.status.code(), Some(1), "{file}");
        let said = text(&output.stderr);
        assert!(
            said.contains("unpacks to more than allowed"),
            "{file}: {said}"
        );
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(
            json["error"]
                .as_str()
                .unwrap()
                .contains("more than allowed")
        );
    }
    let zeros = read(&folder.join("cpio.gz"), Limits::default()).unwrap();
    assert_eq!(zeros.members[0].entries[0].size, Some(300 << 20));
}

#[test]
fn counts_and_names_are_bounded() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    good_files(folder);
    let tight = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (file, limits, said) in [
        ("cpio", tight(|l| l.entries = 3), "more than 3 entries"),
        ("tar", tight(|l| l.text = 10), "more than 10 bytes of names"),
        ("cpio", tight(|l| l.members = 0), "more than 0 archives"),
        ("user-data", tight(|l| l.document = 10), "more than allowed"),
    ] {
        let error = read(&folder.join(file), limits).unwrap_err();
        assert!(error.contains(said), "{file}: {error}");
    }
    // Headers that promise gigabytes: nothing is allocated for them.
    let header = |name_size: u32, size: u32| {
        let fields = [1, 0o100_644, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        let digits: String = fields.iter().map(|field| format!("{field:08x}")).collect();
        format!("070701{digits}a\0")
    };
    for (name_size, size, said) in [
        (u32::MAX, 0, "a name of 4294967295 bytes"),
        (0, 0, "a name of 0 bytes"),
        (2, u32::MAX, "it ends 4294967295 bytes too early"),
    ] {
        fs::write(folder.join("promise"), header(name_size, size)).unwrap();
        let error = read(&folder.join("promise"), Limits::default()).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    // A tar's long name of a gigabyte.
    let script = "
import tarfile
info = tarfile.TarInfo('x'); info.type = tarfile.GNUTYPE_LONGNAME; info.size = 1 << 30
open('long', 'wb').write(info.tobuf())
";
    if oracles::present("python3") {
        oracles::content(folder, "python3", &["-c", script]);
        let error = read(&folder.join("long"), Limits::default()).unwrap_err();
        assert!(
            error.contains("an extension header of 1073741824 bytes"),
            "{error}"
        );
    }
}

/// Each value of a document takes far more memory than its two bytes.
#[test]
fn documents_of_many_values_are_not_taken_apart() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    let zeros = "0,".repeat(3_000_000);
    for (file, head, tail, said) in [
        (
            "ign",
            "{\"ignition\":{\"version\":\"3.3.0\"},\"x\":[",
            "0]}",
            "more than 2000000 values",
        ),
        ("user-data", "#cloud-config\nx: [", "0]\n", "not the YAML"),
    ] {
        fs::write(folder.join(file), format!("{head}{zeros}{tail}")).unwrap();
        let error = read(&folder.join(file), Limits::default()).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

/// An image of one directory, whose records are all alike and fill it; `more` goes behind it.
fn iso_of(record: &[u8], sectors: usize, more: &[u8]) -> Vec<u8> {
    let both = |number: u32| [number.to_le_bytes(), number.to_be_bytes()].concat();
    let head = |extent: u32, size: u32, flags: u8| {
        let fixed = [&[34, 0][..], &both(extent), &both(size), &[0; 7], &[flags]].concat();
        [&fixed[..], &[0; 6], &[1, 0]].concat()
    };
    let size = (sectors * 2048) as u32;
    let root = head(18, size, 2);
    assert_eq!(root.len(), 34);
    let mut image = vec![0; 18 * 2048];
    let primary = 16 * 2048;
    image[primary..primary + 7].copy_from_slice(b"\x01CD001\x01");
    image[primary + 128..primary + 130].copy_from_slice(&2048u16.to_le_bytes());
    image[primary + 156..primary + 190].copy_from_slice(&root);
    image[primary + 2048..primary + 2055].copy_from_slice(b"\xffCD001\x01");
    let mut sector = Vec::new();
    while sector.len() + record.len() <= 2048 {
        sector.extend_from_slice(record);
    }
    sector.resize(2048, 0);
    // The directory itself, with the mark of Rock Ridge.
    let px = [
        b"PX\x24\x01".as_slice(),
        &both(0o40755),
        &both(2),
        &both(0),
        &both(0),
    ]
    .concat();
    let mut own = [&root[..], b"SP\x07\x01\xbe\xef\0", &px, &[0]].concat();
    own[0] = own.len() as u8;
    own.resize(2048, 0);
    image.extend_from_slice(&own);
    for _ in 1..sectors {
        image.extend_from_slice(&sector);
    }
    image.extend_from_slice(more);
    image
}

/// A record of the directory of [`iso_of`], with a name and what Rock Ridge says.
fn iso_record(flags: u8, system_use: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 33];
    record[25] = flags;
    record[32] = 1;
    record.push(b'A');
    record.extend_from_slice(system_use);
    record[0] = record.len() as u8;
    record
}

/// A file of half a million pieces without a byte: going through them takes no longer than through as many files.
#[test]
fn files_of_many_empty_pieces_take_no_longer_than_others() {
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("iso");
    let mut image = iso_of(&iso_record(0x80, b""), 8192, b"");
    let last = image.len() - 2048 + 59 * 34;
    image[last + 25] = 0;
    fs::write(&path, image).unwrap();
    let start = Instant::now();
    let listing = read(&path, Limits::default()).unwrap();
    assert_eq!(listing.members[0].entries.len(), 1);
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

/// All records of a directory may name the same continuation area, which is read for each.
#[test]
fn continuation_areas_are_counted_as_often_as_they_are_read() {
    let scratch = TempDir::new().unwrap();
    let path = scratch.path().join("iso");
    let both = |number: u32| [number.to_le_bytes(), number.to_be_bytes()].concat();
    let area = [
        b"CE\x1c\x01".as_slice(),
        &both(18 + 512),
        &both(0),
        &both(64),
    ]
    .concat();
    let image = iso_of(&iso_record(0, &area), 512, &[0; 2048]);
    fs::write(&path, image).unwrap();
    let limits = |unpacked| Limits {
        unpacked,
        ..Limits::default()
    };
    let error = read(&path, limits(32 << 20)).unwrap_err();
    assert!(error.contains("more than allowed"), "{error}");
    let listing = read(&path, limits(64 << 20)).unwrap();
    assert!(listing.notes.join("").contains("Rock Ridge"));
    assert!(listing.members[0].entries.len() > 10_000);
}

#[test]
fn directories_that_lead_in_a_circle_are_entered_once() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    oracles::needs(["xorriso"]);
    shell(
        folder,
        "mkdir -p root/DIR; echo x >root/DIR/FILE; xorriso -as genisoimage -quiet -o iso root 2>/dev/null",
    );
    let mut bytes = fs::read(folder.join("iso")).unwrap();
    let root = |at: usize, bytes: &[u8]| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let extent = root(16 * 2048 + 158, &bytes);
    let records = extent as usize * 2048;
    let name = bytes[records..]
        .windows(3)
        .position(|window| window == b"DIR");
    let record = records + name.unwrap() - 33;
    bytes[record + 2..record + 6].copy_from_slice(&extent.to_le_bytes());
    fs::write(folder.join("circle"), bytes).unwrap();
    let listing = read(&folder.join("circle"), Limits::default()).unwrap();
    let notes = listing.notes.join("\n");
    assert!(notes.contains("came before"), "{notes}");
    assert_eq!(listing.members[0].entries.len(), 1);
}

#[test]
fn names_cannot_steer_a_terminal() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    fs::create_dir(folder.join("r")).unwrap();
    fs::write(folder.join("r/a\u{1b}[2Jb\u{202e}c\nd"), "x").unwrap();
    shell(folder, "tar -C r -cf tar .");
    let output = nodebake(folder, &["inspect", "tar"]).good();
    assert!(output.contains("/a\\u{1b}[2Jb\\u{202e}c\\nd"), "{output}");
}

#[test]
fn what_is_no_payload_is_said_to_be_none() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    shell(
        folder,
        ": >empty; head -c 4096 /dev/zero >zeros; echo hello >text; echo hello | gzip >gz; printf '{}' >json; printf '\\037\\213' >stub",
    );
    for file in [
        "empty", "zeros", "text", "gz", "json", "stub", "absent", ".",
    ] {
        let output = nodebake(folder, &["inspect", file]).run();
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert_eq!(text(&output.stderr).lines().count(), 1, "{file}");
    }
}
