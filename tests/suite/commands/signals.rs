//! Signals that ask a run to end, as Ctrl-C and service managers send them: the run removes what it has made, ends by
//! that signal, and leaves no core dump.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::process::Signal;

use crate::formats::initrd::base;
use crate::support::everything::{BEFORE, NODE, everything};
use crate::support::fixture::{Project, snapshot, text};

const SIGNALS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

/// Every file and folder below a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = snapshot(folder).into_keys().collect();
    names.retain(|name| !name.is_empty());
    names
}

fn ended_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(signal.as_raw())
}

/// A temporary folder of the run's own, so that what it leaves there is seen.
fn temporary(project: &Project) -> std::path::PathBuf {
    let folder = project.scratch().join("tmp");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Folders that are made before what is in them, and what keeps private keys out of git, are in nobody's way.
const HARMLESS: [&str; 4] = ["keyed", "keyed/keys", "other/pki", "other/pki/.gitignore"];

/// One command that writes: what it is to leave when it comes to its end, as its arguments name it.
struct Writer {
    args: Vec<String>,
    /// What is removed before each run, so that each begins alike.
    made: Vec<&'static str>,
}

fn writers() -> Vec<Writer> {
    let writer = |line: &str, made: &[&'static str]| Writer {
        args: line.split(' ').map(str::to_owned).collect(),
        made: made.to_vec(),
    };
    vec![
        writer(&format!("build -o made --upgrade-from {BEFORE}"), &["made"]),
        writer("build -o made --stage trees", &["made.trees"]),
        writer("diff", &[]),
        writer(
            &format!("inspect out/nodes/{NODE}/seed.iso --extract made"),
            &["made"],
        ),
        writer(
            &format!(
                "initrd append --base base-initrd --bundle out --node {NODE} --key keys/sign.pub --out made"
            ),
            &["made"],
        ),
        writer("init made", &["made"]),
        writer("key generate keyed", &["keyed"]),
        writer("pki init other", &["other/pki"]),
        writer(&format!("token rotate . {NODE}"), &[]),
    ]
}

/// Ends one command by signals at one moment after the other.
fn interrupted(project: &Project, writer: &Writer) {
    let args: Vec<&str> = writer.args.iter().map(String::as_str).collect();
    let tmp = temporary(project);
    let clear = || {
        for name in &writer.made {
            let _ = fs::remove_dir_all(project.dir.join(name));
            let _ = fs::remove_file(project.dir.join(name));
        }
    };
    let command = || {
        let mut command = project.command(&args);
        command.env("TMPDIR", &tmp);
        command
    };
    command().run();
    clear();
    let before = names(&project.dir);
    // The quickest of some: a busy machine makes a run long, and then most signals would come too late.
    let runs = (0..3).map(|_| {
        clear();
        let start = Instant::now();
        command().run();
        start.elapsed()
    });
    let takes = runs.min().unwrap();
    let whole = names(&project.dir);
    let mut early = 0;
    for turn in 0..12u32 {
        clear();
        let signal = SIGNALS[turn as usize % 3];
        let output = command().signalled(takes * turn / 12, &[signal]);
        let left = names(&project.dir);
        let said = text(&output.stderr);
        if ended_by(output.status, signal) {
            early += 1;
            // It may have been all but done.
            let is_new =
                |name: &&String| !before.contains(name) && !HARMLESS.contains(&name.as_str());
            let new: Vec<&String> = left.iter().filter(is_new).collect();
            assert!(
                new.is_empty() || left == whole,
                "{args:?}, turn {turn}: {new:?}"
            );
        } else {
            assert_eq!(
                output.status.signal(),
                None,
                "{args:?}, turn {turn}: {said}"
            );
            assert_eq!(left, whole, "{args:?}, turn {turn}: {said}");
        }
        assert_eq!(names(&tmp), [""; 0], "{args:?}, turn {turn}");
        assert!(
            said.is_empty() || output.status.signal().is_none(),
            "{args:?}, turn {turn}: {said}"
        );
    }
    assert!(early > 1, "{args:?}: {early}");
    clear();
}

#[test]
fn a_signal_removes_what_the_run_made() {
    let project = everything();
    project.good(&["build"]);
    base(&project.dir, "base-initrd", &["scripts/functions"], "gzip");
    let other = project.dir.join("other");
    fs::create_dir(&other).unwrap();
    for name in ["cluster.yaml", "racks.csv", "cni.tar", "tool"] {
        fs::copy(project.dir.join(name), other.join(name)).unwrap();
    }
    for name in ["profiles", "overlays", "base"] {
        crate::support::fixture::copy_all(&project.dir.join(name), &other.join(name));
    }
    for writer in writers() {
        interrupted(&project, &writer);
    }
}

/// nohup and `&` in a script ignore signals for what they start.
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let project = everything();
    let start = Instant::now();
    project.good(&["build"]);
    let takes = start.elapsed();
    for (name, signal) in [
        ("INT", Signal::INT),
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
    ] {
        let ignoring = format!("trap '' {name}; exec \"$0\" \"$@\"");
        let mut command = project.command(&["build"]).below(&ignoring);
        let output = command.signalled(takes / 2, &[signal]);
        assert!(output.status.success(), "{name}: {:?}", output.status);
    }
}

/// Whoever presses Ctrl-C twice does not wait, and the next run needs no one to tidy up.
#[test]
fn a_second_interrupt_ends_at_once() {
    let project = everything();
    let start = Instant::now();
    project.good(&["build"]);
    let takes = start.elapsed();
    let before = names(&project.dir);
    for turn in 1..6 {
        let mut command = project.command(&["build"]);
        let output = command.signalled(takes * turn / 6, &[Signal::INT, Signal::INT]);
        let is_interrupted = ended_by(output.status, Signal::INT);
        assert!(
            is_interrupted || output.status.success(),
            "{:?}",
            output.status
        );
        project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    }
    project.good(&["build"]);
    assert_eq!(names(&project.dir), before);
}

/// A crash writes no core: it would hold tokens and keys. Whether this machine writes any is asked first.
#[test]
fn a_crash_leaves_no_core() {
    let project = everything();
    let crash = "ulimit -c unlimited; kill -ABRT $$";
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", crash]).current_dir(project.scratch());
    if !shell.stderr(Stdio::null()).status().unwrap().core_dumped() {
        crate::support::oracles::cannot("needs a machine that writes core dumps");
    }
    let start = Instant::now();
    project.good(&["build"]);
    let takes = start.elapsed();
    for turn in 1..6 {
        let mut command = project.command(&["build"]);
        command = command.below("ulimit -c unlimited; exec \"$0\" \"$@\"");
        let output = command.signalled(takes * turn / 6, &[Signal::ABORT]);
        if ended_by(output.status, Signal::ABORT) {
            assert!(!output.status.core_dumped(), "turn {turn}");
        }
    }
}
