//! Absolute, normalised paths on a node.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An absolute path without `.`, `..`, empty components or a trailing slash; ordered byte-wise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NodePath(String);

impl TryFrom<String> for NodePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text)
    }
}

impl From<NodePath> for String {
    fn from(path: NodePath) -> Self {
        path.0
    }
}

impl NodePath {
    /// Checks a path; the error is the rule that it breaks, ready for a finding.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text
            .strip_prefix('/')
            .ok_or("a path on the node must be absolute")?;
        if rest.is_empty() {
            return Err("the root folder itself cannot be declared");
        }
        if text.contains(|c: char| c.is_control()) {
            return Err("a path must not hold control characters");
        }
        if text.len() > 4095 {
            return Err("a path must be shorter than 4096 bytes (PATH_MAX)");
        }
        for part in rest.split('/') {
            match part {
                "" => return Err("a path must not hold empty components or end in a slash"),
                "." | ".." => return Err("a path must not hold '.' or '..'"),
                part if part.len() > 255 => {
                    return Err("a path component must be at most 255 bytes (NAME_MAX)");
                }
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its leading slash, as archives want it.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// All proper ancestors from the top, without the root: `/a/b/c` gives `/a`, `/a/b`.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0
            .match_indices('/')
            .skip(1)
            .map(|(index, _)| &self.0[..index])
    }
}

impl Borrow<str> for NodePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_normalised_paths_pass() {
        for good in ["/etc", "/etc/a b", "/x/.hidden", "/a/..b"] {
            assert!(NodePath::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "etc",
            "/etc/",
            "//etc",
            "/etc/./x",
            "/etc/../x",
            "/a\0b",
            "/a\nb",
        ] {
            assert!(NodePath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ancestors_come_from_the_top() {
        let path = NodePath::parse("/a/b/c").expect("a good path");
        assert_eq!(path.ancestors().collect::<Vec<_>>(), ["/a", "/a/b"]);
    }
}
