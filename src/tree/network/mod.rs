//! A node's interfaces in the words of each network manager.

/// What cloud-init's renderers write of a network, by release.
pub mod cloud_init;
/// NetworkManager's keyfiles.
pub mod keyfile;
/// netplan's document, and cloud-init's network-config, which has the same form.
pub mod netplan;
/// systemd-networkd's files.
pub mod networkd;

pub use netplan::network_config;

/// Where cloud-init is told to leave the network alone. It sorts after the image's own files: the last one counts.
pub const CLOUD_INIT_OFF_PATH: &str = "/etc/cloud/cloud.cfg.d/99-nodebake-network.cfg";
/// What it is told (cloud-init's documentation, "Disabling network configuration"). Else it writes files of its own for the same
/// ports again with each new instance.
pub const CLOUD_INIT_OFF: &str =
    "# The node's payload configures the network.\nnetwork: {config: disabled}\n";

/// An interface that has everything, for the tests of each manager's files.
#[cfg(test)]
fn sample(name: &str) -> crate::model::Interface {
    crate::model::Interface {
        name: name.into(),
        mac: Some("52:54:00:12:34:56".into()),
        addresses: vec!["10.20.4.11/23".parse().expect("an address")],
        gateways: vec![crate::model::Gateway::from(std::net::IpAddr::from([
            10, 20, 4, 1,
        ]))],
        nameservers: vec!["10.20.4.2".parse().expect("an address")],
        search: vec!["example.com".into()],
        routes: vec![crate::model::Route {
            to: "10.9.0.0/16".parse().expect("a network"),
            via: "10.20.4.3".parse().expect("an address"),
            on_link: false,
            metric: Some(5),
            table: None,
        }],
        mtu: Some(9000),
        ..crate::model::Interface::default()
    }
}
