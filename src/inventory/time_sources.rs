//! `time`: the servers from which nodes have their time, for the overlays `chrony` and `timesyncd`.

use crate::inventory::keys::{keys, texts};
use crate::inventory::text::checked;

keys! {
    /// The servers from which a node has its time.
    #[derive(Clone, Debug)]
    pub struct TimeSources: "time" {
        /// servers of NTP, by name or address
        "servers" => servers: Vec<TimeServer>,
        /// names that stand for many servers
        "pools" => pools: Vec<TimeServer>,
        /// whether they are asked with NTS, which chrony knows since 4.0
        "nts" => nts: bool = false,
    }
}

texts! {
    /// A server of NTP.
    TimeServer or NameInvalid: String = time_server, r"^[A-Za-z0-9.:-]+$", ["ntp1.example.com"];
}

impl TimeSources {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.servers.iter().chain(&self.pools)
    }
}

/// A host name as DNS has it, or an address.
fn time_server(text: &str) -> Result<String, String> {
    let is_part = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&part.len())
            && part.chars().all(fits)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_name = name.len() <= 253 && name.split('.').all(is_part);
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    checked(text, is_name || is_address, || {
        format!(
            "must be the name or address of a server (for example \"ntp1.example.com\"); got {text:?}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_names_and_addresses() {
        for good in ["ntp1.example.com", "ntp.", "10.0.0.1", "fd00::1", "a"] {
            assert!(time_server(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a b",
            "ntp1 iburst",
            "-a",
            "a..b",
            "[fd00::1]",
            "ntp:123",
            "a/b",
            "a_b",
        ] {
            assert!(time_server(bad).is_err(), "{bad}");
        }
    }
}
