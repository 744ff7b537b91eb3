//! The nodes' requests for certificates, against the inventory and the tokens.

mod ids;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::error::Result;
use crate::identity::csr::{NodeFacts, Register, Verdict, approver_settings};
use crate::inventory::{Inventory, Node};
use crate::project::csr::ids::known_tokens;
use crate::project::read_dump;
use crate::project_folder::ProjectFolder;
use crate::report::Report;
use crate::secrets::SecretsChoice;

pub use ids::export_ids;

/// Requests to be reviewed, and what they are reviewed against.
#[derive(Clone, Debug)]
pub struct ReviewRequest {
    /// The file with the output of `kubectl get csr -o json`; `-` is stdin.
    pub requests: PathBuf,
    /// The project.
    pub folder: ProjectFolder,
    /// Which file holds its tokens.
    pub secrets: SecretsChoice,
    /// The tokens' ids, instead of the tokens.
    pub ids: Option<PathBuf>,
    /// Deny unknown nodes and tokens, instead of leaving them.
    pub deny_unknown: bool,
}

/// A verdict about each request; None after findings.
pub fn review(request: &ReviewRequest, report: &mut Report) -> Result<Option<Vec<Verdict>>> {
    let from_stdin = |path: &Path| path == Path::new("-");
    let choice = &request.secrets;
    let mut secrets = choice.file.iter().chain(&choice.identities);
    if from_stdin(&request.requests) && secrets.any(|path| from_stdin(path)) {
        bail!("reading stdin: the requests and the tokens cannot both come from there");
    }
    let inventory = Inventory::load(&request.folder, report);
    let tokens = known_tokens(request, inventory.as_ref(), report)?;
    let (Some(inventory), Some(tokens), false) = (inventory, tokens, report.has_errors()) else {
        return Ok(None);
    };
    let Some(dump) = read_dump(&request.requests, report)? else {
        return Ok(None);
    };
    let register = Register::new(facts(&inventory), &tokens).deny_unknown(request.deny_unknown);
    let shown = request.requests.display().to_string();
    register.review(&dump, &shown).map(Some)
}

/// Settings for an approver in the cluster; None after findings.
pub fn settings_for_approver(
    folder: &ProjectFolder,
    report: &mut Report,
) -> Result<Option<String>> {
    let inventory = Inventory::load(folder, report);
    let inventory = inventory.filter(|_| !report.has_errors());
    Ok(inventory.map(|inventory| {
        let names = inventory.all_nodes().map(|node| node.name.value.as_str());
        let addresses = inventory.all_nodes().flat_map(Node::all_addresses);
        approver_settings(names, addresses)
    }))
}

/// The nodes with all addresses and names that the inventory knows.
fn facts(inventory: &Inventory) -> HashMap<&str, NodeFacts<'_>> {
    let specs = inventory
        .spec_of
        .iter()
        .map(|index| inventory.specs.get((*index)?));
    // Of nodes that others made the inventory has no settings.
    let specs = specs.chain(std::iter::repeat(None));
    let nodes = inventory.all_nodes().zip(specs);
    nodes
        .map(|(node, spec)| {
            let name = node.name.value.as_str();
            let mut names = HashSet::from([name]);
            names.extend(node.further_names());
            let hostname = spec.and_then(|spec| spec.hostname.as_ref());
            let hostname = hostname.filter(|hostname| !hostname.is_node_name());
            let is_template = hostname.is_some_and(|hostname| hostname.text.contains('{'));
            if let Some(hostname) = hostname.filter(|_| !is_template) {
                names.insert(&hostname.text);
            }
            let facts = NodeFacts {
                addresses: node.all_addresses().collect(),
                names,
                has_other_names: is_template,
            };
            (name, facts)
        })
        .collect()
}
