//! Outside judges: programs that nobody here wrote. A missing one is a failure where `CI=true`, and is said plainly
//! elsewhere; it is never skipped in silence.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Whether a program is on the PATH. Missing: fails in CI, else prints what is skipped.
pub fn present(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    if !found {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "the judge {program} is missing; `make judges` installs it"
        );
        // To the terminal itself: libtest would swallow a println of a passing test.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {program} is not installed, its judgement is missing"
        );
    }
    found
}

/// Runs a judge in a folder and returns its output, whatever its exit code.
pub fn run(folder: &Path, program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| panic!("starting {program}: {error}"))
}

/// Runs a judge that must be content, and returns its standard output.
pub fn content(folder: &Path, program: &str, args: &[&str]) -> String {
    let output = run(folder, program, args);
    assert!(
        output.status.success(),
        "{program} {args:?} objected:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
