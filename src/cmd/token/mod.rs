//! `nodebake token`: the bootstrap tokens of a project, offline.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::{Print, Token, TokenCreate, TokenEncrypt, TokenFile, TokenList};
use crate::cluster::Groups;
use crate::error::{Exit, Result};
use crate::inventory::Inventory;
use crate::model::Location;
use crate::project::{chosen, joining, names};
use crate::report::{Finding, Report};
use crate::secrets::{
    Change, Listing, Minting, SEALED_FILE, Usage, encrypt, minted_text, project_tokens,
};
use crate::terminal;

mod change;
mod expiring;
mod import;

/// The description of tokens that are minted here.
const DESCRIPTION: &str = "bootstrap token of {node}";

/// Runs `token …`.
pub fn run(args: &Token) -> Result<Exit> {
    let mut report = Report::default();
    let exit = match args {
        Token::Create(args) => create(args, &mut report)?,
        Token::List(args) => list(args, &mut report)?,
        Token::Rotate(args) => change::rotate(args, &mut report)?,
        Token::Revoke(args) => change::revoke(args, &mut report)?,
        Token::Expiring(args) => expiring::run(args, &mut report)?,
        Token::Import(args) => import::run(args, &mut report)?,
        Token::Encrypt(args) => encrypted(args, &mut report)?,
    };
    write!(terminal::stderr(), "{report}")?;
    Ok(exit)
}

fn create(args: &TokenCreate, report: &mut Report) -> Result<Exit> {
    let Some(inventory) = load(&args.dir, &args.file, report)? else {
        return Ok(Exit::Findings);
    };
    let minting = minting(&inventory, args.ttl);
    let mut nodes = chosen_or_joining(&args.nodes, &inventory)?;
    let recipients = &inventory.cluster.tokens.recipients;
    let change = Change::begin(&args.dir, &args.file.secrets.choice(), recipients, report)?;
    let Some(mut change) = change else {
        return Ok(Exit::Findings);
    };
    if args.nodes.is_empty() {
        // Who was shut out must not come back by a command that means everybody.
        nodes.retain(|node| {
            let revoked = change.store.is_revoked(node);
            if revoked {
                let rule = "the node's token was revoked, so it gets no new one unless it is named";
                report.add(Finding::warning(
                    &Location::file(&*change.shown),
                    format!("tokens.{node}"),
                    rule,
                ));
            }
            !revoked
        });
    }
    let settled = change.store.settle(minting.now);
    let minted = change.store.create(nodes, &minting)?;
    if !minted.is_empty() || settled > 0 {
        change.save()?;
    }
    print(args.file.output, &minted, &minted_text(&minted))?;
    Ok(Exit::Good)
}

fn list(args: &TokenList, report: &mut Report) -> Result<Exit> {
    let Some(inventory) = load(&args.dir, &args.file, report)? else {
        return Ok(Exit::Findings);
    };
    let store = project_tokens(&args.dir, &args.file.secrets.choice(), report)?;
    if report.has_errors() {
        return Ok(Exit::Findings);
    }
    let settings = &inventory.cluster.tokens;
    let usages: Vec<Usage> = settings
        .usages
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let groups = groups(&inventory);
    let listing = Listing {
        store: &store,
        usages: &usages,
        groups: &|node| groups.extra(node),
        now: OffsetDateTime::now_utc(),
        reveal: args.reveal,
    };
    let text = match args.file.output {
        Print::Text => listing.to_text(),
        Print::Json => listing.to_json()?,
    };
    terminal::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

#[derive(Serialize)]
struct Encrypted {
    file: &'static str,
    tokens: usize,
    recipients: usize,
}

fn encrypted(args: &TokenEncrypt, report: &mut Report) -> Result<Exit> {
    let Some(inventory) = load(&args.dir, &args.file, report)? else {
        return Ok(Exit::Findings);
    };
    let recipients = &inventory.cluster.tokens.recipients;
    let Some((tokens, recipients)) =
        encrypt(&args.dir, &args.file.secrets.choice(), recipients, report)?
    else {
        return Ok(Exit::Findings);
    };
    let result = Encrypted {
        file: SEALED_FILE,
        tokens,
        recipients,
    };
    let text = format!("{SEALED_FILE}: {tokens} tokens, encrypted for {recipients} recipients\n");
    print(args.file.output, &result, &text)?;
    Ok(Exit::Good)
}

fn load(dir: &Path, file: &TokenFile, report: &mut Report) -> Result<Option<Inventory>> {
    let project = file.allow.folder(dir)?;
    Ok(Inventory::load(&project, report).filter(|_| !report.has_errors()))
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
    match named.is_empty() {
        true => Ok(joining(inventory)),
        false => chosen(named, &names(inventory), "in the inventory"),
    }
}

fn minting(inventory: &Inventory, ttl: Option<Duration>) -> Minting<'static> {
    let settings = &inventory.cluster.tokens;
    Minting {
        ttl: ttl.unwrap_or(settings.ttl.value),
        now: OffsetDateTime::now_utc(),
        shelf_life: settings.shelf_life,
        force: false,
        description: DESCRIPTION,
    }
}

/// Prints a result in the form that the user wants.
fn print(output: Print, result: &impl Serialize, text: &str) -> Result<()> {
    let printed = match output {
        Print::Text => terminal::stdout().write_all(text.as_bytes()),
        Print::Json => terminal::print_json(result),
    };
    Ok(printed?)
}
