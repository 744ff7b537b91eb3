//! Outside judges: programs that nobody here wrote. A missing one is a failure where `CI=true`, and is said plainly
//! elsewhere; it is never skipped in silence.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Where `make judges` puts what is no Debian package: beside Cargo's own folder for test files, in `target/`.
fn built() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("judges")
        .join("bin")
}

/// The PATH with our judges in front, so that plain `cargo test` finds them too.
fn search_path() -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(built()).chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).expect("the folders come from a PATH")
}

/// The program's file, if there is one.
fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Says what is missing: a failure in CI, a line for people elsewhere.
fn missing(what: &str) {
    skipped(&format!(
        "{what} is not installed (`make judges` does), its judgement is missing"
    ));
}

/// Says what cannot be judged on this machine: a failure in CI, a line for people elsewhere.
pub fn skipped(what: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "nothing may be skipped where CI=true: {what}"
    );
    // To the terminal itself: libtest would swallow a println of a passing test.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// Whether a program is on the PATH. Missing: fails in CI, else prints what is skipped.
pub fn present(program: &str) -> bool {
    let found = find(program).is_some();
    if !found {
        missing(program);
    }
    found
}

/// A judge's command in a folder, with nothing on its standard input and messages in English.
pub fn command(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
    let _ = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("PATH", search_path())
        .env("LC_ALL", "C");
    command
}

/// Runs a judge in a folder and returns its output, whatever its exit code.
pub fn run(folder: &Path, program: &str, args: &[&str]) -> Output {
    command(folder, program)
        .args(args)
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

/// Prints what PyYAML (YAML 1.1, as cloud-init uses it) reads, one document a line. What JSON has no word for, like a
/// date, is printed as what Python calls it, so that it differs from every other reader's value.
const PYYAML: &str = "
import json, sys, yaml
for document in yaml.safe_load_all(open(sys.argv[1], encoding='utf-8')):
    if document is not None:
        print(json.dumps(document, default=repr))
";

/// The Python that has PyYAML: one that a version manager put in front may lack it.
fn python() -> Option<&'static str> {
    let has_yaml = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import yaml"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(has_yaml)
}

/// The documents of a YAML file, read by the library of kubectl and kubelet and by PyYAML, which must agree on every
/// value. Nothing if one of them is missing, which is said or fails as in [`present`].
pub fn same_values(file: &Path) -> Option<Vec<Value>> {
    let Some(python) = python() else {
        missing("PyYAML");
        return None;
    };
    if !present("yaml-values") {
        return None;
    }
    let name = file.to_str().expect("test files have UTF-8 names");
    let folder = Path::new("/");
    let go = documents(&content(folder, "yaml-values", &[name]));
    let py = documents(&content(folder, python, &["-c", PYYAML, name]));
    assert_eq!(go.len(), py.len(), "{name}: documents");
    for (go, py) in go.iter().zip(&py) {
        same(go, py, name);
    }
    Some(go)
}

fn documents(lines: &str) -> Vec<Value> {
    let document = |line| serde_json::from_str(line).expect("a judge writes JSON");
    lines.lines().map(document).collect()
}

/// Compares two readings and names the first place where they differ.
fn same(go: &Value, py: &Value, place: &str) {
    match (go, py) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = |map: &serde_json::Map<String, Value>| {
                let mut keys: Vec<String> = map.keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(keys(a), keys(b), "{place}: keys, Go's on the left");
            for (key, value) in a {
                same(value, &b[key], &format!("{place}.{key}"));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{place}: length");
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                same(a, b, &format!("{place}[{i}]"));
            }
        }
        // 1e3 is 1000 to one and 1000.0 to the other: the same number.
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ => assert_eq!(
            go, py,
            "{place}: Go's reading on the left, PyYAML's on the right"
        ),
    }
}

/// The targets of the Makefile that build judges for minutes. Each says so to the tests that it runs.
#[derive(Clone, Copy)]
pub enum Target {
    Conformance,
    Versions,
    Boots,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Conformance => "conformance",
            Self::Versions => "versions",
            Self::Boots => "boots",
        }
    }

    fn runs(self) -> bool {
        let variable = format!("NODEBAKE_{}", self.name().to_uppercase());
        std::env::var_os(variable).is_some()
    }

    /// Whether a judge of this target is there. A missing one is a failure only where the target runs the tests.
    pub fn has(self, program: &str) -> bool {
        let (found, target) = (find(program).is_some(), self.name());
        assert!(
            found || !self.runs(),
            "the judge {program} is missing; `make {target}` builds it"
        );
        if !found {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: {program} is not built (`make {target}` does), its judgement is missing"
            );
        }
        found
    }

    /// Whether this target runs the tests; elsewhere it is said that somebody's judgement is missing.
    pub fn asks(self, whose: &str) -> bool {
        let (is, target) = (self.runs(), self.name());
        if !is {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: {whose} (`make {target}` asks), the judgement is missing"
            );
        }
        is
    }
}

/// Whether a judge of `make conformance` is there.
pub fn conformance(program: &str) -> bool {
    Target::Conformance.has(program)
}

/// Whether the tests run as root. Without it owners cannot be set, and that is said.
pub fn root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|seen| seen.uid() == 0);
    if !root {
        skipped("not root, so no payload is applied with its owners");
    }
    root
}

/// cloud-init's own modules: the folder to put into PYTHONPATH, empty where the package is installed.
pub fn cloud_init_modules() -> Option<String> {
    if !present("cloud-init") {
        return None;
    }
    let unpacked = built().with_file_name("cloud-init/usr/lib/python3/dist-packages");
    let folder = if unpacked.is_dir() {
        unpacked
    } else {
        PathBuf::new()
    };
    folder.into_os_string().into_string().ok()
}

/// The same where it may also be run in a chroot of its own mounts.
pub fn cloud_init_in_chroot() -> Option<String> {
    cloud_init_modules().filter(|_| chroot())
}

/// Whether a test may make itself a chroot with mounts that nobody else sees.
pub fn chroot() -> bool {
    root() && present("unshare")
}

/// Whether this kernel can mount such a file system. No package brings that, so where it cannot, that is said only: the
/// virtual machines of `make boots` have kernels that can.
pub fn mountable(file_system: &str) -> bool {
    let _ = Command::new("modprobe").args(["-q", file_system]).output();
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    let can = known.split_whitespace().any(|word| word == file_system);
    if !can {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: this kernel has no {file_system}, its judgement is missing"
        );
    }
    can
}

/// The modules of the oldest cloud-init that our documents are for; only `make versions` gets them.
pub fn old_cloud_init_modules() -> Option<String> {
    if !Target::Versions.has("cloud-init-20.4") {
        return None;
    }
    let unpacked = built().with_file_name("cloud-init-20.4/usr/lib/python3/dist-packages");
    unpacked.into_os_string().into_string().ok()
}
