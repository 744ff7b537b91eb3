//! Whether a machine whose root is its initramfs has the memory for it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::inspect::{Limits, inspect};
use crate::payload::Job;
use crate::payload::initramfs::{Mode, in_memory, memory};
use crate::payload::pxe::Source;
use crate::plan::{ClassPlan, NodePlan, Plan};
use crate::report::Finding;

/// For each class what its base initrds take, where they are files of the project. They are read only where somebody said
/// how much memory there is; what cannot be read counts as unknown, and other rules say so.
pub fn bases(dir: &Path, plan: &Plan) -> Vec<Option<u64>> {
    let mut known = BTreeMap::new();
    let of_class = |class: &std::sync::Arc<ClassPlan>| {
        let spec = &class.spec;
        let pxe = spec.output.pxe.as_ref()?;
        if spec.os.memory.is_none() || spec.output.initramfs.mode != Mode::RamRoot {
            return None;
        }
        let of_source = |source: &Source| match source {
            Source::Url(_) => None,
            Source::File(file) => *known
                .entry(file.clone())
                .or_insert_with(|| of_file(&dir.join(file))),
        };
        pxe.initrds.iter().map(of_source).sum()
    };
    plan.classes.iter().map(of_class).collect()
}

fn of_file(path: &Path) -> Option<u64> {
    let (listing, outcome) = inspect(path, Limits::default(), None).ok()?;
    outcome.ok()?;
    let unpacked = listing.members.iter().map(|member| member.unpacked).sum();
    Some(in_memory(unpacked, listing.size))
}

/// Finds a machine with too little memory; `base` is what its base initrds take, if that is known.
pub fn check(node: &NodePlan, job: &Job<'_>, base: Option<u64>) -> Option<Finding> {
    let has = node.class.spec.os.memory.as_ref()?;
    let needed = memory(job)? + base.unwrap_or_default();
    if needed <= has.value {
        return None;
    }
    let beside = match base {
        Some(_) => "base initrd included",
        None => "beside its base initrd",
    };
    let rule = format!(
        "a root in the initramfs needs at least {} MiB, {beside}, and the machine has {} MiB",
        mib(needed),
        mib(has.value)
    );
    let finding = has.spot.error(rule);
    Some(
        finding.repair(
            "bring less, give it more, or carry the files to a disk (output.initramfs.mode)",
        ),
    )
}

/// Bytes for people, rounded up.
pub fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
