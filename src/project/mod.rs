//! A project: opened, checked, built and compared. In: plain requests. Out: values, and findings in a report. Nothing here
//! knows the command line, and nothing prints.

mod build;
mod check;
mod compare;
mod csr;
mod dump;
mod findings;
mod kubelets;
mod nodes;
mod open;
/// Certificates for clusters that do without bootstrap tokens.
pub mod pki;
mod policy;
mod preflight;
/// One node of a project, to be looked at.
pub mod show;
mod signing;
mod template;
/// The bootstrap tokens of a project, offline.
pub mod tokens;

use std::sync::Arc;

use crate::model::Location;
use crate::payload::NodeFacts;
use crate::payload::cloud_init::UserFiles;
use crate::payload::ignition::UserConfig;
use crate::plan::{NodePlan, Plan};
use crate::render::{RenderedNode, Renderer};
use crate::review::Extract;
use crate::yaml::Located;

use csr::extract;
use nodes::{chosen, joining, names};
use open::{ca_bundle, open};
use signing::tree_key;

pub use build::{BuildRequest, Built, Progress, Signing, build, default_out};
pub use check::{Checked, check};
pub use compare::{ScratchBundle, build_to_compare, tokens_of};
pub use csr::{ReviewRequest, export_ids, review, settings_for_approver};
pub use dump::read_dump;
pub use kubelets::kubelet_configurations;
pub use open::{Reading, Tokens, time_of_check};
pub use policy::{WantedPolicy, policy};
pub use preflight::{Manifests, NeedRow, preflight};
pub use template::{CA_FILE, NewProject, NewProjectMade, create_project, create_with, with_role};

/// A project that is ready to be baked, or to have more findings found in it.
struct Project {
    /// Everything decided.
    plan: Plan,
    /// Everything prepared.
    renderer: Renderer,
    /// For each class, by its index, the Ignition configurations that it merges.
    merges: Vec<Arc<[Arc<UserConfig>]>>,
    /// For each class, by its index, what is added to cloud-init's documents.
    user_files: Vec<Arc<UserFiles>>,
    /// For each class, the memory that its base initrds take, in bytes, where that is known.
    bases: Vec<Option<u64>>,
    /// What reviews of requests go by.
    review: Extract,
}

impl Project {
    /// The facts about a node that packagers need beside its tree.
    fn facts(&self, node: &NodePlan, baked: &RenderedNode) -> NodeFacts {
        let plan = &self.plan;
        let arguments = node.class.spec.os.kernel_arguments.iter();
        let class = node.class.index;
        NodeFacts {
            cluster: plan.cluster.name.value.clone(),
            generation: plan.cluster.generation,
            name: node.name.clone(),
            hostname: baked.hostname.clone(),
            network: node.network.as_deref().cloned(),
            users: node.class.spec.users.clone(),
            passwords: self.renderer.passwords(class),
            arch: node.class.spec.os.arch.clone(),
            kernel_arguments: arguments.map(|argument| argument.value.clone()).collect(),
            user_files: self.user_files.get(class).cloned().unwrap_or_default(),
            merges: self.merges.get(class).cloned().unwrap_or_default(),
            removals: None,
        }
    }
}

/// Where a field of a node's layers was set.
fn location_of(merged: &Located, field: &str) -> Option<Location> {
    let mut keys = field.split('.');
    let found = keys.try_fold(merged, |at, key| at.get(key))?;
    Some(found.location.clone())
}
