//! The fixtures' projects, copied to a scratch folder with test-only tokens and a test-only key, and the binary run
//! on them as a user would.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Output;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::support::findings::one_line_each;
use crate::support::tool::{Tool, nodebake};

/// When the tests say that they run: expirations are checked then.
pub const AT: &str = "2027-06-01T00:00:00Z";

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A project in a scratch folder of its own.
pub struct Project {
    scratch: TempDir,
    pub dir: PathBuf,
    /// Folders outside of it whose files it may name.
    pub allowed: Vec<PathBuf>,
}

impl Project {
    /// A fixture's project, as a checkout with tokens and key beside it.
    pub fn of(case: &str) -> Self {
        let project = Self::empty();
        copy_all(&fixtures().join(case), &project.dir);
        project.add_secrets(case);
        project
    }

    /// A scratch folder and the name of a project in it that is not there yet.
    pub fn empty() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("project");
        Self {
            scratch,
            dir,
            allowed: Vec::new(),
        }
    }

    /// Test-only tokens and key, only for their owner's eyes.
    pub fn add_secrets(&self, case: &str) {
        let fixtures = fixtures();
        let tokens = fixtures.join(case).join("tokens-test-only.yaml");
        copy(&tokens, &self.dir.join("secrets.yaml"), 0o600);
        fs::create_dir_all(self.dir.join("keys")).unwrap();
        for (kind, mode) in [("key", 0o600), ("pub", 0o644)] {
            let from = fixtures.join(format!("sign-test-only.{kind}"));
            copy(&from, &self.dir.join(format!("keys/sign.{kind}")), mode);
        }
    }

    /// The folder around the project.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    pub fn out(&self) -> PathBuf {
        self.dir.join("out")
    }

    /// The binary in the project's folder, with the time of the tests where the command checks by it.
    pub fn command(&self, args: &[&str]) -> Tool {
        let mut command = nodebake(&self.dir, args);
        if matches!(args.first(), Some(&("check" | "build" | "show"))) && !args.contains(&"--at") {
            command.args(["--at", AT]);
        }
        for folder in &self.allowed {
            command.args(["--allow", folder.to_str().unwrap()]);
        }
        command
    }

    /// Runs the binary, whatever it says; but a secret it must never say unasked.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).run()
    }

    /// Runs the binary, which must be content, and returns its standard output.
    pub fn good(&self, args: &[&str]) -> String {
        self.command(args).good()
    }
}

/// What a program printed, with one line for each finding.
pub fn text(bytes: &[u8]) -> String {
    one_line_each(&as_printed(bytes))
}

/// What a program printed, as it is.
pub fn as_printed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn copy(from: &Path, to: &Path, mode: u32) {
    // A new file: what is there may be a link, or read-only.
    let _ = fs::remove_file(to);
    fs::write(to, fs::read(from).unwrap()).unwrap();
    fs::set_permissions(to, Permissions::from_mode(mode)).unwrap();
}

/// Copies a fixture without what the tests keep beside the project.
pub fn copy_all(from: &Path, to: &Path) {
    for entry in entries(from) {
        copy_entry(from, &entry, to, |mode| mode);
    }
}

/// The entries of a fixture's project, parents first.
pub fn entries(from: &Path) -> Vec<PathBuf> {
    let tests_own = |name: &str| matches!(name, "expected" | "tokens-test-only.yaml");
    WalkDir::new(from)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !tests_own(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.unwrap().into_path())
        .collect()
}

/// Copies one entry; `mode` says what becomes of a file's mode.
pub fn copy_entry(from: &Path, entry: &Path, to: &Path, mode: impl Fn(u32) -> u32) {
    let target = to.join(entry.strip_prefix(from).unwrap());
    let seen = entry.symlink_metadata().unwrap();
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    if seen.is_dir() {
        fs::create_dir_all(&target).unwrap();
    } else if seen.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(entry).unwrap(), &target).unwrap();
    } else {
        copy(entry, &target, mode(seen.mode() & 0o777));
    }
}

/// Everything below a folder: path → type, mode, and a digest of the content. Links are not followed.
pub fn snapshot(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in WalkDir::new(folder) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(folder).unwrap();
        let seen = entry.path().symlink_metadata().unwrap();
        let what = if seen.is_dir() {
            "directory".to_owned()
        } else if seen.is_symlink() {
            format!("-> {}", fs::read_link(entry.path()).unwrap().display())
        } else {
            sha256(&fs::read(entry.path()).unwrap())
        };
        let line = format!("{:04o} {what}", seen.mode() & 0o7777);
        all.insert(path.display().to_string(), line);
    }
    all
}

pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
