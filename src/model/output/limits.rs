//! How many bytes of user-data the platforms take, and how each of them counts.

/// Where a node's user-data goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// A seed that we make ourselves: no limit.
    #[default]
    NoCloud,
    /// Amazon EC2.
    Ec2,
    /// Microsoft Azure, `customData`.
    Azure,
    /// Google Compute Engine, the metadata key `user-data`.
    Gce,
    /// OpenStack Nova.
    OpenStack,
    /// VMware, the variable `guestinfo.userdata`.
    VMware,
    /// Apache CloudStack.
    CloudStack,
    /// Hetzner Cloud.
    Hetzner,
    /// Any other platform.
    Other(Limit),
}

/// At most so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest number that the platform takes.
    pub max_bytes: u64,
    /// What it counts.
    pub count: Count,
}

/// What a platform counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The bytes themselves.
    Raw,
    /// The same in base64.
    Base64,
    /// The bytes themselves where they are text, else the same in base64: the platform takes text only.
    Text,
}

impl Target {
    /// The targets with a name, as the inventory writes them.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("ec2", Self::Ec2),
        ("azure", Self::Azure),
        ("gce", Self::Gce),
        ("openstack", Self::OpenStack),
        ("vmware", Self::VMware),
        ("cloudstack", Self::CloudStack),
        ("hetzner", Self::Hetzner),
        ("nocloud", Self::NoCloud),
    ];

    /// How messages call it.
    pub fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, target)| *target == self);
        named.map_or("output.cloudInit.target", |(name, _)| name)
    }

    /// The platform's limit; None where there is none.
    ///
    /// - EC2: 16 KB before base64 ("Run commands when you launch an EC2 instance with user data input").
    /// - Azure: `customData` is at most 65535 bytes after decoding (REST API, `OSProfile`).
    /// - GCE: 262144 bytes for one value, which is text (REST API, `Metadata.items[]`).
    /// - OpenStack: 65535 bytes of base64 (Compute API, `user_data`).
    /// - VMware: 64 KiB for one guestinfo variable (`GUESTMSG_MAX_IN_SIZE`), which holds base64.
    /// - CloudStack: 32 KiB of base64 by default (`vm.userdata.max.length`, up to 1 MiB by POST).
    /// - Hetzner: 32 KiB (Cloud API, `user_data`), which is text.
    pub fn limit(self) -> Option<Limit> {
        let limit = |max_bytes, count| Some(Limit { max_bytes, count });
        match self {
            Self::NoCloud => None,
            Self::Ec2 => limit(16_384, Count::Raw),
            Self::Azure => limit(65_535, Count::Raw),
            Self::Gce => limit(262_144, Count::Text),
            Self::OpenStack => limit(65_535, Count::Base64),
            Self::VMware => limit(65_536, Count::Base64),
            Self::CloudStack => limit(32_768, Count::Base64),
            Self::Hetzner => limit(32_768, Count::Text),
            Self::Other(limit) => Some(limit),
        }
    }

    /// Whether any process on the machine, a pod included, may ask a metadata service for the user-data. A seed is
    /// read by root alone; of a platform that we do not know nobody can tell, so the worst is assumed.
    pub fn is_open_on_the_node(self) -> bool {
        match self {
            Self::NoCloud => false,
            // VMware's variables are for whoever may run vmware-rpctool, which is everybody.
            Self::Ec2 | Self::Azure | Self::Gce | Self::OpenStack | Self::VMware => true,
            Self::CloudStack | Self::Hetzner => true,
            Self::Other(_) => true,
        }
    }
}

impl Count {
    /// What so many bytes count; `is_text` says whether they are text.
    pub fn of(self, bytes: u64, is_text: bool) -> u64 {
        match self {
            Self::Base64 => base64(bytes),
            Self::Text if !is_text => base64(bytes),
            Self::Raw | Self::Text => bytes,
        }
    }
}

fn base64(bytes: u64) -> u64 {
    bytes.div_ceil(3) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_counts_in_its_own_way() {
        let fits = |target: Target, bytes: u64, is_text| {
            let limit = target.limit().expect("a limit");
            limit.count.of(bytes, is_text) <= limit.max_bytes
        };
        for (target, most, is_text) in [
            (Target::Ec2, 16_384, true),
            (Target::Azure, 65_535, false),
            (Target::Gce, 262_144, true),
            (Target::Gce, 196_608, false),
            (Target::OpenStack, 49_149, true),
            (Target::VMware, 49_152, false),
            (Target::CloudStack, 24_576, true),
            (Target::Hetzner, 32_768, true),
        ] {
            assert!(fits(target, most, is_text), "{target:?}");
            assert!(!fits(target, most + 1, is_text), "{target:?}");
        }
    }
}
