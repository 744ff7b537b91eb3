//! The bootstrap tokens of a project, offline: created, listed, encrypted; see also the files beside this one.

mod change;
mod import;

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::cluster::Groups;
use crate::error::Result;
use crate::inventory::Inventory;
use crate::model::Location;
use crate::project::{chosen, joining, names, time_of_check};
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id, Report};
use crate::secrets::{
    Change, CreatedToken, ENCRYPTED_FILE, Expiring, Listing, SecretsChoice, TokenTerms, encrypt,
    project_tokens,
};

pub use change::{Ending, Revoked, Rotation, revoke, rotate};
pub use import::import;

/// The description of tokens that are created here.
const DESCRIPTION: &str = "bootstrap token of {node}";

/// A project, and the file of its tokens.
#[derive(Clone, Debug)]
pub struct TokensRequest {
    /// The project.
    pub folder: ProjectFolder,
    /// Which file holds its tokens.
    pub secrets: SecretsChoice,
}

impl TokensRequest {
    /// The inventory; None after findings.
    fn inventory(&self, report: &mut Report) -> Option<Inventory> {
        Inventory::load(&self.folder, report).filter(|_| !report.has_errors())
    }

    /// The tokens, to be changed; None after findings.
    fn change(&self, inventory: &Inventory, report: &mut Report) -> Result<Option<Change>> {
        let recipients = &inventory.cluster.tokens.recipients;
        Change::begin(self.folder.path(), &self.secrets, recipients, report)
    }
}

/// Creates a token for each of the named nodes that has no good one, or for all; None after findings.
pub fn create(
    request: &TokensRequest,
    named: &[String],
    ttl: Option<Duration>,
    report: &mut Report,
) -> Result<Option<Vec<CreatedToken>>> {
    let Some(inventory) = request.inventory(report) else {
        return Ok(None);
    };
    let terms = terms(&inventory, ttl);
    let mut nodes = chosen_or_joining(named, &inventory)?;
    let Some(mut change) = request.change(&inventory, report)? else {
        return Ok(None);
    };
    if named.is_empty() {
        // Who was shut out must not come back by a command that means everybody.
        nodes.retain(|node| {
            let revoked = change.store.is_revoked(node);
            if revoked {
                let rule = "the node's token was revoked, so it gets no new one unless it is named";
                report.add(Finding::new(
                    Id::TokenRevokedSkipped,
                    &Location::file(&*change.shown),
                    format!("tokens.{node}"),
                    rule,
                ));
            }
            !revoked
        });
    }
    let settled = change.store.settle(terms.now);
    let created = change.store.create(nodes, &terms)?;
    let mut specs = inventory.specs.iter();
    let seals = specs.any(|spec| spec.output.secrets.seals());
    let seeded = seals && change.store.draw_sealing_seed()?;
    if !created.is_empty() || settled > 0 || seeded {
        change.save()?;
    }
    Ok(Some(created))
}

/// Lists the tokens by `print`, with their secrets where `reveal` says so; None after findings.
pub fn list<T>(
    request: &TokensRequest,
    reveal: bool,
    report: &mut Report,
    print: impl FnOnce(&Listing<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let Some(inventory) = request.inventory(report) else {
        return Ok(None);
    };
    let store = project_tokens(request.folder.path(), &request.secrets, report)?;
    if report.has_errors() {
        return Ok(None);
    }
    let groups = groups(&inventory);
    let listing = Listing {
        store: &store,
        usages: &inventory.cluster.tokens.usages,
        groups: &|node| groups.extra(node),
        now: OffsetDateTime::now_utc(),
        reveal,
    };
    print(&listing).map(Some)
}

/// The nodes that need a new token within a time; None after findings.
pub fn expiring(
    request: &TokensRequest,
    within: Duration,
    at: Option<OffsetDateTime>,
    report: &mut Report,
) -> Result<Option<Vec<Expiring>>> {
    let at = time_of_check(at);
    let Some(inventory) = request.inventory(report) else {
        return Ok(None);
    };
    let store = project_tokens(request.folder.path(), &request.secrets, report)?;
    if report.has_errors() {
        return Ok(None);
    }
    Ok(Some(store.expiring(joining(&inventory), at, within)))
}

/// Tokens that were encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Encrypted {
    /// Their file.
    pub file: &'static str,
    /// How many.
    pub tokens: usize,
    /// How many can read them.
    pub recipients: usize,
}

/// Encrypts the project's tokens for its recipients; None after findings.
pub fn encrypt_tokens(request: &TokensRequest, report: &mut Report) -> Result<Option<Encrypted>> {
    let Some(inventory) = request.inventory(report) else {
        return Ok(None);
    };
    let recipients = &inventory.cluster.tokens.recipients;
    let found = encrypt(request.folder.path(), &request.secrets, recipients, report)?;
    Ok(found.map(|(tokens, recipients)| Encrypted {
        file: ENCRYPTED_FILE,
        tokens,
        recipients,
    }))
}

fn groups(inventory: &Inventory) -> Groups {
    let settings = &inventory.cluster.tokens;
    Groups {
        shared: settings.group.value.clone(),
        node: settings.node_group.value.clone(),
    }
}

/// The nodes that the user named; all that join with a token if none was named.
fn chosen_or_joining<'a>(named: &[String], inventory: &'a Inventory) -> Result<Vec<&'a str>> {
    if named.is_empty() {
        return Ok(joining(inventory));
    }
    chosen(named, &names(inventory), "in the inventory")
}

fn terms(inventory: &Inventory, ttl: Option<Duration>) -> TokenTerms<'static> {
    let settings = &inventory.cluster.tokens;
    TokenTerms {
        ttl: ttl.unwrap_or(settings.ttl.value),
        now: OffsetDateTime::now_utc(),
        boot_within: settings.boot_within,
        force: false,
        description: DESCRIPTION,
    }
}
