//! Bad input: every fault is one finding at its place, all of them in one run, with exit code 3 and nothing written.
//! The cases and what is said to them are in `tests/fixtures/bad/cases.txt`.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::bundle::golden::{recording, same_lines};
use crate::support::fixture::{AT, Project, fixtures, snapshot, text};

const CASES: &str = "bad/cases.txt";

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

/// A report with the line that each finding points to, and a mark below its column.
fn with_places(report: &str, project: &Project) -> String {
    let mut shown = String::new();
    for line in report.lines() {
        let _ = writeln!(shown, "{line}");
        let mut parts = line.splitn(3, ": ");
        let place = parts.nth(1).unwrap_or_default();
        let mut numbers = place.rsplitn(3, ':');
        let column = numbers.next().and_then(|text| text.parse::<usize>().ok());
        let number = numbers.next().and_then(|text| text.parse::<usize>().ok());
        let (Some(column), Some(number), Some(file)) = (column, number, numbers.next()) else {
            continue;
        };
        if let Ok(source) = fs::read_to_string(project.dir.join(file)) {
            let pointed = source.lines().nth(number - 1).unwrap_or("(no such line)");
            assert!(
                column <= pointed.chars().count() + 1,
                "{line}: {pointed:?} is shorter"
            );
            // A tab is one column.
            let pointed = pointed.replace('\t', "→");
            let _ = writeln!(shown, "    | {pointed}\n    | {:>column$}", "^");
        }
    }
    shown
}

/// What the binary says to a case: exit code and report.
fn said(case: &Case) -> String {
    let project = Project::of("bad/project");
    let args = apply(case, &project);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let before = snapshot(project.scratch());
    let build = project.run(&[&["build"], &args[..]].concat());
    let code = build.status.code().unwrap();
    let report = text(&build.stderr);
    let shown = format!(">>> {code}\n{}", with_places(&report, &project));
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
    let checked = text(&check.stdout).replace("7 nodes can be built\n", "");
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
fn every_fault_is_reported_at_its_place_and_nothing_is_written() {
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
