//! Settings for an approver that runs in the cluster. postfinance/kubelet-csr-approver decides on serving certificates by
//! a pattern of names and by ranges of addresses; these are made so that they hold the inventory's and no others.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::yaml::push_quoted;

/// Values for its Helm chart. It approves what it likes and denies the rest, so the pattern is anchored: unanchored,
/// `node-1` would let `evil-node-1.example.com` in.
pub fn approver_settings<'a>(
    nodes: impl IntoIterator<Item = &'a str>,
    addresses: impl IntoIterator<Item = IpAddr>,
) -> String {
    let mut names: Vec<String> = nodes.into_iter().map(escaped).collect();
    names.sort();
    names.dedup();
    // Neighbours become one prefix only where all of its addresses are in the inventory.
    let single: Vec<IpNet> = addresses.into_iter().map(IpNet::from).collect();
    let prefixes = IpNet::aggregate(&single);
    let mut text = String::from(
        "# Values for the Helm chart kubelet-csr-approver (postfinance). It decides on serving certificates only: client\n\
         # certificates are approved by `nodebake csr review`, or by the controller manager with `approval: auto`.\n\
         # With bypassDnsResolution any node may ask for any of these addresses: leave it off where DNS knows the nodes.\n",
    );
    if prefixes.is_empty() {
        // The chart takes an empty list for all addresses there are.
        text.push_str("# The inventory has no addresses, so that any address would be approved.\n");
    }
    text.push_str("providerRegex: ");
    push_quoted(&mut text, &format!("^({})$", names.join("|")));
    text.push_str("\nproviderIpPrefixes:");
    if prefixes.is_empty() {
        text.push_str(" []");
    }
    for prefix in prefixes {
        text.push_str("\n- ");
        push_quoted(&mut text, &prefix.to_string());
    }
    text.push_str("\nignoreNonSystemNode: true\n");
    text
}

/// A node's name as a pattern of Go's regexp. Of what names hold only the dot means something there.
fn escaped(name: &str) -> String {
    name.replace('.', r"\.")
}
