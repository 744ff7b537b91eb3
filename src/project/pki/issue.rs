//! Certificates for the nodes that are to bring them, issued where those that are there do not do.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rayon::prelude::*;
use serde::Serialize;
use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::pki_files::{self, CA_KEY};
use crate::identity::{
    Authority, CaBundle, CheckedCredential, Credential, Expectation, passphrase, signing_ca,
};
use crate::inventory::Inventory;
use crate::plan::{Role, WantedCredential, wanted};
use crate::project::{ca_bundle, chosen, names};
use crate::project_folder::ProjectFolder;
use crate::report::Report;
use crate::timing::rfc3339;
use crate::unfinished::make_folders;

/// Which certificates are to be issued, and how.
#[derive(Clone, Debug)]
pub struct IssueRequest {
    /// The project.
    pub folder: ProjectFolder,
    /// The nodes, by name or glob; all where there are none.
    pub nodes: Vec<String>,
    /// How long they are valid.
    pub ttl: Duration,
    /// Certificates that end within this time are issued again; by default, a third of their life.
    pub renew_within: Option<Duration>,
    /// Issue again also those that are still good.
    pub force: bool,
    /// The CA's key; the project's where there is none.
    pub ca_key: Option<PathBuf>,
    /// The first line of this file decrypts it; `-` is stdin.
    pub passphrase_file: Option<PathBuf>,
}

/// The result of issuing certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// How many nodes were meant.
    pub nodes: usize,
    /// Each certificate.
    pub certificates: Vec<IssuedCertificate>,
}

/// One certificate that a node asks for, after issuing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedCertificate {
    /// The node that it is for.
    pub node: String,
    /// The role in which the node presents it: `client`, `serving` or `user NAME`.
    pub certificate: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Whether it is new; otherwise the file was good and stays as it was.
    pub issued: bool,
    /// Its end (RFC 3339).
    pub not_after: Option<String>,
}

/// Issues what is needed; None after findings.
pub fn issue(request: &IssueRequest, report: &mut Report) -> Result<Option<Issuance>> {
    let now = OffsetDateTime::now_utc();
    let project = &request.folder;
    let inventory = Inventory::load(project, report);
    let Some(inventory) = inventory.filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let Some(ca) = ca_bundle(project, &inventory, now, report)? else {
        return Ok(None);
    };
    let renewal = Renewal {
        project,
        ca: &ca,
        now,
        boot_within: inventory.cluster.tokens.boot_within,
        within: request.renew_within,
        force: request.force,
    };
    let nodes = chosen(&request.nodes, &names(&inventory), "in the inventory")?;
    let wanted = renewal.sort(wanted(&inventory), &nodes)?;
    let mut issuer = Issuer {
        dir: project.path(),
        authority: None,
        now,
        lifetime: request.ttl,
    };
    // Only who signs needs the key.
    if wanted.iter().any(|(_, good_until)| good_until.is_none()) {
        issuer.authority = authority(request, &ca, report)?;
        if issuer.authority.is_none() {
            return Ok(None);
        }
        pki_files::prepare_folder(project.path())?;
    }
    let certificates = wanted
        .par_iter()
        .map(|(wanted, good_until)| issuer.outcome(wanted, *good_until));
    Ok(Some(Issuance {
        nodes: nodes.len(),
        certificates: certificates.collect::<Result<_>>()?,
    }))
}

/// The CA that signs; None after findings.
fn authority(
    request: &IssueRequest,
    ca: &CaBundle,
    report: &mut Report,
) -> Result<Option<Authority>> {
    let secret = passphrase(request.passphrase_file.as_deref())?;
    let (path, shown) = match &request.ca_key {
        Some(path) => (path.clone(), path.display().to_string()),
        None => (request.folder.path().join(CA_KEY), CA_KEY.to_owned()),
    };
    signing_ca((&path, &shown), ca, secret.as_ref(), report)
}

/// The rules by which an existing certificate is still good.
struct Renewal<'a> {
    project: &'a ProjectFolder,
    ca: &'a CaBundle,
    now: OffsetDateTime,
    boot_within: Duration,
    within: Option<Duration>,
    force: bool,
}

impl Renewal<'_> {
    /// The certificates of the chosen nodes, each with its end if the existing one is good.
    fn sort<'i>(
        &self,
        mut wanted: Vec<WantedCredential<'i>>,
        nodes: &[&str],
    ) -> Result<Vec<(WantedCredential<'i>, Option<OffsetDateTime>)>> {
        let nodes: HashSet<&str> = nodes.iter().copied().collect();
        wanted.retain(|one| nodes.contains(one.node));
        let sorted = wanted.into_par_iter().map(|wanted| {
            let good_until = if self.force {
                None
            } else {
                self.good(&wanted)?
            };
            Ok((wanted, good_until))
        });
        sorted.collect()
    }

    /// Until when a certificate that fits and does not end soon is good.
    fn good(&self, wanted: &WantedCredential<'_>) -> Result<Option<OffsetDateTime>> {
        let expected = Expectation {
            leaf: &wanted.leaf,
            ca: self.ca,
            at: self.now,
            boot_within: self.boot_within,
        };
        let checked = CheckedCredential::load(self.project, &wanted.file, &expected)?;
        // What another CA signed is one too: whoever asks this CA wants its own.
        let faulty = !checked.findings.is_empty();
        let fresh = |credential: &Credential| {
            let lifetime = credential.not_after - credential.not_before;
            let within = self.within.and_then(|span| span.try_into().ok());
            self.now + within.unwrap_or(lifetime / 3) < credential.not_after
        };
        let good = checked
            .credential
            .filter(|credential| !faulty && fresh(credential));
        Ok(good.map(|credential| credential.not_after))
    }
}

/// The issuing CA and its settings.
struct Issuer<'a> {
    dir: &'a Path,
    authority: Option<Authority>,
    now: OffsetDateTime,
    lifetime: Duration,
}

impl Issuer<'_> {
    fn outcome(
        &self,
        wanted: &WantedCredential<'_>,
        good_until: Option<OffsetDateTime>,
    ) -> Result<IssuedCertificate> {
        let issued = good_until.is_none();
        let not_after = match good_until {
            Some(not_after) => not_after,
            None => self.issue(wanted)?,
        };
        Ok(IssuedCertificate {
            node: wanted.node.to_owned(),
            certificate: match &wanted.role {
                Role::Client => "client".to_owned(),
                Role::Serving => "serving".to_owned(),
                Role::User(user) => format!("user {user}"),
            },
            file: wanted.file.clone(),
            issued,
            not_after: rfc3339(not_after),
        })
    }

    fn issue(&self, wanted: &WantedCredential<'_>) -> Result<OffsetDateTime> {
        let authority = self.authority.as_ref().context("issuing without a CA")?;
        let issued = authority.issue(&wanted.leaf, self.now, self.lifetime)?;
        let path = self.dir.join(&wanted.file);
        if let Some(folder) = path.parent() {
            make_folders(folder, 0o700)?;
        }
        pki_files::replace(&path, 0o600, issued.to_pem().expose())?;
        Ok(issued.not_after)
    }
}
