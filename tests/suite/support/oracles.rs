//! Oracles: programs that nobody here wrote, and that say whether our output is right. A test names those that it asks,
//! before it asks them: [`needs`] ends it as *ignored* where one is missing, [`present`] lets it ask the others and be
//! ignored in part. A missing one that `make oracles` installs is a failure where `CI=true`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::harness;
use super::reason::Reason;

/// Where `make oracles` puts what is no Debian package: beside Cargo's own folder for test files, in `target/`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("oracles")
}

/// A file of our own that oracles are built of or run with, in `tests/oracle`.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/oracle")
        .join(name)
}

fn built() -> PathBuf {
    folder().join("bin")
}

/// The PATH with our oracles in front, so that plain `cargo test` finds them too.
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

/// Notes what cannot be asked on this machine: a failure in CI.
fn missing(reason: Reason) {
    let ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(!ci, "all oracles must be there where CI=true: {reason}");
    harness::not_asked(reason);
}

/// Ends the running test as ignored: this machine cannot do what it needs.
pub fn cannot(what: &str) -> ! {
    missing(Reason::Machine(what.to_owned()));
    harness::end_if_not_asked();
    unreachable!("it has a reason")
}

/// Whether a program is on the PATH. A missing one makes the running test one that is ignored in part.
pub fn present(program: &str) -> bool {
    harness::asks(program);
    let found = find(program).is_some();
    if !found {
        missing(Reason::Program(program.to_owned()));
    }
    found
}

/// Ends the running test as ignored unless all these programs are on the PATH.
pub fn needs<const N: usize>(programs: [&str; N]) {
    let missing = programs.map(present).contains(&false);
    if missing {
        harness::end_if_not_asked();
    }
}

/// Programs that every machine with a shell has, so that no test names them.
const EVERYWHERE: [&str; 5] = ["cp", "env", "grep", "sh", "zcat"];

/// An oracle's command in a folder, with nothing on its standard input and messages in English.
/// The running test must have named it, so that it is ignored where the program is not.
#[track_caller]
pub fn command(folder: &Path, program: &str) -> Command {
    assert!(
        EVERYWHERE.contains(&program) || harness::has_asked(program),
        "the test asks {program} and does not say so: `needs([\"{program}\"])`"
    );
    let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("PATH", search_path())
        .env("LC_ALL", "C");
    command
}

/// Runs an oracle in a folder and returns its output, whatever its exit code.
#[track_caller]
pub fn run(folder: &Path, program: &str, args: &[&str]) -> Output {
    command(folder, program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("starting {program}: {error}"))
}

/// Runs an oracle that must be content, and returns its standard output.
#[track_caller]
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
    ["python3", PYTHON].into_iter().find(has_yaml)
}

/// The documents of a YAML file, read by the library of kubectl and kubelet and by PyYAML, which must agree on every
/// value. The running test needs both.
pub fn same_values(file: &Path) -> Vec<Value> {
    let Some(python) = python() else {
        missing(Reason::Program("PyYAML".to_owned()));
        harness::end_if_not_asked();
        unreachable!("it has a reason")
    };
    harness::asks(python);
    needs(["yaml-values"]);
    let name = file.to_str().expect("test files have UTF-8 names");
    let folder = Path::new("/");
    let go = documents(&content(folder, "yaml-values", &[name]));
    let py = documents(&content(folder, python, &["-c", PYYAML, name]));
    assert_eq!(go.len(), py.len(), "{name}: documents");
    for (go, py) in go.iter().zip(&py) {
        same(go, py, name);
    }
    go
}

fn documents(lines: &str) -> Vec<Value> {
    let document = |line| serde_json::from_str(line).expect("an oracle writes JSON");
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

/// The targets of the Makefile that build oracles for minutes. Each says so to the tests that it runs.
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

    /// Whether an oracle of this target is there. A missing one is a failure only where the target runs the tests.
    pub fn has(self, program: &str) -> bool {
        harness::asks(program);
        let (found, target) = (find(program).is_some(), self.name());
        assert!(
            found || !self.runs(),
            "the oracle {program} is missing; `make {target}` builds it"
        );
        if !found {
            self.is_left(program);
        }
        found
    }

    /// Whether an oracle is there that not every machine can have, because no registry of packages has it.
    pub fn may_have(self, program: &str) -> bool {
        harness::asks(program);
        let found = find(program).is_some();
        if !found {
            self.is_left(program);
        }
        found
    }

    /// Ends the running test as ignored unless these oracles of the target are there.
    pub fn needs<const N: usize>(self, programs: [&str; N]) {
        if programs.map(|program| self.has(program)).contains(&false) {
            harness::end_if_not_asked();
        }
    }

    /// Whether this target runs the tests; elsewhere the running test is ignored at least in part.
    pub fn asks(self, whose: &str) -> bool {
        if !self.runs() {
            self.is_left(whose);
        }
        self.runs()
    }

    /// Ends the running test as ignored unless this target runs the tests.
    pub fn must_run(self, whose: &str) {
        if !self.asks(whose) {
            harness::end_if_not_asked();
        }
    }

    /// Notes that an oracle is not there. It is a failure where this target runs the tests, and in CI.
    pub fn lacks(self, oracle: &str) {
        let target = self.name();
        assert!(
            !self.runs(),
            "the oracle {oracle} is missing; `make {target}` builds it"
        );
        missing(Reason::Target {
            target,
            oracle: oracle.to_owned(),
        });
    }

    fn is_left(self, oracle: &str) {
        harness::not_asked(Reason::Target {
            target: self.name(),
            oracle: oracle.to_owned(),
        });
    }
}

/// Whether an oracle of `make conformance` is there.
pub fn conformance(program: &str) -> bool {
    Target::Conformance.has(program)
}

/// Whether the tests run as root. Without it owners cannot be set, and the running test is ignored at least in part.
pub fn root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|seen| seen.uid() == 0);
    if !root {
        missing(Reason::Machine("needs root".to_owned()));
    }
    root
}

/// Ends the running test as ignored unless it runs as root.
pub fn needs_root() {
    if !root() {
        harness::end_if_not_asked();
    }
}

/// The interpreter that has cloud-init's modules and PyYAML: Debian's, not one that comes first on the PATH.
pub const PYTHON: &str = "/usr/bin/python3";

/// cloud-init's own modules, which the running test needs: the folder to put into PYTHONPATH, empty where the package is
/// installed.
pub fn cloud_init_modules() -> String {
    needs(["cloud-init", PYTHON]);
    let unpacked = built().with_file_name("cloud-init/usr/lib/python3/dist-packages");
    let folder = if unpacked.is_dir() {
        unpacked
    } else {
        PathBuf::new()
    };
    path_text(folder)
}

/// The same where it is run in a chroot of its own mounts.
pub fn cloud_init_in_chroot() -> String {
    needs_chroot();
    cloud_init_modules()
}

/// Whether a test may make itself a chroot with mounts that nobody else sees.
pub fn chroot() -> bool {
    root() && present("unshare")
}

/// Ends the running test as ignored unless it may make itself a chroot.
pub fn needs_chroot() {
    if !chroot() {
        harness::end_if_not_asked();
    }
}

/// Ends the running test as ignored unless this kernel can mount such a file system. No package brings that, so it is no
/// failure in CI: the virtual machines of `make boots` have kernels that can.
pub fn needs_mountable(file_system: &str) {
    Command::new("modprobe")
        .args(["-q", file_system])
        .output()
        .ok();
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !known.split_whitespace().any(|word| word == file_system) {
        let what = format!("needs a kernel with {file_system}");
        harness::not_asked(Reason::Machine(what));
        harness::end_if_not_asked();
    }
}

/// The modules of the oldest cloud-init that our documents are for; only `make versions` gets them.
pub fn old_cloud_init_modules() -> String {
    Target::Versions.needs(["cloud-init-20.4"]);
    needs([PYTHON]);
    path_text(built().with_file_name("cloud-init-20.4/usr/lib/python3/dist-packages"))
}

fn path_text(path: PathBuf) -> String {
    let text = path.into_os_string().into_string();
    text.expect("the path has UTF-8 names")
}
