//! `os`: what is true of the image that a node boots, so that a payload which it could not use is found at build.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Entry, EntryKey, Shaped, by_name, keys, texts, words, words_of};
use crate::inventory::kinds::{MapOf, Pair, Switch, plain};
use crate::inventory::shape::{Rule, Shape};
use crate::inventory::text::{PathOnNode, checked};
use crate::model::Spanned;
use crate::model::output::KernelArgument;
use crate::model::{CloudInitRelease, ImageCloudInit, MACHINES, NodePath, Renderer, named};

named! {
    /// What configures the network on the node.
    pub enum NetworkManager {
        /// systemd-networkd's files.
        Networkd = "networkd",
        /// NetworkManager's key files.
        NetworkManager = "networkManager",
        /// A netplan file.
        Netplan = "netplan",
        /// Nothing of ours.
        None = "none",
    }

    /// The hierarchy of control groups that the image boots with.
    pub enum Cgroups {
        /// One hierarchy for each controller.
        V1 = "v1",
        /// The unified one.
        V2 = "v2",
    }
}

by_name!(NetworkManager, Cgroups, Renderer);

keys! {
    /// The operating system of a node's image.
    #[derive(Clone, Debug)]
    pub struct Os: "os" {
        /// how messages call it
        "name" => name: SystemName = "this system",
        /// the machine that programs must be for
        "arch" => arch: Architecture = "amd64",
        /// what configures the network; none: no network files
        "network" => network: NetworkManager = "networkd",
        /// folders that cannot be written on a running machine
        "readOnly" => read_only: Vec<PathOnNode>,
        /// folders below those which can be written all the same
        "writable" => writable: Vec<PathOnNode>,
        /// whether systemd-resolved owns /etc/resolv.conf, so that it names a server that pods cannot reach
        "resolved" => resolved: bool = false,
        /// whether the image has cloud-init; or a map with its release and renderer, so that a network which it cannot write is found
        "cloudInit" => cloud_init: Option<Spanned<Switch<CloudInitKeys>>>,
        /// the release of the image's systemd: one before 255 cannot open sealed secrets
        "systemd" => systemd: Option<Spanned<u32>>,
        /// whether the image has Ignition
        "ignition" => ignition: Option<Spanned<bool>>,
        /// the hierarchy of control groups that the image boots with
        "cgroups" => cgroups: Option<Spanned<Cgroups>>,
        /// the machine's memory: too little for a root in the initramfs is a finding
        "memory" => memory: Option<Spanned<Memory>>,
        /// arguments that the kernel's command line must have (true) or must not (false)
        "kernelArguments" => kernel_arguments: MapOf<KernelArgument>,
    }
}

keys! {
    /// What is known of the image's cloud-init, as it is written.
    pub struct CloudInitKeys: "cloud-init", as ImageCloudInit = image_cloud_init {
        /// its release
        "version" => version: Option<CloudInitVersion>,
        /// what it writes network configuration for
        "renderer" => renderer: Option<Renderer>,
    }
}

texts! {
    /// A release of cloud-init.
    CloudInitVersion or VersionInvalid: CloudInitRelease = str::parse, r"^[0-9]{2}\.[0-9]+([.~+-].*)?$", ["22.4", "25.1.4"];
    /// A system's name.
    SystemName: String = plain, "", ["Debian"];
    /// An amount of memory, in bytes.
    Memory or QuantityInvalid: u64 = memory, r"^\+?[0-9]+(Mi|Gi|Ti)B?$", ["2Gi"];
    /// An argument of the kernel, as a key.
    KernelWord or KernelArgumentInvalid: String = kernel_word, r"^\S+$", ["mitigations=auto"];
}

words! {
    /// A machine by Go's name for it.
    Architecture: (words_of::<{ MACHINES.len() }, u16>(&MACHINES));
}

fn image_cloud_init(keys: CloudInitKeys, _: &Cursor<'_>) -> Option<ImageCloudInit> {
    Some(ImageCloudInit {
        release: keys.version,
        renderer: keys.renderer,
    })
}

/// An entry of `kernelArguments`: true for what must be there, false for what must not.
impl Shaped for KernelArgument {
    type Value = Spanned<Self>;
    const SHAPE: Shape = Shape::Bool;

    fn read(at: &Cursor<'_>) -> Option<Spanned<Self>> {
        let (text, wanted) = Pair::<Spanned<KernelWord>, bool>::read(at)?;
        Some(Spanned {
            value: Self {
                text: text.value,
                wanted,
            },
            location: text.location,
        })
    }
}

impl Entry for KernelArgument {
    const KEY: &'static Rule = KernelWord::RULE;
}

impl Os {
    /// Whether a path is where the image is read-only; the folder that makes it so.
    pub fn read_only_at(&self, path: &NodePath) -> Option<&NodePath> {
        let within = |folder: &&NodePath| {
            let rest = path.as_str().strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.read_only.iter().find(within)?;
        (!self.writable.iter().any(|folder| within(&folder))).then_some(found)
    }
}

/// `512Mi`, `2Gi` or `2GiB`.
fn memory(text: &str) -> Result<u64, String> {
    let units = [("Mi", 20), ("Gi", 30), ("Ti", 40)];
    let bare = text.strip_suffix('B').unwrap_or(text);
    let bytes = units.iter().find_map(|(unit, shift)| {
        let number: u64 = bare.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
    });
    bytes.ok_or_else(|| {
        format!("must be an amount of memory (for example 512Mi or 2Gi); got {text:?}")
    })
}

fn kernel_word(text: &str) -> Result<String, String> {
    let divides = |c: char| c.is_whitespace() || c.is_control();
    checked(text, !text.is_empty() && !text.contains(divides), || {
        format!("must be a single argument of the kernel's command line; got {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::keys::read_text;

    #[test]
    fn memory_is_counted_in_binary_units() {
        for (text, bytes) in [("512Mi", 512 << 20), ("2Gi", 2 << 30), ("2GiB", 2 << 30)] {
            assert_eq!(memory(text), Ok(bytes));
        }
        for bad in ["2G", "2", "Gi", "-1Gi", "0Gi", "1.5Gi", "99999999999999Ti"] {
            assert!(memory(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_below_a_writable_folder_is_writable() {
        let path = |text: &str| NodePath::parse(text).expect(text);
        let (os, _) = read_text::<Os>("readOnly: [/usr]\nwritable: [/usr/local]\n");
        let os = os.expect("good settings");
        assert_eq!(os.read_only_at(&path("/usr/bin/x")), Some(&path("/usr")));
        assert_eq!(os.read_only_at(&path("/usr")), Some(&path("/usr")));
        for good in ["/usr/local/bin/x", "/usrlocal", "/etc/x"] {
            assert_eq!(os.read_only_at(&path(good)), None, "{good}");
        }
    }
}
