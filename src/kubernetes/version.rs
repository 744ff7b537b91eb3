//! Versions like `v1.16.6`: parsing, order, and the skew that Kubernetes allows between a kubelet and its API server.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::wording::counted;

/// A version of Kubernetes 1, as its releases are tagged: `v1.34.4`, `v1.35.0-rc.1`, `v1.30.2+k3s1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    minor: u32,
    patch: u32,
    /// With its sign: `-rc.1`, `+k3s1`, or empty.
    suffix: String,
}

impl Version {
    /// The minor version: 16 in `v1.16.6`. Fields, flags and labels depend on it alone.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// The patch: 6 in `v1.16.6`.
    pub fn patch(&self) -> u32 {
        self.patch
    }

    /// `-rc.1` without what a distribution adds after `+`.
    fn pre_release(&self) -> &str {
        self.suffix.split('+').next().unwrap_or_default()
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("must be a version of Kubernetes (for example v1.34.4); got {text:?}");
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let cut = numbers.find(['-', '+']).unwrap_or(numbers.len());
        let (numbers, suffix) = numbers.split_at(cut);
        let mut parts = numbers.split('.').map(number);
        let (Some(Some(1)), Some(Some(minor)), Some(Some(patch)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        if !suffix.is_empty() && (suffix.len() == 1 || !suffix.chars().all(clean)) {
            return Err(wrong());
        }
        Ok(Self {
            minor,
            patch,
            suffix: suffix.to_owned(),
        })
    }
}

/// A number as versions have it: digits only, no leading zero (`str::parse` would take `+1` and `01`).
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}.{}{}", self.minor, self.patch, self.suffix)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Ord for Version {
    /// As semantic versioning has it for what Kubernetes tags: a pre-release comes before its release. What is
    /// after `+` decides only between versions that are otherwise the same, so that order and equality agree.
    fn cmp(&self, other: &Self) -> Ordering {
        let release = |v: &Self| v.pre_release().is_empty();
        (self.minor, self.patch, release(self))
            .cmp(&(other.minor, other.patch, release(other)))
            .then_with(|| pieces(self.pre_release()).cmp(&pieces(other.pre_release())))
            .then_with(|| self.suffix.cmp(&other.suffix))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `-rc.10` as words and numbers, so that it comes after `-rc.9`; a number comes before a word.
fn pieces(text: &str) -> Vec<(bool, u32, &str)> {
    let piece = |part| match number(part) {
        Some(number) => (false, number, ""),
        None => (true, 0, part),
    };
    text.trim_start_matches('-').split('.').map(piece).collect()
}

/// What is wrong with a kubelet of one version under an API server of another, and in which order to upgrade; or
/// nothing. Rule: <https://kubernetes.io/releases/version-skew-policy/#kubelet>; patches do not count.
pub fn skew(kubelet: &Version, api_server: &Version) -> Option<(String, String)> {
    // Three minors since the API server of 1.28, which was the first to support kubelets of 1.25.
    let allowed = if api_server.minor >= 28 { 3 } else { 2 };
    if kubelet.minor > api_server.minor {
        return Some((
            format!("the kubelet ({kubelet}) must not be newer than the API server ({api_server})"),
            format!(
                "upgrade the API servers to 1.{} first, one minor at a time, and the kubelets after them",
                kubelet.minor
            ),
        ));
    }
    let behind = api_server.minor - kubelet.minor;
    (behind > allowed).then(|| {
        (
            format!(
                "the kubelet ({kubelet}) is {} older than the API server ({api_server}); at most {allowed} are supported",
                counted(behind, "minor version")
            ),
            format!(
                "upgrade the kubelets to 1.{} or newer before the API servers go on",
                api_server.minor - allowed
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_read_as_tagged() {
        for text in ["v1.16.6", "v1.0.0", "v1.35.0-rc.1", "v1.30.2+k3s1"] {
            assert_eq!(version(text).to_string(), text);
        }
        assert_eq!(version("1.16.6").to_string(), "v1.16.6");
        assert_eq!(
            (version("v1.16.6").minor(), version("v1.16.6").patch()),
            (16, 6)
        );
        for text in [
            "",
            "v1",
            "v1.16",
            "v2.0.0",
            "1.16.x",
            "v1.16.6.1",
            "v1.016.6",
            "v1.+1.0",
            "vv1.2.3",
            "v1.2.3-",
            "v1.2.3+a b",
            "latest",
        ] {
            let rule = text.parse::<Version>().unwrap_err();
            assert!(rule.contains("v1.34.4"), "{rule}");
        }
    }

    #[test]
    fn versions_are_ordered() {
        let ascending = [
            "v1.9.11",
            "v1.16.6",
            "v1.16.15",
            "v1.35.0-alpha.1",
            "v1.35.0-rc.9",
            "v1.35.0-rc.10",
            "v1.35.0",
            "v1.35.0+k3s1",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn skew_follows_the_policy() {
        for (kubelet, api_server, word) in [
            ("v1.16.6", "v1.16.6", None),
            ("v1.16.9", "v1.16.6", None),
            ("v1.17.0", "v1.16.6", Some("newer")),
            ("v1.25.0", "v1.28.0", None),
            ("v1.24.0", "v1.28.0", Some("4 minor")),
            ("v1.24.0", "v1.27.0", Some("at most 2")),
            ("v1.25.0", "v1.27.0", None),
            ("v1.33.0", "v1.37.0", Some("at most 3")),
        ] {
            let rule = skew(&version(kubelet), &version(api_server));
            assert_eq!(rule.is_some(), word.is_some(), "{kubelet} {api_server}");
            let (rule, _) = rule.unwrap_or_default();
            assert!(rule.contains(word.unwrap_or_default()));
        }
    }

    #[test]
    fn the_order_of_upgrades_is_told() {
        let repair = |kubelet, server| skew(&version(kubelet), &version(server)).unwrap().1;
        assert_eq!(
            repair("v1.35.0", "v1.34.0"),
            "upgrade the API servers to 1.35 first, one minor at a time, and the kubelets after them"
        );
        assert_eq!(
            repair("v1.30.0", "v1.34.0"),
            "upgrade the kubelets to 1.31 or newer before the API servers go on"
        );
    }
}
