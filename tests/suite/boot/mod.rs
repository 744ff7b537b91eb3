//! Virtual machines that boot Debian's kernel from what we make (QEMU without KVM, no network): what the booted system
//! has is what tree.json says. Seconds each, with an emulator and a kernel that only `make boots` installs;
//! FULL=1 boots every base with every compression.

mod console;
mod copy_to_root;
mod coreos_live;
mod diskless;
mod fetched_secrets;
mod ignition;
mod links;
mod memory;
mod missing_archive;
mod network;
mod pxe;
mod sealed;
mod seed;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::oracles::{self, Target};

/// Prints every path of the running system, one a line between two marks, and switches the machine off. Its own lines
/// have a mark each: the kernel writes to the same console.
const REPORT: &str = r#"#!/bin/sh
PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc 2>/dev/null; mount -t devtmpfs dev /dev 2>/dev/null
echo 1 >/proc/sys/kernel/printk
echo "NODE cmdline $(cat /proc/cmdline)"
preset=/etc/systemd/system-preset/20-ignition.preset
[ ! -e $preset ] || while read -r line; do echo "NODE $line"; done <$preset
find / -xdev ! -path '/proc*' ! -path '/dev*' | while read -r path; do
    facts=$(stat -c '%a %u %g' "$path")
    if [ -L "$path" ]; then
        echo "NODE l $facts $(readlink "$path") $path"
    elif [ -d "$path" ]; then
        echo "NODE d $facts - $path"
    else
        set -- $(sha256sum "$path")
        echo "NODE f $facts $1 $path"
    fi
done
mkdir -p /tmp/new && mount -t tmpfs new /tmp/new && mkdir /tmp/new/old /tmp/new/bin
cp /bin/busybox /tmp/new/bin
cd /tmp/new && unshare -m /bin/busybox sh -c 'pivot_root . old' && echo "NODE containers can start"
echo "NODE end"
sync
poweroff -f
"#;

/// Ends the running test as ignored where no machine can be booted.
fn needs_machines() {
    Target::Boots.must_run("QEMU with Debian's kernel");
    Target::Boots.needs([
        "qemu-system-x86_64",
        "kernel-cloud",
        "busybox-static",
        "mke2fs",
    ]);
}

/// What `make boots` unpacked or made.
fn unpacked(path: &str) -> PathBuf {
    let oracles = oracles::folder();
    let found = oracles.join(path);
    assert!(
        found.exists(),
        "{} is missing; `make boots` brings it",
        found.display()
    );
    found
}

fn shell(folder: &Path, script: &str) {
    oracles::content(folder, "sh", &["-euc", script]);
}

/// A small system: busybox and a report.
fn make_root(folder: &Path, name: &str) {
    let report = folder.join("report");
    fs::write(&report, REPORT).unwrap();
    shell(
        folder,
        &format!(
            "umask 022; mkdir -p {name}/bin {name}/sbin {name}/dev {name}/proc {name}/run {name}/tmp {name}/etc
             cp \"$(command -v busybox-static)\" {name}/bin/busybox; chmod 755 {name}/bin/busybox
             for tool in sh mount umount chroot find stat readlink sha256sum cp mkdir poweroff sync grep cat mv rm ln chown chmod unshare pivot_root mountpoint insmod; do
                 ln -s busybox {name}/bin/$tool; done
             cp report {name}/sbin/init; chmod 755 {name}/sbin/init; ln -s sbin/init {name}/init"
        ),
    );
}

/// The unpacked kernel.
fn kernel(folder: &Path) -> String {
    let script = "IFS=:; for folder in $PATH; do [ ! -e $folder/kernel-cloud ] || { readlink -f $folder/kernel-cloud; break; }; done";
    let found = oracles::content(folder, "sh", &["-c", script]);
    found.trim().to_owned()
}

fn within(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// The small system as an initrd that nothing packs: `raw`.
fn make_raw(folder: &Path) {
    make_root(folder, "root");
    shell(
        folder,
        "(cd root; find . | LC_ALL=C sort | cpio -o -H newc --quiet) >raw",
    );
}

/// The shapes of a base: how an initrd is packed, and what is allowed before it.
const SHAPES: [(&str, &str); 7] = [
    ("gzip", "gzip -n <raw >base"),
    ("raw", "cp raw base"),
    ("xz", "xz -1 --check=crc32 -c <raw >base"),
    ("zstd", "zstd -qc <raw >base"),
    ("lz4", "lz4 -l -qc <raw >base"),
    ("microcode", "{ cat early; gzip -nc raw; } >base"),
    (
        "odd",
        "{ gzip -nc raw; printf '\\0'; } >base; while [ $(($(wc -c <base) % 4)) != 1 ]; do printf '\\0' >>base; done",
    ),
];

/// Makes `base` of `raw` in one of the shapes.
fn pack(folder: &Path, shape: &str) {
    let (_, script) = SHAPES.iter().find(|(name, _)| *name == shape).unwrap();
    let early = "mkdir -p e/kernel/x86/microcode; head -c 999 /dev/zero >e/kernel/x86/microcode/GenuineIntel.bin
         (cd e; find . | cpio -o -H newc --quiet) >early";
    shell(folder, &format!("{early}\n{script}"));
}

/// The compressions of payloads and the shapes of bases that are asked: with FULL=1 each with each, one shape after the
/// other.
fn pairs(chosen: (&'static str, &'static str)) -> Vec<(&'static str, &'static str)> {
    if std::env::var_os("FULL").is_none() {
        return vec![chosen];
    }
    let with_all = |(shape, _)| ["gzip", "none", "zstd", "xz"].map(|payload| (payload, shape));
    SHAPES.map(with_all).concat()
}
