//! One owner of the network. On a cloud, cloud-init has configured it before it reads user-data, by files of its own for the
//! same ports under other names. Those go; a file of the tree keeps cloud-init from writing them again.

use std::collections::BTreeMap;

use crate::model::NodePath;
use crate::payload::cloud_init::command::Command;
use crate::tree::Entry;
use crate::tree::network::CLOUD_INIT_OFF_PATH;

/// What cloud-init's renderers write (cloudinit/net/*.py): for netplan, systemd-networkd, NetworkManager, ifupdown and the
/// network scripts of Red Hat's systems, which have a comment inside.
const REMOVE: &str = "rm -f -- /etc/netplan/50-cloud-init.yaml /etc/systemd/network/10-cloud-init-*.* \
/etc/NetworkManager/system-connections/cloud-init-*.nmconnection /etc/network/interfaces.d/50-cloud-init*; \
grep -ls '^# Created by cloud-init' /etc/sysconfig/network-scripts/ifcfg-* | xargs -r rm -f --";

/// Removes cloud-init's files where the node's own ones take their place; before the network manager is told of them.
pub fn remove_foreign(all: &BTreeMap<NodePath, Entry>) -> Option<Command> {
    all.contains_key(CLOUD_INIT_OFF_PATH)
        .then(|| Command::Shell(REMOVE.to_owned()))
}
