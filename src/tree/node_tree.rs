//! The node tree: what one node must end up with, path by path. Built by overlays, templates and generators; read by
//! the packagers. Mode and owner are always set by us: they never come from the umask or the checkout.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::{NodePath, NodeState};
use crate::tree::{Entry, EntryKind, UNIT_FOLDER, Unit};

/// Why an entry cannot be added; names both origins where two are at odds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path at which it happened.
    pub path: NodePath,
    /// The rule, ready for a finding.
    pub rule: String,
}

/// All of one node: entries by path, units by name.
#[derive(Clone, Debug, Default)]
pub struct NodeTree {
    entries: BTreeMap<NodePath, Entry>,
    units: BTreeMap<String, Unit>,
    state: Vec<NodeState>,
}

impl NodeTree {
    /// What the node's kubelet will keep beside the tree.
    pub fn state(&self) -> &[NodeState] {
        &self.state
    }

    /// Says what the node's kubelet will keep.
    pub fn set_state(&mut self, state: Vec<NodeState>) {
        self.state = state;
    }

    /// Adds an entry; a second writer for the same path is refused.
    pub fn add(&mut self, path: NodePath, entry: Entry) -> Result<(), Conflict> {
        if let Some(first) = self.entries.get(&path) {
            let rule = format!(
                "{path} is written by {} and by {}",
                first.origin, entry.origin
            );
            return Err(Conflict { path, rule });
        }
        self.replace(path, entry)
    }

    /// Adds an entry or replaces the one at its path, for a layer that has leave to.
    pub fn replace(&mut self, path: NodePath, entry: Entry) -> Result<(), Conflict> {
        if let Some(flaw) = entry.flaw() {
            let rule = format!("{path} of {}: {flaw}", entry.origin);
            return Err(Conflict { path, rule });
        }
        for ancestor in path.ancestors() {
            match self.entries.get(ancestor) {
                Some(above) if !matches!(above.kind, EntryKind::Directory) => {
                    let rule = format!(
                        "{path} of {} is below {ancestor} of {}, which is not a directory",
                        entry.origin, above.origin
                    );
                    return Err(Conflict {
                        path: path.clone(),
                        rule,
                    });
                }
                _ => {}
            }
        }
        if !matches!(entry.kind, EntryKind::Directory)
            && let Some((below, other)) = self.first_below(path.as_str())
        {
            let rule = format!(
                "{path} of {} is not a directory, but {below} of {} is below it",
                entry.origin, other.origin
            );
            return Err(Conflict {
                path: path.clone(),
                rule,
            });
        }
        self.entries.insert(path, entry);
        Ok(())
    }

    /// Removes what is at a path.
    pub fn remove(&mut self, path: &NodePath) -> Option<Entry> {
        self.entries.remove(path)
    }

    /// Removes a unit with its file, its drop-ins and its state.
    pub fn remove_unit(&mut self, name: &str) -> Option<Unit> {
        self.units.remove(name)
    }

    /// Whether no entry is where units go.
    pub(super) fn is_empty_below_units(&self) -> bool {
        let below = |(path, _): (&NodePath, &Entry)| {
            let rest = path.as_str().strip_prefix(UNIT_FOLDER);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        // Names that go on with a dash or a dot come before what is in the folder.
        let behind = (Bound::Excluded(UNIT_FOLDER), Bound::Unbounded);
        let mut near = self.entries.range::<str, _>(behind);
        !near
            .by_ref()
            .take_while(|(path, _)| path.as_str().starts_with(UNIT_FOLDER))
            .any(below)
    }

    fn first_below(&self, path: &str) -> Option<(&NodePath, &Entry)> {
        let start = format!("{path}/");
        self.entries
            .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
            .next()
            .filter(|(below, _)| below.as_str().starts_with(&start))
    }

    /// One entry.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The end of a path that the node would not find: the path itself, or where links of the tree lead from it. None if the
    /// tree holds a file, a folder or a unit there.
    pub fn missing(&self, path: &str) -> Option<String> {
        let end = self.follow(path);
        (self.link_on(&end).is_some() || !self.holds(&end)).then_some(end)
    }

    /// Where a path leads by links of the tree; it may be outside of it.
    pub fn follow(&self, path: &str) -> String {
        let mut at = path.to_owned();
        // As many links as the kernel follows (path_resolution(7)).
        for _ in 0..40 {
            match self.link_on(&at) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Where the first link on a path leads, with the rest of the path.
    fn link_on(&self, path: &str) -> Option<String> {
        let ends = path.match_indices('/').skip(1).map(|(end, _)| end);
        ends.chain([path.len()]).find_map(|end| {
            let EntryKind::Symlink(target) = &self.get(&path[..end])?.kind else {
                return None;
            };
            let folder = path[..end].rsplit_once('/')?.0;
            let joined = match target.strip_prefix('/') {
                Some(_) => format!("{target}{}", &path[end..]),
                None => format!("{folder}/{target}{}", &path[end..]),
            };
            let mut parts: Vec<&str> = Vec::new();
            for part in joined.split('/') {
                match part {
                    "" | "." => {}
                    ".." => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            Some(format!("/{}", parts.join("/")))
        })
    }

    /// Whether there is an entry, a folder above one, or a unit's file.
    fn holds(&self, path: &str) -> bool {
        let unit = || {
            let name = path.strip_prefix(UNIT_FOLDER)?.strip_prefix('/')?;
            self.units.get(name)?.text.as_ref()
        };
        let below = || NodePath::parse(path).is_ok() && self.first_below(path).is_some();
        self.entries.contains_key(path) || below() || unit().is_some()
    }

    /// The declared entries in path order, without units.
    pub fn entries(&self) -> &BTreeMap<NodePath, Entry> {
        &self.entries
    }

    /// The units by name.
    pub fn units(&self) -> &BTreeMap<String, Unit> {
        &self.units
    }

    /// The unit of a name, made empty when absent.
    pub fn unit_mut(&mut self, name: &str) -> &mut Unit {
        self.units.entry(name.to_owned()).or_default()
    }

    /// Whether any entry holds a secret, so that what is made of the tree must be kept tight.
    pub fn has_secrets(&self) -> bool {
        self.entries.values().any(Entry::is_secret_file)
    }

    /// Whether any entry is an asset.
    pub fn has_assets(&self) -> bool {
        self.entries.values().any(Entry::is_asset)
    }

    /// The tree without its secret files: what may be where others read.
    pub fn public(&self) -> Self {
        self.without(Entry::is_secret_file)
    }

    /// The secret files alone, with the declared directories above them.
    pub fn secrets(&self) -> Self {
        self.only(Entry::is_secret_file)
    }

    /// The tree without its assets.
    pub fn without_assets(&self) -> Self {
        self.without(Entry::is_asset)
    }

    /// The assets alone, with the declared directories above them.
    pub fn assets(&self) -> Self {
        self.only(Entry::is_asset)
    }

    fn without(&self, left_out: impl Fn(&Entry) -> bool) -> Self {
        let entries = self.entries.iter().filter(|(_, entry)| !left_out(entry));
        Self {
            entries: entries
                .map(|(path, entry)| (path.clone(), entry.clone()))
                .collect(),
            units: self.units.clone(),
            state: self.state.clone(),
        }
    }

    /// Some entries alone. The declared directories above them come with them, or whatever makes missing ones would
    /// give them modes of its own.
    fn only(&self, wanted: impl Fn(&Entry) -> bool) -> Self {
        let mut entries = BTreeMap::new();
        for (path, entry) in &self.entries {
            if !wanted(entry) {
                continue;
            }
            let above = path
                .ancestors()
                .filter_map(|above| self.entries.get_key_value(above));
            for (path, entry) in above.chain([(path, entry)]) {
                entries.insert(path.clone(), entry.clone());
            }
        }
        Self {
            entries,
            units: BTreeMap::new(),
            state: Vec::new(),
        }
    }

    /// Entries and units as plain files: what must be on the node, presets and `.wants` links left out
    /// (each format says those in its own words).
    pub fn materialised(&self) -> BTreeMap<NodePath, Entry> {
        let mut all = self.entries.clone();
        for (name, unit) in &self.units {
            all.extend(unit.entries(name));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Content, Origin};

    fn path(text: &str) -> NodePath {
        NodePath::parse(text).expect("a good path")
    }

    fn origin(text: &str) -> Origin {
        Origin(text.into())
    }

    #[test]
    fn second_writer_is_refused_and_both_are_named() {
        let mut tree = NodeTree::default();
        tree.add(path("/a"), Entry::directory(0o755, origin("one")))
            .expect("free");
        let conflict = tree
            .add(path("/a"), Entry::directory(0o755, origin("two")))
            .expect_err("taken");
        assert_eq!(conflict.rule, "/a is written by one and by two");
    }

    #[test]
    fn nothing_lies_below_a_file() {
        let mut tree = NodeTree::default();
        let file = Entry::file(Content::bytes("x"), 0o644, origin("one"));
        tree.add(path("/a/b"), file.clone()).expect("free");
        assert!(tree.add(path("/a/b/c"), file.clone()).is_err());
        assert!(tree.add(path("/a"), file.clone()).is_err());
        assert!(tree.add(path("/a-b"), file).is_ok());
    }

    #[test]
    fn public_and_secret_make_the_whole_tree() {
        let mut tree = NodeTree::default();
        for at in ["/a", "/a/b", "/c"] {
            tree.add(path(at), Entry::directory(0o700, origin("one")))
                .expect("free");
        }
        for at in ["/a/b/x", "/d/y"] {
            let secret = Entry::secret_file(Content::bytes("s"), origin("one"));
            tree.add(path(at), secret).expect("free");
        }
        tree.add(
            path("/a/z"),
            Entry::file(Content::bytes("p"), 0o644, origin("one")),
        )
        .expect("free");
        tree.unit_mut("a.service").enabled = Some(true);
        let paths = |tree: &NodeTree| {
            tree.entries()
                .keys()
                .map(|at| at.to_string())
                .collect::<Vec<_>>()
        };
        let (public, secrets) = (tree.public(), tree.secrets());
        assert_eq!(paths(&public), ["/a", "/a/b", "/a/z", "/c"]);
        assert_eq!(paths(&secrets), ["/a", "/a/b", "/a/b/x", "/d/y"]);
        assert_eq!((public.units().len(), secrets.units().len()), (1, 0));
        assert!(!public.has_secrets() && secrets.has_secrets());
    }

    #[test]
    fn a_path_is_found_through_links_or_named_where_it_ends() {
        let mut tree = NodeTree::default();
        let file = Entry::file(Content::bytes("x"), 0o644, origin("one"));
        tree.add(path("/opt/bin/kubelet"), file).expect("free");
        for (link, target) in [
            ("/usr/local/bin", "../../opt/bin"),
            ("/etc/k", "/usr/local/bin/kubelet"),
            ("/etc/none", "gone/x"),
            ("/loop", "/loop"),
        ] {
            let link_entry = Entry::symlink(target, origin("one"));
            tree.add(path(link), link_entry).expect("free");
        }
        tree.unit_mut("a.service").text = Some((Content::bytes("x"), origin("one")));
        for (at, expected) in [
            ("/opt/bin/kubelet", None),
            ("/opt/bin", None),
            ("/opt", None),
            ("/usr/local/bin/kubelet", None),
            ("/etc/k", None),
            ("/etc/systemd/system/a.service", None),
            (
                "/etc/systemd/system/b.service",
                Some("/etc/systemd/system/b.service"),
            ),
            ("/usr/local/bin/kubeadm", Some("/opt/bin/kubeadm")),
            ("/etc/none", Some("/etc/gone/x")),
            ("/loop", Some("/loop")),
            ("/opt/bi", Some("/opt/bi")),
        ] {
            assert_eq!(tree.missing(at).as_deref(), expected, "{at}");
        }
    }

    #[test]
    fn what_no_format_can_say_is_refused() {
        let mut tree = NodeTree::default();
        let owned = |name: &str| {
            let mut entry = Entry::directory(0o755, origin("one"));
            entry.group.name = name.into();
            entry
        };
        for (bad, part) in [
            (Entry::symlink("", origin("one")), "must have a target"),
            (Entry::symlink("a\nb", origin("one")), "control characters"),
            (Entry::symlink("a".repeat(4096), origin("one")), "PATH_MAX"),
            (Entry::directory(0o40755, origin("one")), "07777"),
            (owned(""), "owner"),
            (owned("a b"), "owner"),
        ] {
            let conflict = tree.add(path("/x"), bad).expect_err(part);
            assert!(conflict.rule.contains(part), "{}", conflict.rule);
        }
        assert!(
            tree.add(path("/x"), Entry::symlink("../a b", origin("one")))
                .is_ok()
        );
    }
}
