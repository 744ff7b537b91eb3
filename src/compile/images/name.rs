//! Names of images, as runtimes complete them.

use std::fmt;

/// An image's name in full: registry, repository, tag, digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// `docker.io`, `registry.example.com:5000`.
    pub registry: String,
    /// `library/busybox`.
    pub repository: String,
    /// `latest` where neither tag nor digest is said.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl Name {
    /// Completes a name by the rules of github.com/distribution/reference: without a registry it is docker.io's, and
    /// there without a folder it is in `library`.
    pub fn of(text: &str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let (registry, path) = match rest.split_once('/') {
            Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, path)
            }
            _ => ("docker.io", rest),
        };
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (path, None),
        };
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        let tag = match (tag, &digest) {
            (None, None) => Some("latest".to_owned()),
            (tag, _) => tag,
        };
        Self {
            registry: registry.to_owned(),
            repository,
            tag,
            digest,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_runtimes_complete_them() {
        for (short, full) in [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1", "docker.io/library/busybox:1"),
            ("a/b", "docker.io/a/b:latest"),
            ("localhost/x", "localhost/x:latest"),
            ("r:5000/x", "r:5000/x:latest"),
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("r.io/a@sha256:00", "r.io/a@sha256:00"),
            ("r.io/a:1@sha256:00", "r.io/a:1@sha256:00"),
        ] {
            assert_eq!(Name::of(short).to_string(), full);
        }
    }
}
