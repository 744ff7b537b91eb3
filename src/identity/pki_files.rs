//! Certificates and keys on the project's disk: private ones are 0600 in folders that are 0700, written whole or not at
//! all, and left out of version control.

use std::path::Path;

use anyhow::Context;

use crate::create;
use crate::error::Result;
use crate::unfinished::make_folders;

/// The CA's private key, relative to the project: the one file that only `pki` may read.
pub const CA_KEY: &str = "pki/ca.key";
/// What a lab's control plane needs.
pub const CONTROL_PLANE: &str = "pki/control-plane";
/// One folder for each node, with its certificates and their keys.
pub const NODES: &str = "pki/nodes";

const IGNORE: &str = "\
# Private keys, and folders with private keys: they belong to no repository.
*.key
/control-plane/
/nodes/
";

/// Makes the folder `pki` of a project, with a file that keeps private keys out of version control.
pub fn prepare_folder(project: &Path) -> Result<()> {
    let folder = project.join("pki");
    make_folders(&folder, 0o755)?;
    let ignore = folder.join(".gitignore");
    match ignore.symlink_metadata() {
        Ok(_) => Ok(()),
        Err(_) => write_new(&ignore, 0o644, IGNORE),
    }
}

/// Whether anything of that name is there, a dangling link too: writing through it would put a key elsewhere.
pub fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Writes a file, which must be new, with a mode that no umask changes; there is none after a failure.
pub fn write_new(path: &Path, mode: u32, text: &str) -> Result<()> {
    let written = create::durable(path, mode, text.as_bytes());
    let written = written.with_context(|| format!("writing {}", path.display()))?;
    written.finish();
    Ok(())
}

/// Writes a file in place of what is there: whoever reads meanwhile sees the old one or the new.
pub fn replace(path: &Path, mode: u32, text: &str) -> Result<()> {
    let replaced = create::replace(path, mode, text.as_bytes());
    replaced.with_context(|| format!("writing {}", path.display()))
}
