//! The resolver that pods are told of: a server on the node's own loopback is none for them. Source: kubeadm's
//! troubleshooting guide, and CoreDNS' plug-in `loop`.

use serde_json::Value as Json;

use crate::inventory::Spec;
use crate::model::{FieldLocation, NodePath};
use crate::render::NodeRendering;
use crate::render::place::{At, placed};
use crate::report::{Finding, Id};
use crate::tree::{Content, EntryKind};

/// Where a kubelet looks that is not told.
const USUAL: &str = "/etc/resolv.conf";
/// What systemd-resolved makes for programs of the machine itself: both name 127.0.0.53 alone.
const STUBS: [&str; 4] = [
    "/run/systemd/resolve/stub-resolv.conf",
    "/var/run/systemd/resolve/stub-resolv.conf",
    "/usr/lib/systemd/resolv.conf",
    "/lib/systemd/resolv.conf",
];
/// What it makes for others.
const REPAIR: &str = "set kubelet.config.resolvConf to /run/systemd/resolve/resolv.conf";

impl NodeRendering<'_> {
    /// Checks the resolver's configuration that the kubelet is told of.
    pub(super) fn check_resolver(&mut self, spec: &Spec, config: &Json) {
        let found = self.resolver(spec, config);
        self.builder.fail(found);
    }

    fn resolver(&self, spec: &Spec, config: &Json) -> Option<Finding> {
        let told = config.get("resolvConf").and_then(Json::as_str);
        // Empty means that pods get no resolver from the node.
        let path = told.unwrap_or(USUAL);
        let location = || {
            let config = spec.kubelet.config.as_ref();
            let set = config.and_then(|config| config.value.get("resolvConf"));
            let at = set.map_or(&spec.kubernetes.location.at, |at| &at.location);
            FieldLocation::new(at.clone(), "kubelet.config.resolvConf")
        };
        let stub = |path: &str| {
            format!(
                "pods cannot reach 127.0.0.53, the only server in {path}, and CoreDNS would ask itself"
            )
        };
        if STUBS.contains(&path) {
            return Some(
                location()
                    .finding(Id::ResolverUnreachable, stub(path))
                    .help(REPAIR),
            );
        }
        let tree = self.builder.so_far();
        let Ok(path) = NodePath::parse(path) else {
            return None;
        };
        let Some(entry) = tree.entries().get(&path) else {
            let rule = format!(
                "{}, which is systemd-resolved's on {}",
                stub(path.as_str()),
                spec.os.name
            );
            let is_stub = spec.os.resolved && path.as_str() == USUAL;
            return is_stub.then(|| {
                location()
                    .finding(Id::ResolverUnreachable, rule)
                    .help(REPAIR)
            });
        };
        let written = self.builder.text_location(&path)?;
        match &entry.kind {
            EntryKind::Symlink(_) => {
                let target = tree.follow(path.as_str());
                let rule = format!("{}, where {path} leads", stub(&target));
                let is_stub = STUBS.contains(&target.as_str());
                is_stub.then(|| written.finding(Id::ResolverUnreachable, rule).help(REPAIR))
            }
            EntryKind::File(Content::Blob(blob)) => {
                let text = std::str::from_utf8(blob.bytes()).ok()?;
                let position = loopback(text)?;
                let at = At {
                    location: written,
                    text,
                    position: Some(position),
                    about: path.as_str(),
                    merged: self.builder.merged(),
                };
                let rule = "nameserver: pods cannot reach a server on the node's loopback, and CoreDNS would ask itself";
                Some(
                    placed(self.renderer, &at, Id::ResolverUnreachable, rule.to_owned())
                        .help("name a server that pods can reach"),
                )
            }
            _ => None,
        }
    }
}

/// Where a file names a server on the loopback.
fn loopback(text: &str) -> Option<crate::tree::Position> {
    let is_loopback = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let server = (words.next() == Some("nameserver"))
            .then(|| words.next())
            .flatten();
        server.is_some_and(|server| {
            let address = server
                .split('%')
                .next()
                .unwrap_or_default()
                .parse::<std::net::IpAddr>();
            address.is_ok_and(|address| address.is_loopback())
        })
    };
    let line = text.lines().position(is_loopback)?;
    Some(crate::tree::Position {
        line: line + 1,
        column: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_on_the_loopback_are_found() {
        let line = |text| loopback(text).map(|at| at.line);
        assert_eq!(line("search a\nnameserver 127.0.0.53\n"), Some(2));
        assert_eq!(line("nameserver ::1\n"), Some(1));
        assert_eq!(line("# nameserver 127.0.0.53\nnameserver 10.0.0.1\n"), None);
    }
}
