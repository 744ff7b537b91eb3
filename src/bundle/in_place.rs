//! Exchanging two bundles where the folder itself cannot be exchanged: a mount point, a lower layer of an overlay, a file
//! system without RENAME_EXCHANGE (NFS, 9p).
//!
//! The new bundle is first written whole into a hidden folder inside the output, so on the same file system. Until then
//! nothing of the old bundle is touched: a full disk, a signal or SIGKILL leaves it as it was. What follows is renames of
//! the few entries at the top. They write no data, and each takes the directory entry that another has just given up, so a
//! full disk does not stop them.
//!
//! ```text
//! out/.nodebake-new/     .gitignore, new/, old/        is being filled         the old bundle verifies
//! out/.nodebake-ready/   the same folder, complete     old entries go to old/  neither; a build goes on
//! out/.nodebake-ready/   new/ is now called in/        its entries come up     neither; a build goes on
//! out/.nodebake-old/     the same folder again         is being removed        the new bundle verifies
//! ```
//! Each line begins with one rename, and what is left to do is seen from the names alone. So a run that was killed in the
//! middle is continued by the next build before it does anything else, and `verify` says so until then.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

use crate::bundle::foreign::is_of_a_bundle;
use crate::bundle::step::step;
use crate::create::remove_tree;
use crate::error::Result;
use crate::manifest::work_folder::{NEW, OLD, READY};
use crate::staging::Staging;
use crate::unfinished::{may_go_on, uninterrupted};

/// Puts what is in `staging` in place of what is in `out`.
pub(super) fn replace(staging: &Path, out: &Path) -> Result<()> {
    let writing = || format!("writing {}", out.display());
    let work = Staging::begin(&out.join(NEW)).with_context(writing)?;
    fill(staging, &work).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let text = "the old bundle stays until the new one is complete, so there must be room for both";
            anyhow::Error::new(error).context(text)
        }
        _ => error.into(),
    })
    .with_context(writing)?;
    uninterrupted(|| {
        step()?;
        fs::rename(out.join(NEW), out.join(READY))?;
        finish(out)
    })
    .with_context(writing)?;
    remove_tree(&out.join(OLD)).with_context(writing)
}

/// Finishes what a run that was killed has begun, and removes what it has left.
pub(super) fn recover(out: &Path) -> Result<()> {
    if !is_folder(out) {
        return Ok(());
    }
    let finishing = || format!("finishing the exchange of bundles in {}", out.display());
    uninterrupted(|| finish(out)).with_context(finishing)?;
    for name in [NEW, OLD] {
        let path = out.join(name);
        remove_tree(&path).with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

/// Writes the new bundle whole, and makes everything that the renames need.
fn fill(staging: &Path, work: &Staging) -> io::Result<()> {
    let new = work.join("new");
    for folder in [&new, &work.join("old")] {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
    }
    for entry in fs::read_dir(staging)? {
        let name = entry?.file_name();
        carry(&staging.join(&name), &new.join(&name))?;
    }
    Ok(())
}

/// Goes on from whatever state the names tell.
fn finish(out: &Path) -> io::Result<()> {
    let ready = out.join(READY);
    // Never through a link: it would lead anywhere.
    if !is_folder(&ready) {
        return Ok(());
    }
    let (new, coming) = (ready.join("new"), ready.join("in"));
    if is_folder(&new) {
        for name in names(out)? {
            if is_of_a_bundle(&name.to_string_lossy()) {
                step()?;
                set_aside(&out.join(&name), &ready.join("old").join(&name))?;
            }
        }
        step()?;
        fs::rename(&new, &coming)?;
    }
    if is_folder(&coming) {
        for name in names(&coming)? {
            step()?;
            fs::rename(coming.join(&name), out.join(&name))?;
        }
        step()?;
        fs::remove_dir(&coming)?;
    }
    step()?;
    remove_tree(&out.join(OLD))?;
    fs::rename(&ready, out.join(OLD))?;
    step()
}

/// Puts an old entry away. A folder of an overlay's lower layer cannot be renamed, so it is removed: the new bundle is
/// complete, and the old one is not needed any more.
fn set_aside(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => remove_tree(from),
        other => other,
    }
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|there| there.is_dir())
}

/// All names, before any of them is renamed.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

/// Moves a file or folder, by copying where `to` is on another file system.
fn carry(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to),
        other => other,
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    may_go_on()?;
    let metadata = from.symlink_metadata()?;
    if metadata.is_dir() {
        fs::DirBuilder::new().mode(0o700).create(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
        let mode = metadata.permissions().mode() & 0o7777;
        return fs::set_permissions(to, fs::Permissions::from_mode(mode));
    }
    // `fs::copy` sets the mode of the source, whatever the umask is.
    fs::copy(from, to).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::bundle::step::STEPS;
    use crate::bundle::{BundleBuilder, BundleHeader, NodeSays, SignatureSource};
    use crate::manifest::BundleKind;
    use crate::signing::Signer;
    use crate::tree::listing::TreeListing;
    use crate::verify::verify;

    fn bake(out: &Path, signer: &Arc<Signer>, text: &str) {
        let builder = begin(out, signer);
        let mut node = builder.node("a", NodeSays::default()).expect("new");
        let listing = TreeListing {
            json: b"{}\n".to_vec(),
            sums: text.as_bytes().to_vec(),
        };
        node.tree(&listing).expect("written");
        node.finish().expect("complete");
        builder
            .file("cluster/tokens/t.yaml", true, &mut |out| {
                Ok(out.write_all(text.as_bytes())?)
            })
            .expect("written");
        builder.finish().expect("published");
    }

    fn modes(folder: &Path) -> BTreeMap<PathBuf, u32> {
        walkdir::WalkDir::new(folder)
            .min_depth(1)
            .into_iter()
            .map(|entry| {
                let entry = entry.expect("readable");
                let path = entry.path().strip_prefix(folder).expect("below");
                (path.to_owned(), entry.metadata().expect("there").mode())
            })
            .collect()
    }

    fn begin(out: &Path, signer: &Arc<Signer>) -> BundleBuilder {
        let header = BundleHeader {
            kind: BundleKind::Bundle,
            cluster: "c".into(),
            generation: 1,
            libraries: BTreeMap::new(),
        };
        BundleBuilder::begin(out, header, SignatureSource::Key(signer.clone())).expect("free")
    }

    /// Which bundle verifies, by the text in it; an error with the first problem if none does.
    fn whole(out: &Path, signer: &Signer) -> std::result::Result<String, String> {
        let verdict = verify(out, signer.public(), None).expect("a folder");
        match verdict.problems.first() {
            None => Ok(fs::read_to_string(out.join("cluster/tokens/t.yaml")).expect("there")),
            Some(problem) => Err(format!("{}: {}", problem.path, problem.rule)),
        }
    }

    /// Dies at every step in turn; `fresh` begins with an empty folder, as a new mount point is.
    fn dies_at_every_step(beside: &Path, fresh: bool) {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let out = folder.path().join("out");
        let new = tempfile::tempdir_in(beside).expect("a scratch folder");
        let staging = new.path().join("staging");
        let signer = Arc::new(Signer::generate().expect("random"));
        let mut seen = [0; 3];
        for steps in 0.. {
            remove_tree(&out).expect("ours");
            if fresh {
                fs::create_dir(&out).expect("free")
            } else {
                bake(&out, &signer, "old")
            }
            bake(&staging, &signer, "new");
            let expected = modes(&staging);
            STEPS.set(Some(steps));
            let done = replace(&staging, &out);
            STEPS.set(None);
            remove_tree(&staging).expect("ours");
            let found = whole(&out, &signer);
            match (
                out.join(READY).exists(),
                &*found.clone().unwrap_or_default(),
            ) {
                // Between the first rename and the last: the verdict names the repair, and the next build makes it.
                (true, _) => {
                    assert_eq!(
                        found,
                        Err(format!(
                            "{READY}: {}",
                            crate::manifest::work_folder::HALF_WAY
                        ))
                    );
                    drop(begin(&out, &signer));
                    assert_eq!(whole(&out, &signer).as_deref(), Ok("new"), "{steps}");
                    assert_eq!(modes(&out), expected, "{steps}");
                    seen[1] += 1;
                }
                (false, "new") => seen[2] += 1,
                (false, found) => {
                    assert_eq!(found, if fresh { "" } else { "old" }, "{steps}");
                    seen[0] += 1;
                }
            }
            if done.is_ok() {
                assert_eq!(found.as_deref(), Ok("new"));
                assert_eq!(modes(&out), expected);
                // Each state was seen, the longest one while nothing of the old bundle was touched.
                assert!(seen[0] > 5 && seen[1] > 5 && seen[2] > 0, "{seen:?}");
                return;
            }
            // Whatever was left there, the next run knows it as ours and makes it good.
            bake(&out, &signer, "again");
            assert_eq!(whole(&out, &signer).as_deref(), Ok("again"), "{steps}");
            assert!(!out.join(NEW).exists() && !out.join(OLD).exists());
        }
    }

    #[test]
    fn killed_at_any_step_the_old_bundle_or_the_new_one_verifies_or_a_build_completes_it() {
        let here = std::env::temp_dir();
        dies_at_every_step(&here, false);
        dies_at_every_step(&here, true);
    }

    /// A run that was killed outright removes nothing.
    #[test]
    fn what_a_killed_run_left_is_no_part_of_the_bundle_and_goes_with_the_next() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let out = folder.path().join("out");
        let signer = Arc::new(Signer::generate().expect("random"));
        bake(&out, &signer, "old");
        let before = modes(&out);
        for name in [NEW, OLD] {
            fs::create_dir_all(out.join(name).join("new/nodes/a")).expect("free");
            fs::write(out.join(name).join("new/nodes/a/tree.json"), "{}").expect("free");
        }
        let verdict = verify(&out, signer.public(), None).expect("a folder");
        assert!(verdict.is_good(), "{verdict}");
        let mut left = verdict.leftovers;
        left.sort();
        assert_eq!(left, [NEW, OLD]);
        drop(begin(&out, &signer));
        assert_eq!(modes(&out), before);
        // Not below a node, and not as a file or a link.
        fs::create_dir(out.join("nodes").join(NEW)).expect("free");
        assert!(
            whole(&out, &signer)
                .expect_err("extra")
                .contains("nodes/.nodebake-new")
        );
        fs::remove_dir(out.join("nodes").join(NEW)).expect("there");
        std::os::unix::fs::symlink("nodes", out.join(READY)).expect("free");
        whole(&out, &signer).expect_err("no bundle has it");
        fs::remove_file(out.join(READY)).expect("there");
        std::os::unix::fs::symlink("nodes", out.join(NEW)).expect("free");
        whole(&out, &signer).expect_err("no bundle has it");
    }

    #[test]
    fn across_file_systems_it_is_copied_with_its_modes() {
        let shared = Path::new("/dev/shm");
        assert_ne!(
            shared.metadata().expect("a tmpfs").dev(),
            std::env::temp_dir().metadata().expect("there").dev()
        );
        dies_at_every_step(shared, false);
        dies_at_every_step(shared, true);
    }
}
