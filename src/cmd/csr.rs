//! `nodebake csr`: the nodes' requests for certificates, against the inventory.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::cli::{Csr, CsrPrint, CsrReview};
use crate::cmd::print_findings;
use crate::error::{Exit, Result};
use crate::identity::pki_files::replace;
use crate::project::{export_ids, review, settings_for_approver};
use crate::report::Report;
use crate::review::{Verdict, commands, to_text};
use crate::secrets::IDENTITY_VARIABLE;
use crate::terminal;

/// Anybody may read the ids, which hold no secret.
const IDS_MODE: u32 = 0o644;

/// Runs `csr …`.
pub fn run(args: &Csr) -> Result<Exit> {
    let mut report = Report::default();
    let (text, out) = match args {
        Csr::Review(args) => return reviewed(args),
        Csr::ExportIds(args) => {
            let folder = args.allow.folder(&args.dir)?;
            let ids = export_ids(&folder, &args.secrets.choice(), &mut report)?;
            (ids, args.out.as_deref())
        }
        Csr::ApproverSettings(args) => {
            let folder = args.allow.folder(&args.dir)?;
            (settings_for_approver(&folder, &mut report)?, None)
        }
    };
    print_findings(&report)?;
    match (text, out) {
        (None, _) => return Ok(Exit::Findings),
        (Some(text), Some(path)) => replace(path, IDS_MODE, &text)?,
        (Some(text), None) => terminal::stdout().write_all(text.as_bytes())?,
    }
    Ok(Exit::Good)
}

fn reviewed(args: &CsrReview) -> Result<Exit> {
    let mut report = Report::default();
    let verdicts = review(&args.request()?, &mut report);
    print_findings(&report)?;
    let Some(verdicts) = verdicts? else {
        return Ok(Exit::Findings);
    };
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
