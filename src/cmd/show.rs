//! `nodebake show`: one node's plan and tree, secrets hidden.

mod sizes;

use std::io::Write;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::cli::{Print, Show};
use crate::closest::closest;
use crate::cmd::{note, say};
use crate::error::{Exit, Result};
use crate::inventory::child_path;
use crate::model::output::{Format, Settings};
use crate::plan::{Moved, NodePlan};
use crate::project::{Tokens, open};
use crate::render::RenderedNode;
use crate::report::Report;
use crate::secrets::Token;
use crate::terminal::{self, shown};
use crate::timing::rfc3339;
use crate::tree::{Content, EntryKind};
use crate::yaml::{Located, Value};

/// Runs `show`.
pub fn run(args: &Show) -> Result<Exit> {
    let mut report = Report::default();
    let reading = args.project.reading(Tokens::asked(args.no_tokens));
    note(&reading.tokens)?;
    let prepared = open(&reading, &mut report)?;
    reading.judge(&mut report);
    let Some(prepared) = prepared.filter(|_| !report.has_errors()) else {
        say(&report)?;
        return Ok(Exit::Findings);
    };
    let nodes = &prepared.plan.nodes;
    let Some(node) = nodes.iter().find(|node| node.name == args.node) else {
        let known = nodes.iter().map(|node| node.name.as_str());
        let hint = closest(&args.node, known).map(|near| format!("; did you mean {near}?"));
        bail!(
            "there is no node {} in the inventory{}",
            args.node,
            hint.unwrap_or_default()
        );
    };
    let baked = match prepared.renderer.render(node) {
        Ok(baked) => baked,
        Err(findings) => {
            prepared.add(findings, &mut report);
            say(&report)?;
            return Ok(Exit::Findings);
        }
    };
    say(&report)?;
    let mut out = terminal::stdout();
    if args.sizes {
        sizes::print(&prepared, node, &baked, (args.output, &mut out))?;
        return Ok(Exit::Good);
    }
    match (&args.file, args.origin, args.output) {
        (Some(path), _, _) => {
            let mut out = terminal::stdout_for_files();
            file(path, node, &baked, (args.reveal, &mut *out))?;
            out.flush()?;
        }
        (None, true, output) => origins(node, output, &mut out)?,
        (None, false, output) => summary(node, &baked, output, &mut out)?,
    }
    Ok(Exit::Good)
}

/// One file of the tree. A token's secret is hidden in it; any other secret file is not shown at all.
fn file(
    path: &str,
    node: &NodePlan,
    baked: &RenderedNode,
    (reveal, out): (bool, &mut dyn Write),
) -> Result<()> {
    let all = baked.tree.materialised();
    let Some(entry) = all.get(path) else {
        bail!("{} has no {path}", node.name);
    };
    let content = match &entry.kind {
        EntryKind::File(content) => content,
        EntryKind::Directory => bail!("{path} is a directory"),
        EntryKind::Symlink(target) => bail!("{path} is a symbolic link to {target}"),
    };
    match content {
        Content::Blob(blob) if entry.secret && !reveal => {
            let text = String::from_utf8_lossy(blob.bytes());
            let hidden = match &node.token {
                Some(token) => text.replace(token.bearer().expose(), &token.hidden()),
                None => text.clone().into_owned(),
            };
            if hidden == text {
                bail!("{path} holds a secret; --reveal prints it");
            }
            out.write_all(hidden.as_bytes())
                .context("writing to stdout")
        }
        content => content.copy_to(out),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    node: &'a str,
    kubernetes: String,
    hostname: &'a str,
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    token: Option<String>,
    certificates: Vec<CertificateLine<'a>>,
    usable_until: Option<String>,
    formats: &'a [Format],
    separate_secrets: Vec<Format>,
    self_labels: &'a [(String, String)],
    admin_labels: &'a [(String, String)],
    tree: Vec<Line>,
    units: Vec<UnitLine<'a>>,
}

#[derive(Serialize)]
struct Line {
    path: String,
    kind: &'static str,
    mode: String,
    owner: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    secret: bool,
    origin: String,
}

#[derive(Serialize)]
struct UnitLine<'a> {
    name: &'a str,
    enabled: Option<bool>,
    masked: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateLine<'a> {
    role: &'a str,
    not_after: Option<String>,
}

/// The certificates that a node brings, without anything secret.
fn certificates(node: &NodePlan) -> Vec<CertificateLine<'_>> {
    let brought = &node.credentials;
    let client = brought.client.iter().map(|found| ("client", found));
    let serving = brought.serving.iter().map(|found| ("serving", found));
    let users = brought.users.iter();
    let users = users.map(|(user, found)| (user.as_str(), found));
    let all = client.chain(serving).chain(users);
    all.map(|(role, found)| CertificateLine {
        role,
        not_after: rfc3339(found.not_after),
    })
    .collect()
}

/// The formats whose payloads have a part of their own for secrets.
fn separate_secrets(settings: &Settings) -> Vec<Format> {
    let formats = settings.formats.iter().copied();
    formats
        .filter(|format| settings.secrets.apart(*format))
        .collect()
}

fn summary(
    node: &NodePlan,
    baked: &RenderedNode,
    output: Print,
    out: &mut dyn Write,
) -> Result<()> {
    let units = baked.tree.units().iter();
    let summary = Summary {
        node: &node.name,
        kubernetes: node.class.spec.kubernetes.value.to_string(),
        hostname: &baked.hostname,
        addresses: node.addresses.iter().map(ToString::to_string).collect(),
        group: node.token.as_ref().map(|_| node.group.as_str()),
        token: node.token.as_ref().map(Token::hidden),
        certificates: certificates(node),
        usable_until: rfc3339(node.usable_until),
        formats: &node.class.spec.output.formats,
        separate_secrets: separate_secrets(&node.class.spec.output),
        self_labels: &baked.self_labels,
        admin_labels: &baked.admin_labels,
        tree: lines(baked),
        units: units
            .map(|(name, unit)| UnitLine {
                name,
                enabled: unit.enabled,
                masked: unit.masked,
            })
            .collect(),
    };
    if output == Print::Json {
        return Ok(terminal::write_json(out, &summary)?);
    }
    writeln!(out, "node          {}", summary.node)?;
    writeln!(out, "kubernetes    {}", summary.kubernetes)?;
    writeln!(out, "hostname      {}", summary.hostname)?;
    writeln!(out, "addresses     {}", summary.addresses.join(" "))?;
    if let Some(group) = summary.group {
        writeln!(out, "group         {group}")?;
    }
    if let Some(token) = &summary.token {
        writeln!(out, "token         {token}")?;
    }
    for certificate in &summary.certificates {
        let until = certificate.not_after.as_deref().unwrap_or_default();
        writeln!(out, "certificate   {}, until {until}", certificate.role)?;
    }
    writeln!(
        out,
        "usable until  {}",
        summary.usable_until.as_deref().unwrap_or_default()
    )?;
    if !summary.separate_secrets.is_empty() {
        let names: Vec<&str> = summary
            .separate_secrets
            .iter()
            .map(|format| format.name())
            .collect();
        writeln!(
            out,
            "secrets       in a part of their own: {}",
            names.join(" ")
        )?;
    }
    for (title, labels) in [
        ("label", summary.self_labels),
        ("admin label", summary.admin_labels),
    ] {
        for (key, value) in labels {
            writeln!(out, "{title:<13} {}={}", shown(key), shown(value))?;
        }
    }
    for unit in &summary.units {
        let state = match (unit.masked, unit.enabled) {
            (true, _) => "masked",
            (_, Some(true)) => "enabled",
            (_, Some(false)) => "disabled",
            (_, None) => "as the image has it",
        };
        writeln!(out, "unit          {} {state}", shown(unit.name))?;
    }
    writeln!(out)?;
    for line in &summary.tree {
        let target = line.target.as_deref().map(shown);
        let target = target.map(|target| format!(" -> {target}"));
        writeln!(
            out,
            "{} {} {:>8} {}{}  ({})",
            line.mode,
            line.owner,
            line.size,
            shown(&line.path),
            target.unwrap_or_default(),
            shown(&line.origin)
        )?;
    }
    Ok(())
}

fn lines(baked: &RenderedNode) -> Vec<Line> {
    let line = |(path, entry): (crate::model::NodePath, crate::tree::Entry)| {
        let (kind, size, target) = match &entry.kind {
            EntryKind::File(content) => ("file", content.len(), None),
            EntryKind::Directory => ("directory", 0, None),
            EntryKind::Symlink(target) => ("link", 0, Some(target.clone())),
        };
        Line {
            path: path.to_string(),
            kind,
            mode: format!("{:04o}", entry.mode),
            owner: format!("{}:{}", entry.user.name, entry.group.name),
            size,
            target,
            secret: entry.secret,
            origin: entry.origin.to_string(),
        }
    };
    baked.tree.materialised().into_iter().map(line).collect()
}

#[derive(Serialize)]
struct Origin {
    path: String,
    value: serde_json::Value,
    location: String,
    /// What became of it, if the node's version wants it elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<String>,
}

/// Every final value with the place of the layer that set it.
fn origins(node: &NodePlan, output: Print, out: &mut dyn Write) -> Result<()> {
    let mut found = Vec::new();
    collect(&node.class.spec.merged, "", &mut found);
    for origin in &mut found {
        let whole = |moved: &&Moved| {
            let rest = origin.path.strip_prefix(&moved.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let moved = node.class.moved.iter().find(whole);
        origin.moved = moved.map(|moved| moved.why.clone());
    }
    if output == Print::Json {
        return Ok(terminal::write_json(out, &found)?);
    }
    for origin in found {
        let moved = origin.moved.map(|why| format!("; {why}"));
        writeln!(
            out,
            "{}: {}  ({}{})",
            shown(&origin.path),
            shown(&origin.value.to_string()),
            shown(&origin.location),
            moved.unwrap_or_default()
        )?;
    }
    Ok(())
}

fn collect(at: &Located, path: &str, found: &mut Vec<Origin>) {
    match &at.value {
        Value::Map(map) if !map.is_empty() => {
            for (key, field) in map.iter() {
                collect(&field.value, &child_path(path, key), found);
            }
        }
        _ => found.push(Origin {
            path: path.to_owned(),
            value: serde_json::to_value(at).unwrap_or_default(),
            location: at.location.to_string(),
            moved: None,
        }),
    }
}
