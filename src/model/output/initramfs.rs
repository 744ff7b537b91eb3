//! How initramfs payloads are written: what `output.initramfs` decided.

use serde::Deserialize;

use crate::model::named;
use crate::model::output::ArchiveSettings;

named! {
    /// How an initramfs payload comes to the system that runs in the end.
    #[derive(Default, Deserialize)]
    pub enum Mode {
        /// The initramfs is the root: the files are where they belong. The kernel argument lets the init shim,
        /// `/usr/lib/nodebake/init`, mount it over itself first, since no container starts on the kernel's rootfs.
        #[default]
        Diskless = "diskless",
        /// The files are copied to the real root before the initrd switches to it: by a unit in systemd's initrds (dracut,
        /// mkosi), by a script in those of initramfs-tools.
        CopyToRoot = "copyToRoot",
        /// `config.ign` for a CoreOS live system, whose own Ignition applies it.
        CoreosLive = "coreosLive",
    }
}

/// How a node's initramfs payload is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InitramfsSettings {
    /// How the archive is written. In `config.ign` assets are where Ignition's settings say.
    pub archive: ArchiveSettings,
    /// What becomes of the files.
    pub mode: Mode,
}
