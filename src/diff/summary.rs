//! What is to be done about a difference: with kubectl, with a new payload, or nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::OldBundle;
use crate::diff::{Change, ClusterDiff, Names, NodeDiff};
use crate::wording::{are, counted, named, shell_quoted};

/// Names on one command line.
const NAMES_A_LINE: usize = 100;
/// So many nodes are named in a row.
pub(super) const NAMED: usize = 8;

/// The account of a difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Whether nothing differs at all.
    pub same: bool,
    /// Nodes that are new.
    pub nodes_added: usize,
    /// Nodes that are gone.
    pub nodes_removed: usize,
    /// Nodes that differ.
    pub nodes_changed: usize,
    /// Nodes that are the same.
    pub nodes_same: usize,
    /// What an administrator runs. Lines that begin with `#` say why the ones after them are there.
    pub kubectl: Vec<String>,
    /// Nodes whose machines need their new payload: provisioned again, or installed over and then restarted.
    pub payload: Vec<String>,
    /// What needs nothing.
    pub by_itself: Vec<String>,
    /// What is easily overlooked.
    pub notes: Vec<String>,
    #[serde(skip)]
    working: Working,
}

/// What is counted until all nodes are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Working {
    same_generation: bool,
    files_differ: bool,
    labels: Vec<String>,
    gone: Vec<String>,
    /// Nodes of which only the token is another, and those whose files are only packed otherwise.
    tokens: usize,
    packed: usize,
    /// Nodes that get the same files for another version of Kubernetes.
    versions: usize,
    /// Nodes that only come in other formats.
    formats: usize,
    user_data: usize,
    /// Nodes whose kubelets keep something by settings that changed, by what it is.
    state: BTreeMap<String, Vec<String>>,
}

impl Summary {
    /// Begins with what is of no node. `folder` is where the new bundle is, or will be.
    pub(super) fn of(
        old: &OldBundle,
        new: &OldBundle,
        folder: &str,
        cluster: &ClusterDiff,
    ) -> Self {
        let (before, after) = (old.manifest(), new.manifest());
        let mut summary = Self {
            working: Working {
                same_generation: before.generation == after.generation,
                files_differ: !cluster.facts.is_empty() || !cluster.files.is_empty(),
                ..Working::default()
            },
            ..Self::default()
        };
        let known = |name: &str| old.node(name).is_some();
        let both = after.nodes.iter().filter(|node| known(&node.name)).count();
        summary.nodes_same = both;
        summary.rbac(&cluster.rbac, folder);
        summary.tokens(&cluster.tokens, folder);
        for (verb, nodes) in [
            ("label", &cluster.labels),
            ("annotate", &cluster.annotations),
        ] {
            for (node, arguments) in nodes.iter().filter(|(node, _)| new.node(node).is_some()) {
                let command = label(verb, node, arguments);
                summary.working.labels.extend(command);
            }
        }
        let names = |folder: &str| {
            let files = cluster.files.iter();
            files.filter(|file| file.path.starts_with(folder)).count()
        };
        if names("boot/") > 0 {
            let note = "what boot servers hand out (boot/) changed: copy it there";
            summary.notes.push(note.to_owned());
        }
        if cluster.facts.iter().any(|fact| fact.path == "cluster") {
            let note = "these are bundles of two clusters".to_owned();
            summary.notes.push(note);
        }
        if after.generation < before.generation {
            summary.notes.push(format!(
                "the generation goes back, from {} to {}: is the first bundle the newer one?",
                before.generation, after.generation
            ));
        }
        summary
    }

    fn rbac(&mut self, rbac: &Names, folder: &str) {
        if !rbac.added.is_empty() || !rbac.changed.is_empty() {
            let folder = word(&format!("{folder}/cluster/rbac"));
            self.kubectl.push(format!("kubectl apply -k {folder}"));
        }
        for name in &rbac.removed {
            let Some((kind, name)) = name.split_once('/') else {
                continue;
            };
            let words = operands(["--ignore-not-found"], [&kind.to_lowercase(), name]);
            if let Some(words) = words {
                self.kubectl.push(format!("kubectl delete {words}"));
            }
        }
    }

    fn tokens(&mut self, tokens: &Names, folder: &str) {
        let all = tokens.removed.iter().chain(&tokens.changed);
        // Whatever else may be in the file, only such Secrets are tokens.
        let bare = all.filter_map(|name| name.strip_prefix("Secret/"));
        let bare = bare.filter(|name| name.starts_with("bootstrap-token-"));
        let mut gone: Vec<String> = bare.map(word).collect();
        gone.sort_unstable();
        for names in gone.chunks(NAMES_A_LINE) {
            self.kubectl.push(format!(
                "kubectl --namespace kube-system delete secret --ignore-not-found {}",
                names.join(" ")
            ));
        }
        if !tokens.added.is_empty() || !tokens.changed.is_empty() {
            if tokens.kept > 0 {
                self.kubectl.push(format!(
                    "# {} there already: they are refused, and stay",
                    are(tokens.kept, "token")
                ));
            }
            let file = word(&format!("{folder}/cluster/tokens/tokens.yaml"));
            self.kubectl.push(format!("kubectl create -f {file}"));
        }
    }

    /// Adds a node that differs.
    pub(super) fn add(&mut self, diff: &NodeDiff) {
        match diff.change {
            Change::Added => {
                self.nodes_added += 1;
                return self.payload.push(diff.node.clone());
            }
            Change::Removed => {
                self.nodes_removed += 1;
                return self.working.gone.push(diff.node.clone());
            }
            Change::Changed => {}
        }
        self.nodes_changed += 1;
        self.nodes_same = self.nodes_same.saturating_sub(1);
        let registration = &diff.registration;
        for (what, arguments) in [
            ("label", &registration.labels),
            ("taint", &registration.taints),
        ] {
            if !arguments.is_empty() {
                let command = label(what, &diff.node, arguments);
                self.working.labels.extend(command);
            }
        }
        let working = &mut self.working;
        for state in &diff.state {
            let nodes = working.state.entry(state.in_words()).or_default();
            nodes.push(diff.node.clone());
        }
        if diff.needs_payload() {
            working.user_data += usize::from(diff.user_data);
            return self.payload.push(diff.node.clone());
        }
        let payloads = diff.payloads.iter();
        let others = payloads.filter(|payload| payload.change != Change::Changed);
        if diff.facts.iter().any(|fact| fact.path == "kubernetes") && diff.entries.is_empty() {
            working.versions += 1;
            return;
        }
        match diff.facts.is_empty() && diff.entries.is_empty() {
            true if others.count() > 0 => working.formats += 1,
            true => working.packed += 1,
            false => working.tokens += 1,
        }
    }

    /// Completes it, when all nodes were seen.
    pub(super) fn finish(&mut self) {
        let working = std::mem::take(&mut self.working);
        let differing = self.nodes_added + self.nodes_removed + self.nodes_changed;
        self.same = differing == 0 && !working.files_differ;
        if !working.labels.is_empty() {
            let why = "# a kubelet sets labels and taints when it registers, and never afterwards: when the nodes have joined";
            self.kubectl.push(why.to_owned());
            self.kubectl.extend(working.labels);
        }
        for names in working.gone.chunks(NAMES_A_LINE) {
            let names = names.iter().map(String::as_str);
            let words = operands(["node", "--ignore-not-found"], names);
            if let Some(words) = words {
                let why = "# gone from the inventory: drain them before";
                self.kubectl.push(why.to_owned());
                self.kubectl.push(format!("kubectl delete {words}"));
            }
        }
        if working.tokens > 0 {
            self.by_itself.push(format!(
                "{}: only the bootstrap token or its end; one that has joined needs none",
                counted(working.tokens, "node")
            ));
        }
        if working.versions > 0 {
            self.by_itself.push(format!(
                "{}: the same files, for another version of Kubernetes",
                counted(working.versions, "node")
            ));
        }
        if working.formats > 0 {
            self.by_itself.push(format!(
                "{}: the same files, in other formats",
                counted(working.formats, "node")
            ));
        }
        if working.packed > 0 {
            self.by_itself.push(format!(
                "{}: the same files, packed otherwise",
                counted(working.packed, "node")
            ));
        }
        for (state, nodes) in &working.state {
            self.notes.push(format!("{}: {state}", named(nodes, NAMED)));
        }
        if working.same_generation && working.user_data > 0 {
            self.notes.push(format!(
                "the generation is the same: where cloud-init ran before, it passes the new user-data of {} over",
                counted(working.user_data, "node")
            ));
        }
    }
}

fn label(what: &str, node: &str, arguments: &[String]) -> Option<String> {
    let node = operands([what, "node"], [node])?;
    let arguments = arguments.iter().map(String::as_str);
    let words = operands(["--overwrite"], arguments)?;
    Some(format!("kubectl {node} {words}"))
}

/// Words of a command: those that are its own, then names. None where no name is left: one that begins with a dash is none
/// of Kubernetes', and would be taken for an option.
fn operands<'a, const N: usize>(
    own: [&str; N],
    names: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let names = names.into_iter().filter(|name| !name.starts_with('-'));
    let names: Vec<String> = names.map(word).collect();
    let all = own.iter().map(|word| (*word).to_owned());
    (!names.is_empty()).then(|| {
        all.chain(names.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    })
}

/// A word that the shell takes as it is.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        shell_quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_taken_for_more_than_a_name() {
        let label = |node: &str, arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
            label("label", node, &arguments)
        };
        assert_eq!(
            label("a b", &["x=it's", "y-", "--all"]).as_deref(),
            Some(r"kubectl label node 'a b' --overwrite 'x=it'\''s' y-")
        );
        assert_eq!(label("--all", &["x=1"]), None);
        assert_eq!(label("a", &["--all"]), None);
        let mut summary = Summary::default();
        summary.tokens(
            &Names {
                removed: vec![
                    "Secret/bootstrap-token-$(x)".to_owned(),
                    "Secret/mine".to_owned(),
                    "Node/--all".to_owned(),
                ],
                ..Names::default()
            },
            "out",
        );
        assert_eq!(
            summary.kubectl,
            [
                "kubectl --namespace kube-system delete secret --ignore-not-found 'bootstrap-token-$(x)'"
            ]
        );
    }
}
