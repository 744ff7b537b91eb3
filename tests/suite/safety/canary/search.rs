//! Searching for secrets: in texts, in files as they are, and in what files unpack to.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nodebake::decompress::{self, Packing};
use nodebake::inspect::{Limits, inspect};
use walkdir::WalkDir;

use crate::support::tool::forms;

/// Nothing in these tests unpacks to more.
const MOST: u64 = 64 << 20;
/// How often something packed is unpacked again.
const DEEPEST: u32 = 3;

/// One secret, in each form that a program could write it in.
struct Canary {
    name: String,
    forms: Vec<Vec<u8>>,
}

/// All secrets of a project.
pub struct Canaries {
    all: Vec<Canary>,
    /// Files that were searched before and have not changed since.
    clean: Mutex<HashSet<Seen>>,
}

/// Path, inode, time of the last change in nanoseconds.
type Seen = (PathBuf, u64, i64);

impl Canaries {
    /// Those of a project: tokens, and every private key in a file of its own.
    pub fn of(project: &Path) -> Self {
        let mut canaries = Self {
            all: Vec::new(),
            clean: Mutex::default(),
        };
        for entry in WalkDir::new(project) {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(project).unwrap().display();
            let name = name.to_string();
            if !entry.file_type().is_file() || name.starts_with("before/") {
                continue;
            }
            let Ok(text) = fs::read_to_string(entry.path()) else {
                continue;
            };
            for line in text.lines() {
                if let Some((_, value)) = line.split_once("secret: ")
                    && name.starts_with("secrets")
                {
                    let secret: String =
                        value.chars().filter(char::is_ascii_alphanumeric).collect();
                    canaries.add(&name, &secret[..16]);
                }
                if line.starts_with("AGE-SECRET-KEY-") {
                    canaries.add(&name, line);
                }
            }
            canaries.add_keys(&name, &text);
        }
        let count = |what: &str| {
            let of = |canary: &&Canary| canary.name.contains(what);
            canaries.all.iter().filter(of).count()
        };
        for kind in ["secrets", "sign.key", "ca.key", "client.pem", "serving.pem"] {
            assert!(count(kind) > 0, "no canary of {kind}");
        }
        canaries
    }

    /// One more.
    pub fn add(&mut self, name: &str, secret: &str) {
        let mut all: Vec<Vec<u8>> = forms(secret).into_iter().map(String::into_bytes).collect();
        all.extend(STANDARD.decode(secret).ok().filter(|raw| raw.len() >= 16));
        self.all.push(Canary {
            name: name.to_owned(),
            forms: all,
        });
    }

    /// What is private in keys in PEM. Their public half is in there too, and may be anywhere.
    fn add_keys(&mut self, name: &str, text: &str) {
        let mut body = Vec::new();
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with("-----") {
                inside = line.contains("BEGIN") && line.contains("PRIVATE KEY");
                for part in private_parts(&std::mem::take(&mut body)) {
                    self.add(name, part);
                }
            } else if inside {
                body.push(line);
            }
        }
    }

    /// The first secret in some bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<&str> {
        let holds = |canary: &&Canary| {
            let found = |form: &Vec<u8>| memchr::memmem::find(bytes, form).is_some();
            canary.forms.iter().any(found)
        };
        self.all.iter().find(holds).map(|canary| &*canary.name)
    }

    /// Files below a folder that somebody else than their owner may read and that hold a secret, in any form.
    pub fn readable_below(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in WalkDir::new(folder) {
            let Ok(entry) = entry else { continue };
            let Ok(seen) = entry.path().symlink_metadata() else {
                continue;
            };
            if !seen.is_file() || seen.mode() & 0o077 == 0 || is_the_users(entry.path()) {
                continue;
            }
            let file = entry.path().to_owned();
            let changed = seen.ctime() * 1_000_000_000 + seen.ctime_nsec();
            let key = (file.clone(), seen.ino(), changed);
            if self.clean.lock().unwrap().contains(&key) {
                continue;
            }
            match self.in_file(&file) {
                Some(secret) => found.push(format!("{}: {secret}", file.display())),
                None => drop(self.clean.lock().unwrap().insert(key)),
            }
        }
        found
    }

    fn in_file(&self, file: &Path) -> Option<String> {
        let bytes = fs::read(file).unwrap_or_default();
        if let Some(secret) = self.unpacked(&bytes, 0) {
            return Some(secret.to_owned());
        }
        // Documents pack their files by themselves; archives in archives are left to the above.
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("out");
        let limits = Limits {
            unpacked: MOST,
            ..Limits::default()
        };
        let (_, outcome) = inspect(file, limits, Some(&out)).ok()?;
        outcome.ok()?;
        let mut files = WalkDir::new(&out).into_iter().filter_map(Result::ok);
        files.find_map(|entry| {
            let bytes = fs::read(entry.path()).ok()?;
            self.unpacked(&bytes, 0).map(str::to_owned)
        })
    }

    fn unpacked(&self, bytes: &[u8], depth: u32) -> Option<&str> {
        if let Some(secret) = self.find(bytes) {
            return Some(secret);
        }
        if depth == DEEPEST || Packing::of(bytes) == Packing::None {
            return None;
        }
        let mut inner = Vec::new();
        let mut reader = decompress::reader(bytes, MOST).ok()?;
        // What a broken end cuts off is searched as far as it goes.
        let _ = reader.read_to_end(&mut inner);
        self.unpacked(&inner, depth + 1)
    }
}

/// Parts of a key's lines that hold nothing but its private half, by the layout of PKCS#8 and PKCS#1.
fn private_parts<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    match lines {
        [] => Vec::new(),
        // Ed25519: 16 bytes that all keys have, then the seed.
        [one] => vec![&one[24..]],
        // P-256: the scalar begins at byte 36 and ends at byte 68.
        [first, second, ..] if lines.len() < 5 => vec![&first[48..], &second[..24]],
        // RSA: the modulus is in the first quarter.
        all => all[all.len() / 2..all.len() - 1].to_vec(),
    }
}

/// What the user made loose by themselves: not ours to guard.
fn is_the_users(file: &Path) -> bool {
    file.ends_with("declared") || file.ends_with(crate::support::tool::IDENTITY)
}
