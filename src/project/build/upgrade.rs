//! `--upgrade-from`: the bundles that the nodes have now. Payloads remove the files that those installed and this one does
//! not contain.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};

use crate::bundle::{Old, OldBundle};
use crate::error::Result;
use crate::model::Location;
use crate::model::output::Format;
use crate::model::{NodePath, hex};
use crate::payload::Removals;
use crate::plan::Plan;
use crate::project::signing::SIGN_PUB;
use crate::project::{BuildRequest, Signing};
use crate::report::{Finding, Id, Report};
use crate::signing::PublicKey;
use crate::tree::{ListedKind, ListedTree, NodeTree};
use crate::verify::embedded::{BESIDE, SCRIPT, checks_tree};

/// The bundles that this build follows, each verified.
pub struct Upgrade(Vec<OldBundle>);

impl Upgrade {
    /// Opens the bundles that the user names. `key` is what this build signs with, where it signs.
    pub fn open(request: &BuildRequest, plan: &Plan, key: Option<&PublicKey>) -> Result<Self> {
        if request.upgrade_from.is_empty() {
            return Ok(Self(Vec::new()));
        }
        if matches!(request.signing, Signing::Trees(_)) {
            bail!("--upgrade-from is about payloads: give it with --stage payloads");
        }
        let key = match key {
            Some(key) => key.clone(),
            None => project_key(&request.reading.dir)?,
        };
        let cluster = &plan.cluster.name.value;
        let open = |folder: &std::path::PathBuf| -> Result<OldBundle> {
            let following = || format!("following {}", folder.display());
            match OldBundle::open_verified(folder, &key).with_context(following)? {
                Old::Verified(old) if old.manifest().cluster == *cluster => Ok(*old),
                Old::Verified(old) => {
                    let theirs = &old.manifest().cluster;
                    Err(anyhow!("it is of the cluster {theirs}, not {cluster}"))
                }
                Old::Unusable(reason) => Err(anyhow!(reason)),
            }
            .with_context(following)
        };
        Ok(Self(
            request
                .upgrade_from
                .iter()
                .map(open)
                .collect::<Result<_>>()?,
        ))
    }

    /// The paths to be removed from a node; None if no earlier bundle contains the node.
    pub fn removals(&self, node: &str, tree: &NodeTree) -> Result<Option<Arc<Removals>>> {
        let mut old = Vec::new();
        for bundle in &self.0 {
            if let Some(json) = bundle.tree(node)? {
                old.push(
                    listed(&json).with_context(|| format!("reading the tree.json of {node}"))?,
                );
            }
        }
        if old.is_empty() {
            return Ok(None);
        }
        let beside: Vec<NodePath> = if checks_tree(tree) {
            BESIDE
                .iter()
                .map(|path| NodePath::parse(path).map_err(anyhow::Error::msg))
                .collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        Ok(Some(Arc::new(Removals::between(&old, tree, &beside)?)))
    }

    /// The digests of a node's trees in those bundles.
    pub fn digests(&self, node: &str) -> Vec<String> {
        let records = self.0.iter().filter_map(|bundle| bundle.node(node));
        records.map(|record| hex(&record.tree_digest)).collect()
    }

    /// cloud-init provisions a machine once for each generation, and would pass the new user-data over.
    pub fn warning(&self, plan: &Plan, formats: Option<&[Format]>) -> Option<Finding> {
        let now = plan.cluster.generation;
        let known = |bundle: &OldBundle| bundle.manifest().generation == now;
        let mut classes = plan.classes.iter();
        let writes_user_data = match formats {
            Some(formats) => formats.contains(&Format::CloudInit),
            None => classes.any(|class| class.spec.output.formats.contains(&Format::CloudInit)),
        };
        if !writes_user_data || !self.0.iter().any(known) {
            return None;
        }
        let file = plan.cluster.name.location.at.file.clone();
        let rule = format!(
            "the bundle before is of generation {now} too, so cloud-init passes the new user-data over where it ran before"
        );
        let finding = Finding::new(
            Id::GenerationNotRaised,
            &Location::file(file),
            "generation",
            rule,
        );
        Some(finding.help("raise generation to provision machines again"))
    }
}

/// A tree as it was installed, with the files that the check of the tree reads.
fn listed(json: &[u8]) -> Result<ListedTree> {
    let mut tree = ListedTree::parse(json).map_err(anyhow::Error::msg)?;
    if tree.paths.contains_key(SCRIPT) {
        for path in BESIDE {
            tree.add(path, ListedKind::File)
                .map_err(anyhow::Error::msg)?;
        }
    }
    Ok(tree)
}

/// The project's public key, where the build itself signs nothing.
fn project_key(dir: &Path) -> Result<PublicKey> {
    let shown = SIGN_PUB;
    let mut report = Report::default();
    match PublicKey::load(&dir.join(shown), shown, &mut report)? {
        Some(key) => Ok(key),
        None => bail!(
            "following another bundle: {}",
            report.to_string().trim_end()
        ),
    }
}
