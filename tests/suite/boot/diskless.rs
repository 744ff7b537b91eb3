//! Overlays over a root that is the initramfs itself.

use super::console::Console;
use super::{make_raw, needs_machines, pack, pairs, within};
use crate::formats::initrd::{append, built, kernel_arguments};

#[test]
fn a_root_in_the_initramfs_has_the_nodes_tree() {
    needs_machines();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_raw(folder);
    pack(folder, "gzip");
    let bare = Console::of(folder, "base", "", &[]);
    assert!(
        !bare.says("NODE containers can start"),
        "on the kernel's rootfs pivot_root must fail, or the init shim proves nothing"
    );
    let base = bare.paths();
    for (compression, shape) in pairs(("zstd", "lz4")) {
        println!("{compression} after {shape}");
        let project = built(&format!("{{initramfs: {{compression: {compression}}}}}"));
        pack(folder, shape);
        let said = append(&project, &within(folder, "base"), &within(folder, "both")).good();
        let arguments = kernel_arguments(&said);
        let console = Console::of(folder, "both", &arguments, &[]);
        assert!(
            console.says("NODE containers can start"),
            "{compression} after {shape}: {console}"
        );
        // The kernel unpacks the microcode with everything else.
        let ours = ["/usr/lib/nodebake/", "/mnt", "/kernel/"];
        console.has_tree(&project, &base, &ours);
    }
}
