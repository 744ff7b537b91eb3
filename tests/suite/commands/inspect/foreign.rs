//! Archives that others made: what we list is what their own programs list.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{entries, listing, same_as_libarchive, sample, shell};
use crate::support::oracles;

/// Initrd makers' compressions: a name and the command that packs.
const PACKERS: [(&str, &str, &str); 5] = [
    ("gzip", "gzip", "gzip -n"),
    ("zstd", "zstd", "zstd -q"),
    ("xz", "xz", "xz --check=crc32"),
    ("lz4", "lz4", "lz4 -l -q"),
    ("lzma", "xz", "xz --format=lzma"),
];

/// What an initrd for a machine of today is: microcode before everything else, as initramfs-tools and dracut put it there.
fn make_initrds(folder: &Path) -> Vec<String> {
    sample(folder);
    shell(
        folder,
        "mkdir -p early/kernel/x86/microcode; head -c 3001 /dev/zero >early/kernel/x86/microcode/GenuineIntel.bin
         (cd early; find . | LC_ALL=C sort | cpio -o -H newc --quiet) >early.cpio
         (cd root; find . | LC_ALL=C sort | cpio -o -H newc --quiet) >main.cpio
         (cd root; find . | LC_ALL=C sort | cpio -o -H crc --quiet) >sums.cpio",
    );
    let mut made = Vec::new();
    for (name, oracle, packer) in PACKERS {
        if oracles::present(oracle) {
            let script =
                format!("{packer} -c <main.cpio >{name}; cat early.cpio {name} >both-{name}");
            shell(folder, &script);
            made.push(name.to_owned());
        }
    }
    made
}

/// A line as cpio's long listing has it, without owner and time: type and mode, size, name and target.
fn long_form(entry: &Value) -> String {
    let mode = u32::from_str_radix(entry["mode"].as_str().unwrap(), 8).unwrap();
    let letter = match entry["type"].as_str().unwrap() {
        "file" => '-',
        "directory" => 'd',
        "symlink" => 'l',
        "fifo" => 'p',
        other => panic!("{other}"),
    };
    let mut line = String::from(letter);
    for (shift, special, letters) in [(6, 0o4000, "sS"), (3, 0o2000, "sS"), (0, 0o1000, "tT")] {
        let bits = mode >> shift;
        line.push(if bits & 4 != 0 { 'r' } else { '-' });
        line.push(if bits & 2 != 0 { 'w' } else { '-' });
        let execute = bits & 1 != 0;
        let mut letters = letters.chars();
        line.push(match (mode & special != 0, execute) {
            (true, true) => letters.next().unwrap(),
            (true, false) => letters.nth(1).unwrap(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    let target = entry["target"].as_str();
    let size = entry["size"].as_u64().unwrap_or(0);
    let size = target.map_or(size, |target| target.len() as u64);
    let path = entry["path"].as_str().unwrap().trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    let target = target.map_or(String::new(), |target| format!(" -> {target}"));
    format!("{line} {size} {path}{target}")
}

/// The same of their line: `-rw-r--r--   1 root     root            5 Nov 25 17:34 etc/a`.
fn their_form(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (kind, size) = (words.first()?, words.get(4)?);
    if kind.len() != 10 || words.len() < 9 {
        return None;
    }
    let time = words[7];
    let name = line.split_once(&format!(" {time} "))?.1;
    Some(format!("{kind} {size} {name}"))
}

#[test]
fn initrds_are_listed_as_their_makers_list_them() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    for name in make_initrds(folder) {
        let file = format!("both-{name}");
        let listing = listing(folder, &file);
        let members = listing["members"].as_array().unwrap();
        assert_eq!(members.len(), 2, "{name}");
        assert_eq!(members[0]["early"], true);
        assert_eq!(members[0]["offset"], 0);
        let early = fs::metadata(folder.join("early.cpio")).unwrap().len();
        assert_eq!(members[1]["offset"], early, "{name}");
        assert_eq!(members[1]["compression"], name);
        let main = fs::metadata(folder.join("main.cpio")).unwrap().len();
        assert_eq!(members[1]["unpacked"], main, "{name}");
        let size = fs::metadata(folder.join(&name)).unwrap().len();
        assert_eq!(members[1]["size"], size, "{name}: to the last byte");
        let mut ours: Vec<String> = entries(&listing).into_iter().map(long_form).collect();
        ours.sort();
        // unmkinitramfs knows no lzma; lsinitrd tells by the magic number, which lzma has none.
        if name == "lzma" {
            continue;
        }
        for oracle in ["lsinitramfs", "lsinitrd"] {
            if !oracles::present(oracle) {
                continue;
            }
            let long = if oracle == "lsinitramfs" { "-l" } else { "--" };
            // lsinitrd's exit code tells of modules that this initrd does not have.
            let said = oracles::run(folder, oracle, &[long, &file]).stdout;
            let said = String::from_utf8_lossy(&said).into_owned();
            let theirs = said.lines().filter_map(their_form);
            let mut theirs: Vec<String> = theirs.map(|line| cpio_name(&line)).collect();
            theirs.sort();
            assert_eq!(ours, theirs, "{oracle} of {name}");
        }
    }
}

/// GNU cpio escapes what its locale has no letter for.
fn cpio_name(line: &str) -> String {
    line.replace("\\305\\202", "ł")
}

#[test]
fn members_of_every_kind_follow_each_other() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    let names = make_initrds(folder);
    // lz4 has no end mark, so at least four zeros; the others need none before what is compressed.
    shell(
        folder,
        &format!(
            ": >all; for one in {} early.cpio main.cpio; do
             size=$(wc -c <all); [ $((size % 4)) = 0 ] || head -c $((4 - size % 4)) /dev/zero >>all
             cat $one >>all; [ $one != lz4 ] || head -c 8 /dev/zero >>all; done
             cat gzip xz gzip >tight",
            names.join(" ")
        ),
    );
    let all = listing(folder, "all");
    let members = all["members"].as_array().unwrap();
    assert_eq!(members.len(), names.len() + 2);
    for (member, name) in members.iter().zip(&names) {
        assert_eq!(member["compression"], *name);
        assert_eq!(
            member["entries"],
            members.last().unwrap()["entries"],
            "{name}"
        );
    }
    assert_eq!(all["notes"], serde_json::json!([]));
    let tight = listing(folder, "tight");
    assert_eq!(tight["members"].as_array().unwrap().len(), 3);
}

#[test]
fn sums_of_the_crc_form_are_checked() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    make_initrds(folder);
    let good = listing(folder, "sums.cpio");
    assert_eq!(good["notes"], serde_json::json!([]));
    let mut bytes = fs::read(folder.join("sums.cpio")).unwrap();
    let at = bytes
        .windows(6)
        .position(|window| window == b"hello\n")
        .unwrap();
    bytes[at] ^= 1;
    fs::write(folder.join("changed"), bytes).unwrap();
    let changed = listing(folder, "changed");
    let note = changed["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("/./etc/a: ") || note.starts_with("/etc/a: "),
        "{note}"
    );
    for file in ["main.cpio", "sums.cpio"] {
        same_as_libarchive(folder, file);
    }
}

#[test]
fn an_archive_that_the_kernel_would_not_see_is_named() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    make_initrds(folder);
    shell(
        folder,
        "{ cat gzip; head -c 1 /dev/zero; } >odd; size=$(wc -c <odd); [ $((size % 4)) != 0 ] || printf '\\0' >>odd; cat main.cpio >>odd",
    );
    let odd = listing(folder, "odd");
    let note = odd["notes"][0].as_str().unwrap();
    assert!(note.contains("multiple of 4"), "{note}");
}

#[test]
fn tarballs_of_every_form_are_read_as_libarchive_reads_them() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    sample(folder);
    let long = "directory-with-a-long-name/".repeat(9);
    shell(
        folder,
        &format!(
            "cd root; mkdir -p {long}; echo x >{long}file; ln -s /{long}file etc/far; ln etc/a etc/hard"
        ),
    );
    for format in ["gnu", "oldgnu", "pax", "posix"] {
        shell(
            folder,
            &format!("tar -C root --format={format} -cf {format}.tar ."),
        );
        same_as_libarchive(folder, &format!("{format}.tar"));
    }
    shell(
        folder,
        "rm -r root/directory*; rm root/etc/far; mv 'root/etc/name with spaces ł' root/etc/name",
    );
    shell(
        folder,
        "tar -C root --format=v7 -cf v7.tar --exclude=pipe .; tar -C root --format=ustar -cf ustar.tar .",
    );
    for file in ["v7.tar", "ustar.tar"] {
        same_as_libarchive(folder, file);
    }
    for packer in ["gzip", "zstd -q", "xz"] {
        // Two streams, as `cat` and parallel compressors make them.
        let script = format!(
            "head -c 4000 ustar.tar | {packer} -c >packed; tail -c +4001 ustar.tar | {packer} -c >>packed"
        );
        shell(folder, &script);
        same_as_libarchive(folder, "packed");
    }
}

/// Values of pax records may hold line feeds: paths, and extended attributes of `tar --xattrs`.
#[test]
fn records_of_pax_end_where_they_say() {
    oracles::needs(["python3"]);
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    let script = "
import io, tarfile
out = tarfile.open('tar', 'w', format=tarfile.PAX_FORMAT)
def add(name, **headers):
    info = tarfile.TarInfo(name); info.size = 2; info.pax_headers = headers
    out.addfile(info, io.BytesIO(b'x\\n'))
add('tool', **{'SCHILY.xattr.user.a': 'x\\n12 path=bad\\n\\n'})
add('d/' + 'n' * 120 + '\\nline\\n')
add('next'); add('last')
out.close()
";
    oracles::content(folder, "python3", &["-c", script]);
    same_as_libarchive(folder, "tar");
    let listed = listing(folder, "tar");
    let paths: Vec<&str> = entries(&listed)
        .iter()
        .map(|e| e["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths[0], "/tool");
    assert!(
        paths[1].ends_with("n\nline\n") && paths[2] == "/next",
        "{paths:?}"
    );
}

#[test]
fn files_with_holes_have_their_whole_length() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    shell(
        folder,
        "mkdir root; cd root; truncate -s 3000000 holes; printf x | dd of=holes bs=1 seek=1500000 conv=notrunc status=none; echo after >next",
    );
    for format in ["gnu", "pax"] {
        shell(
            folder,
            &format!("tar -C root --format={format} -S -cf {format}.tar holes next"),
        );
        let listing = listing(folder, &format!("{format}.tar"));
        let rows = entries(&listing);
        assert_eq!(rows[0]["path"], "/holes", "{format}");
        assert_eq!(rows[0]["size"], 3_000_000, "{format}");
        assert_eq!(rows[1]["path"], "/next", "{format}");
        assert_eq!(rows[1]["size"], 6, "{format}");
    }
}

#[test]
fn iso_images_are_read_as_libarchive_reads_them() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    oracles::needs(["xorriso"]);
    sample(folder);
    let long = "n".repeat(240);
    let far = format!("{}end", "t/".repeat(400));
    shell(
        folder,
        &format!(
            "cd root; mkdir -p 1/2/3/4/5/6/7/8/9/10; echo deep >1/2/3/4/5/6/7/8/9/10/file
             echo x >{long}; ln -s / slash; ln -s ../../x up"
        ),
    );
    for (name, options) in [
        ("both", "-R -J"),
        ("plain-rock-ridge", "-R"),
        ("deep", "-R -D"),
    ] {
        let script = format!(
            "xorriso -as genisoimage -quiet -V cidata {options} -o {name}.iso root 2>/dev/null"
        );
        shell(folder, &script);
        same_as_libarchive(folder, &format!("{name}.iso"));
        assert_eq!(listing(folder, "both.iso")["members"][0]["label"], "cidata");
    }
    // A target that takes several fields. libarchive 3.6 forgets a slash between two of them; the kernel does not
    // (fs/isofs/rock.c), and the link itself says what is right.
    std::os::unix::fs::symlink(&far, folder.join("root/far")).unwrap();
    shell(
        folder,
        "xorriso -as genisoimage -quiet -R -o far.iso root 2>/dev/null",
    );
    let listing = listing(folder, "far.iso");
    let found = entries(&listing);
    let found = found.iter().find(|entry| entry["path"] == "/far").unwrap();
    assert_eq!(found["target"], far);
}
