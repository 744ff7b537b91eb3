//! The secrets file on disk, plain or encrypted: who may read it, one writer at a time, and never a half-written file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::OFlags;

use crate::access::{self, Others};
use crate::create::{replace, sync_folder_of};
use crate::error::Result;
use crate::input::{self, Limit};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::secrets::file_access::{check_file, check_writers};
use crate::secrets::{Keys, TokenStore};

/// What is appended to the name of the secrets file for the lock beside it. The lock file stays: taking it away would
/// let two programs lock two files of one name.
pub const LOCK_SUFFIX: &str = ".lock";
/// Read and write for the owner only.
const OWNER_ONLY: u32 = 0o600;

/// The longest file of tokens that is read: 100,000 nodes with two tokens each have 40 MiB.
pub(super) const LIMIT: Limit = Limit::mib(256);

/// How the name of a secrets file ends that is written encrypted.
const ENCRYPTED_SUFFIX: &str = ".age";

impl TokenStore {
    /// Reads a secrets file; `None` if there is none. `name` is what findings call it; `keys` open it if it is
    /// encrypted.
    pub fn load(path: &Path, name: &str, keys: &Keys, report: &mut Report) -> Result<Option<Self>> {
        let reading = || format!("reading {}", path.display());
        let read = match input::read_or_pipe(path, LIMIT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => report.take(read, name).with_context(reading)?,
        };
        let Some((bytes, facts)) = read else {
            return Ok(Some(Self::unreadable(name)));
        };
        let store = Self::of_bytes(&bytes, name, keys, report);
        // An encrypted file may be in a checkout, readable by all: nobody is told anything by it.
        if store.is_encrypted {
            check_writers(&facts, name, report)
        } else {
            check_file(&facts, name, report)
        }
        access::check_folder(path, name, Others::All, report)?;
        if is_encrypted_name(path) && !store.is_encrypted {
            let rule = "the file is not encrypted, though its name says so";
            report.add(
                Finding::new(Id::SecretsPlain, &Location::file(name), "", rule)
                    .help("call it secrets.yaml, and run `nodebake token encrypt`"),
            );
        }
        Ok(Some(store))
    }
}

fn is_encrypted_name(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .ends_with(ENCRYPTED_SUFFIX.as_bytes())
}

/// The right to change a secrets file. Other programs that want it wait until it is dropped; the kernel takes it back
/// from a program that dies.
#[derive(Debug)]
pub struct StoreLock {
    path: PathBuf,
    _lock: File,
}

impl StoreLock {
    /// Waits for the right to change the file at `path`, which need not exist yet.
    pub fn acquire(path: &Path) -> Result<Self> {
        let path = follow_link(path)?;
        let beside = with_suffix(&path, LOCK_SUFFIX);
        let locking = || format!("locking {}", beside.display());
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(OWNER_ONLY)
            // A pipe of that name would be waited for.
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(&beside)
            .with_context(locking)?;
        lock.lock().with_context(locking)?;
        Ok(Self { path, _lock: lock })
    }

    /// Reads the file, or begins an empty store. `name` is what findings call it; `keys` open it if it is encrypted.
    pub fn load(&self, name: &str, keys: &Keys, report: &mut Report) -> Result<TokenStore> {
        let store = TokenStore::load(&self.path, name, keys, report)?;
        Ok(store.unwrap_or_else(|| TokenStore {
            is_encrypted: is_encrypted_name(&self.path),
            ..TokenStore::new(name)
        }))
    }

    /// Replaces the file at once: whenever the program dies, the old or the new text is there, whole. A store that
    /// was read with errors is refused, for what could not be read would be lost. What was encrypted, or has a name
    /// that says so, is encrypted for all recipients of `keys`, and its text is on no disk at any time.
    pub fn save(&self, store: &TokenStore, keys: &Keys) -> Result<()> {
        let writing = || format!("writing {}", self.path.display());
        if store.is_partial {
            bail!("{}: the file has errors, which would be lost", writing());
        }
        let text = store.to_yaml()?;
        if store.is_encrypted || is_encrypted_name(&self.path) {
            let encrypted = keys.encrypt(text.as_bytes()).with_context(writing)?;
            return replace(&self.path, OWNER_ONLY, &encrypted).with_context(writing);
        }
        replace(&self.path, OWNER_ONLY, text.as_bytes()).with_context(writing)
    }

    /// Removes the file, which must have been saved elsewhere.
    pub fn remove(self) -> Result<()> {
        let removing = || format!("removing {}", self.path.display());
        fs::remove_file(&self.path).with_context(removing)?;
        sync_folder_of(&self.path).with_context(removing)
    }
}

/// The file behind a symlink: renaming over the link would leave the secrets that it points to as they were.
fn follow_link(path: &Path) -> Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(real) => Ok(real),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::TokenTerms;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::time::Duration;
    use time::macros::datetime;

    const TERMS: TokenTerms<'_> = TokenTerms {
        ttl: Duration::from_secs(3600),
        now: datetime!(2026-11-24 15:00 UTC),
        boot_within: Duration::ZERO,
        force: false,
        description: "",
    };

    fn create(path: &Path, node: &str) {
        let mut report = Report::default();
        let lock = StoreLock::acquire(path).unwrap();
        let mut store = lock
            .load("secrets.yaml", &Keys::default(), &mut report)
            .unwrap();
        assert!(report.is_empty(), "{report}");
        store.create([node], &TERMS).unwrap();
        lock.save(&store, &Keys::default()).unwrap();
    }

    #[test]
    fn a_file_of_another_user_is_refused_unless_root_owns_it() {
        for (owner, user, ids) in [
            (1000, 1000, vec![]),
            (0, 1000, vec![]),
            (1001, 1000, vec!["file-owner-foreign"]),
            (1000, 0, vec!["file-owner-foreign"]),
        ] {
            let mut report = Report::default();
            crate::secrets::check_access(0o100_600, owner, user, "secrets.yaml", &mut report);
            let found = report.into_findings().into_iter();
            let found: Vec<&str> = found.map(|finding| finding.id.as_str()).collect();
            assert_eq!(found, ids, "{owner} {user}");
        }
    }

    #[test]
    fn writers_at_the_same_time_lose_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.yaml");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for round in 0..10 {
                        create(path, &format!("n{thread}-{round}"));
                    }
                });
            }
        });
        let mut report = Report::default();
        let store = TokenStore::load(&path, "secrets.yaml", &Keys::default(), &mut report)
            .unwrap()
            .unwrap();
        assert!(report.is_empty(), "{report}");
        assert_eq!(store.iter().count(), 80);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_leftover_of_a_dead_run_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.yaml");
        create(&path, "a");
        fs::write(with_suffix(&path, ".new"), "half a fi").unwrap();
        create(&path, "b");
        let names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_link_to_the_secrets_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("real.yaml"),
            folder.path().join("secrets.yaml"),
        );
        create(&real, "a");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        create(&link, "b");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().contains("\"b\""));
    }

    #[test]
    fn what_could_not_be_read_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.yaml");
        fs::write(
            &path,
            "apiVersion: nodebake/v1\nkind: Secrets\ntokens: {a: [{id: x}]}\n",
        )
        .unwrap();
        let mut report = Report::default();
        let lock = StoreLock::acquire(&path).unwrap();
        let store = lock
            .load("secrets.yaml", &Keys::default(), &mut report)
            .unwrap();
        assert!(report.has_errors());
        assert!(lock.save(&store, &Keys::default()).is_err());
        assert!(fs::read_to_string(&path).unwrap().contains("{id: x}"));
    }

    #[test]
    fn a_file_that_others_may_read_is_a_finding() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.yaml");
        create(&path, "a");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let mut report = Report::default();
        TokenStore::load(&path, "secrets.yaml", &Keys::default(), &mut report).unwrap();
        assert_eq!(
            report.to_string(),
            "error: secrets.yaml: others may read or change the file (mode 0644); run `chmod 600 secrets.yaml`\n"
        );
    }
}
