//! `nodebake token`: the bootstrap tokens of a project, offline.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use time::OffsetDateTime;

use crate::cli::{Print, Token, TokenCreate, TokenList};
use crate::cluster::Groups;
use crate::error::{Exit, Result};
use crate::inventory::{Inventory, closest};
use crate::report::Report;
use crate::secrets::{Listing, Minting, SECRETS_FILE, StoreLock, TokenStore, Usage, minted_text};
use crate::timing::{DURATION_RULE, parse_duration};

/// Runs `token …`.
pub fn run(args: &Token) -> Result<Exit> {
    let mut report = Report::default();
    let exit = match args {
        Token::Create(args) => create(args, &mut report)?,
        Token::List(args) => list(args, &mut report)?,
    };
    write!(io::stderr().lock(), "{report}")?;
    Ok(exit)
}

fn create(args: &TokenCreate, report: &mut Report) -> Result<Exit> {
    let ttl = args.ttl.as_deref().map(ttl).transpose()?;
    let Some(inventory) = load(&args.dir, report) else {
        return Ok(Exit::Findings);
    };
    let nodes = chosen(&inventory, &args.nodes)?;
    let settings = &inventory.cluster.tokens;
    let minting = Minting {
        ttl: ttl.unwrap_or(settings.ttl.value),
        now: OffsetDateTime::now_utc(),
        shelf_life: settings.shelf_life,
        force: false,
        description: "bootstrap token of {node}",
    };
    let lock = StoreLock::acquire(&args.dir.join(SECRETS_FILE))?;
    let mut store = lock.load(SECRETS_FILE, report)?;
    if report.has_errors() {
        return Ok(Exit::Findings);
    }
    let minted = store.create(nodes, &minting)?;
    if !minted.is_empty() {
        lock.save(&store)?;
    }
    let text = match args.output {
        Print::Text => minted_text(&minted),
        Print::Json => serde_json::to_string_pretty(&minted)? + "\n",
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

fn list(args: &TokenList, report: &mut Report) -> Result<Exit> {
    let Some(inventory) = load(&args.dir, report) else {
        return Ok(Exit::Findings);
    };
    let path = args.dir.join(SECRETS_FILE);
    let store = TokenStore::load(&path, SECRETS_FILE, report)?;
    if report.has_errors() {
        return Ok(Exit::Findings);
    }
    let settings = &inventory.cluster.tokens;
    let usages: Vec<Usage> = settings
        .usages
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let groups = Groups {
        shared: settings.group.value.clone(),
        node: settings.node_group.value.clone(),
    };
    let listing = Listing {
        store: &store.unwrap_or_else(|| TokenStore::new(SECRETS_FILE)),
        usages: &usages,
        groups: &|node| groups.extra(node),
        now: OffsetDateTime::now_utc(),
        reveal: args.reveal,
    };
    let text = match args.output {
        Print::Text => listing.to_text(),
        Print::Json => listing.to_json()?,
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

fn load(dir: &Path, report: &mut Report) -> Option<Inventory> {
    Inventory::load(dir, report).filter(|_| !report.has_errors())
}

fn ttl(text: &str) -> Result<Duration> {
    parse_duration(text).with_context(|| format!("reading --ttl {text}: {DURATION_RULE}"))
}

/// The nodes that the user named, each once, or all.
fn chosen<'a>(inventory: &'a Inventory, named: &[String]) -> Result<Vec<&'a str>> {
    let known = || inventory.nodes.iter().map(|node| node.name.value.as_str());
    let mut wanted: HashSet<&str> = named.iter().map(String::as_str).collect();
    let chosen = known().filter(|node| named.is_empty() || wanted.remove(node));
    let chosen: Vec<&str> = chosen.collect();
    if let Some(name) = named.iter().find(|name| wanted.contains(name.as_str())) {
        let hint = closest(name, known()).map(|near| format!("; did you mean {near}?"));
        bail!(
            "there is no node {name} in the inventory{}",
            hint.unwrap_or_default()
        );
    }
    Ok(chosen)
}
