//! A node's interfaces in the words of each network manager.

/// NetworkManager's keyfiles.
pub mod keyfile;
/// netplan's document, and cloud-init's network-config, which has the same form.
pub mod netplan;
/// systemd-networkd's files.
pub mod networkd;

pub use netplan::network_config;
