//! The certificates of nodes, read from the project and checked.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use time::OffsetDateTime;

use crate::error::Result;
use crate::identity::pki_files::NODES;
use crate::identity::{CaBundle, CheckedCredential, Credential, Expectation};
use crate::inventory::Inventory;
use crate::model::Location;
use crate::plan::{WantedCredential, wanted};
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id, Report, Severity};
use crate::wording::counted;

/// After so many findings about certificates the others are only counted: one command issues them all.
const SAID: usize = 20;

/// Reads every certificate that the inventory asks for, by file.
pub fn load(
    project: &ProjectFolder,
    inventory: &Inventory,
    (ca, at): (&CaBundle, OffsetDateTime),
    report: &mut Report,
) -> Result<HashMap<String, Arc<Credential>>> {
    let boot_within = inventory.cluster.tokens.boot_within;
    let check = |wanted: &WantedCredential<'_>| {
        let expected = Expectation {
            leaf: &wanted.leaf,
            ca,
            at,
            boot_within,
        };
        CheckedCredential::load(project, &wanted.file, &expected)
    };
    let wanted = wanted(inventory);
    let checked = wanted.par_iter().map(check).collect::<Result<Vec<_>>>()?;
    let mut findings = Vec::new();
    let mut credentials = HashMap::with_capacity(wanted.len());
    for (wanted, checked) in wanted.into_iter().zip(checked) {
        findings.extend(checked.findings);
        if let Some(credential) = checked.credential {
            credentials.insert(wanted.file, Arc::new(credential));
        }
    }
    say(findings, report);
    Ok(credentials)
}

fn say(mut findings: Vec<Finding>, report: &mut Report) {
    let rest = findings.split_off(findings.len().min(SAID));
    if !rest.is_empty() {
        let rule = format!(
            "{} about certificates",
            counted(rest.len(), "further finding")
        );
        let location = Location::file(NODES);
        let finding = if rest.iter().any(|one| one.severity == Severity::Error) {
            Finding::new(Id::CertificateInvalid, &location, "", rule)
        } else {
            Finding::new(Id::CertificateForeign, &location, "", rule)
        };
        report.add(finding.help("run `nodebake pki issue`"));
    }
    findings.into_iter().for_each(|finding| report.add(finding));
}
