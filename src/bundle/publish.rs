//! Putting a finished folder in the place of the old one, so that whenever the process dies, what verifies is
//! complete. Power loss is another matter: nothing is synced, and a bundle that lost bytes does not verify.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::bundle::manifest::{MANIFEST_LIMIT, Mark};
use crate::bundle::{
    INDEX, Kind, MANIFEST, SIGNATURE, SSH_SIGNATURE, SUMS, is_signature_of_others, read,
};
use crate::error::Result;
use crate::unfinished::uninterrupted;

/// bundle.json on its way into a folder that cannot be exchanged.
const INCOMING: &str = ".bundle.json.nodebake";

/// Everything that a bundle has at its top.
const OURS: [&str; 10] = [
    MANIFEST,
    INDEX,
    SUMS,
    SIGNATURE,
    SSH_SIGNATURE,
    "cluster",
    "nodes",
    "shared",
    "boot",
    INCOMING,
];

/// What was found at the output's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Absent,
    /// A folder that we may replace: device and inode.
    Folder(u64, u64),
}

impl Before {
    fn of(metadata: &Metadata) -> Self {
        Self::Folder(metadata.dev(), metadata.ino())
    }
}

/// Decides whether we may write there: nothing, an empty folder, or a bundle of this kind with nothing else in it.
pub(super) fn inspect(out: &Path, kind: Kind) -> Result<Before> {
    let shown = out.display();
    let metadata = match out.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Before::Absent),
        Err(error) => return Err(error).with_context(|| format!("looking at {shown}")),
    };
    if metadata.is_symlink() {
        bail!("{shown} is a symbolic link, not a folder of ours; it is left as it is");
    }
    if !metadata.is_dir() {
        bail!("{shown} is not a folder; it is left as it is");
    }
    let mut begun = true;
    for entry in fs::read_dir(out).with_context(|| format!("reading {shown}"))? {
        let entry = entry.with_context(|| format!("reading {shown}"))?;
        let name = entry.file_name();
        // It goes with the list that it signed, and the build says so.
        let is_signature = name.to_str().is_some_and(is_signature_of_others)
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_signature && !OURS.iter().any(|ours| name == *ours) {
            bail!(
                "{shown} holds {name:?}, which nodebake did not write; the folder is left as it is"
            );
        }
        begun &= name == INCOMING;
    }
    if !begun && !is_ours(out, kind) {
        bail!(
            "{shown} is not a {} of nodebake's (it has no bundle.json that says so); it is left as it is",
            kind.name()
        );
    }
    Ok(Before::of(&metadata))
}

fn is_ours(out: &Path, kind: Kind) -> bool {
    read::bounded(&out.join(MANIFEST), MANIFEST_LIMIT)
        .is_ok_and(|bytes| serde_json::from_slice::<Mark>(&bytes).is_ok_and(|mark| mark.is(kind)))
}

/// Puts `staging` in the place of `out`; the old folder is removed.
pub(super) fn publish(staging: &Path, out: &Path, before: &Before) -> Result<()> {
    uninterrupted(|| exchange(staging, out, before))?;
    remove_tree(staging).with_context(|| format!("removing {}", staging.display()))
}

fn exchange(staging: &Path, out: &Path, before: &Before) -> Result<()> {
    let writing = || format!("writing {}", out.display());
    if *before == Before::Absent {
        // A folder never replaces a file or a folder with something in it: rename(2) refuses both.
        return fs::rename(staging, out).with_context(writing);
    }
    match renameat_with(CWD, staging, CWD, out, RenameFlags::EXCHANGE) {
        Ok(()) => {
            let old = staging.symlink_metadata().with_context(writing)?;
            if Before::of(&old) != *before {
                // Not the folder that was inspected: nobody said that it may go.
                renameat_with(CWD, staging, CWD, out, RenameFlags::EXCHANGE)
                    .with_context(writing)?;
                bail!("{} was replaced during the build", out.display());
            }
        }
        Err(Errno::NOENT) => return fs::rename(staging, out).with_context(writing),
        // A lower layer of an overlay, a file system without exchange (NFS, 9p), a mount point.
        Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BUSY) => {
            in_place(staging, out).with_context(writing)?;
        }
        Err(error) => return Err(error).with_context(writing),
    }
    Ok(())
}

/// The way without exchange: the old signatures go first and the new ones come last, so what lies there in between
/// does not verify. bundle.json is there throughout, so that a later run still knows the folder as ours.
fn in_place(staging: &Path, out: &Path) -> io::Result<()> {
    let signatures = [SSH_SIGNATURE, SIGNATURE];
    for name in signatures {
        step()?;
        remove_tree(&out.join(name))?;
    }
    step()?;
    remove_tree(&out.join(INCOMING))?;
    carry(&staging.join(MANIFEST), &out.join(INCOMING))?;
    step()?;
    fs::rename(out.join(INCOMING), out.join(MANIFEST))?;
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        if entry.file_name() != MANIFEST {
            step()?;
            remove_tree(&entry.path())?;
        }
    }
    for entry in fs::read_dir(staging)? {
        let name = entry?.file_name();
        if !signatures.iter().any(|signature| name == *signature) {
            step()?;
            carry(&staging.join(&name), &out.join(&name))?;
        }
    }
    for name in signatures {
        step()?;
        if staging.join(name).symlink_metadata().is_ok() {
            carry(&staging.join(name), &out.join(name))?;
        }
    }
    step()
}

/// Moves a file or folder, by copying where `to` is on another file system.
fn carry(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to),
        other => other,
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
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

/// Removes whatever lies at a path, links not followed; nothing there is fine. Nodes' folders go in parallel: for
/// thousands of them this is a good part of a rebuild.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let nodes = path.join("nodes");
    if nodes.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        let entries: Vec<_> = fs::read_dir(&nodes)?.collect::<io::Result<_>>()?;
        entries
            .into_par_iter()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .try_for_each(|entry| fs::remove_dir_all(entry.path()))?;
    }
    fs::remove_dir_all(path)
}

/// Where the process may die; a test makes it do so.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps)]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use tests::step;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::bundle::{BundleBuilder, Header, NodeSays, Seal, Signer, verify};
    use crate::node::listing::TreeListing;

    thread_local! {
        /// After so many steps the process "dies"; none means that it lives.
        static STEPS: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Counts down to the end that a test has set.
    pub(super) fn step() -> io::Result<()> {
        match STEPS.get() {
            Some(0) => Err(io::Error::other("killed by the test")),
            left => {
                STEPS.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }

    fn bake(out: &Path, signer: &Arc<Signer>, text: &str) {
        let header = Header {
            kind: Kind::Bundle,
            cluster: "c".into(),
            generation: 1,
            libraries: BTreeMap::new(),
        };
        let builder = BundleBuilder::begin(out, header, Seal::Key(signer.clone())).expect("free");
        let mut node = builder.node("a", NodeSays::default()).expect("new");
        let listing = TreeListing {
            json: b"{}\n".to_vec(),
            sums: text.as_bytes().to_vec(),
        };
        let _ = node.tree(&listing).expect("written");
        node.finish().expect("complete");
        builder
            .file("cluster/tokens/t.yaml", true, &mut |out| {
                Ok(out.write_all(text.as_bytes())?)
            })
            .expect("written");
        let _ = builder.finish().expect("published");
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

    /// Dies at every step in turn; `fresh` begins with an empty folder, as a new mount point is.
    fn dies_at_every_step(beside: &Path, fresh: bool) {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let out = folder.path().join("out");
        let new = tempfile::tempdir_in(beside).expect("a scratch folder");
        let staging = new.path().join("staging");
        let signer = Arc::new(Signer::generate().expect("random"));
        for steps in 0.. {
            remove_tree(&out).expect("ours");
            if fresh {
                fs::create_dir(&out).expect("free");
            } else {
                bake(&out, &signer, "old");
            }
            bake(&staging, &signer, "new");
            let expected = modes(&staging);
            STEPS.set(Some(steps));
            let done = in_place(&staging, &out);
            STEPS.set(None);
            let verdict = verify(&out, signer.public(), None).expect("a folder");
            if verdict.is_good() {
                // One signature is enough, so the old bundle stands until its second one goes.
                let text = fs::read_to_string(out.join("cluster/tokens/t.yaml")).expect("there");
                assert!(text == "new" || steps <= 1, "{steps}: {text}");
            }
            remove_tree(&staging).expect("ours");
            if done.is_ok() {
                assert!(verdict.is_good(), "{verdict}");
                assert_eq!(modes(&out), expected);
                assert!(steps > 8, "{steps}");
                return;
            }
            // Whatever was left there, the next run knows it as ours and makes it good.
            bake(&out, &signer, "again");
            assert!(
                verify(&out, signer.public(), None)
                    .expect("a folder")
                    .is_good()
            );
        }
    }

    #[test]
    fn killed_while_filling_in_place_it_verifies_whole_or_not_at_all() {
        let here = std::env::temp_dir();
        dies_at_every_step(&here, false);
        dies_at_every_step(&here, true);
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

    #[test]
    fn a_folder_that_was_put_there_meanwhile_is_given_back() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (out, staging) = (folder.path().join("out"), folder.path().join("staging"));
        fs::create_dir(&out).expect("free");
        let before = inspect(&out, Kind::Bundle).expect("empty");
        fs::rename(&out, folder.path().join("aside")).expect("ours");
        fs::create_dir(&out).expect("free");
        fs::write(out.join("thesis"), "mine").expect("ours");
        fs::create_dir(&staging).expect("free");
        let error = publish(&staging, &out, &before).expect_err("another folder");
        assert!(error.to_string().contains("replaced"), "{error}");
        assert_eq!(
            fs::read_to_string(out.join("thesis")).expect("there"),
            "mine"
        );
        // And one that appeared where there was none.
        let error = publish(&staging, &out, &Before::Absent).expect_err("taken");
        assert!(error.to_string().contains("writing"), "{error}");
        assert!(out.join("thesis").exists());
    }
}
