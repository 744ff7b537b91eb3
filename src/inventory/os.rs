//! `os`: what is true of the image that a node boots, so that a payload which it could not use is found at build.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::model::Spanned;
use crate::model::output::KernelArgument;
use crate::model::{NodePath, architectures};

/// What configures the network on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkManager {
    /// systemd-networkd's files.
    Networkd,
    /// NetworkManager's key files.
    NetworkManager,
    /// A netplan file.
    Netplan,
    /// Nothing of ours.
    None,
}

/// The hierarchy of control groups that the image boots with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cgroups {
    /// One hierarchy for each controller.
    V1,
    /// The unified one.
    V2,
}

/// The operating system of a node's image.
#[derive(Clone, Debug)]
pub struct Os {
    /// How messages call it.
    pub name: String,
    /// The machine that its programs are for, by Go's name.
    pub arch: String,
    /// What configures the network.
    pub network: NetworkManager,
    /// Folders that cannot be written on a running machine.
    pub read_only: Vec<NodePath>,
    /// Folders below those which can be written all the same.
    pub writable: Vec<NodePath>,
    /// Whether the image has cloud-init; None if nobody said.
    pub cloud_init: Option<Spanned<bool>>,
    /// Whether the image has Ignition.
    pub ignition: Option<Spanned<bool>>,
    /// The control groups, if somebody said.
    pub cgroups: Option<Spanned<Cgroups>>,
    /// The machine's memory in bytes, if somebody said.
    pub memory: Option<Spanned<u64>>,
    /// What the kernel's command line must hold or must not, in order.
    pub kernel_arguments: Vec<Spanned<KernelArgument>>,
}

impl Default for Os {
    fn default() -> Self {
        Self {
            name: "this system".to_owned(),
            arch: "amd64".to_owned(),
            network: NetworkManager::Networkd,
            read_only: Vec::new(),
            writable: Vec::new(),
            cloud_init: None,
            ignition: None,
            cgroups: None,
            memory: None,
            kernel_arguments: Vec::new(),
        }
    }
}

impl Os {
    /// Whether a path lies where the image is read-only; the folder that makes it so.
    pub fn read_only_at(&self, path: &NodePath) -> Option<&NodePath> {
        let within = |folder: &&NodePath| {
            let rest = path.as_str().strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.read_only.iter().find(within)?;
        (!self.writable.iter().any(|folder| within(&folder))).then_some(found)
    }
}

/// Reads `os`.
pub fn read(at: Option<&Cursor<'_>>) -> Os {
    let mut os = Os::default();
    let Some(fields) = at.and_then(|at| at.fields()) else {
        return os;
    };
    let flag = |key| {
        let at = fields.optional(key)?;
        Some(Spanned {
            value: at.bool()?,
            location: at.location(),
        })
    };
    let folders = |key| {
        let items = fields.list(key);
        let parsed = items.iter().filter_map(|item| item.parse(NodePath::parse));
        parsed.collect()
    };
    if let Some(name) = fields.optional("name").and_then(|name| name.string()) {
        os.name = name.to_owned();
    }
    if let Some(arch) = fields.optional("arch").and_then(|at| at.parse(arch)) {
        os.arch = arch;
    }
    let networks = [
        ("networkd", NetworkManager::Networkd),
        ("networkManager", NetworkManager::NetworkManager),
        ("netplan", NetworkManager::Netplan),
        ("none", NetworkManager::None),
    ];
    let network = fields
        .optional("network")
        .and_then(|network| network.choice(&networks));
    os.network = network.unwrap_or(os.network);
    os.cloud_init = flag("cloudInit");
    os.ignition = flag("ignition");
    os.read_only = folders("readOnly");
    os.writable = folders("writable");
    os.cgroups = fields.optional("cgroups").and_then(|at| {
        let value = at.choice(&[("v1", Cgroups::V1), ("v2", Cgroups::V2)])?;
        Some(Spanned {
            value,
            location: at.location(),
        })
    });
    os.memory = fields.optional("memory").and_then(|at| at.parse_at(memory));
    os.kernel_arguments = fields.each("kernelArguments", kernel_argument);
    fields.finish();
    os
}

/// `512Mi`, `2Gi` or `2GiB`.
fn memory(text: &str) -> Result<u64, String> {
    let units = [("Mi", 20), ("Gi", 30), ("Ti", 40)];
    let bare = text.strip_suffix('B').unwrap_or(text);
    let bytes = units.iter().find_map(|(unit, shift)| {
        let number: u64 = bare.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
    });
    bytes.ok_or_else(|| format!("{text:?} is no amount of memory like 512Mi or 2Gi"))
}

fn arch(text: &str) -> Result<String, String> {
    let known: Vec<&str> = architectures().collect();
    match known.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is none of {}", known.join(", "))),
    }
}

/// Reads one entry of `kernelArguments`: true for what must be there, false for what must not.
fn kernel_argument(text: &Arc<str>, at: &Cursor<'_>) -> Option<Spanned<KernelArgument>> {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        at.key_error(format!(
            "{text:?} is no single argument of the kernel's command line"
        ));
        return None;
    }
    Some(Spanned {
        value: KernelArgument {
            text: text.to_string(),
            wanted: at.bool()?,
        },
        location: at.key_location(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let os = Os {
            read_only: vec![path("/usr")],
            writable: vec![path("/usr/local")],
            ..Os::default()
        };
        assert_eq!(os.read_only_at(&path("/usr/bin/x")), Some(&path("/usr")));
        assert_eq!(os.read_only_at(&path("/usr")), Some(&path("/usr")));
        for good in ["/usr/local/bin/x", "/usrlocal", "/etc/x"] {
            assert_eq!(os.read_only_at(&path(good)), None, "{good}");
        }
    }
}
