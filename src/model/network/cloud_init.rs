//! What an image's cloud-init is: its release, and the renderer that it writes network configuration by.

use std::fmt;
use std::str::FromStr;

use crate::model::named;

named! {
    /// What cloud-init writes a network-config for (cloudinit/net of its sources).
    pub enum Renderer {
        /// netplan, to which it hands the document as it is.
        Netplan = "netplan",
        /// systemd-networkd's files.
        Networkd = "networkd",
        /// NetworkManager's key files.
        NetworkManager = "networkManager",
        /// The ifcfg files of Red Hat's and SUSE's network scripts.
        Sysconfig = "sysconfig",
        /// Debian's /etc/network/interfaces.
        Eni = "eni",
    }
}

/// A release of cloud-init, like 22.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloudInitRelease {
    /// The year, without its century.
    pub year: u16,
    /// Which one of the year.
    pub number: u16,
}

/// What is known of an image's cloud-init.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImageCloudInit {
    /// Its release.
    pub release: Option<CloudInitRelease>,
    /// Its renderer.
    pub renderer: Option<Renderer>,
}

impl fmt::Display for CloudInitRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.year, self.number)
    }
}

impl FromStr for CloudInitRelease {
    type Err = String;

    /// Reads `22.4`, `22.4.2`, or a package's `22.4.2-1+deb12u4`.
    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || format!("must be a release of cloud-init, like \"22.4\"; got {text:?}");
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let upstream = text.split(['-', '~', '+']).next().unwrap_or_default();
        let mut parts = upstream.split('.');
        let mut number = || {
            let part = parts.next().filter(|part| digits(part)).ok_or_else(rule)?;
            part.parse().map_err(|_| rule())
        };
        let release = Self {
            year: number()?,
            number: number()?,
        };
        // The first one that was numbered by its year is 17.1.
        let is_rest_good = parts.all(|part| !part.is_empty() && digits(part));
        if is_rest_good && (17..100).contains(&release.year) {
            Ok(release)
        } else {
            Err(rule())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_upstream_and_packages_write_them() {
        for (text, year, number) in [
            ("20.4", 20, 4),
            ("22.4.2", 22, 4),
            ("25.1.4-1", 25, 1),
            ("22.4.2-1+deb12u4", 22, 4),
            ("26.1-0ubuntu1~22.04.1", 26, 1),
            ("26.10", 26, 10),
        ] {
            assert_eq!(
                text.parse(),
                Ok(CloudInitRelease { year, number }),
                "{text}"
            );
        }
        for bad in [
            "", "22", "22.", "22.x", "v22.4", "0.7.9", "22.4.", "2022.4", "22,4",
        ] {
            assert!(bad.parse::<CloudInitRelease>().is_err(), "{bad}");
        }
        let old: CloudInitRelease = "25.2".parse().expect("a release");
        let new: CloudInitRelease = "25.10".parse().expect("a release");
        assert!(old < new);
    }
}
