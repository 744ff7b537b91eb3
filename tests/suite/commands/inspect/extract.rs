//! `inspect --extract`: what is written is what tar and cpio write, and nothing is written anywhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::{sample, shell};
use crate::support::fixture::text;
use crate::support::oracles;
use crate::support::sample::unpacked;
use crate::support::tool::nodebake;

fn extract(folder: &Path, file: &str, to: &str) -> std::process::Output {
    nodebake(folder, &["inspect", file, "--extract", to]).run()
}

#[test]
fn archives_come_out_as_they_went_in() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    sample(folder);
    shell(
        folder,
        "rm root/etc/pipe; chmod 0755 root/etc/d root/usr/bin/tool; ln root/etc/a root/etc/hard",
    );
    shell(
        folder,
        "(cd root; find . | LC_ALL=C sort | cpio -o -H newc --quiet) | gzip >initrd
         tar -C root -cf tarball .",
    );
    let mut expected = unpacked(&folder.join("root"));
    if oracles::present("xorriso") {
        shell(
            folder,
            "xorriso -as genisoimage -quiet -R -o iso root 2>/dev/null",
        );
    }
    for row in expected.values_mut() {
        (row.uid, row.gid) = (0, 0);
    }
    for file in ["initrd", "tarball", "iso"] {
        if !folder.join(file).exists() {
            continue;
        }
        let output = extract(folder, file, &format!("{file}.out"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut found = unpacked(&folder.join(format!("{file}.out")));
        for row in found.values_mut() {
            (row.uid, row.gid) = (0, 0);
        }
        assert_eq!(found, expected, "{file}");
    }
    if oracles::present("unmkinitramfs") {
        oracles::content(folder, "unmkinitramfs", &["initrd", "theirs"]);
        let mut theirs = unpacked(&folder.join("theirs"));
        for row in theirs.values_mut() {
            (row.uid, row.gid) = (0, 0);
        }
        assert_eq!(theirs, expected, "unmkinitramfs");
    }
    let again = extract(folder, "initrd", "initrd.out");
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("not empty"));
}

#[test]
fn a_broken_file_leaves_no_folder() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    sample(folder);
    shell(
        folder,
        "tar -C root -cf whole etc usr; head -c 60000 whole >cut",
    );
    let output = extract(folder, "cut", "out");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("/etc/a"),
        "what is before is listed"
    );
    let left = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["cut", "root", "whole"]);
}

/// A tarball with any names at all, made by Python's tarfile.
fn tarball(folder: &Path, name: &str, body: &str) {
    let script = format!(
        "
import io, tarfile
out = tarfile.open('{name}', 'w')
def add(name, kind=tarfile.REGTYPE, target='', data=b''):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(data)
    out.addfile(info, io.BytesIO(data))
def link(name, target): add(name, tarfile.SYMTYPE, target)
def hard(name, target): add(name, tarfile.LNKTYPE, target)
{body}
out.close()
"
    );
    oracles::content(folder, "python3", &["-c", &script]);
}

#[test]
fn no_path_leaves_the_folder_and_no_link_is_followed() {
    oracles::needs(["python3"]);
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    fs::create_dir(folder.join("outside")).unwrap();
    fs::write(folder.join("outside/secret"), "secret\n").unwrap();
    let outside = folder.join("outside").display().to_string();
    let attacks = [
        ("add('../outside/new', data=b'x')", "leads out"),
        ("add('a/../../outside/new', data=b'x')", "leads out"),
        ("add('/etc/absolute', data=b'x')", ""),
        (
            "link('l', '../outside'); add('l/new', data=b'x')",
            "not a directory",
        ),
        (
            &format!("link('l', '{outside}'); add('l/new', data=b'x')"),
            "not a directory",
        ),
        ("link('l', '../outside/new'); add('l', data=b'x')", ""),
        (
            "link('l', '../outside/secret'); hard('h', 'l'); add('h', data=b'x')",
            "no file that is here",
        ),
        ("hard('h', '../outside/secret')", "leads out"),
        (
            "link('a', 'b'); link('b', 'a'); add('a/x', data=b'x')",
            "not a directory",
        ),
        (
            "link('d', '../outside'); add('d', tarfile.DIRTYPE); add('d/new', data=b'x')",
            "in its place",
        ),
        (
            "add('f', data=b'1'); add('f/below', data=b'x')",
            "not a directory",
        ),
        (
            "add('d/x', data=b'1'); add('d', data=b'x')",
            "directory is in its place",
        ),
        ("hard('self', 'self')", "no file that is here"),
        ("add('.', data=b'x')", "directory is in its place"),
        ("add('c', tarfile.CHRTYPE)", "not a file, directory or link"),
    ];
    for (number, (body, said)) in attacks.iter().enumerate() {
        let (file, out) = (format!("{number}.tar"), format!("{number}.out"));
        tarball(folder, &file, body);
        let output = extract(folder, &file, &out);
        assert!(output.status.success(), "{body}: {}", text(&output.stderr));
        let listed = text(&output.stdout);
        if said.is_empty() {
            assert!(!listed.contains("note:"), "{body}: {listed}")
        } else {
            assert!(listed.contains(said), "{body}: {listed}")
        }
        assert_eq!(
            fs::read(folder.join("outside/secret")).unwrap(),
            b"secret\n",
            "{body}"
        );
        assert_eq!(
            fs::read_dir(folder.join("outside")).unwrap().count(),
            1,
            "{body}"
        );
    }
    assert_eq!(fs::read(folder.join("2.out/etc/absolute")).unwrap(), b"x");
}

#[test]
fn secrets_stay_private_and_special_bits_are_dropped() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    sample(folder);
    shell(folder, "tar -C root -cf tarball etc/a usr/bin/tool");
    let output = extract(folder, "tarball", "out");
    assert!(output.status.success());
    let mode = |path: &str| {
        fs::metadata(folder.join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(mode("out"), 0o700);
    assert_eq!(mode("out/etc/a"), 0o600);
    assert_eq!(mode("out/usr/bin/tool"), 0o755);
}

/// Paths that no file system holds, or that make a folder which nothing can remove, are left out; the rest comes out.
#[test]
fn paths_that_are_too_long_or_too_deep_are_left_out() {
    oracles::needs(["python3"]);
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    let body = "
add('n' * 300, data=b'x'); link('l', 't' * 4096)
add('d/' * 2000 + 'f', data=b'x'); add('e/' * 255 + 'f', data=b'x'); add('z', data=b'x')";
    tarball(folder, "tar", body);
    let script = "ulimit -n 512; exec \"$0\" \"$@\"";
    let output = nodebake(folder, &["inspect", "tar", "--extract", "out"])
        .below(script)
        .run();
    let listed = text(&output.stdout);
    assert!(output.status.success(), "{listed}{}", text(&output.stderr));
    for said in [
        "is longer than names are",
        "its target is not a path",
        "it is too deep",
    ] {
        assert!(listed.contains(said), "{said}: {listed}");
    }
    assert!(
        folder.join("out/z").exists()
            && folder.join("out").join("e/".repeat(255)).join("f").exists()
    );
    // A folder of ours can be removed by us: a run that fails leaves nothing.
    let mut bytes = fs::read(folder.join("tar")).unwrap();
    let last = bytes
        .chunks(512)
        .position(|block| block.starts_with(b"z\0"));
    bytes[last.unwrap() * 512 + 150] = b'9';
    fs::write(folder.join("cut"), bytes).unwrap();
    fs::remove_dir_all(folder.join("out")).unwrap();
    let output = nodebake(folder, &["inspect", "cut", "--extract", "out"])
        .below(script)
        .run();
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.join(".out.nodebake-extract").exists());
}

/// cpio's hard links: the last name brings the content, when the file has its mode already.
#[test]
fn read_only_files_with_several_names_come_out_for_whoever_asks() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    shell(
        folder,
        "chmod 755 .; mkdir r; echo content >r/a; ln r/a r/b; ln r/a r/c; chmod 0440 r/a
         (cd r; printf 'a\\nb\\nc\\n' | cpio -o -H newc --quiet) >cpio; chmod 644 cpio; mkdir -m 777 for-all",
    );
    // Root writes whatever the mode is.
    let script = if oracles::root() && oracles::present("setpriv") {
        "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" \"$@\""
    } else {
        "exec \"$0\" \"$@\""
    };
    let output = nodebake(folder, &["inspect", "cpio", "--extract", "for-all/out"])
        .below(script)
        .run();
    assert!(output.status.success(), "{}", text(&output.stderr));
    for name in ["a", "b", "c"] {
        let path = folder.join("for-all/out").join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), "content\n");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o440
        );
    }
}

#[test]
fn what_a_killed_run_left_is_no_hindrance() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path();
    sample(folder);
    shell(
        folder,
        "tar -C root -cf tarball etc/a; mkdir -p .out.nodebake-extract/etc; echo half >.out.nodebake-extract/etc/b",
    );
    let output = extract(folder, "tarball", "out");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(folder.join("out/etc/a").exists() && !folder.join("out/etc/b").exists());
    assert!(!folder.join(".out.nodebake-extract").exists());
}
