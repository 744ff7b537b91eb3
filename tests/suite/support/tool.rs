//! The binary, run as a user would. Every run of it in this suite goes through this file, which looks at all that it was
//! given and says: arguments, standard output and error never hold a secret unless `--reveal` asks for it. No
//! test can get at the process in another way, and one below makes sure that none starts it by itself.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nodebake::report::Report;
use nodebake::secrets::{Keys, TokenStore};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use walkdir::WalkDir;

use crate::support::fixture::{as_printed, text};
use crate::support::hidden::hidden_in;

/// What the secrets of all test-only tokens begin with.
pub const SECRET: &str = "testonlysecret";
/// The middle of the test-only signing key.
const KEY: &str = "dGVzdC1vbmx5IGtleTog";
/// Where tests keep what opens their encrypted tokens: beside the project.
pub const IDENTITY: &str = "identity.txt";

/// The binary's file, for a shell's PATH; what that shell says goes through [`says_no_secret`].
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_nodebake"))
}

/// One run of the binary.
pub struct Tool {
    command: Command,
    folder: PathBuf,
    args: Vec<String>,
}

/// The binary in a folder, with an environment that must not matter.
pub fn nodebake(folder: &Path, args: &[&str]) -> Tool {
    let mut command = Command::new(binary());
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut tool = Tool {
        command,
        folder: folder.to_owned(),
        args: Vec::new(),
    };
    tool.args(args);
    tool
}

impl Tool {
    pub fn args<'a>(
        &mut self,
        args: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>,
    ) -> &mut Self {
        for arg in args {
            self.command.arg(arg.as_ref());
            self.args.push(arg.as_ref().to_owned());
        }
        self
    }

    pub fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    pub fn env_remove(&mut self, name: &str) -> &mut Self {
        self.command.env_remove(name);
        self
    }

    pub fn env_clear(&mut self) -> &mut Self {
        self.command.env_clear();
        self
    }

    /// The same run below a shell that sets the umask.
    pub fn with_umask(self, umask: &str) -> Self {
        self.below(&format!("umask {umask}; exec \"$0\" \"$@\""))
    }

    /// The same run below a shell, whose script ends with `exec "$0" "$@"`.
    pub fn below(mut self, script: &str) -> Self {
        let mut shell = Command::new("sh");
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .args(["-c", script])
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = shell;
        self
    }

    /// Runs it, whatever it says.
    pub fn run(&mut self) -> Output {
        self.watched(|command| command.output().unwrap())
    }

    /// Runs it with something to read.
    pub fn run_with_input(&mut self, input: &[u8]) -> Output {
        self.watched(|command| {
            let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
            // It may have seen enough, or refuse what it is asked before it reads.
            let _ = child.stdin.take().unwrap().write_all(input);
            child.wait_with_output().unwrap()
        })
    }

    /// Runs it with a standard output of the caller's.
    pub fn run_into(&mut self, stdout: impl Into<Stdio>) -> Output {
        self.watched(|command| {
            let child = command.stdout(stdout).spawn().unwrap();
            child.wait_with_output().unwrap()
        })
    }

    /// Starts it, and kills it after a time; it may have ended by then.
    pub fn killed_after(&mut self, time: Duration) {
        self.watched(|command| {
            let mut child = command.spawn().unwrap();
            std::thread::sleep(time);
            let _ = child.kill();
            child.wait_with_output().unwrap()
        });
    }

    /// Starts it, and sends it signals after a time; it may have ended by then.
    pub fn signalled(&mut self, time: Duration, signals: &[Signal]) -> Output {
        self.watched(|command| {
            let child = command.spawn().unwrap();
            std::thread::sleep(time);
            for signal in signals {
                let _ = kill_process(Pid::from_child(&child), *signal);
            }
            child.wait_with_output().unwrap()
        })
    }

    /// Runs it; it must be content.
    pub fn good(&mut self) -> String {
        let output = self.run();
        assert!(
            output.status.success(),
            "{:?}: {}{}",
            self.args,
            text(&output.stdout),
            text(&output.stderr)
        );
        // A file may show findings: it stays as it is.
        if self.prints_files() {
            as_printed(&output.stdout)
        } else {
            text(&output.stdout)
        }
    }

    /// Runs it; it must be content. The most memory that it had, in bytes.
    pub fn good_with_peak(&mut self) -> u64 {
        let (output, peak) = self.run_with_peak();
        assert!(output.status.success(), "{}", text(&output.stderr));
        peak
    }

    /// Runs it, whatever it says. The most memory that it had, in bytes.
    pub fn run_with_peak(&mut self) -> (Output, u64) {
        let mut peak = 0;
        let output = self.watched(|command| {
            let mut child = command.spawn().unwrap();
            let status = format!("/proc/{}/status", child.id());
            // The high-water mark only rises, so the last look is enough, and there is none after the end.
            while child.try_wait().unwrap().is_none() {
                let seen = fs::read_to_string(&status).unwrap_or_default();
                let line = seen.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kib =
                    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
                peak = peak.max(kib.unwrap_or_default() * 1024);
                std::thread::sleep(Duration::from_millis(5));
            }
            child.wait_with_output().unwrap()
        });
        assert!(peak > 1 << 20, "nothing was measured");
        (output, peak)
    }

    /// Runs it; it must be content. The bytes that it read, from files or the page cache.
    pub fn good_with_read(&mut self) -> u64 {
        let mut read = None;
        let output = self.watched(|command| {
            let child = command.stdout(Stdio::null()).spawn().unwrap();
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            waitid(WaitId::Pid(Pid::from_child(&child)), ended).unwrap();
            // It has ended, and is counted until somebody waits for it.
            let seen = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
            let line = seen.lines().find_map(|line| line.strip_prefix("rchar: "));
            read = line.and_then(|line| line.parse().ok());
            child.wait_with_output().unwrap()
        });
        assert!(output.status.success(), "{}", text(&output.stderr));
        read.unwrap()
    }

    fn watched(&mut self, run: impl FnOnce(&mut Command) -> Output) -> Output {
        let mut secrets = secrets_below(&self.folder);
        let output = run(&mut self.command);
        secrets.extend(secrets_below(&self.folder));
        let args = self.args.join(" ");
        no_secret("the arguments", &args, &secrets);
        if !self.args.iter().any(|arg| arg == "--reveal") {
            no_secret(&args, &text(&output.stdout), &secrets);
        }
        // Findings and errors never reveal anything, whoever asks.
        let said = text(&output.stderr);
        no_secret(&args, &said, &secrets);
        assert!(!said.contains("panicked at"), "{args}: {said}");
        let printed = if self.prints_files() {
            String::new()
        } else {
            text(&output.stdout)
        };
        for said in [printed, said] {
            let hidden = hidden_in(&said);
            assert_eq!(hidden, None, "{args}: let through to a terminal:\n{said}");
        }
        output
    }

    /// Whether it prints a file as it is, for programs.
    fn prints_files(&self) -> bool {
        let pages = ["man", "completions", "schema"];
        let first = self.args.first().map(String::as_str);
        first.is_some_and(|first| pages.contains(&first))
            || self.args.iter().any(|arg| arg == "--file")
    }
}

/// Checks what a shell said that had the binary on its PATH.
pub fn says_no_secret(what: &str, folder: &Path, said: &str) {
    no_secret(what, said, &secrets_below(folder));
}

fn no_secret(what: &str, said: &str, secrets: &BTreeSet<String>) {
    let known = secrets.iter().flat_map(|secret| forms(secret));
    for form in known.chain([SECRET.to_owned(), KEY.to_owned()]) {
        assert!(
            !said.contains(&form),
            "{what}: says the secret {form}:\n{said}"
        );
    }
    for mark in ["AGE-SECRET-KEY-", "PRIVATE KEY-----"] {
        assert!(!said.contains(mark), "{what}: says a private key:\n{said}");
    }
    if let Some(token) = token_in(said) {
        panic!("{what}: says the token {token}:\n{said}");
    }
}

/// A secret as it is, and as base64 says it at each of the three offsets at which it may be in something longer.
pub fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for before in 0..3 {
        let encoded = STANDARD.encode([&vec![b'x'; before], secret.as_bytes()].concat());
        // The first and last characters depend on what is beside it.
        let inner = encoded.trim_end_matches('=');
        let start = if before == 0 { 0 } else { before + 1 };
        forms.push(inner[start..inner.len() - 2].to_owned());
    }
    forms
}

/// Whatever looks like a whole bootstrap token, be it known here or not.
fn token_in(said: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let words = said.split(|c: char| !is_part(c) && c != '.');
    let token = |word: &&str| {
        word.split_once('.').is_some_and(|(id, secret)| {
            (id.len(), secret.len()) == (6, 16) && !secret.contains('.')
        })
    };
    words.into_iter().find(token)
}

/// The secrets of the projects in a folder, or of the project that it is: tokens, encrypted ones too, and keys.
fn secrets_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let entries = WalkDir::new(folder).max_depth(3).into_iter();
    let entries = entries.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with("out") || name == "nodes")
    });
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        // Tests put pipes and endless files in their places.
        let is_short = |path: &Path| {
            path.metadata()
                .is_ok_and(|it| it.is_file() && it.len() < 1 << 24)
        };
        if !is_short(path) {
            continue;
        }
        match name.as_str() {
            "secrets.yaml.age" => found.extend(encrypted(path)),
            name if name.starts_with("secrets") && name.ends_with(".yaml") => {
                let text = fs::read_to_string(path).unwrap_or_default();
                found.extend(plain(&text));
            }
            name if name.ends_with(".key") => {
                let text = fs::read_to_string(path).unwrap_or_default();
                found.extend(
                    text.lines()
                        .filter(|line| line.len() > 40)
                        .map(str::to_owned),
                );
            }
            _ => {}
        }
    }
    found
}

fn plain(text: &str) -> Vec<String> {
    let secret = |line: &str| {
        let value = line.split_once("secret:")?.1.trim().trim_matches('"');
        (value.len() == 16).then(|| value.to_owned())
    };
    text.lines().filter_map(secret).collect()
}

fn encrypted(path: &Path) -> Vec<String> {
    let mut keys = Keys::default();
    let project = path.parent().unwrap();
    let beside = [project.join(IDENTITY), project.join("..").join(IDENTITY)];
    for identity in beside.iter().filter(|identity| identity.exists()) {
        let mut report = Report::default();
        keys.load_identities(identity, "identity", &mut report)
            .unwrap();
    }
    let store = TokenStore::load(path, "secrets", &keys, &mut Report::default());
    let Ok(Some(store)) = store else {
        return Vec::new();
    };
    let tokens = store.iter().flat_map(|(_, tokens)| tokens);
    tokens
        .map(|token| token.secret.expose().to_owned())
        .collect()
}

#[test]
fn nothing_else_starts_the_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let needle = concat!("CARGO_BIN_EXE", "_nodebake");
    let mut users = Vec::new();
    for entry in WalkDir::new(folder) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() && fs::read_to_string(entry.path()).unwrap().contains(needle)
        {
            users.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    assert_eq!(users, ["tool.rs"]);
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secrets = BTreeSet::from(["0123456789abcdef".to_owned()]);
    let base64 = |before: &str| STANDARD.encode(format!("{before}0123456789abcdef\n"));
    for said in [
        "x 0123456789abcdef x".to_owned(),
        base64(""),
        base64("a"),
        base64("token: "),
        base64("token: ab"),
        "abcdef.fedcba9876543210".to_owned(),
        "(abcdef.fedcba9876543210)".to_owned(),
        "testonlysecret01".to_owned(),
        "AGE-SECRET-KEY-1QQQ".to_owned(),
        "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
    ] {
        let checked = std::panic::catch_unwind(|| no_secret("a test", &said, &secrets));
        assert!(checked.is_err(), "{said}");
    }
    for said in [
        "abcdef.<hidden>",
        "gpu-01.example.com",
        "",
        "10.0.0.1 abcdef.0123",
    ] {
        no_secret("a test", said, &secrets);
    }
}
