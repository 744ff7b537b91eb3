//! The nodes' requests for certificates, against the inventory and the tokens.

mod extract;
mod ids;

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::error::Result;
use crate::inventory::{Inventory, Node};
use crate::project::csr::ids::wanted;
use crate::project::read_dump;
use crate::project_folder::ProjectFolder;
use crate::report::Report;
use crate::review::{Register, Verdict, approver_settings};
use crate::secrets::SecretsChoice;

pub use extract::extract;
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
    /// The file of an extract, instead of the project and its tokens.
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
    let extract = wanted(request, report)?;
    let Some(extract) = extract.filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let Some(dump) = read_dump(&request.requests, report)? else {
        return Ok(None);
    };
    let register = Register::new(&extract).deny_unknown(request.deny_unknown);
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
