//! Building a project: every node's payloads and the cluster's manifests, as one bundle.

mod baking;
mod boot_folder;
mod choice;
mod manifests;
mod signatures;
mod upgrade;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use time::OffsetDateTime;

use crate::bundle::Finished;
use crate::error::Result;
use crate::manifest::signatures_of_others;
use crate::model::Location;
use crate::model::output::Format;
use crate::project::{Reading, open};
use crate::report::{Finding, Id, Report};
use crate::signing::Signer;

/// The bundle's folder in a project.
const OUT: &str = "out";

/// A build to be made.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The project.
    pub reading: Reading,
    /// The bundle's folder.
    pub out: PathBuf,
    /// Only these formats; those of the inventory where there are none.
    pub formats: Vec<Format>,
    /// Only nodes whose name matches one of these globs; the others are reused from the last bundle.
    pub nodes: Vec<String>,
    /// The bundles that the nodes have now.
    pub upgrade_from: Vec<PathBuf>,
    /// The source of its signatures.
    pub signing: Signing,
}

/// The source of a build's signatures. It decides what the build writes.
#[derive(Clone, Debug)]
pub enum Signing {
    /// A key in this file, or the project's own.
    Key(Option<PathBuf>),
    /// This key; nothing is signed where there is none.
    With(Option<Arc<Signer>>),
    /// The first stage with an external signer: only the nodes' trees are written, into this folder.
    Trees(PathBuf),
    /// The second stage: all the rest, with the signed trees of this folder.
    Payloads(PathBuf),
}

/// A bundle that was built.
#[derive(Debug)]
pub struct Built {
    /// Its folder; that of the trees after a first stage.
    pub folder: PathBuf,
    /// Counts of what was written.
    pub finished: Finished,
    /// The earliest end of a token, a certificate or the CA.
    pub usable_until: Option<OffsetDateTime>,
}

/// Watches the progress of a build.
pub trait Progress: Sync {
    /// So many nodes will be baked.
    fn begin(&self, nodes: usize);
    /// One more is written.
    fn advance(&self);
    /// No more will be.
    fn end(&self);
}

/// The bundle's folder where the user names none.
pub fn default_out(dir: &Path) -> PathBuf {
    if dir == Path::new(".") {
        OUT.into()
    } else {
        dir.join(OUT)
    }
}

/// Reads the project and makes the bundle; None after findings.
pub fn build(
    request: &BuildRequest,
    progress: &dyn Progress,
    report: &mut Report,
) -> Result<Option<Built>> {
    let reading = &request.reading;
    let signer = signatures::signer(request, report)?;
    let project = open(reading, report)?;
    reading.apply_strictness(report);
    if report.has_errors() {
        // Nothing will be written, so what else is wrong is looked for too.
        if let Some(project) = &project {
            project.check_nodes(report)?;
        }
        reading.apply_strictness(report);
    }
    let Some(project) = project.filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let target = signatures::target(request).to_owned();
    let stale = signatures_of_others(&target);
    let outcome = baking::bake(request, &project, signer, progress, report.levels())?;
    project.add(outcome.findings, report);
    reading.apply_strictness(report);
    let Some(finished) = outcome.finished else {
        return Ok(None);
    };
    for name in stale {
        let rule = "signed the bundle that was here before, so it went with it";
        let location = Location::file(target.join(name).display().to_string());
        let finding = Finding::new(Id::SignatureStale, &location, "", rule);
        report.add(finding.help("sign the new SHA256SUMS"));
    }
    Ok(Some(Built {
        folder: target,
        finished,
        usable_until: project.plan.usable_until(),
    }))
}
