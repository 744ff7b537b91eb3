//! How Ignition configurations are written: what `output.ignition` and its neighbours decided.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::model::output::Assets;
use crate::model::output::limits::Target;
use crate::model::{Spanned, named};

/// How a node's Ignition configuration is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnitionSettings {
    /// The specification to write; None is the lowest that can express the node.
    pub spec: Option<IgnitionSpec>,
    /// Where `config.ign` goes: it must be no larger than what that takes. None has no limit.
    pub target: Option<IgnitionTarget>,
    /// The digest beside each content.
    pub digest: IgnitionDigest,
    /// From where Ignition fetches what the node is made of, with `{node}` for the node's name: `config.ign` is then small
    /// and names that file and its digest.
    pub body_url: Option<String>,
    /// From where Ignition fetches the secret payload, with `{node}` for the node's name: `config.ign` merges it in.
    pub secrets_url: Option<String>,
    /// Where the assets are: inside, or fetched by URL.
    pub assets: Assets,
    /// Configurations of the user's that are merged, in order.
    pub merges: Vec<MergeSpec>,
}

/// A file of the user's that becomes a part of the nodes' own: an Ignition configuration, a part of user-data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeSpec {
    /// Its path in the project.
    pub source: Spanned<String>,
    /// Whether it holds a secret.
    pub secret: bool,
}

impl Default for IgnitionSettings {
    fn default() -> Self {
        Self {
            spec: None,
            target: None,
            digest: IgnitionDigest::default(),
            body_url: None,
            secrets_url: None,
            assets: Assets::Inside,
            merges: Vec::new(),
        }
    }
}

/// Where a configuration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnitionTarget {
    /// A platform, as user data.
    Platform(Target),
    /// The area for it on a CoreOS live ISO.
    LiveIso,
}

impl IgnitionTarget {
    /// How messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Platform(Target::Other(_)) => "output.ignition.target",
            Self::Platform(target) => target.name(),
            Self::LiveIso => "the live ISO",
        }
    }
}

/// A version of the Ignition specification, `3.MINOR.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IgnitionSpec {
    /// 0 to 6.
    pub minor: u8,
}

impl IgnitionSpec {
    /// The newest specification that is not experimental.
    pub const NEWEST: Self = Self { minor: 6 };
}

impl FromStr for IgnitionSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minor = text
            .strip_prefix("3.")
            .and_then(|rest| rest.strip_suffix(".0"));
        match minor.and_then(|minor| minor.parse().ok()) {
            Some(minor @ 0..=6) => Ok(Self { minor }),
            _ => Err(format!(
                "must be an Ignition specification from 3.0.0 to {}; got {text:?}",
                Self::NEWEST
            )),
        }
    }
}

impl fmt::Display for IgnitionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "3.{}.0", self.minor)
    }
}

impl Serialize for IgnitionSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

named! {
    /// The digest with which Ignition checks a content before it is written to the node.
    #[derive(Default)]
    pub enum IgnitionDigest {
        /// SHA-512, which every specification knows.
        #[default]
        Sha512 = "sha512",
        /// SHA-256, half as long, since 3.1.
        Sha256 = "sha256",
        /// None beside what the configuration holds itself, for user data that must be small. What is fetched has one.
        None = "none",
    }
}
