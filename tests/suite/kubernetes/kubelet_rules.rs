//! Our verdict on kubelet configurations against upstream's own: strict decoding, defaults, `ValidateKubeletConfiguration`
//! and the parsing of eviction thresholds, for seven minors. `make conformance` asks upstream's code itself
//! (`tests/oracle/kubernetes/kubelet-config`); its answers are recorded, so that every run is held against them. Where we
//! are to differ, `exceptions.txt` says why.

mod documents;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nodebake::plan::check_config;
use nodebake::report::{Report, Severity};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::fixture::fixtures;
use crate::support::oracles::{self, Target};

/// The releases whose code is asked, oldest first.
pub const RELEASES: [&str; 7] = [
    "v1.16.6", "v1.20.15", "v1.24.17", "v1.27.8", "v1.31.4", "v1.34.4", "v1.37.2",
];

/// Configurations for each of them.
const COUNT: usize = 1000;

/// So many more are asked of upstream's code itself; they are not recorded.
const MORE: usize = 1200;

fn minor(release: &str) -> u32 {
    release.split('.').nth(1).unwrap().parse().unwrap()
}

/// What is thought of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opinion {
    /// The kubelet takes it.
    Good,
    /// Decoding or validation refuse it.
    Refused,
    /// Only the parsing of eviction thresholds refuses it.
    Thresholds,
}

impl Opinion {
    fn letter(self) -> char {
        match self {
            Self::Good => '.',
            Self::Refused => 'r',
            Self::Thresholds => 't',
        }
    }
}

/// Our opinion, with the paths and rules behind it. What upstream finds only later, when it starts what a value is
/// for, is left out here; its thresholds alone can be asked by themselves.
fn ours(document: &Value, minor: u32) -> (Opinion, Vec<String>) {
    let mut report = Report::default();
    let text = document.to_string();
    let located = nodebake::yaml::parse(&"t".into(), &text, &mut report).unwrap();
    let verdict = check_config(&located, minor, "", &mut report);
    let later = |rule: &str| {
        verdict
            .broken
            .iter()
            .any(|one| one.at_start && one.message == rule)
    };
    let errors = report
        .into_findings()
        .into_iter()
        .filter(|one| one.severity == Severity::Error);
    let (later, now): (Vec<_>, Vec<_>) = errors.partition(|one| later(&one.message));
    let said = |one: &nodebake::report::Finding| format!("{}: {}", one.path, one.message);
    if !now.is_empty() {
        return (Opinion::Refused, now.iter().map(said).collect());
    }
    let thresholds: Vec<String> = later
        .iter()
        .filter(|one| one.path.starts_with("eviction"))
        .map(said)
        .collect();
    if thresholds.is_empty() {
        (Opinion::Good, thresholds)
    } else {
        (Opinion::Thresholds, thresholds)
    }
}

/// One line of `exceptions.txt`: who refuses more, what it is about, where, why.
struct Exception {
    stricter: bool,
    /// The start of our finding's path, or for what only upstream refuses a field of the configuration.
    path: String,
    minors: std::ops::RangeInclusive<u32>,
}

fn exceptions() -> Vec<Exception> {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/suite/kubernetes/kubelet_rules/exceptions.txt"),
    );
    let text = text.unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let [who, path, minors, reason] = parts.as_slice() else {
                panic!("who | path | minors | reason: {line}");
            };
            assert!(
                reason.len() > 20 && ["we", "upstream"].contains(who),
                "{line}"
            );
            let (first, last) = minors.split_once('-').unwrap();
            Exception {
                stricter: *who == "we",
                path: (*path).to_owned(),
                minors: first.parse().unwrap()..=last.parse().unwrap(),
            }
        })
        .collect()
}

/// Whether a difference is one of the listed ones; those that were of use are counted.
fn excused(
    exceptions: &[Exception],
    used: &mut [usize],
    (document, minor): (&Value, u32),
    (said, stricter): (&[String], bool),
) -> bool {
    let mut holds = |about: &dyn Fn(&str) -> bool| {
        let found = exceptions.iter().position(|one| {
            one.stricter == stricter && one.minors.contains(&minor) && about(&one.path)
        });
        found.is_some_and(|index| {
            used[index] += 1;
            true
        })
    };
    if stricter {
        return said
            .iter()
            .all(|said| holds(&|path| said.starts_with(path)));
    }
    holds(&|path| {
        document
            .pointer(&format!("/{}", path.replace('.', "/")))
            .is_some()
    })
}

fn recorded_path() -> PathBuf {
    fixtures().join("kubelet-rules/recorded.txt")
}

/// `release digest letters` of each release, as recorded.
fn recorded() -> BTreeMap<String, (String, String)> {
    let text = fs::read_to_string(recorded_path()).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            (
                parts[0].to_owned(),
                (parts[1].to_owned(), parts[2].to_owned()),
            )
        })
        .collect()
}

/// So that answers to other questions are never taken for answers to these.
fn digest(documents: &[Value]) -> String {
    let lines: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let digest = Sha256::digest(lines.join("\n"));
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// All differences that are not excused, in words.
fn differences(
    (release, documents): (&str, &[Value]),
    upstream: &[(Opinion, String)],
    exceptions: &[Exception],
    used: &mut [usize],
) -> Vec<String> {
    let minor = minor(release);
    let mut different = Vec::new();
    for (document, (theirs, why)) in documents.iter().zip(upstream) {
        let (opinion, said) = ours(document, minor);
        if opinion == *theirs {
            continue;
        }
        // Of two that refuse it, one may have found more.
        let stricter = *theirs == Opinion::Good
            || (*theirs == Opinion::Thresholds && opinion == Opinion::Refused);
        if !excused(exceptions, used, (document, minor), (&said, stricter)) {
            different.push(format!(
                "{release}: we {opinion:?} {said:?}\n  upstream {theirs:?} {why}\n  {document}"
            ));
        }
    }
    different
}

#[test]
fn our_verdicts_are_those_that_upstream_gave() {
    let exceptions = exceptions();
    let mut used = vec![0; exceptions.len()];
    let recorded = recorded();
    let mut different = Vec::new();
    assert!(
        recorded
            .keys()
            .all(|release| RELEASES.contains(&release.as_str()))
    );
    assert_eq!(recorded.len(), RELEASES.len());
    for (release, (known, letters)) in &recorded {
        let documents = documents::documents(minor(release), COUNT);
        assert_eq!(
            *known,
            digest(&documents),
            "{release}: other questions than those recorded: `make versions` with NODEBAKE_GOLDEN=record"
        );
        let opinion = |letter| match letter {
            '.' => Opinion::Good,
            'r' => Opinion::Refused,
            't' => Opinion::Thresholds,
            other => panic!("{other}"),
        };
        let upstream: Vec<_> = letters
            .chars()
            .map(|letter| (opinion(letter), String::new()))
            .collect();
        assert_eq!(upstream.len(), COUNT);
        // Of use only if many are good, and many are not.
        let good = letters.chars().filter(|letter| *letter == '.').count();
        assert!(
            (COUNT / 5..COUNT * 4 / 5).contains(&good),
            "{release}: {good}"
        );
        different.extend(differences(
            (release, &documents),
            &upstream,
            &exceptions,
            &mut used,
        ));
    }
    assert!(
        different.is_empty(),
        "{} differ\n{}",
        different.len(),
        different.join("\n")
    );
    let idle = exceptions.iter().zip(&used).filter(|(_, used)| **used == 0);
    let idle: Vec<&str> = idle.map(|(one, _)| one.path.as_str()).collect();
    assert!(idle.is_empty(), "exceptions that excuse nothing: {idle:?}");
}

/// The oracle of one release, where it was built.
fn oracle(release: &str) -> Option<PathBuf> {
    let folder = oracles::folder();
    let program = folder
        .join("kubernetes")
        .join(release)
        .join("kubelet-config");
    program.is_file().then_some(program)
}

/// What upstream says of each document.
fn ask(oracle: &Path, documents: &[Value]) -> Vec<(Opinion, String)> {
    let mut child = Command::new(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", oracle.display());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers = answers.lines().map(|line| {
        let answer: Value = serde_json::from_str(line).unwrap();
        let opinion = match (
            answer.get("decode"),
            answer.get("validate"),
            answer.get("start"),
        ) {
            (None, None, None) => Opinion::Good,
            (None, None, Some(_)) => Opinion::Thresholds,
            _ => Opinion::Refused,
        };
        (opinion, line.to_owned())
    });
    answers.collect()
}

/// In `make conformance`: upstream's code itself, and the record of it. With `KUBELETS` only those releases are asked.
#[test]
fn upstream_still_says_what_is_recorded() {
    Target::Conformance.must_run("upstream's validation itself");
    let chosen = std::env::var("KUBELETS").unwrap_or_else(|_| RELEASES.join(" "));
    let exceptions = exceptions();
    let mut used = vec![0; exceptions.len()];
    let mut different = Vec::new();
    let mut record = "# Upstream's verdicts on the documents of tests/suite/kubernetes/kubelet_rules: release, digest of the documents, and a letter for each:\n# . good, r refused by decoding or validation, t refused for its eviction thresholds alone. `make conformance` compares.\n".to_owned();
    for release in RELEASES {
        let documents = documents::documents(minor(release), COUNT + MORE);
        if !chosen.split(' ').any(|one| one == release) {
            continue;
        }
        let Some(oracle) = oracle(release) else {
            Target::Versions.lacks(&format!("kubelet-config {release}"));
            continue;
        };
        let upstream = ask(&oracle, &documents);
        let letters: String = upstream
            .iter()
            .take(COUNT)
            .map(|(opinion, _)| opinion.letter())
            .collect();
        let _ = writeln!(
            record,
            "{release} {} {letters}",
            digest(&documents[..COUNT])
        );
        different.extend(differences(
            (release, &documents),
            &upstream,
            &exceptions,
            &mut used,
        ));
        gates_agree(release, &oracle, &mut different);
    }
    assert!(
        different.is_empty(),
        "{} differ\n{}",
        different.len(),
        different.join("\n")
    );
    if std::env::var("NODEBAKE_GOLDEN").as_deref() == Ok("record") {
        fs::write(recorded_path(), record).unwrap();
        panic!("recorded: look at `git diff`, then test");
    }
    let known = fs::read_to_string(recorded_path()).unwrap();
    for line in record.lines() {
        assert!(
            known.lines().any(|known| known == line),
            "not as recorded: {line}"
        );
    }
}

/// Gates that a later patch of the minor changed: the table has the newest patch, and this oracle is an older one, since
/// not all modules of the newest are served.
const CHANGED_LATER: [(&str, &str); 3] = [
    ("v1.27.8", "EventedPLEG"),
    ("v1.27.8", "WatchFromStorageWithoutResourceVersion"),
    ("v1.31.4", "OrderedNamespaceDeletion"),
];

/// The table's feature gates against those that a kubelet has registered.
fn gates_agree(release: &str, oracle: &Path, different: &mut Vec<String>) {
    let output = Command::new(oracle).arg("gates").output().unwrap();
    let theirs: Option<BTreeMap<String, String>> = serde_json::from_slice(&output.stdout).unwrap();
    // Kubelets before 1.24 cannot list theirs.
    let Some(theirs) = theirs else { return };
    let minor = minor(release);
    assert!(theirs.len() > 50, "{release}: {} gates", theirs.len());
    let changed = |name: &str| CHANGED_LATER.contains(&(release, name));
    for (name, theirs) in theirs.iter().filter(|(name, _)| !changed(name)) {
        let ours = nodebake::kubernetes::gates::Gate::find(name, minor);
        let stage = match theirs.trim_end_matches(['+', '-', '!']) {
            "" => "Ga".to_owned(),
            "PRE-ALPHA" => "PreAlpha".to_owned(),
            word => word[..1].to_owned() + &word[1..].to_lowercase(),
        };
        let fits = ours.is_some_and(|ours| {
            format!("{:?}", ours.stage) == stage
                && ours.default == theirs.contains('+')
                && ours.locked == theirs.ends_with('!')
        });
        if !fits {
            different.push(format!(
                "{release}: gate {name}: we {ours:?}, upstream {theirs}"
            ));
        }
    }
    for name in nodebake::kubernetes::gates::names(minor) {
        if !theirs.contains_key(name) && !changed(name) {
            different.push(format!("{release}: gate {name}: no kubelet has it"));
        }
    }
}
