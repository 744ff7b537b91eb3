//! How nodes are booted over the network: what `output.pxe` decided.

use crate::model::{Spanned, named};

/// How the nodes of a class are booted over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pxe {
    /// Where the bundle's folders `boot` and `shared` are served, without a slash at its end.
    pub url: String,
    /// The kernel.
    pub kernel: BaseSource,
    /// The base initrds, in order.
    pub initrds: Vec<BaseSource>,
    /// Further words of the kernel's command line, with `{node}` for the node's name.
    pub arguments: Vec<String>,
    /// Whose scripts are written.
    pub loaders: Vec<Spanned<Loader>>,
    /// From where a node fetches the part of its initramfs payload that holds secrets, with `{node}` for its name:
    /// https only.
    pub secrets_url: Option<String>,
    /// Whether secrets reach the node by another way than the network.
    pub secrets_elsewhere: bool,
}

/// Where a kernel or a base initrd comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseSource {
    /// From a server, with `{node}` for the node's name.
    Url(String),
    /// A file of the project, which the bundle holds once.
    File(String),
}

impl Default for BaseSource {
    fn default() -> Self {
        Self::File(String::new())
    }
}

named! {
    /// A program that boots over the network.
    pub enum Loader {
        /// iPXE: http, tftp, https where it is built with it.
        Ipxe = "ipxe",
        /// GRUB 2: http and tftp.
        Grub = "grub",
        /// pxelinux: tftp; lpxelinux.0 http too.
        Pxelinux = "pxelinux",
    }
}

impl Loader {
    /// Whether it fetches over https.
    pub fn knows_https(self) -> bool {
        match self {
            Self::Ipxe => true,
            Self::Grub | Self::Pxelinux => false,
        }
    }
}
