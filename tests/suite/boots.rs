//! Virtual machines that boot Debian's kernel from what we make (QEMU without KVM, no network): what the booted system
//! has is what tree.json says. Seconds each, with an emulator and a kernel that only `make boots` installs;
//! FULL=1 boots every base with every compression.

mod memory;
mod missing_layer;
mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::initrd::{append, built, node};
use crate::judges::{self, Target};
use crate::project::Project;
use crate::upgrade;

/// A boot takes some five seconds; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(420);

/// Prints every path of the running system, one a line between two marks, and switches the machine off. Its own lines
/// have a mark each: the kernel writes to the same console.
const REPORT: &str = r#"#!/bin/sh
PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t proc proc /proc 2>/dev/null; mount -t devtmpfs dev /dev 2>/dev/null
echo 1 >/proc/sys/kernel/printk
echo "NODE cmdline $(cat /proc/cmdline)"
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

/// Whether machines can be booted here.
fn can_boot() -> bool {
    Target::Boots.asks("QEMU with Debian's kernel")
        && Target::Boots.has("qemu-system-x86_64")
        && Target::Boots.has("kernel-cloud")
        && Target::Boots.has("busybox-static")
        && Target::Boots.has("mke2fs")
}

fn full() -> bool {
    std::env::var_os("FULL").is_some()
}

fn shell(folder: &Path, script: &str) {
    let _ = judges::content(folder, "sh", &["-euc", script]);
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
    let found = judges::content(folder, "sh", &["-c", script]);
    found.trim().to_owned()
}

/// What a boot left on the console.
struct Console(String);

impl Console {
    /// Boots until the machine switches itself off.
    fn of(folder: &Path, initrd: &str, append: &str, more: &[&str]) -> Self {
        let kernel = kernel(folder);
        Self::of_kernel(folder, &kernel, (initrd, append), more)
    }

    /// The same with a kernel of its own.
    fn of_kernel(
        folder: &Path,
        kernel: &str,
        (initrd, append): (&str, &str),
        more: &[&str],
    ) -> Self {
        // An emulated timer may be late on a busy host; a kernel that tests it would panic.
        let append = format!("console=ttyS0 panic=-1 no_timer_check {append}");
        let mut args = vec!["-nic", "none", "-kernel", kernel];
        args.extend(["-initrd", initrd, "-append", &append]);
        args.extend(more);
        Self::of_machine(folder, initrd, &args)
    }

    /// The same of a machine that finds for itself what to boot.
    fn of_machine(folder: &Path, what: &str, args: &[&str]) -> Self {
        let mut command = judges::command(folder, "qemu-system-x86_64");
        let _ = command
            .args([
                "-machine", "q35", "-cpu", "max", "-accel", "tcg", "-m", "512",
            ])
            .args(["-display", "none", "-monitor", "none", "-no-reboot"])
            .args(["-serial", "file:console"])
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        loop {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                let _ = child.wait().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let said = fs::read(folder.join("console")).unwrap();
        let console = Self(String::from_utf8_lossy(&said).replace('\r', ""));
        for trouble in [
            "invalid magic",
            "write error",
            "junk",
            "Kernel panic",
            "Initramfs unpacking failed",
        ] {
            assert!(!console.0.contains(trouble), "{what}: {}", console.0);
        }
        assert!(console.0.contains("NODE end"), "{what}: {}", console.0);
        console
    }

    fn says(&self, line: &str) -> bool {
        self.0.lines().any(|said| said.ends_with(line))
    }

    /// Path → type, mode, owners, digest or target.
    fn paths(&self) -> BTreeMap<String, String> {
        let lines = self
            .0
            .lines()
            .filter_map(|line| line.split_once("NODE ").map(|(_, line)| line));
        let entry = |line: &str| {
            let (facts, path) = line.split_once(" /")?;
            // A link's target may begin with a slash itself.
            let (facts, path) = match (facts.starts_with('l'), path.split_once(" /")) {
                (true, Some((target, path))) => (format!("{facts} /{target}"), path),
                _ => (facts.to_owned(), path),
            };
            Some((format!("/{path}"), facts))
        };
        lines.filter_map(entry).collect()
    }

    /// Asserts that the system has all that the tree promises, and nothing of ours beside it.
    fn has_tree(&self, project: &Project, base: &BTreeMap<String, String>, ours: &[&str]) {
        let tree = fs::read(node(project).join("tree.json")).unwrap();
        let tree: Value = serde_json::from_slice(&tree).unwrap();
        self.has_entries(tree["entries"].as_array().unwrap(), base, ours);
    }

    fn has_entries(&self, entries: &[Value], base: &BTreeMap<String, String>, ours: &[&str]) {
        let mut found = self.paths();
        assert!(entries.len() > 10);
        for entry in entries {
            let path = entry["path"].as_str().unwrap();
            let kind = &entry["type"].as_str().unwrap()[..1];
            let kind = if kind == "s" { "l" } else { kind };
            let mode = entry["mode"].as_str().unwrap().trim_start_matches('0');
            let body = match kind {
                "f" => entry["sha256"].as_str().unwrap(),
                "l" => entry["target"].as_str().unwrap(),
                _ => "-",
            };
            let expected = format!("{kind} {mode} {} {} {body}", entry["uid"], entry["gid"]);
            // What lies below the image's own link lies behind it, and a directory may be one.
            let link = |path: &str| {
                let facts = base.get(path)?;
                facts
                    .starts_with('l')
                    .then(|| facts.rsplit(' ').next().unwrap())
            };
            let path = match (path.strip_prefix("/usr/local"), link(path)) {
                (Some(rest), _) if link("/usr/local").is_some() => format!("/var/real{rest}"),
                (_, Some(target)) if kind == "d" => target.to_owned(),
                _ => path.to_owned(),
            };
            assert_eq!(found.remove(&path), Some(expected), "{path}");
        }
        for (path, facts) in found {
            let is_above = entries.iter().any(|entry| {
                let below = entry["path"].as_str().unwrap();
                facts.starts_with("d 755 0 0") && below.starts_with(&format!("{path}/"))
            });
            let activation = path.contains(".wants")
                || path.contains(".requires")
                || path.contains("system-preset");
            let known = base.contains_key(&path) || path.starts_with("/tmp/");
            let of_mode = ours
                .iter()
                .any(|ours| ours.starts_with(&path) || path.starts_with(ours));
            assert!(
                is_above || activation || known || of_mode,
                "{path}: {facts}"
            );
        }
    }
}

fn within(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// The bases: how an initrd is packed, and what may stand before it.
const BASES: [(&str, &str); 7] = [
    ("gzip", "gzip -n <raw >base"),
    ("raw", "cp raw base"),
    ("xz", "xz --check=crc32 -c <raw >base"),
    ("zstd", "zstd -qc <raw >base"),
    ("lz4", "lz4 -l -qc <raw >base"),
    ("microcode", "{ cat early; gzip -nc raw; } >base"),
    (
        "odd",
        "{ gzip -nc raw; printf '\\0'; } >base; while [ $(($(wc -c <base) % 4)) != 1 ]; do printf '\\0' >>base; done",
    ),
];

#[test]
fn a_root_in_the_initramfs_has_the_nodes_tree() {
    if !can_boot() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_root(folder, "root");
    shell(
        folder,
        "(cd root; find . | LC_ALL=C sort | cpio -o -H newc --quiet) >raw
         mkdir -p e/kernel/x86/microcode; head -c 999 /dev/zero >e/kernel/x86/microcode/GenuineIntel.bin
         (cd e; find . | cpio -o -H newc --quiet) >early; gzip -nc raw >plain",
    );
    let bare = Console::of(folder, "plain", "", &[]);
    assert!(
        !bare.says("NODE containers can start"),
        "on the kernel's rootfs pivot_root must fail, or the hop proves nothing"
    );
    let base = bare.paths();
    let compressions: &[&str] = match full() {
        true => &["gzip", "none", "zstd", "xz"],
        false => &["zstd"],
    };
    let bases = if full() { &BASES[..] } else { &BASES[4..5] };
    for compression in compressions {
        let project = built(&format!("{{initramfs: {{compression: {compression}}}}}"));
        for (name, pack) in bases {
            shell(folder, pack);
            let said = append(&project, &within(folder, "base"), &within(folder, "both")).good();
            let argument = said.trim().rsplit(' ').next().unwrap();
            let console = Console::of(folder, "both", argument, &[]);
            assert!(
                console.says("NODE containers can start"),
                "{name}: {}",
                console.0
            );
            // The kernel unpacks the microcode with everything else.
            let ours = ["/usr/lib/nodebake/", "/mnt", "/kernel/"];
            console.has_tree(&project, &base, &ours);
        }
    }
}

/// The folder with the kernel's modules.
fn modules() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("judges")
        .join("kernel/lib/modules")
}

/// An initrd of initramfs-tools: its own init and scripts, with busybox for its tools.
fn make_initramfs_tools(folder: &Path) {
    make_root(folder, "tools");
    let share = modules()
        .ancestors()
        .nth(3)
        .unwrap()
        .join("initramfs-tools/usr/share/initramfs-tools");
    shell(
        folder,
        &format!(
            "umask 022; cd tools; rm init; cp {share}/init init; cp -r {share}/scripts scripts
             mkdir -p conf/conf.d etc var root sys drivers scripts/init-premount scripts/init-bottom
             for tool in modprobe sleep blkid sed tr cut mknod logger setsid ls seq switch_root; do ln -s busybox bin/$tool; done
             printf '#!/bin/sh\\n' >bin/udevadm
             printf '#!/bin/sh\\nexec switch_root \"$1\" \"$2\"\\n' >bin/run-init
             printf '#!/bin/sh\\necho FSTYPE=ext4\\n' >bin/fstype; chmod 755 bin/run-init bin/fstype bin/udevadm
             printf 'BUSYBOX=y\\nKEYMAP=n\\nBOOT=local\\nRUNSIZE=10%%\\nquiet=n\\n' >conf/initramfs.conf
             echo DPKG_ARCH=amd64 >conf/arch.conf
             for folder in scripts/*/; do : >$folder/ORDER; done
             for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
                 find {modules} -name $module.ko -exec cp '{{}}' drivers/ ';'; done
             printf '#!/bin/sh\\nfor m in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do insmod /drivers/$m.ko; done\\n' >scripts/init-premount/drivers
             chmod 755 scripts/init-premount/drivers; echo '/scripts/init-premount/drivers' >scripts/init-premount/ORDER
             printf '#!/bin/sh\\necho last of the base\\nmount -o move /dev $rootmnt/dev\\n' >scripts/init-bottom/own; chmod 755 scripts/init-bottom/own
             echo '/scripts/init-bottom/own' >scripts/init-bottom/ORDER
             find . | LC_ALL=C sort | cpio -o -H newc --quiet | zstd -q >../base",
            share = share.display(),
            modules = modules().display(),
        ),
    );
}

#[test]
fn a_disk_root_gets_the_nodes_tree_from_initramfs_tools() {
    if !can_boot() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_initramfs_tools(folder);
    make_root(folder, "disk");
    // What is there before: a link where the node's files go, a mode of the image's own, an old file.
    shell(
        folder,
        "mkdir -p disk/root disk/sys disk/var/real disk/usr; chmod 700 disk/root; mkdir disk/etc/kubernetes; chmod 750 disk/etc/kubernetes
         ln -s /var/real disk/usr/local; echo old >disk/etc/hostname; mkdir disk/lib64
         truncate -s 64M image; mke2fs -q -t ext4 -d disk image",
    );
    let disk = ["-drive", "file=image,if=virtio,format=raw"];
    let bare = Console::of(folder, "base", "root=/dev/vda", &disk);
    assert!(bare.says("last of the base"), "{}", bare.0);
    let base = bare.paths();
    let project = built("{secrets: separate, initramfs: {mode: carry, compression: xz}}");
    let _ = append(&project, &within(folder, "base"), &within(folder, "both")).good();
    let console = Console::of(folder, "both", "root=/dev/vda", &disk);
    assert!(
        console.says("last of the base"),
        "the base's own scripts still run"
    );
    let ours = ["/etc/nodebake/", "/var/real", "/lost+found"];
    console.has_tree(&project, &base, &ours);
    let paths = console.paths();
    assert_eq!(
        paths["/etc/kubernetes"], "d 750 0 0 -",
        "the image's own mode stays"
    );
    assert_eq!(paths["/root"], "d 700 0 0 -");
    assert!(paths.keys().all(|path| !path.contains("nodebake-new")));
    // A second boot with the same overlay leaves alone what changed since then.
    shell(folder, "debugfs -w -R 'rm /etc/hostname' image 2>/dev/null");
    let again = Console::of(folder, "both", "root=/dev/vda", &disk);
    assert!(!again.paths().contains_key("/etc/hostname"));
    // A file system of its own would hide what is written below its mount point: nothing is carried then.
    shell(
        folder,
        "echo '/dev/vdb /etc/kubernetes ext4 defaults 0 2' >fstab
         printf 'rm /etc/nodebake/carried.files\\nwrite fstab /etc/fstab\\n' | debugfs -w -f - image >/dev/null 2>&1",
    );
    let refused = std::panic::catch_unwind(|| Console::of(folder, "both", "root=/dev/vda", &disk));
    assert!(
        refused.is_err(),
        "it must not come up without the node's files"
    );
    let said = fs::read_to_string(folder.join("console")).unwrap();
    assert!(said.contains("which is not mounted yet"), "{said}");
}

/// The paths that tree.json lists and the links that enable units, without directories or with them.
fn listed(project: &Project, directories: bool) -> BTreeSet<String> {
    let tree = fs::read(node(project).join("tree.json")).unwrap();
    let tree: Value = serde_json::from_slice(&tree).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = tree["entries"].as_array().unwrap().iter();
    let entries = entries.filter(|entry| directories || entry["type"] != "directory");
    let units = tree["units"].as_array().unwrap().iter();
    let links = units.filter_map(|unit| unit["links"].as_array()).flatten();
    entries
        .map(|entry| text(&entry["path"]))
        .chain(links.map(text))
        .collect()
}

/// Debian's own tools make the initrds: dracut with systemd in it, and initramfs-tools.
#[test]
fn a_disk_root_gets_the_nodes_tree_from_initrds_as_distributions_make_them() {
    if !(can_boot() && Target::Boots.has("../initrds/initrd-dracut")) {
        return;
    }
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("judges");
    let made = made.join("initrds");
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_root(folder, "disk");
    shell(
        folder,
        "mkdir -p disk/root disk/sys disk/usr disk/var/lib; chmod 700 disk/root; mkdir disk/lib64
         ln -s /var/own disk/var/lib/chrony; ln -s /var/real disk/usr/local; mkdir -p disk/usr/lib
         mkdir disk/etc/selinux; echo SELINUX=enforcing >disk/etc/selinux/config
         printf '#!/bin/sh\\ncat \"$3\" >>/etc/labelled\\n' >disk/sbin/setfiles; chmod 755 disk/sbin/setfiles
         echo ID=test >disk/etc/os-release; truncate -s 64M fresh; mke2fs -q -t ext4 -d disk fresh",
    );
    let disk = ["-drive", "file=image,if=virtio,format=raw"];
    let kernel = made.join("kernel").display().to_string();
    let carried = |lines: &str| {
        let project = Project::of("modern");
        let output = "{secrets: inline, initramfs: {mode: carry}}";
        upgrade::write(&project, output, lines, 3);
        let _ = project.good(&["build"]);
        project
    };
    let project = carried(&upgrade::BEFORE.replace(", chrony: null", ""));
    let next = carried(upgrade::AFTER);
    for name in ["initrd-dracut", "initrd-initramfs-tools"] {
        let initrd = made.join(name).display().to_string();
        let boot =
            |initrd: &str| Console::of_kernel(folder, &kernel, (initrd, "root=/dev/vda rw"), &disk);
        shell(folder, "cp fresh image");
        let base = boot(&initrd).paths();
        shell(folder, "cp fresh image");
        let _ = append(&project, &initrd, &within(folder, "both")).good();
        let console = boot("both");
        let alias = "/etc/systemd/system/other.service";
        let ours = [
            "/etc/nodebake/",
            "/lost+found",
            "/var/real",
            "/var/own",
            "/etc/labelled",
            alias,
        ];
        console.has_tree(&project, &base, &ours);
        assert_eq!(console.paths()["/root"], "d 700 0 0 -", "{name}");
        // The root's own setfiles was asked, and what it is to label is done with.
        assert!(
            console.paths().contains_key("/etc/labelled"),
            "{name}: {}",
            console.0
        );
        assert!(!console.paths().contains_key("/etc/nodebake/unlabelled"));
        // The next overlay takes back what this one brought, but for folders that were made on the way.
        let _ = append(&next, &initrd, &within(folder, "both")).good();
        let console = boot("both");
        let left = ["/etc/systemd/system/", "/etc/chrony"];
        let ours: Vec<&str> = ours[..5].iter().copied().chain(left).collect();
        console.has_tree(&next, &base, &ours);
        let (before, after) = (listed(&project, false), listed(&next, true));
        let gone: Vec<&String> = before.difference(&after).collect();
        assert!(gone.len() > 10, "{gone:?}");
        let there = console.paths();
        for path in gone {
            let path = path.replace("/usr/local/", "/var/real/");
            assert!(!there.contains_key(&path), "{name}: {path} is still there");
        }
    }
}
