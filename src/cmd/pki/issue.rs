//! `nodebake pki issue`: certificates for the nodes that are to bring them.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use rayon::prelude::*;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::{PkiIssue, Print};
use crate::cmd::pki::{authority, passphrase};
use crate::cmd::say;
use crate::error::{Exit, Result};
use crate::identity::pki_files;
use crate::identity::{Authority, CaBundle, Credential, Expectation, Judged};
use crate::inventory::Inventory;
use crate::plan::{Role, Wanted, wanted};
use crate::project::{ca_bundle, chosen};
use crate::project_folder::ProjectFolder;
use crate::report::Report;
use crate::terminal;
use crate::timing::rfc3339;

/// What came of one certificate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'i> {
    node: &'i str,
    certificate: String,
    file: &'i str,
    issued: bool,
    not_after: Option<String>,
}

/// Runs `pki issue`.
pub(super) fn run(args: &PkiIssue) -> Result<Exit> {
    let mut report = Report::default();
    let exit = issue(args, &mut report)?;
    say(&report)?;
    Ok(exit)
}

fn issue(args: &PkiIssue, report: &mut Report) -> Result<Exit> {
    let now = OffsetDateTime::now_utc();
    let lifetime = args.ttl;
    let within = args.renew_within;
    let project = args.allow.folder(&args.dir)?;
    let inventory = Inventory::load(&project, report);
    let Some(inventory) = inventory.filter(|_| !report.has_errors()) else {
        return Ok(Exit::Findings);
    };
    let Some(ca) = ca_bundle(&project, &inventory, now, report)? else {
        return Ok(Exit::Findings);
    };
    let keeping = Keeping {
        project: &project,
        ca: &ca,
        now,
        shelf_life: inventory.cluster.tokens.shelf_life,
        within,
        force: args.force,
    };
    let all = inventory.nodes.iter().map(|node| node.name.value.as_str());
    let nodes = chosen(&args.nodes, &all.collect::<Vec<_>>(), "in the inventory")?;
    let wanted = keeping.sort(wanted(&inventory), &nodes)?;
    let mut making = Making {
        dir: &args.dir,
        authority: None,
        now,
        lifetime,
    };
    // Only who signs needs the key.
    if wanted.iter().any(|(_, kept)| kept.is_none()) {
        let secret = passphrase(args.passphrase_file.as_deref())?;
        making.authority = authority(args, &ca, secret.as_ref(), report)?;
        if making.authority.is_none() {
            return Ok(Exit::Findings);
        }
        pki_files::prepare_folder(&args.dir)?;
    }
    let outcomes = wanted
        .par_iter()
        .map(|(wanted, kept)| making.outcome(wanted, *kept));
    let outcomes = outcomes.collect::<Result<Vec<_>>>()?;
    print(args.output, &outcomes, nodes.len())?;
    Ok(Exit::Good)
}

/// What decides whether a certificate that is there is still good.
struct Keeping<'a> {
    project: &'a ProjectFolder,
    ca: &'a CaBundle,
    now: OffsetDateTime,
    shelf_life: Duration,
    within: Option<Duration>,
    force: bool,
}

impl Keeping<'_> {
    /// What the chosen nodes need, each with the end of what is good as it is.
    fn sort<'i>(
        &self,
        mut wanted: Vec<Wanted<'i>>,
        nodes: &[&str],
    ) -> Result<Vec<(Wanted<'i>, Option<OffsetDateTime>)>> {
        let nodes: HashSet<&str> = nodes.iter().copied().collect();
        wanted.retain(|one| nodes.contains(one.node));
        let sorted = wanted.into_par_iter().map(|wanted| {
            let kept = if self.force {
                None
            } else {
                self.good(&wanted)?
            };
            Ok((wanted, kept))
        });
        sorted.collect()
    }

    /// Until when a certificate that fits and does not end soon is good.
    fn good(&self, wanted: &Wanted<'_>) -> Result<Option<OffsetDateTime>> {
        let expected = Expectation {
            leaf: &wanted.leaf,
            ca: self.ca,
            at: self.now,
            shelf_life: self.shelf_life,
        };
        let judged = Judged::load(self.project, &wanted.file, &expected)?;
        // What another CA signed is one too: whoever asks this CA wants its own.
        let faulty = !judged.findings.is_empty();
        let fresh = |credential: &Credential| {
            let lifetime = credential.not_after - credential.not_before;
            let within = self.within.and_then(|span| span.try_into().ok());
            self.now + within.unwrap_or(lifetime / 3) < credential.not_after
        };
        let good = judged
            .credential
            .filter(|credential| !faulty && fresh(credential));
        Ok(good.map(|credential| credential.not_after))
    }
}

/// What issues.
struct Making<'a> {
    dir: &'a Path,
    authority: Option<Authority>,
    now: OffsetDateTime,
    lifetime: Duration,
}

impl Making<'_> {
    fn outcome<'i>(
        &self,
        wanted: &'i Wanted<'_>,
        kept: Option<OffsetDateTime>,
    ) -> Result<Outcome<'i>> {
        let issued = kept.is_none();
        let not_after = match kept {
            Some(not_after) => not_after,
            None => self.issue(wanted)?,
        };
        Ok(Outcome {
            node: wanted.node,
            certificate: match &wanted.role {
                Role::Client => "client".to_owned(),
                Role::Serving => "serving".to_owned(),
                Role::User(user) => format!("user {user}"),
            },
            file: &wanted.file,
            issued,
            not_after: rfc3339(not_after),
        })
    }

    fn issue(&self, wanted: &Wanted<'_>) -> Result<OffsetDateTime> {
        let authority = self.authority.as_ref().context("issuing without a CA")?;
        let issued = authority.issue(&wanted.leaf, self.now, self.lifetime)?;
        let path = self.dir.join(&wanted.file);
        if let Some(folder) = path.parent() {
            pki_files::make_folder(folder, 0o700)?;
        }
        pki_files::replace(&path, 0o600, issued.to_pem().expose())?;
        Ok(issued.not_after)
    }
}

fn print(output: Print, outcomes: &[Outcome<'_>], nodes: usize) -> Result<()> {
    let mut out = terminal::stdout();
    if output == Print::Json {
        return Ok(terminal::write_json(&mut out, &outcomes)?);
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.issued) {
        writeln!(
            out,
            "{}: issued {}, good until {}",
            outcome.node,
            outcome.certificate,
            outcome.not_after.as_deref().unwrap_or_default()
        )?;
    }
    let issued = outcomes.iter().filter(|outcome| outcome.issued).count();
    let kept = outcomes.len() - issued;
    match outcomes.is_empty() {
        true => writeln!(
            out,
            "none of {nodes} nodes asks for a certificate: see `identity` and `kubeconfigs`"
        )?,
        false => writeln!(out, "{issued} issued, {kept} good as they are")?,
    }
    Ok(())
}
