//! `nodebake csr`: the nodes' requests for certificates, against the inventory.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::cli::{Csr, CsrApproverSettings, CsrPrint, CsrReview};
use crate::cmd::dump_file;
use crate::cmd::project::say;
use crate::cmd::secrets_file::IDENTITY_VARIABLE;
use crate::cmd::token_ids::{export, known_tokens};
use crate::error::{Exit, Result};
use crate::identity::csr::{NodeFacts, Register, Verdict, approver_settings, commands, to_text};
use crate::inventory::{Inventory, Node};
use crate::report::Report;
use crate::terminal;

/// Runs `csr …`.
pub fn run(args: &Csr) -> Result<Exit> {
    match args {
        Csr::Review(args) => review(args),
        Csr::ExportIds(args) => export(args),
        Csr::ApproverSettings(args) => settings(args),
    }
}

fn review(args: &CsrReview) -> Result<Exit> {
    let mut report = Report::default();
    let from_stdin = |path: &Path| path == Path::new("-");
    let mut secrets = args.secrets.secrets.iter().chain(&args.secrets.identities);
    if from_stdin(&args.file) && secrets.any(|path| from_stdin(path)) {
        bail!("reading stdin: the requests and the tokens cannot both come from there");
    }
    let inventory = Inventory::load(&args.allow.folder(&args.dir)?, &mut report);
    let tokens = known_tokens(args, inventory.as_ref(), &mut report)?;
    let (Some(inventory), Some(tokens), false) = (inventory, tokens, report.has_errors()) else {
        say(&report)?;
        return Ok(Exit::Findings);
    };
    say(&report)?;
    let shown = args.file.display().to_string();
    let Some(dump) = dump_file::read(&args.file)? else {
        return Ok(Exit::Findings);
    };
    let register = Register::new(facts(&inventory), &tokens).deny_unknown(args.deny_unknown);
    let verdicts = register.review(&dump, &shown)?;
    print(args.output, &verdicts)?;
    if args.apply {
        apply(&args.kubectl, &verdicts)?;
    }
    Ok(Exit::Good)
}

fn print(output: CsrPrint, verdicts: &[Verdict]) -> Result<()> {
    let mut out = terminal::stdout();
    match output {
        CsrPrint::Text => out.write_all(to_text(verdicts).as_bytes())?,
        CsrPrint::Json => {
            terminal::write_json(&mut out, &verdicts)?;
        }
        CsrPrint::Kubectl => {
            for command in commands(verdicts) {
                writeln!(out, "kubectl {}", command.join(" "))?;
            }
        }
    }
    Ok(())
}

/// Goes on after a failure: one request that is gone must not keep the others, or the denials, waiting.
fn apply(kubectl: &Path, verdicts: &[Verdict]) -> Result<()> {
    let mut failed = 0;
    for command in commands(verdicts) {
        let mut kubectl_command = Command::new(kubectl);
        // What it says is for people; our stdout may be read by a program.
        let kubectl_command = kubectl_command
            .args(&command)
            .env_remove(IDENTITY_VARIABLE)
            .stdin(Stdio::null())
            .stdout(terminal::stderr_of_programs());
        let status = kubectl_command
            .status()
            .with_context(|| format!("running {}", kubectl.display()))?;
        failed += usize::from(!status.success());
    }
    if failed > 0 {
        bail!("running {}: {failed} of its runs failed", kubectl.display());
    }
    Ok(())
}

fn settings(args: &CsrApproverSettings) -> Result<Exit> {
    let mut report = Report::default();
    let inventory = Inventory::load(&args.allow.folder(&args.dir)?, &mut report);
    say(&report)?;
    let Some(inventory) = inventory.filter(|_| !report.has_errors()) else {
        return Ok(Exit::Findings);
    };
    let nodes = &inventory.nodes;
    let names = nodes.iter().map(|node| node.name.value.as_str());
    let text = approver_settings(names, nodes.iter().flat_map(Node::all_addresses));
    terminal::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Good)
}

/// The nodes with all addresses and names that the inventory knows.
fn facts(inventory: &Inventory) -> HashMap<&str, NodeFacts<'_>> {
    let nodes = inventory.nodes.iter().zip(&inventory.spec_of);
    nodes
        .map(|(node, spec)| {
            let name = node.name.value.as_str();
            let mut names = HashSet::from([name]);
            let spec = spec.and_then(|index| inventory.specs.get(index));
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
