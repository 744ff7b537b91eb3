//! Who else could exchange a file: its mode does not say it. Whoever may write its folder may rename another file into its
//! place.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::error::Result;
use crate::model::Location;
use crate::report::{Finding, Id, Report};

/// In a folder with this bit, as /tmp has it, nobody renames or removes the files of others.
const STICKY: u32 = 0o1000;

/// Who may not write a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Everybody. The group may: a checkout with the umask 002 is usual where each user has a group of their own.
    All,
    /// Everybody and the group, for folders that hold keys and nothing else.
    AndGroup,
}

impl Others {
    fn mask(self) -> u32 {
        match self {
            Self::All => 0o002,
            Self::AndGroup => 0o022,
        }
    }
}

/// Checks the folder that holds a file, and where the file is a link, the folder of its target. With `AndGroup`, the folder
/// above, the project's, is checked against everybody. `shown` is what findings call the file.
pub fn check_folder(file: &Path, shown: &str, others: Others, report: &mut Report) -> Result<()> {
    let looking = || format!("looking at the folder of {shown}");
    let Ok(real) = file.canonicalize() else {
        // It is gone, or it is a pipe of a shell's, which has no name.
        return Ok(());
    };
    if !real.metadata().with_context(looking)?.is_file() {
        return Ok(());
    }
    let named = folder_of(Path::new(shown));
    let folder = folder_of(file);
    check(&folder, &named, others, report).with_context(looking)?;
    let target = folder_of(&real);
    if target != folder.canonicalize().with_context(looking)? {
        check(&target, &target, others, report).with_context(looking)?;
    }
    if others == Others::AndGroup && named.file_name().is_some() {
        let above = folder_of(&named);
        let path = folder.join("..");
        check(&path, &above, Others::All, report).with_context(looking)?;
    }
    Ok(())
}

fn check(folder: &Path, named: &Path, others: Others, report: &mut Report) -> io::Result<()> {
    let metadata = fs::metadata(folder)?;
    let mode = metadata.mode() & 0o7777;
    let location = named.display();
    if mode & others.mask() != 0 && mode & STICKY == 0 {
        let rule = format!(
            "others may write the folder (mode {mode:04o}), so they could exchange what is in it"
        );
        let repair = format!("run `chmod go-w {location}`");
        let finding = Finding::new(
            Id::FolderExposed,
            &Location::file(location.to_string()),
            "",
            rule,
        )
        .help(repair);
        // A project's folder is that of several secrets.
        if !report.sorted().contains(&finding) {
            report.add(finding);
        }
    }
    if others == Others::AndGroup
        && let Some(owner) = stranger(&metadata)
    {
        let rule = format!("the folder belongs to user {owner}, who could exchange what is in it");
        let repair = format!("run `chown {} {location}`", us());
        report.add(
            Finding::new(
                Id::FileOwnerForeign,
                &Location::file(location.to_string()),
                "",
                rule,
            )
            .help(repair),
        );
    }
    Ok(())
}

/// Checks that nobody else may change a file that anybody may read.
pub fn check_writers(file: &Path, shown: &str, report: &mut Report) -> Result<()> {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        // A link that leads nowhere: whoever reads it says so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("looking at {shown}")),
    };
    let mode = metadata.mode() & 0o7777;
    if metadata.is_file() && mode & 0o022 != 0 {
        let rule = format!("others may change the file (mode {mode:04o})");
        report.add(
            Finding::new(Id::FileExposed, &Location::file(shown), "", rule)
                .help(format!("run `chmod go-w {shown}`")),
        );
    }
    Ok(())
}

/// The owner, where it is neither us nor root.
fn stranger(metadata: &Metadata) -> Option<u32> {
    (metadata.uid() != us() && metadata.uid() != 0).then_some(metadata.uid())
}

fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
