//! An import into a project that is there: what the cluster has and the project lacks. The user's own lines stay as they are:
//! text is inserted, a version is replaced, and what else differs is a finding. Nothing is written before it was shown.

mod edit;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use similar::TextDiff;

use crate::create::replace;
use crate::error::Result;
use crate::identity::is_example_ca;
use crate::import::facts::{Facts, NodeFact};
use crate::import::kubeconfig::certificates;
use crate::import::settings::{SHARED, Settings, profile_text};
use crate::import::write::{Decided, item};
use crate::import::{ABOUT_SHARED, about_node};
use crate::inventory::{Inventory, Node};
use crate::kubernetes::version::Version;
use crate::lock::Lock;
use crate::model::Location;
use crate::project_folder::{CLUSTER_FILE, ProjectFolder, SETTINGS};
use crate::redact::redacted;
use crate::report::{Finding, Id, Report};
use crate::unfinished::make_folders;
use crate::wording::counted;
use crate::yaml::Located;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A project that is there.
pub struct Existing {
    folder: ProjectFolder,
    inventory: Inventory,
    tree: Located,
    text: String,
}

/// One file that would be another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path in the project.
    pub file: String,
    /// Its text now; None where it is not there.
    pub old: Option<String>,
    /// Its text afterwards.
    pub new: String,
    /// Lines around a change that may be shown.
    context: usize,
}

impl Existing {
    /// Opens the project of a folder; None after findings, or where there is none.
    pub fn open(dir: &Path, report: &mut Report) -> Result<Option<Self>> {
        if dir.join(CLUSTER_FILE).symlink_metadata().is_err() {
            return Ok(None);
        }
        let folder = ProjectFolder::new(dir, &[])?;
        let mut own = Report::default();
        let inventory = Inventory::load(&folder, &mut own);
        let reading = || format!("reading {CLUSTER_FILE}");
        let text = folder.read_text(CLUSTER_FILE, SETTINGS);
        let tree = text.as_ref().ok().and_then(|text| {
            let file: Arc<str> = CLUSTER_FILE.into();
            crate::yaml::parse(&file, text, &mut Report::default())
        });
        let (Some(inventory), Some(tree)) = (inventory, tree) else {
            report.merge(own);
            return Ok(None);
        };
        Ok(Some(Self {
            folder,
            inventory,
            tree,
            text: text.with_context(reading)?,
        }))
    }

    /// The version of its nodes that say nothing else.
    pub fn version(&self) -> Option<Version> {
        self.tree.get("kubernetes")?.as_str()?.parse().ok()
    }

    /// The profiles of all its nodes but the imported one, and whether it has that.
    pub fn profiles(&self) -> (Vec<String>, bool) {
        let all = crate::import::values::items(&self.tree, &["profiles"]).iter();
        let all = all.filter_map(|name| name.as_str().map(str::to_owned));
        let (shared, others): (Vec<String>, Vec<String>) = all.partition(|name| name == SHARED);
        (others, !shared.is_empty())
    }

    /// Adds what the project knows and the input does not tell.
    pub fn fill(&self, facts: &mut Facts) {
        let cluster = &self.inventory.cluster;
        let at = Location::file(CLUSTER_FILE);
        let network = &cluster.network;
        for (own, claims) in [
            (texts(&network.cluster_dns), &mut facts.dns),
            (texts(&network.service_cidrs), &mut facts.services),
            (texts(&network.pod_cidrs), &mut facts.pods),
        ] {
            if claims.best().is_none() && !own.is_empty() {
                claims.add(u8::MAX, own, &at, CLUSTER_FILE);
            }
        }
        let name = cluster.name.value.clone();
        let url = cluster.api_server.url.value.clone();
        for (own, claims) in [
            (name, &mut facts.name),
            (url, &mut facts.url),
            (network.cluster_domain.clone(), &mut facts.domain),
        ] {
            if claims.best().is_none() {
                claims.add(u8::MAX, own, &at, CLUSTER_FILE);
            }
        }
    }

    /// The texts of its own profiles.
    pub fn profile_texts(&self) -> Vec<(String, String)> {
        let names = self.folder.entries("profiles").into_iter();
        let names = names.filter(|name| *name != format!("{SHARED}.yaml"));
        let texts = names.filter_map(|name| {
            let path = format!("profiles/{name}");
            let text = self.folder.read_text(&path, SETTINGS).ok()?;
            Some((path, text))
        });
        texts.collect()
    }

    /// What would change; what differs and is not changed is a finding.
    pub fn changes(
        &self,
        facts: &Facts,
        (decided, settings): (&Decided, &Settings),
        report: &mut Report,
    ) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        self.differences(facts, report);
        let added: Vec<&NodeFact> = facts
            .nodes
            .values()
            .filter(|node| self.node(&node.name).is_none())
            .collect();
        let items: Vec<String> = added
            .iter()
            .map(|node| item(node, decided, settings))
            .collect();
        let mut text = self.text.clone();
        if let Some(api) = &decided.api_version
            && let Some(at) = self.tree.get("apiServer").and_then(|at| at.get("version"))
            && at.as_str() != Some(&api.to_string())
        {
            text = edit::replaced(&text, &at.location, &api.to_string()).unwrap_or(text);
        }
        match edit::with_items(&text, &self.tree, &items) {
            Some(with) => text = with,
            None => {
                let at = self
                    .tree
                    .get("nodes")
                    .map_or(&self.tree.location, |at| &at.location);
                let rule = format!(
                    "{} cannot be added to a list on one line",
                    counted(items.len(), "node")
                );
                let finding = Finding::new(Id::ImportInvalid, at, "nodes", rule);
                report.add(finding.help("write one node a line, each after `- `"));
            }
        }
        self.check(&text, added.len())?;
        self.add(&mut changes, CLUSTER_FILE, text)?;
        self.certificates(facts, &mut changes)?;
        let (_, has_shared) = self.profiles();
        // Without settings in the input those of the project are as good as before.
        let is_known = !(facts.kubelet.is_empty() && facts.configz.is_empty());
        if has_shared && is_known {
            let new = profile_text(SHARED, ABOUT_SHARED, &settings.shared)?;
            self.add(&mut changes, &format!("profiles/{SHARED}.yaml"), new)?;
        }
        for (node, config) in &settings.of_node {
            let new = profile_text(node, &about_node(node), config)?;
            self.add(&mut changes, &format!("profiles/{node}.yaml"), new)?;
        }
        Ok(changes)
    }

    fn node(&self, name: &str) -> Option<&Node> {
        self.inventory
            .all_nodes()
            .find(|node| node.name.value == name)
    }

    /// The inventory that comes out must have the nodes of the old one and the new ones.
    fn check(&self, text: &str, added: usize) -> Result<()> {
        let count = |tree: &Located| crate::import::values::items(tree, &["nodes"]).len();
        let tree = crate::yaml::parse(&CLUSTER_FILE.into(), text, &mut Report::default());
        match tree {
            Some(tree) if count(&tree) == count(&self.tree) + added || text == self.text => Ok(()),
            _ => bail!(
                "adding nodes to {CLUSTER_FILE}: its layout is not understood; add them by hand"
            ),
        }
    }

    /// A change, if the text is another one.
    fn add(&self, changes: &mut Vec<Change>, file: &str, new: String) -> Result<()> {
        let old = if self.folder.has(file) {
            let text = self.folder.read_text(file, SETTINGS);
            Some(text.with_context(|| format!("reading {file}"))?)
        } else {
            None
        };
        if old.as_ref() != Some(&new) {
            let context = old
                .as_ref()
                .map_or(0, |old| edit::context(file, old, CONTEXT));
            changes.push(Change {
                file: file.to_owned(),
                old,
                new,
                context,
            });
        }
        Ok(())
    }

    /// Certificates of the cluster that the project's file lacks are added. None is removed: during a rotation both are good.
    fn certificates(&self, facts: &Facts, changes: &mut Vec<Change>) -> Result<()> {
        let Some(found) = facts.ca.value() else {
            return Ok(());
        };
        let file = &self.inventory.cluster.api_server.ca.value;
        let old = self.folder.read_text(file, SETTINGS).unwrap_or_default();
        if old.is_empty() || is_example_ca(&self.folder.join(file)) {
            return self.add(changes, file, found.clone());
        }
        let known: BTreeSet<String> = blocks_of(&certificates(&old)).collect();
        let mut new = old;
        for block in blocks_of(found).filter(|block| !known.contains(block)) {
            if !new.ends_with('\n') {
                new.push('\n');
            }
            new.push_str(&block);
        }
        self.add(changes, file, new)
    }

    /// Warns of what the cluster has otherwise and an import does not change.
    fn differences(&self, facts: &Facts, report: &mut Report) {
        let mut differ = |at: &Location, field: &str, here: String, there: String| {
            if here != there {
                let rule = format!("{here} here and {there} in the cluster");
                let finding = Finding::new(Id::ImportDisagreement, at, field, rule);
                report.add(finding.help("correct the one that is wrong"));
            }
        };
        let cluster = &self.inventory.cluster;
        if let Some(url) = facts.url.value() {
            let own = &cluster.api_server.url;
            differ(
                &own.location.at,
                "apiServer.url",
                own.value.clone(),
                url.clone(),
            );
        }
        let network = self.tree.get("network");
        for (key, own, claims) in [
            (
                "clusterDNS",
                texts(&cluster.network.cluster_dns),
                &facts.dns,
            ),
            (
                "serviceCIDRs",
                texts(&cluster.network.service_cidrs),
                &facts.services,
            ),
            ("podCIDRs", texts(&cluster.network.pod_cidrs), &facts.pods),
        ] {
            let at = network
                .and_then(|network| network.get(key))
                .map(|at| &at.location);
            if let (Some(at), Some(said)) = (at, claims.value()) {
                differ(
                    at,
                    &format!("network.{key}"),
                    own.join(", "),
                    said.join(", "),
                );
            }
        }
        for node in facts.nodes.values() {
            let Some(own) = self.node(&node.name) else {
                continue;
            };
            let addresses = texts(&own.addresses);
            let found: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
            let is_same = found
                .iter()
                .all(|one| own.all_addresses().any(|known| known.to_string() == *one));
            if !found.is_empty() && !is_same {
                let at = own
                    .addresses
                    .first()
                    .map_or(&own.name.location.at, |at| &at.location.at);
                let field = format!("{}: addresses", node.name);
                differ(at, &field, addresses.join(", "), found.join(", "));
            }
        }
        for other in &self.inventory.unmanaged {
            let Some(node) = facts.nodes.get(&other.node.name.value) else {
                continue;
            };
            let at = &other.node.name.location.at;
            let own = other
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"));
            let own: BTreeSet<String> = own.collect();
            let found = node
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"));
            let found: BTreeSet<String> = found.collect();
            let lacks: Vec<&str> = found.difference(&own).map(String::as_str).collect();
            if !lacks.is_empty() {
                let field = format!("{}: labels", node.name);
                let own: Vec<&str> = own.iter().map(String::as_str).collect();
                differ(
                    at,
                    &field,
                    or_none(&own.join(", ")),
                    or_none(
                        &found
                            .iter()
                            .map(String::as_str)
                            .collect::<Vec<_>>()
                            .join(", "),
                    ),
                );
            }
        }
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() {
        "none".to_owned()
    } else {
        text.to_owned()
    }
}

fn texts<T: ToString>(values: &[crate::model::Spanned<T>]) -> Vec<String> {
    values.iter().map(|one| one.value.to_string()).collect()
}

/// The blocks of a text of certificates, each with its marks.
fn blocks_of(pem: &str) -> impl Iterator<Item = String> {
    const END: &str = "-----END CERTIFICATE-----\n";
    pem.split_inclusive(END)
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// All changes as one unified diff, as `patch -p1` takes it.
pub fn diff_text(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let old = change.old.as_deref().unwrap_or_default();
        let before = match &change.old {
            Some(_) => format!("a/{}", change.file),
            None => "/dev/null".to_owned(),
        };
        let diff = TextDiff::from_lines(old, &change.new);
        let mut unified = diff.unified_diff();
        let unified = unified
            .context_radius(change.context)
            .header(&before, &format!("b/{}", change.file));
        out.push_str(&redacted(&unified.to_string()));
    }
    out
}

/// Writes all changes, the inventory last: whenever the run ends, it names only what is there.
pub fn write(dir: &Path, changes: &[Change]) -> Result<()> {
    let _lock = Lock::take(&dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))?;
    let is_inventory = |change: &&Change| change.file == CLUSTER_FILE;
    let others = changes.iter().filter(|change| !is_inventory(change));
    for change in others.chain(changes.iter().filter(is_inventory)) {
        let path = dir.join(&change.file);
        if let Some(folder) = path.parent() {
            make_folders(folder, 0o755)?;
        }
        // Through a link of the user's to the file itself.
        let path = path.canonicalize().unwrap_or(path);
        replace(&path, 0o644, change.new.as_bytes())
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
