//! Bad input: every fault is one finding at its place, all of them in one run, with exit code 3 and nothing written.
//! The cases and what is said to them are in `tests/fixtures/bad/cases.txt`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use nodebake::report::Id;

use crate::bundle::golden::{recording, same_lines};
use crate::support::fixture::{AT, Project, as_printed, fixtures, snapshot, text};
use crate::support::tool::binary;

const CASES: &str = "bad/cases.txt";
const IDS: &str = "bad/ids.txt";

/// One case as it is written.
#[derive(Default)]
pub struct Case {
    pub name: String,
    /// The lines from the name to the mark, word for word.
    input: String,
    /// The recorded exit code and report.
    pub expected: String,
}

/// The text before the first case, and the cases.
pub fn cases(all: &str) -> (String, Vec<Case>) {
    let (mut head, mut cases) = (String::new(), Vec::<Case>::new());
    let mut in_expected = false;
    for line in all.split_inclusive('\n') {
        if let Some(name) = line.strip_prefix("=== ") {
            in_expected = false;
            cases.push(Case {
                name: name.trim_end().to_owned(),
                ..Case::default()
            });
        }
        match cases.last_mut() {
            None => head += line,
            Some(case) if in_expected || line.starts_with(">>>") => {
                in_expected = true;
                case.expected += line;
            }
            Some(case) => case.input += line,
        }
    }
    (head, cases)
}

/// Changes a project as a case says; returns the arguments that it adds.
pub fn apply(case: &Case, project: &Project) -> Vec<String> {
    let (mut file, mut old, mut new) = (None, String::new(), String::new());
    let mut args = Vec::new();
    let edit = |file: &Option<String>, old: &mut String, new: &mut String| {
        if let Some(file) = file.as_ref().filter(|_| !old.is_empty() || !new.is_empty()) {
            let path = project.dir.join(file);
            let text = fs::read_to_string(&path).unwrap_or_default();
            let changed = if old.is_empty() {
                text + new
            } else {
                assert_eq!(text.matches(&*old).count(), 1, "{}: {old:?}", case.name);
                text.replacen(&*old, new, 1)
            };
            fs::write(&path, changed).unwrap();
            old.clear();
            new.clear();
        }
    };
    for line in case.input.split_inclusive('\n').skip(1) {
        let (mark, rest) = line.split_at(1);
        if mark != "+" && !new.is_empty() {
            edit(&file, &mut old, &mut new);
        }
        match mark {
            "@" => file = Some(rest.trim().to_owned()),
            "-" => old += rest,
            "+" => new += rest,
            "$" => {
                let mut shell = Command::new("sh");
                shell.args(["-ec", rest]).current_dir(&project.dir);
                assert!(
                    shell
                        .env("FIXTURES", fixtures())
                        .env("NODEBAKE", binary())
                        .status()
                        .unwrap()
                        .success()
                );
            }
            "%" => args.extend(rest.split_whitespace().map(str::to_owned)),
            "\n" => {}
            other => panic!("{}: a line that begins with {other:?}", case.name),
        }
    }
    edit(&file, &mut old, &mut new);
    args
}

/// What the binary says to a case: exit code and report.
fn said(case: &Case) -> String {
    let project = Project::of("bad/project");
    let args = apply(case, &project);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let before = snapshot(project.scratch());
    let build = project.run(&[&["build"], &args[..]].concat());
    let code = build.status.code().unwrap();
    let report = as_printed(&build.stderr);
    let shown = format!(">>> {code}\n{report}");
    if code == 0 {
        // A warning: it is built all the same.
        assert!(
            project.out().join("SHA256SUMS.sig").exists(),
            "{}",
            case.name
        );
        fs::remove_dir_all(project.out()).unwrap();
    } else {
        assert_eq!(
            text(&build.stdout),
            "",
            "{}: a report is no result",
            case.name
        );
    }
    assert_eq!(
        snapshot(project.scratch()),
        before,
        "{}: something was written",
        case.name
    );
    // `check` says the same, and its report is its result.
    let check = project.run(&[&["check"], &args[..]].concat());
    let checked = as_printed(&check.stdout).replace("7 nodes can be built\n", "");
    assert_eq!(
        (checked, check.status.code()),
        (report, Some(code)),
        "{}",
        case.name
    );
    assert_eq!(
        snapshot(project.scratch()),
        before,
        "{}: `check` wrote",
        case.name
    );
    shown
}

#[test]
fn every_fault_is_reported_at_its_location_and_nothing_is_written() {
    let path = fixtures().join(CASES);
    let (head, cases) = cases(&fs::read_to_string(&path).unwrap());
    let mut recorded = head;
    for case in &cases {
        let said = said(case);
        if !recording() {
            same_lines(
                &format!("{CASES}: {}", case.name),
                said.trim_end(),
                case.expected.trim_end(),
            );
        }
        recorded += &format!("{}{said}\n", case.input);
    }
    if recording() {
        fs::write(&path, recorded.trim_end().to_owned() + "\n").unwrap();
        panic!("{CASES} is recorded; look at `git diff`, then test");
    }
    assert!(cases.len() > 70);
}

/// The ids that printed findings have.
pub fn ids(report: &str) -> BTreeSet<String> {
    let titles = report
        .lines()
        .filter(|line| line.starts_with("error[") || line.starts_with("warning["));
    let ids = titles.filter_map(|line| line.split(['[', ']']).nth(1));
    ids.map(str::to_owned).collect()
}

/// Findings that no project can have by itself, or whose case is too large for a fixture; the tests that have them.
const ELSEWHERE: [(&str, &str, &str); 2] = [
    // Another user's file needs root.
    (
        "file-owner-foreign",
        "src/secrets/file.rs",
        "file-owner-foreign",
    ),
    ("file-too-large", "tests/suite/formats/seeds.rs", "4 GiB"),
];

#[test]
fn every_finding_of_the_catalogue_has_a_case() {
    let path = fixtures().join(IDS);
    let (head, cases_of_ids) = cases(&fs::read_to_string(&path).unwrap());
    let (mut recorded, mut seen) = (head, BTreeSet::new());
    for case in &cases_of_ids {
        let project = Project::of("bad/project");
        let args = apply(case, &project);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = project.run(&args);
        let report = as_printed(&output.stdout) + &as_printed(&output.stderr);
        let found = ids(&report);
        let code = output.status.code().unwrap();
        let list: Vec<&str> = found.iter().map(String::as_str).collect();
        let said = format!(">>> {code} {}", list.join(" "));
        if !recording() {
            let name = format!("{IDS}: {}\n{report}", case.name);
            same_lines(&name, said.trim_end(), case.expected.trim_end());
        }
        recorded += &format!("{}{said}\n\n", case.input);
        seen.extend(found);
    }
    if recording() {
        fs::write(&path, recorded.trim_end().to_owned() + "\n").unwrap();
        panic!("{IDS} is recorded; look at `git diff`, then test");
    }
    let (_, others) = cases(&fs::read_to_string(fixtures().join(CASES)).unwrap());
    others
        .iter()
        .for_each(|case| seen.extend(ids(&case.expected)));
    for (id, test, words) in ELSEWHERE {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(test);
        let text = fs::read_to_string(&source).unwrap();
        assert!(text.contains(words), "{id} is not in {test}");
        assert!(seen.insert(id.to_owned()), "{id} has a case here");
    }
    let all: BTreeSet<String> = Id::all().map(|id| id.to_string()).collect();
    let missing: Vec<&String> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "findings without a case: {missing:?}");
}

/// The project that the cases start from has no fault of its own.
#[test]
fn the_project_without_a_fault_is_built_without_a_word() {
    let project = Project::of("bad/project");
    let build = project.run(&["build", "--strict", "--at", AT]);
    assert_eq!(
        (text(&build.stderr).as_str(), build.status.code()),
        ("", Some(0))
    );
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
}

/// Only a bundle of ours makes room for the next one.
#[test]
fn an_output_folder_that_is_no_bundle_is_never_touched() {
    let project = Project::of("bad/project");
    let at = |name: &str| project.scratch().join(name);
    fs::create_dir_all(at("foreign/nodes")).unwrap();
    fs::write(at("foreign/bundle.json"), "{}\n").unwrap();
    fs::write(at("foreign/nodes/thesis.tex"), "years of work\n").unwrap();
    fs::create_dir(at("home")).unwrap();
    fs::write(at("home/.profile"), "\n").unwrap();
    fs::write(at("file"), "a file\n").unwrap();
    symlink("home", at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    project.good(&["build", "-o", "../bundle"]);
    symlink("bundle", at("link-to-bundle")).unwrap();
    let before = snapshot(project.scratch());
    for name in [
        "foreign",
        "home",
        "file",
        "link",
        "dangling",
        "link-to-bundle",
    ] {
        for extra in [&[][..], &["--unsigned"], &["--stage", "trees", "--trees"]] {
            let out = format!("../{name}");
            let args = match extra {
                [.., "--trees"] => [&["build"], extra, &[&*out]].concat(),
                _ => [&["build", "-o", &out], extra].concat(),
            };
            let build = project.run(&args);
            let said = text(&build.stderr);
            assert_eq!(build.status.code(), Some(1), "{args:?}: {said}");
            assert!(said.contains(name), "{args:?}: {said}");
            assert_eq!(snapshot(project.scratch()), before, "{args:?}");
        }
    }
}

/// What is there stays as it is, byte for byte, when the next build has findings.
#[test]
fn findings_leave_the_last_bundle_as_it_is() {
    let project = Project::of("bad/project");
    project.good(&["build"]);
    let before = snapshot(&project.out());
    let folder = |name: &str| project.dir.join(name);
    let inventory = fs::read_to_string(folder("cluster.yaml")).unwrap();
    // Found on reading, on planning, and only when a node is baked.
    for (file, good, bad) in [
        ("cluster.yaml", "kind: Cluster", "kind: Clutter"),
        ("cluster.yaml", "10.0.0.2", "10.96.0.2"),
        ("overlays/motd/root/etc/motd.tera", "node.name", "node.nmae"),
    ] {
        let text = fs::read_to_string(folder(file)).unwrap();
        fs::write(folder(file), text.replace(good, bad)).unwrap();
        for args in [
            &["build"][..],
            &["build", "--node", "n1"],
            &["build", "--jobs", "1"],
        ] {
            let build = project.run(args);
            assert_eq!(build.status.code(), Some(3), "{bad} {args:?}");
            assert_eq!(snapshot(&project.out()), before, "{bad} {args:?}");
            let beside = fs::read_dir(&project.dir)
                .unwrap()
                .map(|entry| entry.unwrap().file_name());
            let beside: Vec<_> = beside
                .filter(|name| name.to_string_lossy().contains("out"))
                .collect();
            assert_eq!(beside, ["out"], "{bad} {args:?}");
        }
        fs::write(folder(file), text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(folder("cluster.yaml")).unwrap(),
        inventory
    );
}
