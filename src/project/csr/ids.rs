//! Which extract requests are reviewed against: the project's own, or a file that holds no secret.

use std::path::Path;

use anyhow::Context;

use crate::error::Result;
use crate::input::{self, Limit};
use crate::inventory::Inventory;
use crate::model::Location;
use crate::project::csr::ReviewRequest;
use crate::project::csr::extract::extract;
use crate::project::{ca_bundle, time_of_check};
use crate::project_folder::{CLUSTER_FILE, ProjectFolder};
use crate::report::{Finding, Id, Report};
use crate::review::Extract;
use crate::secrets::{SECRETS_FILE, SecretsChoice, TokenStore, tokens_if_there};
use crate::wording::counted;

/// 100,000 nodes take 15 MiB.
const LIMIT: Limit = Limit::mib(64);
const EXPORT: &str =
    "write it with `nodebake csr export-ids`, or take cluster/approver/review.json of a bundle";

/// The extract of a project, as a file without secrets; None after findings.
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
    // Here the CA only says when the file ends; `check` has the findings about it.
    let mut unseen = Report::default();
    let ca = ca_bundle(folder, &inventory, time_of_check(None), &mut unseen)?;
    let ends = ca.map(|ca| ca.not_after);
    extract(&inventory, &store, ends).to_json().map(Some)
}

/// What requests are reviewed against. Without tokens no request of a node that joins can be reviewed: that is a finding,
/// and no verdict.
pub fn wanted(request: &ReviewRequest, report: &mut Report) -> Result<Option<Extract>> {
    match &request.ids {
        Some(path) => of_file(path, request, report),
        None => of_project(request, report),
    }
}

/// Only the file decides, as for an approver in the cluster. A project beside it must be of the same cluster.
fn of_file(path: &Path, request: &ReviewRequest, report: &mut Report) -> Result<Option<Extract>> {
    let shown = path.display().to_string();
    let Some(extract) = read(path, &shown, report)? else {
        return Ok(None);
    };
    let location = Location::file(shown);
    if request.folder.path().join(CLUSTER_FILE).exists() {
        let Some(inventory) = Inventory::load(&request.folder, report) else {
            return Ok(None);
        };
        let cluster = &inventory.cluster.name.value;
        if extract.cluster != *cluster {
            let rule = format!("must be {cluster}");
            let finding = Finding::new(Id::TokenIdsInvalid, &location, "cluster", rule);
            report.add(finding.help(EXPORT));
            return Ok(None);
        }
    }
    if extract.has_ended(time_of_check(None)) {
        let rule = "its end (validUntil) has passed, and nothing is approved by it any more";
        let finding = Finding::new(Id::TokenIdsInvalid, &location, "validUntil", rule);
        report.add(finding.help(EXPORT));
        return Ok(None);
    }
    if let Some(finding) = missing(&extract, &location, request.deny_unknown) {
        report.add(finding.help(EXPORT));
    }
    Ok(Some(extract))
}

fn read(path: &Path, shown: &str, report: &mut Report) -> Result<Option<Extract>> {
    let text = match input::read(path, LIMIT).and_then(input::text) {
        Ok(text) => text,
        Err(error) => {
            return match input::mistake(&error) {
                Some(why) => {
                    let location = Location::file(shown);
                    let rule = format!("the file {why}");
                    let finding = Finding::new(Id::FileUnreadable, &location, "", rule);
                    report.add(finding.help(EXPORT));
                    Ok(None)
                }
                None => Err(error).with_context(|| format!("reading {shown}")),
            };
        }
    };
    match Extract::parse(&text) {
        Ok(extract) => Ok(Some(extract)),
        Err(fault) => {
            let location = Location::new(shown, fault.line, fault.column);
            let finding = Finding::new(Id::TokenIdsInvalid, &location, "", fault.rule);
            let repair = "write it with `nodebake csr export-ids`; if it holds the secret of a token and others could \
                          read it, run `nodebake token rotate`";
            report.add(finding.help(repair));
            Ok(None)
        }
    }
}

fn of_project(request: &ReviewRequest, report: &mut Report) -> Result<Option<Extract>> {
    let inventory = Inventory::load(&request.folder, report);
    let found = tokens_if_there(request.folder.path(), &request.secrets, report)?;
    let location = Location::file(request.secrets.shown(found.as_ref()));
    let repair =
        "name the file that has the tokens with --secrets, or that of their ids with --ids";
    let store = match found {
        // What is wrong with it is a finding already.
        Some(store) if store.is_partial() => return Ok(None),
        Some(store) => store,
        None if request.secrets.file.is_some() => {
            let rule = "the file is missing, and without tokens no request can be reviewed";
            report.add(Finding::new(Id::TokenIdsMissing, &location, "", rule).help(repair));
            return Ok(None);
        }
        None => TokenStore::new(SECRETS_FILE),
    };
    let Some(inventory) = inventory else {
        return Ok(None);
    };
    let extract = extract(&inventory, &store, None);
    if let Some(finding) = missing(&extract, &location, request.deny_unknown) {
        report.add(finding.help(repair));
    }
    Ok(Some(extract))
}

/// The nodes that join with a token and have none. Where none has one, it is the wrong file, or none at all; a few may
/// be new, which is an error only if what nobody knows is denied.
fn missing(extract: &Extract, location: &Location, denies_unknown: bool) -> Option<Finding> {
    let joining = extract.joining().count();
    let lacking = extract.joining().filter(|(_, node)| node.tokens.is_empty());
    let lacking: Vec<&str> = lacking.map(|(name, _)| name).collect();
    let first = lacking.first()?;
    let of = match lacking.len() {
        1 => format!("no token of {first}"),
        count => format!(
            "no token of {} that join with one, like {first}",
            counted(count, "node")
        ),
    };
    if lacking.len() == joining {
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
