//! Overlays that an initrd copies to the root on the disk: bases made by hand, and those that Debian's own tools make.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::console::Console;
use super::{make_root, needs_machines, pack, pairs, shell, unpacked, within};
use crate::formats::initrd::{append, built, node};
use crate::node::upgrade;
use crate::support::fixture::Project;
use crate::support::oracles::Target;

/// An initrd of initramfs-tools: its own init and scripts, with busybox for its tools.
fn make_initramfs_tools(folder: &Path) {
    make_root(folder, "tools");
    let share = unpacked("initramfs-tools/usr/share/initramfs-tools");
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
             find . | LC_ALL=C sort | cpio -o -H newc --quiet >../raw",
            share = share.display(),
            modules = unpacked("kernel/lib/modules").display(),
        ),
    );
}

#[test]
fn a_disk_root_gets_the_nodes_tree_from_initramfs_tools() {
    needs_machines();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_initramfs_tools(folder);
    make_root(folder, "disk");
    // What is there before: a link where the node's files go, a mode of the image's own, an old file.
    shell(
        folder,
        "mkdir -p disk/root disk/sys disk/var/real disk/usr; chmod 700 disk/root; mkdir disk/etc/kubernetes; chmod 750 disk/etc/kubernetes
         ln -s /var/real disk/usr/local; echo old >disk/etc/hostname; mkdir disk/lib64
         truncate -s 64M fresh; mke2fs -q -t ext4 -d disk fresh; cp fresh image",
    );
    let disk = ["-drive", "file=image,if=virtio,format=raw"];
    pack(folder, "gzip");
    let bare = Console::of(folder, "base", "root=/dev/vda", &disk);
    assert!(bare.says("last of the base"), "{bare}");
    let base = bare.paths();
    for (compression, shape) in pairs(("xz", "zstd")) {
        println!("{compression} after {shape}");
        pack(folder, shape);
        shell(folder, "cp fresh image");
        let project = built(&format!(
            "{{secrets: separate, initramfs: {{mode: copyToRoot, compression: {compression}}}}}"
        ));
        append(&project, &within(folder, "base"), &within(folder, "both")).good();
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
    }
    // A second boot with the same payload leaves alone what changed since then.
    shell(folder, "debugfs -w -R 'rm /etc/hostname' image 2>/dev/null");
    let again = Console::of(folder, "both", "root=/dev/vda", &disk);
    assert!(!again.paths().contains_key("/etc/hostname"));
    // A file system of its own would hide what is written below its mount point: nothing is copied then.
    shell(
        folder,
        "echo '/dev/vdb /etc/kubernetes ext4 defaults 0 2' >fstab
         printf 'rm /etc/nodebake/copied.files\\nwrite fstab /etc/fstab\\n' | debugfs -w -f - image >/dev/null 2>&1",
    );
    // It must not come up without the node's files.
    let said = Console::of_failure(folder, || {
        Console::of(folder, "both", "root=/dev/vda", &disk)
    });
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
    needs_machines();
    Target::Boots.needs(["../initrds/initrd-dracut"]);
    let made = unpacked("initrds");
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_root(folder, "disk");
    shell(
        folder,
        "mkdir -p disk/root disk/sys disk/usr disk/var/lib; chmod 700 disk/root; mkdir disk/lib64
         ln -s /var/own disk/var/lib/chrony; ln -s /var/real disk/usr/local; mkdir -p disk/usr/lib
         mkdir disk/etc/selinux; echo SELINUX=enforcing >disk/etc/selinux/config
         printf '#!/bin/sh\\n[ \"$2\" = -r ] || cat >>/etc/labelled\\n' >disk/sbin/setfiles
         printf '#!/bin/sh\\necho \"$2\" >>/etc/labelled\\n' >disk/sbin/chcon; chmod 755 disk/sbin/setfiles disk/sbin/chcon
         echo ID=test >disk/etc/os-release; truncate -s 64M fresh; mke2fs -q -t ext4 -d disk fresh",
    );
    let disk = ["-drive", "file=image,if=virtio,format=raw"];
    let kernel = made.join("kernel").display().to_string();
    let copied = |lines: &str| {
        let project = Project::of("modern");
        let output = "{secrets: inline, initramfs: {mode: copyToRoot}}";
        upgrade::write(&project, output, lines, 3);
        project.good(&["build"]);
        project
    };
    let project = copied(&upgrade::BEFORE.replace(", chrony: null", ""));
    let next = copied(upgrade::AFTER);
    for name in ["initrd-dracut", "initrd-initramfs-tools"] {
        let initrd = made.join(name).display().to_string();
        let boot =
            |initrd: &str| Console::of_kernel(folder, &kernel, (initrd, "root=/dev/vda rw"), &disk);
        shell(folder, "cp fresh image");
        let base = boot(&initrd).paths();
        shell(folder, "cp fresh image");
        append(&project, &initrd, &within(folder, "both")).good();
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
            console
        );
        assert!(!console.paths().contains_key("/etc/nodebake/unlabelled"));
        // The next payload takes back what this one brought, but for folders that were made on the way.
        append(&next, &initrd, &within(folder, "both")).good();
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
