//! What boot loaders fetch, and what they cannot pass on.

use crate::model::output::pxe::{BaseSource, Loader};
use crate::payload::pxe::{BASE_FOLDER, of_node};

impl BaseSource {
    /// From where a node fetches it; `served` is where the bundle is.
    pub fn url(&self, served: &str, node: &str) -> String {
        match self {
            Self::Url(url) => of_node(url, node),
            Self::File(path) => format!("{served}/{BASE_FOLDER}/{path}"),
        }
    }
}

impl Loader {
    /// Why a word of the kernel's command line cannot be written for it.
    pub(super) fn cannot_say(self, word: &str) -> Option<&'static str> {
        match self {
            // core/exec.c: words are what spaces divide; there are no quotes, and each word's ${…} is replaced.
            Self::Ipxe if word.contains("${") => Some("iPXE would replace what begins with ${"),
            Self::Ipxe if word.starts_with('#') => Some("iPXE takes what follows # for a comment"),
            Self::Ipxe if ["||", "&&", ";"].contains(&word) => {
                Some("iPXE takes it for the end of a command")
            }
            // lib/cmdline.c puts a backslash before each of them, which the kernel gets to see.
            Self::Grub if word.contains(['\'', '"', '\\']) => {
                Some("GRUB cannot pass on quotes and backslashes")
            }
            Self::Ipxe | Self::Grub | Self::Pxelinux => None,
        }
    }
}
