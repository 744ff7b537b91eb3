//! The scripts: one for each MAC address, and one that leads from there.

use std::fmt::Write;

use crate::model::output::pxe::Loader;
use crate::payload::pxe::FOLDER;

/// What one machine boots.
#[derive(Clone, Debug)]
pub struct Boot<'a> {
    /// The node's name.
    pub node: &'a str,
    /// The kernel's URL.
    pub kernel: &'a str,
    /// The URLs of the initrds, in the order in which the kernel unpacks them.
    pub initrds: &'a [String],
    /// The words of the kernel's command line.
    pub arguments: &'a [String],
}

/// A script of no node.
pub struct BootEntry {
    /// Its path in the bundle.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Where the script for a MAC address (lower case, colons) is in the bundle.
pub fn script_path(loader: Loader, mac: &str) -> String {
    let mac = mac.replace(':', "-");
    match loader {
        Loader::Ipxe => format!("{FOLDER}/ipxe/{mac}.ipxe"),
        // As GRUB itself looks for it beside grub.cfg, and pxelinux beside its own folder; 01 stands for Ethernet.
        Loader::Grub => format!("{FOLDER}/grub/grub.cfg-01-{mac}"),
        Loader::Pxelinux => format!("{FOLDER}/pxelinux.cfg/01-{mac}"),
    }
}

/// The script that boots one machine.
pub fn script(loader: Loader, boot: &Boot<'_>) -> String {
    match loader {
        Loader::Ipxe => ipxe(boot),
        Loader::Grub => grub(boot),
        Loader::Pxelinux => pxelinux(boot),
    }
}

/// The script that finds a machine's own, and lets a machine that has none boot on from its disk.
pub fn entry(loader: Loader, url: &str) -> BootEntry {
    let (path, text) = match loader {
        // `netX` is the interface that this script came by.
        Loader::Ipxe => (
            "boot.ipxe",
            format!(
                "#!ipxe\n\
                 chain --autofree {url}/{FOLDER}/ipxe/${{netX/mac:hexhyp}}.ipxe || echo no node has ${{netX/mac}}\n\
                 exit 1\n"
            ),
        ),
        // GRUB looks for the machine's own first where its prefix is a folder on a server; before 2.04 it did not.
        Loader::Grub => (
            "grub/grub.cfg",
            format!(
                "regexp --set=1:a --set=2:b --set=3:c --set=4:d --set=5:e --set=6:f \
                 '^(..):(..):(..):(..):(..):(..)$' \"$net_default_mac\"\n\
                 configfile \"{}/grub.cfg-01-$a-$b-$c-$d-$e-$f\"\n\
                 echo \"no node has $net_default_mac\"\n\
                 exit\n",
                on_device(&format!("{url}/{FOLDER}/grub"))
            ),
        ),
        Loader::Pxelinux => (
            "pxelinux.cfg/default",
            "DEFAULT disk\nLABEL disk\n  LOCALBOOT -1\n".to_owned(),
        ),
    };
    BootEntry {
        path: format!("{FOLDER}/{path}"),
        text,
    }
}

/// On UEFI the kernel itself looks for its initrds, by the names that its command line has; elsewhere it ignores them.
fn ipxe(boot: &Boot<'_>) -> String {
    let mut text = format!("#!ipxe\n# {}\nkernel {}", boot.node, boot.kernel);
    for index in 1..=boot.initrds.len() {
        let _ = write!(text, " initrd=initrd-{index}");
    }
    for word in boot.arguments {
        let _ = write!(text, " {word}");
    }
    text.push('\n');
    for (index, url) in (1..).zip(boot.initrds) {
        let _ = writeln!(text, "initrd --name initrd-{index} {url}");
    }
    text + "boot\n"
}

/// Everything is in quotes: a URL may have what divides GRUB's commands or stands for many files.
fn grub(boot: &Boot<'_>) -> String {
    let mut text = format!(
        "set timeout=0\nmenuentry '{}' {{\n  linux '{}'",
        boot.node,
        on_device(boot.kernel)
    );
    for word in boot.arguments {
        let _ = write!(text, " '{word}'");
    }
    if !boot.initrds.is_empty() {
        text.push_str("\n  initrd");
    }
    for url in boot.initrds {
        let _ = write!(text, " '{}'", on_device(url));
    }
    text + "\n}\n"
}

fn pxelinux(boot: &Boot<'_>) -> String {
    let mut text = format!(
        "# {}\nDEFAULT node\nLABEL node\n  LINUX {}\n",
        boot.node, boot.kernel
    );
    if !boot.initrds.is_empty() {
        let _ = writeln!(text, "  INITRD {}", boot.initrds.join(","));
    }
    if !boot.arguments.is_empty() {
        let _ = writeln!(text, "  APPEND {}", boot.arguments.join(" "));
    }
    text
}

/// A URL as GRUB writes it: `(http,boot.example.com:8080)/path`.
fn on_device(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("tftp", url));
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    format!("({scheme},{server})/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_device_and_a_path_to_grub() {
        for (url, expected) in [
            ("http://a.example:8080/b/c", "(http,a.example:8080)/b/c"),
            ("tftp://10.0.0.1/c", "(tftp,10.0.0.1)/c"),
        ] {
            assert_eq!(on_device(url), expected);
        }
    }
}
