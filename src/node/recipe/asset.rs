//! Assets: measured once however many nodes have them, and held against what is known of the node.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use memchr::memmem;

use crate::error::Result;
use crate::inventory::{AssetSpec, Spec};
use crate::node::binary::{Binary, BinaryScan};
use crate::node::piece::Piece;
use crate::node::recipe::{BodyPiece, FilePiece, Preparation, ca_key};
use crate::node::{Asset, Content, hex};

/// A file of the project that was read once.
#[derive(Clone)]
pub struct Measured {
    content: Content,
    /// What it says of itself, if it is a program.
    binary: Option<Binary>,
}

impl Preparation<'_> {
    /// One asset of a class.
    pub(super) fn asset(&mut self, asset: &AssetSpec, spec: &Spec) -> Result<Option<FilePiece>> {
        let Some(measured) = self.measured(asset)? else {
            return Ok(None);
        };
        let content = measured.content;
        if content.sha256() != asset.sha256.value {
            let rule = format!(
                "{} hashes to {}",
                asset.source.value,
                hex(&content.sha256())
            );
            self.report.add(
                asset
                    .sha256
                    .spot
                    .error(rule)
                    .repair("take the file that was meant, or its digest"),
            );
        }
        if let Some(binary) = &measured.binary {
            self.check_program(asset, binary, spec);
        }
        self.check_version(asset)?;
        Ok(Some(FilePiece {
            path: Piece::new(&asset.path, &mut self.templates),
            body: BodyPiece::Shared(content),
            attributes: asset.attributes.clone(),
            secret: false,
        }))
    }

    fn measured(&mut self, asset: &AssetSpec) -> Result<Option<Measured>> {
        if let Some(known) = self.assets.get(&asset.source.value) {
            return Ok(known.clone());
        }
        let path = self.project.join(&asset.source.value);
        let measured = match path.try_exists() {
            Ok(true) => {
                let mut keys = self.ca_keys.scan();
                let mut program = BinaryScan::default();
                let content = Asset::measure_and(&path, |piece| {
                    keys.push(piece);
                    program.push(piece);
                })?;
                if keys.found() || self.is_ca_key_file(&path) {
                    self.report.add(ca_key(&asset.source.spot));
                }
                Some(Measured {
                    content: Content::Asset(Arc::new(content)),
                    binary: program.finish(),
                })
            }
            _ => {
                self.missing(&asset.source);
                None
            }
        };
        let _ = self
            .assets
            .insert(asset.source.value.clone(), measured.clone());
        Ok(measured)
    }

    /// A program for another machine, or a kubelet of another version, is found on the node's first start otherwise.
    fn check_program(&mut self, asset: &AssetSpec, binary: &Binary, spec: &Spec) {
        let source = &asset.source;
        let arch = spec.os.arch.as_str();
        if binary.architecture() != Some(arch) {
            let is = binary.architecture().unwrap_or("another machine");
            let rule = format!(
                "{} is a program for {is}, and the node is {arch}",
                source.value
            );
            let repair = "take the file for the node's machine, or say os.arch";
            self.report.add(source.spot.error(rule).repair(repair));
        }
        let kubelet = spec.paths.iter().find(|(name, _)| name == "kubelet");
        if kubelet.is_none_or(|(_, path)| path.text != asset.path.text) {
            return;
        }
        let wanted = &spec.kubernetes.value;
        if binary.versions.contains(wanted) {
            return;
        }
        let versions: Vec<String> = binary.versions.iter().map(ToString::to_string).collect();
        let finding = match versions.is_empty() {
            true => {
                let rule = format!("{} does not say which Kubernetes it is of", source.value);
                source.spot.warning(rule)
            }
            false => {
                let is = versions.join(" or ");
                let rule = format!(
                    "{} is of Kubernetes {is}, and the node's is {wanted}",
                    source.value
                );
                source.spot.error(rule)
            }
        };
        self.report
            .add(finding.repair("take that version's kubelet, or say the version that it has"));
    }

    /// `version` must stand in the file, whatever kind of file it is.
    fn check_version(&mut self, asset: &AssetSpec) -> Result<()> {
        let Some(version) = &asset.version else {
            return Ok(());
        };
        let path = self.project.join(&asset.source.value);
        let key = (asset.source.value.clone(), version.value.clone());
        let holds = match self.versions.get(&key) {
            Some(known) => *known,
            None => holds(&path, version.value.as_bytes())?,
        };
        let _ = self.versions.insert(key, holds);
        if !holds {
            let rule = format!("{} does not hold this version", asset.source.value);
            let repair = "take the file that was meant, or its version as `--version` prints it";
            self.report.add(version.spot.error(rule).repair(repair));
        }
        Ok(())
    }
}

/// Whether a text stands in a file.
fn holds(path: &Path, text: &[u8]) -> Result<bool> {
    let reading = || format!("reading {}", path.display());
    let mut file = BufReader::new(File::open(path).with_context(reading)?);
    let finder = memmem::Finder::new(text);
    let mut window = Vec::new();
    loop {
        let read = file.by_ref().take(1 << 16).read_to_end(&mut window);
        if read.with_context(reading)? == 0 {
            return Ok(false);
        }
        if finder.find(&window).is_some() {
            return Ok(true);
        }
        let kept = window.len().saturating_sub(text.len().saturating_sub(1));
        let _ = window.drain(..kept);
    }
}
