//! Manual pages and completions, checked by what shows and reads them.

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use crate::support::fixture::text;
use crate::support::oracles;
use crate::support::tool::nodebake;

/// All pages, written.
fn pages(folder: &Path) -> Vec<std::path::PathBuf> {
    nodebake(folder, &["man", "--out", "man"]).good();
    let all = WalkDir::new(folder.join("man")).sort_by_file_name();
    let all = all.into_iter().map(|entry| entry.unwrap().into_path());
    all.filter(|path| path.is_file()).collect()
}

#[test]
fn groff_finds_nothing_to_say_about_any_page() {
    oracles::needs(["groff"]);
    let scratch = tempfile::tempdir().unwrap();
    let pages = pages(scratch.path());
    assert!(pages.len() > 20, "{pages:?}");
    for page in &pages {
        let shown = page.display().to_string();
        let args = ["-Kutf8", "-man", "-ww", "-z", "-Tutf8", &shown];
        let output = oracles::run(scratch.path(), "groff", &args);
        assert!(output.status.success(), "{shown}");
        assert_eq!(text(&output.stderr), "", "{shown}");
    }
}

#[test]
fn a_page_reads_as_its_source_does() {
    oracles::needs(["groff"]);
    let scratch = tempfile::tempdir().unwrap();
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/man");
    let sources = fs::read_dir(&guides).unwrap();
    let sources = sources.map(|entry| entry.unwrap().path());
    for source in sources.filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let name = source.file_stem().unwrap().to_string_lossy();
        let page = nodebake(scratch.path(), &["man", &name]).good();
        fs::write(scratch.path().join("page"), page).unwrap();
        let args = ["-Kutf8", "-man", "-Tutf8", "-P-cbou", "-rLL=200n", "page"];
        let shown = oracles::content(scratch.path(), "groff", &args);
        let shown: Vec<&str> = shown.split_whitespace().collect();
        let shown = shown.join(" ");
        let source = fs::read_to_string(source).unwrap();
        // Commands keep their lines and spaces; headings are there.
        for line in source.lines().filter(|line| line.starts_with("$ ")) {
            let line: Vec<&str> = line.split_whitespace().collect();
            assert!(shown.contains(&line.join(" ")), "{line:?}\n{shown}");
        }
        for heading in source.lines().filter_map(|line| line.strip_prefix("## ")) {
            assert!(shown.contains(heading), "{heading}\n{shown}");
        }
        // A glob may have two stars; before a word they are Markdown that nobody rendered.
        let mut after_stars = shown.split("**").skip(1);
        let is_bold = after_stars.any(|rest| rest.starts_with(char::is_alphanumeric));
        assert!(!is_bold && !shown.contains("```"), "{shown}");
    }
}

#[test]
fn every_page_is_listed_and_an_unknown_one_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let list = nodebake(scratch.path(), &["man"]).good();
    for page in pages(scratch.path()) {
        let name = page.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(list.contains(&format!("{name}(")), "{name}\n{list}");
    }
    let output = nodebake(scratch.path(), &["man", "nothing"]).run();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn bash_completes_commands_and_options() {
    oracles::needs(["bash"]);
    let scratch = tempfile::tempdir().unwrap();
    let script = nodebake(scratch.path(), &["completions", "bash"]).good();
    fs::write(scratch.path().join("completions"), script).unwrap();
    let ask = "source ./completions; COMP_WORDS=(nodebake token rot); COMP_CWORD=2
        _nodebake nodebake rot token; echo ${COMPREPLY[*]}
        COMP_WORDS=(nodebake build --sta); _nodebake nodebake --sta build; echo ${COMPREPLY[*]}";
    let said = oracles::content(scratch.path(), "bash", &["-c", ask]);
    assert_eq!(said, "rotate\n--stage\n");
}
