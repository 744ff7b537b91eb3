//! A root in the initramfs whose boot loader was not told of the asset archive, was told of another node's, or gave a part of the
//! node's own payload only: the machine stops and says which file it lacks, rather than come up without its programs.

use std::path::Path;

use super::console::Console;
use super::{make_raw, needs_machines, pack, shell};
use crate::assets::shared::{json, project, shared};

const NODE: &str = "gpu-1.example.com";
const OTHER: &str = "edge-004";

/// What the console has of a machine that is to stop.
fn stopped(folder: &Path, argument: &str) -> String {
    let console = Console::of_failure(folder, || Console::of(folder, "both", argument, &[]));
    assert!(console.contains("Attempted to kill init"), "{console}");
    console
}

#[test]
fn a_root_in_the_initramfs_stops_without_its_archive() {
    needs_machines();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_raw(folder);
    pack(folder, "raw");
    let project = project("{secrets: inline, initramfs: {compression: none}}");
    project.good(&["build", "--format", "initramfs"]);
    let file = |name: &str| format!("'{}'", project.out().join(name).display());
    let index = json(&project.out().join("index.json"));
    let own = file(index[NODE]["initramfs.cpio"].as_str().unwrap());
    // One of the two is compressed, by settings of its own.
    let archive = |node: &str| shared(&project, node).into_values().next().unwrap();
    let argument = "rdinit=/usr/lib/nodebake/init";

    // In either order it comes up: the archives do not touch each other's files.
    for order in [[&file(&archive(NODE)), &own], [&own, &file(&archive(NODE))]] {
        let [first, second] = order;
        shell(folder, &format!("cat base {first} {second} >both"));
        let console = Console::of(folder, "both", argument, &[]);
        assert!(console.paths().contains_key("/usr/local/bin/tool"));
    }

    let name = archive(NODE).replace("shared/", "");
    shell(folder, &format!("cat base {own} >both"));
    let said = stopped(folder, argument);
    let lacks = format!("nodebake: the initrd lacks {name}, which this node needs");
    assert!(said.contains(&lacks), "{said}");

    let other = archive(OTHER).replace("shared/", "");
    shell(
        folder,
        &format!("cat base {} {own} >both", file(&archive(OTHER))),
    );
    let said = stopped(folder, argument);
    assert!(
        said.contains(&lacks) && said.contains(&format!("(there is {other})")),
        "{said}"
    );

    // Cut within its largest file, after everything that the boot itself needs.
    let cut = format!(
        "head -c 200000 {} >cut; cat base {own} cut >both",
        file(&archive(NODE))
    );
    shell(folder, &cut);
    let said = stopped(folder, argument);
    assert!(said.contains(&lacks), "{said}");

    // The node's own payload, cut before its last member.
    let cut = format!(
        "size=$(wc -c <{own}); head -c $((size - 1000)) {own} >cut; cat base {} cut >both",
        file(&archive(NODE))
    );
    shell(folder, &cut);
    let said = stopped(folder, argument);
    assert!(
        said.contains("not all of the node's initramfs payload was unpacked"),
        "{said}"
    );
}
