//! The projects below `examples/`: each is checked, built and verified as a user would, and has a page.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::fixture::copy_all;
use crate::support::tool;

/// The folders of all examples.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.len() >= 6, "{folders:?}");
    folders
}

#[test]
fn each_is_built_without_a_finding() {
    let scratch = tempfile::tempdir().unwrap();
    // An example has no CA: it is that of the user's cluster.
    tool::nodebake(scratch.path(), &["init", "other"]).good();
    for example in examples() {
        let project = scratch.path().join(example.file_name().unwrap());
        copy_all(&example, &project);
        fs::create_dir_all(project.join("pki")).unwrap();
        fs::copy(
            scratch.path().join("other/pki/ca.pem"),
            project.join("pki/ca.pem"),
        )
        .unwrap();
        let good = |args: &[&str]| tool::nodebake(&project, args).good();
        good(&["key", "generate"]);
        good(&["token", "create"]);
        let said = good(&["check", "--strict"]);
        assert!(
            said.ends_with(" can be built\n"),
            "{}: {said}",
            example.display()
        );
        good(&["build"]);
        good(&["verify", "out", "--key", "keys/sign.pub"]);
    }
}

#[test]
fn each_has_a_page_that_says_what_the_original_does_and_what_differs() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/README.md");
    let list = fs::read_to_string(list).unwrap();
    for example in examples() {
        let name = example.file_name().unwrap().to_str().unwrap();
        assert!(list.contains(&format!("[{name}]({name})")), "{name}");
        let page = fs::read_to_string(example.join("README.md")).unwrap();
        for part in ["**The original.**", "**Here.**", "**What differs.**"] {
            assert!(page.contains(part), "{name}: {part}");
        }
    }
}
