//! Payloads for CoreOS' live systems: the root is squashed, is in the initrd and has a tmpfs over it, there is no disk, and
//! Ignition takes config.ign from the payload.
//!
//! Debian's are Ignition and dracut, with its module for live systems; what CoreOS itself adds to these, the unit that hands
//! config.ign over, is in tests/oracle/boots/live.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::console::Console;
use super::{make_root, needs_machines, pack, pairs, shell, unpacked, within};
use crate::formats::initrd::{append, append_for, built, kernel_arguments, node};
use crate::support::machine::{self, Image, LIVE};
use crate::support::oracles;

/// Makes `raw`, the initrd of a live system: Debian's with Ignition, and beside it the small system.
pub fn make_live(folder: &Path) {
    make_root(folder, "root");
    // Debian's engine wants a policy, be it one that labels nothing.
    shell(
        folder,
        &format!(
            "umask 022; mkdir -p root/sys root/usr/lib root/etc/selinux/none/contexts/files; echo ID=test >root/etc/os-release
             printf 'SELINUX=disabled\\nSELINUXTYPE=none\\n' >root/etc/selinux/config
             echo '/.* <<none>>' >root/etc/selinux/none/contexts/files/file_contexts
             mksquashfs root root.img -quiet -no-progress
             zstd -dcfq {initrd} >raw; echo root.img | cpio -o -H newc --quiet >>raw",
            initrd = unpacked("ignition-image/initrd").display()
        ),
    );
}

/// Boots it until it switches itself off.
pub fn boot(folder: &Path, initrd: &str, arguments: &str, more: &[&str]) -> Console {
    let kernel = unpacked("ignition-image/kernel").display().to_string();
    let append = format!("{LIVE} {arguments}");
    let args = [&["-m", "768", "-smp", "2"], more].concat();
    Console::of_kernel(folder, &kernel, (initrd, &append), &args)
}

#[test]
fn a_live_system_has_the_nodes_tree() {
    needs_machines();
    oracles::needs(["mksquashfs"]);
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_live(folder);
    let mut base = None;
    let mut packed = "";
    for (compression, shape) in pairs(("xz", "microcode")) {
        println!("{compression} after {shape}");
        if packed != shape {
            pack(folder, shape);
            packed = shape;
        }
        let project = built(&format!(
            "{{initramfs: {{mode: coreosLive, compression: {compression}}}}}"
        ));
        let said = append(&project, &within(folder, "base"), &within(folder, "both")).good();
        let arguments = kernel_arguments(&said);
        // Without the payload Ignition has nothing to do, and the system is up all the same.
        let base = base.get_or_insert_with(|| boot(folder, "base", &arguments, &[]).paths());
        let console = boot(folder, "both", &arguments, &[]);
        console.has_tree(&project, base, &["/etc/.ignition-result.json"]);
        console.has_presets(&node(&project));
    }
}

impl Console {
    /// Ignition enables and masks what the tree says: systemd does it by the preset at the first boot.
    fn has_presets(&self, node: &Path) {
        let tree = fs::read(node.join("tree.json")).unwrap();
        let tree: Value = serde_json::from_slice(&tree).unwrap();
        let units = tree["units"].as_array().unwrap();
        assert!(units.len() > 3);
        for unit in units {
            let name = unit["name"].as_str().unwrap();
            if unit["masked"] == true {
                let mask = &self.paths()[&format!("/etc/systemd/system/{name}")];
                assert_eq!(mask, "l 777 0 0 /dev/null", "{name}");
            } else if let Some(enabled) = unit["enabled"].as_bool() {
                let verb = if enabled { "enable" } else { "disable" };
                assert!(
                    self.says(&format!("NODE {verb} {name}")),
                    "{verb} {name}: {self}"
                );
            }
        }
    }
}

#[test]
fn a_live_system_comes_up_with_its_units() {
    let image = Image::find("ignition-image", "a live system with Ignition");
    let output = "{formats: [ignition, initramfs], initramfs: {mode: coreosLive}}";
    let project = machine::project(output, "", machine::IGNITION_RESULT);
    let folder = project.scratch();
    // Systems of some size come as an archive of their own, as CoreOS' do.
    shell(
        folder,
        &format!(
            "ln {live} root.img || cp {live} root.img; cp {initrd} base; while [ $(($(wc -c <base) % 4)) != 0 ]; do printf '\\0' >>base; done
             echo root.img | cpio -o -H newc --quiet -L >>base; rm root.img",
            live = unpacked("ignition-image/live.img").display(),
            initrd = unpacked("ignition-image/initrd").display(),
        ),
    );
    let said = append_for(
        "n1",
        &project,
        &within(folder, "base"),
        &within(folder, "both"),
    )
    .good();
    let arguments = kernel_arguments(&said);
    let console = image.boot_live(folder, "both", &arguments);
    console.says("result", machine::IGNITION_WORKED);
    console.has_node(&project.out().join("nodes/n1"));
}
