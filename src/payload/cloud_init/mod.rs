//! cloud-init: `user-data` with the files and what brings them to life, `meta-data` with who the machine is, and
//! `network-config` where the inventory has interfaces. Plain YAML 1.1, no Jinja: what a file holds is never expanded.

mod activation;
mod content;
mod order;
mod runcmd;
mod user_data;
mod users;

use crate::error::Result;
use crate::payload::part::parts;
use crate::payload::{Format, Forms, Job, NodeFacts, Output};
use crate::yaml;

pub use crate::node::network_config;
pub use user_data::write as write_user_data;

/// The names of the files, as a NoCloud seed wants them.
pub const FILE_NAMES: [&str; 3] = ["user-data", "meta-data", "network-config"];

/// Writes the node's documents; `network-config` only where the inventory has interfaces, `user-data.secrets` only where
/// secrets are kept apart.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    let [user_data, meta_data_name, network_name] = FILE_NAMES;
    for (part, tree) in parts(job, Format::CloudInit) {
        let name = format!("{user_data}{}", part.infix());
        out.file(&name, tree.has_secrets(), &mut |out| {
            write_user_data(job, part, forms, out)
        })?;
    }
    let text = meta_data(job.facts);
    out.file(meta_data_name, false, &mut |out| {
        Ok(out.write_all(text.as_bytes())?)
    })?;
    let network = job.facts.network.as_ref();
    if let Some(network) = network.filter(|network| !network.interfaces.is_empty()) {
        let text = network_config(network);
        out.file(network_name, false, &mut |out| {
            Ok(out.write_all(text.as_bytes())?)
        })?;
    }
    Ok(())
}

/// The meta-data document. The instance-id follows the generation and not the content: cloud-init takes a new id for a
/// new machine, runs everything again and makes new SSH host keys, which a rotated token must not cause.
pub fn meta_data(facts: &NodeFacts) -> String {
    let id = format!("{}-{}-g{}", facts.cluster, facts.name, facts.generation);
    format!(
        "instance-id: {}\nlocal-hostname: {}\n",
        yaml::quoted(&id),
        yaml::quoted(&facts.hostname)
    )
}
