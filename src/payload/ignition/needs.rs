//! What of a node only newer specifications support, and so the lowest one that supports it all. The versions are those of
//! Ignition's own list of changes (docs/migrating-configs.md), the releases that read them of docs/specs.md.

use crate::model::output::{IgnitionDigest, IgnitionSpec};
use crate::payload::{Job, Objection};
use crate::report::Id;

/// The first specification with `sha256-` digests.
const SHA256_SINCE: u8 = 1;
/// The first specification with kernel arguments.
const KERNEL_ARGUMENTS_SINCE: u8 = 3;
/// The first specification that honours setuid, setgid and sticky; older ones drop them.
const SPECIAL_BITS_SINCE: u8 = 6;

/// Something that a specification before `since` cannot say.
pub(super) struct Need {
    /// The path or field that it is about.
    subject: String,
    /// What it is, as the beginning of a sentence.
    what: String,
    /// What older specifications do with it.
    otherwise: &'static str,
    /// The first minor version that supports it.
    since: u8,
}

impl Need {
    /// Why a written specification is too old for it.
    pub(super) fn objection(&self) -> Objection {
        let Self {
            subject,
            what,
            otherwise,
            since,
        } = self;
        Objection::new(
            Id::IgnitionSpecTooOld,
            subject.as_str(),
            format!("{what}, which Ignition {otherwise} below spec 3.{since}.0"),
        )
    }

    /// The first minor version that supports it.
    pub(super) fn since(&self) -> u8 {
        self.since
    }
}

/// The specification that a job is written in: the one that was asked for, or the lowest that can express it. Old
/// specifications are read by every newer Ignition, never the other way round.
pub fn spec_of(job: &Job<'_>) -> IgnitionSpec {
    job.settings.ignition.spec.unwrap_or_else(|| {
        let minor = needs(job).iter().map(Need::since).max().unwrap_or(0);
        IgnitionSpec { minor }
    })
}

/// What of a job only its specification supports and no older one, if nothing was asked for.
pub(super) fn reason(job: &Job<'_>) -> Option<String> {
    if job.settings.ignition.spec.is_some() {
        return None;
    }
    let needs = needs(job).into_iter();
    let most = needs.rev().max_by_key(Need::since)?;
    Some(format!("{}: {}", most.subject, most.what))
}

/// All that 3.0.0 cannot say, in path order.
pub(super) fn needs(job: &Job<'_>) -> Vec<Need> {
    let mut needs = Vec::new();
    if job.settings.ignition.digest == IgnitionDigest::Sha256 {
        needs.push(Need {
            subject: "output.ignition.digest".to_owned(),
            what: "sha256 is asked for".to_owned(),
            otherwise: "does not know",
            since: SHA256_SINCE,
        });
    }
    for argument in &job.facts.kernel_arguments {
        needs.push(Need {
            subject: "os.kernelArguments".to_owned(),
            what: format!("{:?} is set", argument.text),
            otherwise: "does not set",
            since: KERNEL_ARGUMENTS_SINCE,
        });
    }
    for theirs in job.facts.merges.iter() {
        needs.push(Need {
            subject: "output.ignition.merge".to_owned(),
            what: format!("{} is of spec {}", theirs.name, theirs.spec),
            otherwise: "cannot read",
            since: theirs.spec.minor,
        });
    }
    let units = job.tree.units().iter();
    let units: Vec<_> = units
        .flat_map(|(name, unit)| unit.guarded_entries(name))
        .collect();
    let units = units.iter().map(|(path, entry)| (path, entry));
    for (path, entry) in job.tree.entries().iter().chain(units) {
        if entry.mode & 0o7000 != 0 {
            needs.push(Need {
                subject: path.as_str().to_owned(),
                what: format!("mode {:04o} has a setuid, setgid or sticky bit", entry.mode),
                otherwise: "drops",
                since: SPECIAL_BITS_SINCE,
            });
        }
    }
    needs
}
