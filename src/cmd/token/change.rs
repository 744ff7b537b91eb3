//! `token rotate` and `token revoke`: what changes secrets.yaml, and the commands that change the cluster with it.

use std::fmt::Write as _;

use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::{TokenRevoke, TokenRotate};
use crate::cmd::token::{chosen_or_joining, load, minting, print};
use crate::cmd::usage;
use crate::error::{Exit, Result};
use crate::inventory::Inventory;
use crate::model::Spanned;
use crate::project::chosen;
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Report};
use crate::secrets::{Change, Ended, Rotated};
use crate::timing::rfc3339;

/// Names on one command line; the kernel takes some 2 MiB, people less.
const NAMES_A_LINE: usize = 50;

#[derive(Serialize)]
struct Said<'a, T: Serialize> {
    #[serde(flatten)]
    result: &'a T,
    commands: &'a [String],
}

#[derive(Serialize)]
struct Revoked {
    revoked: Vec<Ended>,
}

/// Runs `token rotate`.
pub(super) fn rotate(args: &TokenRotate, report: &mut Report) -> Result<Exit> {
    if args.nodes.is_empty() && args.expiring_within.is_none() {
        return no_nodes("name nodes ('*' is all), or say --expiring-within");
    }
    let Some(inventory) = load(&args.dir, &args.file, report)? else {
        return Ok(Exit::Findings);
    };
    let minting = minting(&inventory, args.ttl);
    let overlap = args.overlap;
    let within = args.expiring_within;
    let mut nodes = chosen_or_joining(&args.nodes, &inventory)?;
    let recipients = &inventory.cluster.tokens.recipients;
    let change = Change::begin(&args.dir, &args.file.secrets.choice(), recipients, report)?;
    let Some(mut change) = change else {
        return Ok(Exit::Findings);
    };
    if let Some(within) = within {
        let expiring = change
            .store
            .expiring(nodes.iter().copied(), minting.now, within);
        let names: std::collections::HashSet<&str> =
            expiring.iter().map(|found| found.node.as_str()).collect();
        nodes.retain(|node| names.contains(node));
    }
    let rotated = change.store.rotate(&nodes, overlap, &minting)?;
    if !rotated.minted.is_empty() {
        change.save()?;
    }
    let commands = commands(&rotated.ended);
    let said = Said {
        result: &rotated,
        commands: &commands,
    };
    print(args.file.output, &said, &rotated_text(&rotated, &commands))?;
    Ok(Exit::Good)
}

/// Runs `token revoke`.
pub(super) fn revoke(args: &TokenRevoke, report: &mut Report) -> Result<Exit> {
    if args.nodes.is_empty() {
        return no_nodes("name the nodes");
    }
    let recipients = recipients(&args.file.allow.folder(&args.dir)?, report);
    let change = Change::begin(&args.dir, &args.file.secrets.choice(), &recipients, report)?;
    let Some(mut change) = change else {
        return Ok(Exit::Findings);
    };
    let known: Vec<String> = change
        .store
        .iter()
        .map(|(node, _)| node.to_owned())
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let nodes = chosen(&args.nodes, &known, &format!("in {}", change.shown))?;
    let revoked = change.store.revoke(&nodes, OffsetDateTime::now_utc());
    if !revoked.is_empty() {
        change.save()?;
    }
    let commands = commands(&revoked);
    let mut text = String::new();
    for Ended { node, id, .. } in &revoked {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {node}: revoked {id}");
    }
    if revoked.is_empty() {
        text.push_str("# every token of these nodes was revoked before\n");
    }
    push_lines(&mut text, &commands);
    let result = Revoked { revoked };
    let said = Said {
        result: &result,
        commands: &commands,
    };
    print(args.file.output, &said, &text)?;
    Ok(Exit::Good)
}

/// Whom the tokens are encrypted for. What else is wrong with the inventory, or that there is none, must not keep anybody
/// from shutting a node out; a list of recipients that cannot be read does, or some of them would lose the tokens.
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

/// clap cannot ask for it: DIR, which may be left out, comes before.
fn no_nodes(advice: &str) -> Result<Exit> {
    usage(&format!("no node is named: {advice}"))
}

fn rotated_text(rotated: &Rotated, commands: &[String]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for minted in &rotated.minted {
        let until = rfc3339(minted.expires).unwrap_or_default();
        let _ = writeln!(
            text,
            "# {}: minted {}, good until {until}",
            minted.node, minted.id
        );
    }
    for Ended {
        node,
        id,
        ends,
        delete,
    } in &rotated.ended
    {
        let until = rfc3339(*ends).unwrap_or_default();
        let _ = match delete {
            true => writeln!(text, "# {node}: {id} is given up"),
            false => writeln!(text, "# {node}: {id} goes on until {until}"),
        };
    }
    if rotated.minted.is_empty() {
        text.push_str("# no token ends within that time; nothing was minted\n");
    }
    push_lines(&mut text, commands);
    text
}

fn push_lines(text: &mut String, lines: &[String]) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

/// What makes a cluster that has the Secrets agree with the file. Ids are six of a-z and 0-9, so nothing is quoted.
fn commands(ended: &[Ended]) -> Vec<String> {
    const KUBECTL: &str = "kubectl --namespace kube-system";
    let secret = |ended: &Ended| format!("bootstrap-token-{}", ended.id);
    let deleted: Vec<String> = ended.iter().filter(|e| e.delete).map(secret).collect();
    let mut commands: Vec<String> = deleted
        .chunks(NAMES_A_LINE)
        .map(|names| {
            let names = names.join(" ");
            format!("{KUBECTL} delete secret --ignore-not-found {names}")
        })
        .collect();
    commands.extend(ended.iter().filter(|ended| !ended.delete).map(|ended| {
        let until = rfc3339(ended.ends).unwrap_or_default();
        let patch = format!(r#"{{"stringData":{{"expiration":"{until}"}}}}"#);
        format!("{KUBECTL} patch secret {} --patch '{patch}'", secret(ended))
    }));
    commands
}
