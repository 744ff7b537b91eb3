//! A key pair on the disk: `sign.key`, and beside it `sign.pub` and `allowed_signers`, which say the same of its public
//! half in two forms. They are made together.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::create;
use crate::error::Result;
use crate::lock::Lock;
use crate::report::Report;
use crate::signing::pair::{PRIVATE, PUBLIC, SIGNERS, is_there};
use crate::signing::{PublicKey, Signer};
use crate::unfinished::{Unfinished, make_folders};

/// Where a key pair was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    /// The private key, 0600.
    pub private: PathBuf,
    /// The public key, PEM.
    pub public: PathBuf,
    /// The same public key for `ssh-keygen -Y verify -f`.
    pub allowed_signers: PathBuf,
    /// The public key itself.
    pub key: PublicKey,
    /// Whether the private key was there already, and only what was missing beside it was written.
    pub completed: bool,
}

/// Makes a key pair in a `keys` folder. None of its files is overwritten: a lost signing key cannot be had back. Each file
/// is there whole or not at all, the private key first. So a run that was killed leaves at worst a private key without
/// public files, and the next run writes these from it.
pub fn generate_keys(folder: &Path) -> Result<KeyFiles> {
    make_folders(folder, 0o755)?;
    let [private, public, signers] = [PRIVATE, PUBLIC, SIGNERS].map(|name| folder.join(name));
    // One run after the other: what the second found half made would be the first one's work.
    let _lock = Lock::take(&private)?;
    let completed = is_there(&private);
    let missing: Vec<&Path> = [&*public, &*signers]
        .into_iter()
        .filter(|file| !is_there(file))
        .collect();
    let taken = match (completed, missing.len()) {
        (true, 0) => Some(&private),
        (false, 0 | 1) => [&public, &signers].into_iter().find(|file| is_there(file)),
        _ => None,
    };
    if let Some(taken) = taken {
        bail!(
            "{} is there already and is never overwritten; move it away first",
            taken.display()
        );
    }
    let mut unfinished = Unfinished::default();
    let signer = if completed {
        existing(&private)?
    } else {
        let signer = Signer::generate()?;
        unfinished.take(create::whole_file(
            &private,
            0o600,
            signer.to_pem().as_bytes(),
        )?);
        signer
    };
    let key = signer.public().clone();
    for file in missing {
        let text = if file == public {
            key.to_pem()
        } else {
            key.allowed_signers()
        };
        unfinished.take(create::whole_file(file, 0o644, text.as_bytes())?);
    }
    unfinished.finish();
    Ok(KeyFiles {
        private,
        public,
        allowed_signers: signers,
        key,
        completed,
    })
}

fn existing(private: &Path) -> Result<Signer> {
    let mut report = Report::default();
    match Signer::load(private, &private.display().to_string(), &mut report)? {
        Some(signer) => Ok(signer),
        None => bail!(
            "completing the key pair: {}",
            report.to_string().trim_end().replace('\n', "; ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let files = generate_keys(folder.path()).expect("generated");
        let before = fs::read(&files.private).expect("there");
        let error = generate_keys(folder.path()).expect_err("taken");
        assert!(error.to_string().contains("never overwritten"), "{error}");
        assert_eq!(fs::read(&files.private).expect("there"), before);
        // A dangling link counts as well: writing through it would put the key elsewhere.
        let other = tempfile::tempdir().expect("a scratch folder");
        symlink("/nowhere/key", other.path().join("sign.key")).expect("a link");
        generate_keys(other.path()).expect_err("taken");
    }

    fn findings(private: &Path) -> (bool, String) {
        let mut report = Report::default();
        let signer = Signer::load(private, "keys/sign.key", &mut report).expect("readable");
        (signer.is_some(), report.to_string())
    }

    #[test]
    fn a_lone_key_gets_its_public_files_and_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let files = generate_keys(folder.path()).expect("generated");
        let all = [&files.private, &files.public, &files.allowed_signers];
        let read = || all.map(|file| fs::read(file).expect("there"));
        let before = read();
        for missing in [&[1][..], &[2], &[1, 2]] {
            missing
                .iter()
                .for_each(|at| fs::remove_file(all[*at]).expect("there"));
            let completed = generate_keys(folder.path()).expect("completed");
            assert!(completed.completed);
            assert_eq!(completed.key, files.key);
            assert_eq!(read(), before);
        }
        // A public file without a key is somebody else's, or what is left of a key.
        for missing in [&[0][..], &[0, 1], &[0, 2]] {
            let other = tempfile::tempdir().expect("a scratch folder");
            generate_keys(other.path()).expect("generated");
            for at in missing {
                let name = all[*at].file_name().expect("named");
                fs::remove_file(other.path().join(name)).expect("there");
            }
            let error = generate_keys(other.path()).expect_err("taken");
            assert!(error.to_string().contains("never overwritten"), "{error}");
        }
        // What is there is no key.
        fs::remove_file(all[1]).expect("there");
        fs::write(all[0], "").expect("ours");
        let error = generate_keys(folder.path()).expect_err("empty");
        assert!(error.to_string().contains("Ed25519"), "{error}");
    }

    #[test]
    fn public_files_of_another_pair_are_findings() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let keys = folder.path().join("keys");
        let files = generate_keys(&keys).expect("generated");
        let other = generate_keys(&folder.path().join("other")).expect("generated");
        for (ours, theirs) in [
            (&files.public, &other.public),
            (&files.allowed_signers, &other.allowed_signers),
        ] {
            let before = fs::read(ours).expect("there");
            fs::write(ours, fs::read(theirs).expect("there")).expect("ours");
            let (loaded, said) = findings(&files.private);
            let name = ours.file_name().expect("named").to_string_lossy();
            let begin =
                format!("error: keys/{name}: must be of the same key pair as keys/sign.key");
            assert!(!loaded && said.starts_with(&begin), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            fs::remove_file(ours).expect("there");
            assert!(findings(&files.private).0, "absent");
            fs::write(ours, before).expect("ours");
        }
        // Other signers may be among those who are allowed.
        let mut signers = fs::read(&other.allowed_signers).expect("there");
        signers.extend(fs::read(&files.allowed_signers).expect("there"));
        fs::write(&files.allowed_signers, signers).expect("ours");
        assert_eq!(findings(&files.private), (true, String::new()));
    }

    #[test]
    fn what_others_could_exchange_is_a_finding() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let keys = folder.path().join("keys");
        let files = generate_keys(&keys).expect("generated");
        let set = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
        };
        for (path, mode, shown) in [
            (
                &keys,
                0o775,
                Some("keys: others may write the folder (mode 0775)"),
            ),
            (
                &keys,
                0o757,
                Some("keys: others may write the folder (mode 0757)"),
            ),
            (&keys, 0o1777, None),
            (&keys, 0o755, None),
            (
                &folder.path().to_owned(),
                0o777,
                Some(".: others may write the folder (mode 0777)"),
            ),
            // Where each user has a group of their own, this is what `mkdir` makes.
            (&folder.path().to_owned(), 0o775, None),
            (
                &files.public,
                0o664,
                Some("keys/sign.pub: others may change the file (mode 0664)"),
            ),
            (&files.public, 0o644, None),
            (
                &files.allowed_signers,
                0o646,
                Some("keys/allowed_signers: others may change the file (mode 0646)"),
            ),
            (&files.allowed_signers, 0o644, None),
        ] {
            set(path, mode);
            let (loaded, said) = findings(&files.private);
            match shown {
                Some(shown) => {
                    assert!(!loaded && said.contains(shown), "{said}");
                    assert_eq!(said.lines().count(), 1, "{said}");
                }
                None => assert!(loaded && said.is_empty(), "{mode:o}: {said}"),
            }
        }
        // Through a link, the folder of what it leads to counts too.
        let link = tempfile::tempdir().expect("a scratch folder");
        symlink(&files.private, link.path().join("sign.key")).expect("free");
        set(&keys, 0o777);
        let (loaded, said) = findings(&link.path().join("sign.key"));
        assert!(!loaded && said.contains("(mode 0777)"), "{said}");
    }
}
