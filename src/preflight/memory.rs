//! Whether a machine has the memory for what it is to hold: for a root that is its initramfs, and for what its kubelet keeps
//! back.

use std::collections::BTreeMap;

use crate::inspect::{Limits, inspect};
use crate::kubernetes::reservation::{Resource, reserved};
use crate::model::output::Mode;
use crate::model::output::pxe::BaseSource;
use crate::payload::Job;
use crate::payload::initramfs::{in_memory, memory};
use crate::plan::{ClassPlan, NodePlan, Plan};
use crate::project_folder::ProjectFolder;
use crate::report::{Finding, Id};
use crate::tree::NodeTree;

/// For each class what its base initrds take, where they are files of the project. They are read only where somebody said
/// how much memory there is; what cannot be read counts as unknown, and other rules say so.
pub fn bases(project: &ProjectFolder, plan: &Plan) -> Vec<Option<u64>> {
    let mut known = BTreeMap::new();
    let of_class = |class: &std::sync::Arc<ClassPlan>| {
        let spec = &class.spec;
        let pxe = spec.output.pxe.as_ref()?;
        if spec.os.memory.is_none() || spec.output.initramfs.mode != Mode::Diskless {
            return None;
        }
        let of_source = |source: &BaseSource| match source {
            BaseSource::Url(_) => None,
            BaseSource::File(file) => *known
                .entry(file.clone())
                .or_insert_with(|| of_file(project, file)),
        };
        pxe.initrds.iter().map(of_source).sum()
    };
    plan.classes.iter().map(of_class).collect()
}

fn of_file(project: &ProjectFolder, file: &str) -> Option<u64> {
    // Only a size becomes of it, and it is opened once more for that.
    project.open(file).ok()?;
    let (listing, outcome) = inspect(&project.join(file), Limits::default(), None).ok()?;
    outcome.ok()?;
    let unpacked = listing.members.iter().map(|member| member.unpacked).sum();
    Some(in_memory(unpacked, listing.size))
}

/// Finds a machine with too little memory; `base` is what its base initrds take, if that is known.
pub fn check(node: &NodePlan, job: &Job<'_>, base: Option<u64>) -> Vec<Finding> {
    let files = too_many_files(node, job, base);
    files
        .into_iter()
        .chain(reserved_memory(node, job))
        .collect()
}

fn too_many_files(node: &NodePlan, job: &Job<'_>, base: Option<u64>) -> Option<Finding> {
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
    let finding = has.location.finding(Id::MemoryTooSmall, rule);
    Some(finding.measuring("memory", needed).help(
        "bring less, give it more, or copy the files to a disk (output.initramfs.mode: copyToRoot)",
    ))
}

/// Flags that say the same as the configuration, and win.
const FLAGS: [&str; 4] = [
    "system-reserved",
    "kube-reserved",
    "eviction-hard",
    "experimental-allocatable-ignore-eviction",
];

/// Finds a kubelet that keeps back more than the machine has: it ends at once, and again at every start.
fn reserved_memory(node: &NodePlan, job: &Job<'_>) -> Vec<Finding> {
    let class = &node.class;
    let Some(has) = &class.spec.os.memory else {
        return Vec::new();
    };
    let by_flag = |(name, _): &(String, _)| FLAGS.contains(&name.as_str());
    if class.kubelet_flags.iter().any(by_flag) {
        return Vec::new();
    }
    let config = serde_json::to_value(&class.kubelet_config).unwrap_or_default();
    let too_much = |resource: Resource, capacity: u64, whose: &str, repair: &str| {
        let kept = reserved(&config, resource, capacity)?;
        if kept <= capacity as f64 {
            return None;
        }
        let rule = format!(
            "the kubelet does not start: it keeps back {} MiB of {}, and {whose} {} MiB",
            mib(kept as u64),
            resource.name(),
            mib(capacity)
        );
        Some(
            has.location
                .finding(Id::KubeletReservedTooMuch, rule)
                .help(repair),
        )
    };
    let mut found = Vec::new();
    found.extend(too_much(
        Resource::Memory,
        has.value,
        "the machine has",
        "lower memory in kubelet.config.systemReserved, kubeReserved and evictionHard, or give it more",
    ));
    if memory(job).is_some() && !mounts_something(job.tree) {
        // The kernel's root in memory takes half of it at most (mm/shmem.c).
        found.extend(too_much(
            Resource::Storage,
            has.value / 2,
            "a root in the initramfs has at most",
            "lower ephemeral-storage in kubelet.config.systemReserved and kubeReserved (null takes it away), or give it more",
        ));
    }
    found
}

/// Whether the kubelet's folder may be on a file system of its own.
fn mounts_something(tree: &NodeTree) -> bool {
    let is_mount = |name: &String| name.ends_with(".mount");
    tree.get("/etc/fstab").is_some() || tree.units().keys().any(is_mount)
}

/// Bytes for people, rounded up.
pub fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
