//! How much memory a root in the initramfs needs: the kernel itself is asked, with less of it than we say and with enough.

use std::fs;

use super::console::Console;
use super::{make_raw, needs_machines, pack, within};
use crate::formats::initrd::{NODE, append, built, kernel_arguments};
use crate::support::fixture::sha256;

/// A file so large that what the kernel takes for itself does not matter, in bytes.
const LARGE: usize = 160 << 20;

#[test]
fn with_less_memory_than_is_said_the_files_do_not_come_up() {
    needs_machines();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_raw(folder);
    pack(folder, "gzip");
    let project = built("{formats: [initramfs]}");
    let large = vec![0; LARGE];
    fs::write(project.dir.join("large"), &large).unwrap();
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let asset = format!("{{source: large, sha256: {}}}", sha256(&large));
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        &format!("    profiles: [gpu]\n    assets: {{/opt/large: {asset}}}\n"),
    );
    fs::write(&file, changed).unwrap();
    let said = project.good(&["check"]);
    assert!(
        said.contains(&format!(
            "321 MiB of memory beside kernel and base initrd ({NODE})"
        )),
        "{said}"
    );
    project.good(&["build"]);
    let said = append(&project, &within(folder, "base"), &within(folder, "both")).good();
    let arguments = kernel_arguments(&said);
    // A compressed archive and the file in it would fit by far; the kernel takes more than half of the memory.
    let console = Console::of_failure(folder, || {
        Console::of(folder, "both", &arguments, &["-m", "320"])
    });
    assert!(console.contains("write error"), "{console}");
    let enough = Console::of(folder, "both", &arguments, &["-m", "512"]);
    let path = enough.paths().remove("/opt/large").unwrap();
    assert!(path.ends_with(&sha256(&large)), "{path}");
}
