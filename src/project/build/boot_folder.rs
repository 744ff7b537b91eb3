//! Network boot in a bundle: the scripts for all nodes, and the kernels and base initrds of the project.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use anyhow::Context;

use crate::bundle::BundleBuilder;
use crate::error::Result;
use crate::manifest;
use crate::manifest::{FileRecord, NodeRecord};
use crate::model::output::{Pxe, Settings};
use crate::payload::initramfs::{is_asset_archive, is_initramfs};
use crate::payload::pxe::{
    BASE_FOLDER, Boot, arguments, booted_mode, entry, installs, of_node, script, script_path,
};
use crate::plan::{NodePlan, Plan};
use crate::project::open::network_boot::files;
use crate::project_folder::ProjectFolder;

/// Whether a node's initramfs payload is where machines fetch it.
pub fn is_served(record: &NodeRecord) -> bool {
    record
        .files
        .iter()
        .any(|file| manifest::is_served(&file.path))
}

/// Whether it would be there today.
pub fn would_be_served(settings: &Settings, record: &NodeRecord) -> bool {
    let is_public = |file: &FileRecord| is_initramfs(file.name()) && !file.secret;
    settings.pxe.is_some() && record.files.iter().any(is_public)
}

/// Writes everything below `boot/` but the initramfs payloads, which are there.
pub fn write(builder: &BundleBuilder, plan: &Plan) -> Result<()> {
    let nodes: BTreeMap<&str, &NodePlan> = plan
        .nodes
        .iter()
        .filter(|node| node.class.spec.output.pxe.is_some())
        .map(|node| (&*node.name, node))
        .collect();
    if nodes.is_empty() {
        return Ok(());
    }
    let mut of_cluster = OfCluster::default();
    builder.each_node(&mut |record| match nodes.get(&*record.name) {
        Some(node) => of_cluster.node(builder, node, record),
        None => Ok(()),
    })?;
    of_cluster.write(builder, &plan.project)
}

/// Files that are written once, however many nodes need them.
#[derive(Default)]
struct OfCluster {
    files: BTreeSet<String>,
    entries: BTreeMap<String, String>,
}

impl OfCluster {
    /// The scripts of one node, by what its record says that it has.
    fn node(
        &mut self,
        builder: &BundleBuilder,
        node: &NodePlan,
        record: &NodeRecord,
    ) -> Result<()> {
        let spec = &node.class.spec;
        let Some(pxe) = &spec.output.pxe else {
            return Ok(());
        };
        let overlays = overlays(pxe, record);
        if overlays.is_empty() && !installs(&spec.output) {
            // `--format` left them out.
            return Ok(());
        }
        let bases = pxe
            .initrds
            .iter()
            .map(|base| base.url(&pxe.url, &node.name));
        let initrds: Vec<String> = bases.chain(overlays).collect();
        let image: Vec<_> = spec
            .os
            .kernel_arguments
            .iter()
            .map(|at| at.value.clone())
            .collect();
        let boot = Boot {
            node: &node.name,
            kernel: &pxe.kernel.url(&pxe.url, &node.name),
            initrds: &initrds,
            arguments: &arguments(pxe, booted_mode(&spec.output), &image, &node.name),
        };
        for loader in pxe.loaders.iter().map(|at| at.value) {
            let text = script(loader, &boot);
            for mac in &node.macs {
                write_text(builder, &script_path(loader, mac), &text)?;
            }
            let entry = entry(loader, &pxe.url);
            self.entries.insert(entry.path, entry.text);
        }
        self.files
            .extend(files(pxe).map(|(_, file)| file.to_owned()));
        Ok(())
    }

    fn write(&self, builder: &BundleBuilder, project: &ProjectFolder) -> Result<()> {
        for (path, text) in &self.entries {
            write_text(builder, path, text)?;
        }
        for file in &self.files {
            let reading = || format!("reading {}", project.join(file).display());
            builder.file(&format!("{BASE_FOLDER}/{file}"), false, &mut |out| {
                let mut file = project.open(file).with_context(reading)?;
                io::copy(&mut file, out).with_context(reading)?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// The URLs of a node's asset archive and of its initramfs payload over it, the part that holds secrets last. Where
/// those come from elsewhere it has no URL.
fn overlays(pxe: &Pxe, record: &NodeRecord) -> Vec<String> {
    let files = record.files.iter().filter(|file| is_initramfs(file.name()));
    let (secret, public): (Vec<_>, Vec<_>) = files.partition(|file| file.secret);
    let archives = record.shared.iter().filter(|path| is_asset_archive(path));
    let public = archives.chain(public.iter().map(|file| &file.path));
    let public = public.map(|path| format!("{}/{path}", pxe.url));
    let secrets_url = pxe.secrets_url.iter().filter(|_| !secret.is_empty());
    let secret = secrets_url.map(|url| of_node(url, &record.name));
    public.chain(secret).collect()
}

fn write_text(builder: &BundleBuilder, path: &str, text: &str) -> Result<()> {
    builder.file(path, false, &mut |out| Ok(out.write_all(text.as_bytes())?))
}
