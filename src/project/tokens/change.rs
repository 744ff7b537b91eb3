//! Tokens rotated and revoked: changes of the tokens' file, and the commands that change the cluster with it.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::cluster::commands_for_ended;
use crate::error::Result;
use crate::inventory::Inventory;
use crate::model::Spanned;
use crate::project::chosen;
use crate::project::tokens::{TokensRequest, chosen_or_joining, terms};
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Report};
use crate::secrets::{Change, Ended, Rotated};

/// A result that ends tokens, and the commands for a cluster that has their Secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending<T> {
    /// The result.
    #[serde(flatten)]
    pub result: T,
    /// Lines for a shell.
    pub commands: Vec<String>,
}

/// Which tokens are rotated, and how.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The nodes, by name or glob; all where there are none.
    pub nodes: Vec<String>,
    /// Only those of them whose tokens end within this time.
    pub expiring_within: Option<Duration>,
    /// How long the old tokens go on.
    pub overlap: Duration,
    /// How long the new ones live; as the inventory says where there is none.
    pub ttl: Option<Duration>,
}

/// Tokens that were revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// Each of them.
    pub revoked: Vec<Ended>,
}

/// Puts new tokens in place of old ones; None after findings.
pub fn rotate(
    request: &TokensRequest,
    rotation: &Rotation,
    report: &mut Report,
) -> Result<Option<Ending<Rotated>>> {
    let Some(inventory) = request.inventory(report) else {
        return Ok(None);
    };
    let terms = terms(&inventory, rotation.ttl);
    let mut nodes = chosen_or_joining(&rotation.nodes, &inventory)?;
    let Some(mut change) = request.change(&inventory, report)? else {
        return Ok(None);
    };
    if let Some(within) = rotation.expiring_within {
        let all = nodes.iter().copied();
        let expiring = change.store.expiring(all, terms.now, within);
        let names: HashSet<&str> = expiring.iter().map(|found| found.node.as_str()).collect();
        nodes.retain(|node| names.contains(node));
    }
    let rotated = change.store.rotate(&nodes, rotation.overlap, &terms)?;
    if !rotated.created.is_empty() {
        change.save()?;
    }
    Ok(Some(Ending {
        commands: commands_for_ended(&rotated.ended),
        result: rotated,
    }))
}

/// Shuts nodes out; None after findings.
pub fn revoke(
    request: &TokensRequest,
    named: &[String],
    report: &mut Report,
) -> Result<Option<Ending<Revoked>>> {
    let recipients = recipients(&request.folder, report);
    let folder = request.folder.path();
    let Some(mut change) = Change::begin(folder, &request.secrets, &recipients, report)? else {
        return Ok(None);
    };
    let known = change.store.iter();
    let known: Vec<String> = known.map(|(node, _)| node.to_owned()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let nodes = chosen(named, &known, &format!("in {}", change.shown))?;
    let revoked = change.store.revoke(&nodes, OffsetDateTime::now_utc());
    if !revoked.is_empty() {
        change.save()?;
    }
    Ok(Some(Ending {
        commands: commands_for_ended(&revoked),
        result: Revoked { revoked },
    }))
}

/// The recipients of the tokens. Other errors in the inventory, or a missing one, must not prevent a revocation; a list of
/// recipients that cannot be read does, or some of them would lose the tokens.
fn recipients(project: &ProjectFolder, report: &mut Report) -> Vec<Spanned<String>> {
    let mut found = Report::default();
    let inventory = Inventory::load(project, &mut found);
    let of_tokens = |finding: &Finding| finding.path.starts_with("tokens.recipients");
    for finding in found.into_findings() {
        if of_tokens(&finding) {
            report.add(finding);
        }
    }
    inventory.map_or_else(Vec::new, |inventory| inventory.cluster.tokens.recipients)
}
