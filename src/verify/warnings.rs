//! Warnings about a bundle that is what its signer made.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::timing::parse_rfc3339;
use crate::verify::Verdict;
use crate::wording::named;

/// So many files are named in a warning; more are counted, and JSON lists them all.
const NAMED: usize = 5;

impl Verdict {
    /// Warnings that do not concern the bundle's bytes: modes of files, and leftovers of builds.
    pub fn warnings(&self) -> Report {
        let mut report = Report::default();
        let location = Location::file(&*self.bundle);
        if !self.exposed.is_empty() {
            let named = named(&self.exposed, NAMED);
            let rule = format!("files with secrets may be read by others: {named}");
            let folders: BTreeSet<&str> = self.exposed.iter().map(|path| folder_of(path)).collect();
            let folders = folders
                .iter()
                .map(|folder| format!("{}/{folder}", self.bundle));
            let folders = folders.collect::<Vec<_>>().join(" ");
            let repair = format!(
                "run `chmod -R go= {folders}`, or copy with what keeps modes, as `tar -p` and `cp -a` do"
            );
            report.add(Finding::new(Id::BundleExposed, &location, "", rule).help(repair));
        }
        for name in &self.leftovers {
            let rule = format!(
                "{name} was left by a build that was killed; it is not part of the bundle, and was not verified"
            );
            report.add(
                Finding::new(Id::BundleLeftovers, &location, "", rule)
                    .help("remove it, or build again, which removes it"),
            );
        }
        report
    }

    /// Warns of a good bundle from which no node joins any more.
    pub fn expired(&self, at: OffsetDateTime) -> Report {
        let mut report = Report::default();
        let until = self.usable_until.as_deref().and_then(parse_rfc3339);
        if self.is_good() && until.is_some_and(|until| until <= at) {
            let rule = "what its nodes need to join has expired, for some of them at least";
            let finding = Finding::new(Id::BundleExpired, &Location::file(&*self.bundle), "", rule);
            report.add(finding.help("create tokens and build it again before nodes boot from it"));
        }
        report
    }
}

/// The folder whose mode is to be repaired: those of all nodes, or the file's own.
fn folder_of(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((folder, _)) if !folder.starts_with("nodes/") => folder,
        _ => "nodes/*",
    }
}
