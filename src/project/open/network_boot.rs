//! The kernels and base initrds of a project that machines boot from the network.

use std::fs::File;
use std::io::{self, Read};

use crate::compile::refused;
use crate::identity::{Guarded, Private};
use crate::input;
use crate::model::output::Pxe;
use crate::model::output::pxe::BaseSource;
use crate::model::{FieldLocation, Location};
use crate::plan::Plan;
use crate::project::location_of;
use crate::project_folder::{CLUSTER_FILE, ProjectFolder};
use crate::report::{Finding, Id, Report};

/// As much of a kernel or base initrd as is searched for keys: more than any file of keys has.
const PRIVATE_LIMIT: u64 = 1 << 20;

/// Finds kernels and base initrds that are not there, and nodes that look for their scripts in different places.
pub fn check(project: &ProjectFolder, plan: &Plan, guarded: &Guarded, report: &mut Report) {
    let mut first: Option<&str> = None;
    for class in &plan.classes {
        let Some(pxe) = &class.spec.output.pxe else {
            continue;
        };
        let location = |field| {
            let location = location_of(&class.spec.merged, field);
            location.unwrap_or_else(|| Location::file(CLUSTER_FILE))
        };
        let url = *first.get_or_insert(&pxe.url);
        if url != pxe.url {
            let rule = format!("the bundle is served at one place, and other nodes say {url}");
            let field = "output.pxe.url";
            let finding = Finding::new(Id::PxeUrlsDiffer, &location(field), field, rule);
            report.add(finding.help("say it once, for the cluster"));
        }
        for (field, file) in files(pxe) {
            let found = project.find(file);
            let whole = found
                .as_ref()
                .ok()
                .and_then(|found| guarded.file(found.metadata()));
            let opened = found.and_then(|found| found.open_asset());
            let read = opened.and_then(|opened| private_in(opened, guarded));
            let error = match read {
                Ok(private) => {
                    let location = FieldLocation::new(location(field), field);
                    let private = whole.or(private);
                    let finding = private.and_then(|private| refused(&location, private, None));
                    finding.into_iter().for_each(|finding| report.add(finding));
                    continue;
                }
                Err(error) => error,
            };
            let finding = match input::flaw_of(&error) {
                Some(flaw) => Finding::of_flaw(&location(field), field, file, flaw),
                None => {
                    let rule = format!("{file} cannot be read: {error}");
                    Finding::new(Id::FileMissing, &location(field), field, rule)
                }
            };
            report.add(match finding.help {
                Some(_) => finding,
                None => finding.help("name a file of the project, or a URL with http://"),
            });
        }
    }
}

/// The worst that a file of the boot server holds, which everybody may read.
fn private_in(file: File, guarded: &Guarded) -> io::Result<Option<Private>> {
    let mut first = Vec::new();
    file.take(PRIVATE_LIMIT).read_to_end(&mut first)?;
    Ok(guarded.find(&first))
}

/// The files of the project that machines boot, each with the field that names it.
pub fn files(pxe: &Pxe) -> impl Iterator<Item = (&'static str, &str)> {
    let kernel = [("output.pxe.kernel", &pxe.kernel)];
    let initrds = pxe
        .initrds
        .iter()
        .map(|initrd| ("output.pxe.initrd", initrd));
    kernel
        .into_iter()
        .chain(initrds)
        .filter_map(|(field, source)| match source {
            BaseSource::File(path) => Some((field, path.as_str())),
            BaseSource::Url(_) => None,
        })
}
