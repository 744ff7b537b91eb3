//! The ids of tokens: what a review knows of them, from the tokens themselves or from a file without secrets.

use std::path::Path;

use anyhow::Context;

use crate::error::Result;
use crate::input::{self, Limit};
use crate::inventory::Inventory;
use crate::model::Location;
use crate::project::csr::ReviewRequest;
use crate::project::joining;
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id, Report};
use crate::secrets::{SecretsChoice, TokenIds, tokens_if_there};
use crate::wording::counted;

/// 100,000 tokens take 10 MiB.
const LIMIT: Limit = Limit::mib(64);

/// The ids of a project's tokens, as a file without secrets; None after findings.
pub fn export_ids(
    folder: &ProjectFolder,
    secrets: &SecretsChoice,
    report: &mut Report,
) -> Result<Option<String>> {
    let inventory = Inventory::load(folder, report);
    let found = tokens_if_there(folder.path(), secrets, report)?;
    if found.as_ref().is_none_or(|store| store.count() == 0) && !report.has_errors() {
        let rule = "there are no tokens whose ids could be written";
        let location = Location::file(secrets.shown(found.as_ref()));
        let finding = Finding::new(Id::TokenIdsMissing, &location, "", rule);
        report.add(finding.help("run `nodebake token create`, or name their file with --secrets"));
    }
    let (Some(inventory), Some(store), false) = (inventory, found, report.has_errors()) else {
        return Ok(None);
    };
    let cluster = &inventory.cluster.name.value;
    TokenIds::from(&store).to_yaml(cluster).map(Some)
}

fn read(path: &Path, shown: &str, cluster: &str, report: &mut Report) -> Result<Option<TokenIds>> {
    match input::read(path, LIMIT).and_then(input::text) {
        Ok(text) => Ok(TokenIds::read(&text, shown, cluster, report)),
        Err(error) => match input::mistake(&error) {
            Some(why) => {
                let finding = Finding::new(
                    Id::FileUnreadable,
                    &Location::file(shown),
                    "",
                    format!("the file {why}"),
                );
                let repair = "write it with `nodebake csr export-ids`";
                report.add(finding.help(repair));
                Ok(None)
            }
            None => Err(error).with_context(|| format!("reading {shown}")),
        },
    }
}

/// Whose token is which. Without it no request of a node that joins can be reviewed: that is a finding, and no verdict.
pub fn known_tokens(
    request: &ReviewRequest,
    inventory: Option<&Inventory>,
    report: &mut Report,
) -> Result<Option<TokenIds>> {
    if let Some(path) = &request.ids {
        let Some(inventory) = inventory else {
            return Ok(None);
        };
        let shown = path.display().to_string();
        let tokens = read(path, &shown, &inventory.cluster.name.value, report)?;
        let location = Location::file(shown);
        let missing = tokens
            .as_ref()
            .and_then(|tokens| missing(tokens, inventory, &location, request.deny_unknown));
        if let Some(finding) = missing {
            report.add(finding.help("run `nodebake csr export-ids` where the tokens are"));
        }
        return Ok(tokens);
    }
    let found = tokens_if_there(request.folder.path(), &request.secrets, report)?;
    let location = Location::file(request.secrets.shown(found.as_ref()));
    let repair =
        "name the file that has the tokens with --secrets, or that of their ids with --ids";
    let tokens = match &found {
        // What is wrong with it is a finding already.
        Some(store) if store.is_partial() => return Ok(None),
        Some(store) => TokenIds::from(store),
        None if request.secrets.file.is_some() => {
            let rule = "the file is missing, and without tokens no request can be reviewed";
            report.add(Finding::new(Id::TokenIdsMissing, &location, "", rule).help(repair));
            return Ok(None);
        }
        None => TokenIds::default(),
    };
    let Some(inventory) = inventory else {
        return Ok(None);
    };
    if let Some(finding) = missing(&tokens, inventory, &location, request.deny_unknown) {
        report.add(finding.help(repair));
    }
    Ok(Some(tokens))
}

/// The nodes that join with a token and have none. Where none has one, it is the wrong file, or none at all; a few may
/// be new, which is an error only if what nobody knows is denied.
fn missing(
    tokens: &TokenIds,
    inventory: &Inventory,
    location: &Location,
    denies_unknown: bool,
) -> Option<Finding> {
    let joining = joining(inventory);
    let lacking: Vec<&str> = joining
        .iter()
        .copied()
        .filter(|node| !tokens.has(node))
        .collect();
    let first = lacking.first()?;
    let of = match lacking.len() {
        1 => format!("no token of {first}"),
        count => format!(
            "no token of {} that join with one, like {first}",
            counted(count, "node")
        ),
    };
    if lacking.len() == joining.len() {
        let rule = format!("there is {of}: without tokens no request can be reviewed");
        return Some(Finding::new(Id::TokenIdsMissing, location, "tokens", rule));
    }
    Some(if denies_unknown {
        let rule = format!("there is {of}, which --deny-unknown would deny");
        Finding::new(Id::TokenIdsMissing, location, "tokens", rule)
    } else {
        let rule = format!("there is {of}: what they ask for by a token is left");
        Finding::new(Id::TokenIdsPartial, location, "tokens", rule)
    })
}
