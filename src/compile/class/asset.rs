//! Assets: measured once however many nodes have them, and held against what is known of the node.

use std::sync::Arc;

use memchr::memmem;

use crate::compile::binary::{Binary, BinaryScan};
use crate::compile::class::archive::of_archive;
use crate::compile::class::{Compiler, FileBody, FileTemplate};
use crate::compile::text::TemplateText;
use crate::error::Result;
use crate::input;
use crate::inventory::{AssetSpec, Spec};
use crate::io::Watched;
use crate::model::hex;
use crate::plan::containerd_misfit;
use crate::report::Id;
use crate::tree::{Asset, Content};

/// A file of the project that was read once.
#[derive(Clone)]
pub struct Measured {
    /// Its bytes.
    pub content: Content,
    /// What it says of itself, if it is a program.
    binary: Option<Binary>,
}

impl Compiler<'_> {
    /// One asset of a class.
    pub(super) fn asset(&mut self, asset: &AssetSpec, spec: &Spec) -> Result<Option<FileTemplate>> {
        let Some(measured) = self.measured(asset)? else {
            return Ok(None);
        };
        let content = measured.content;
        self.is_right(asset, &content);
        if let Some(binary) = &measured.binary {
            self.check_program(asset, &asset.path.text, binary, spec);
        }
        self.check_version(asset, [&content])?;
        Ok(Some(FileTemplate {
            path: TemplateText::new(&asset.path, &mut self.templates),
            body: FileBody::Shared(content),
            text: asset.text_location(),
            attributes: asset.attributes.clone(),
            secret: false,
        }))
    }

    /// Whether it is what the inventory says; else there is a finding.
    pub(super) fn is_right(&mut self, asset: &AssetSpec, content: &Content) -> bool {
        let is = content.sha256();
        if is == asset.file.sha256.value {
            return true;
        }
        let rule = format!("{} hashes to {}", asset.file.source.value, hex(&is));
        let repair = "take the file that was meant, or its digest";
        self.report.add(
            asset
                .file
                .sha256
                .location
                .finding(Id::AssetDigestMismatch, rule)
                .help(repair),
        );
        false
    }

    pub(super) fn measured(&mut self, asset: &AssetSpec) -> Result<Option<Measured>> {
        if let Some(known) = self.assets.get(&asset.file.source.value) {
            return Ok(known.clone());
        }
        let found = self.project.find(&asset.file.source.value);
        let whole = found
            .as_ref()
            .ok()
            .and_then(|found| self.guarded.file(found.metadata()));
        let measured = match found.and_then(|found| found.open_asset()) {
            Err(error) if input::is_folder(&error) => {
                let rule = format!(
                    "{} is a folder, and an asset is a file",
                    asset.file.source.value
                );
                let repair = "name its files one by one, or pack it and say `unpack: true`";
                self.report.add(
                    asset
                        .file
                        .source
                        .location
                        .finding(Id::AssetInvalid, rule)
                        .help(repair),
                );
                None
            }
            Ok(file) => {
                let path = self.project.join(&asset.file.source.value);
                let mut keys = self.guarded.scan();
                let mut program = BinaryScan::default();
                let version = asset
                    .file
                    .version
                    .as_ref()
                    .filter(|_| asset.unpack.is_none());
                let mut search = version.map(|version| Search::new(version.value.as_bytes()));
                let content = Asset::measure_and(file, &path, |piece| {
                    keys.push(piece);
                    program.push(piece);
                    if let Some(search) = &mut search {
                        search.push(piece);
                    }
                })?;
                if let (Some(version), Some(search)) = (version, search) {
                    let key = (asset.file.source.value.clone(), None, version.value.clone());
                    self.versions.insert(key, search.found);
                }
                self.refuse_private(&asset.file.source.location, whole.or(keys.found()), None);
                Some(Measured {
                    content: Content::Asset(Arc::new(content)),
                    binary: program.finish(),
                })
            }
            Err(error) => {
                self.refuse(&asset.file.source, error)?;
                None
            }
        };
        self.assets
            .insert(asset.file.source.value.clone(), measured.clone());
        Ok(measured)
    }

    /// A program for another machine, or a kubelet of another version, is found on the node's first start otherwise.
    pub(super) fn check_program(
        &mut self,
        asset: &AssetSpec,
        path: &str,
        binary: &Binary,
        spec: &Spec,
    ) {
        let source = &asset.file.source;
        let arch = spec.os.arch.as_str();
        if binary.architecture() != Some(arch) {
            let is = binary.architecture().unwrap_or("another machine");
            let rule = format!(
                "{} is a program for {is}, and the node is {arch}",
                source.value
            );
            let repair = "take the file for the node's machine, or say os.arch";
            self.report.add(
                source
                    .location
                    .finding(Id::AssetForOtherMachine, rule)
                    .help(repair),
            );
        }
        if path.ends_with("/containerd") {
            self.check_containerd(asset, binary, spec);
        }
        let kubelet = spec.paths.iter().find(|(name, _)| name == "kubelet");
        let is_set = kubelet.is_some_and(|(_, kubelet)| *kubelet.text == *path);
        // Wherever it is, the unit starts it.
        if !is_set && !path.ends_with("/kubelet") {
            return;
        }
        let wanted = &spec.kubernetes.value;
        if binary.versions.contains(wanted) {
            return;
        }
        let versions: Vec<String> = binary.versions.iter().map(ToString::to_string).collect();
        let finding = if versions.is_empty() {
            let rule = format!("{} does not say which Kubernetes it is of", source.value);
            source.location.finding(Id::AssetVersionUnknown, rule)
        } else {
            let is = versions.join(" or ");
            let rule = format!(
                "{} is of Kubernetes {is}, and the node's is {wanted}",
                source.value
            );
            source.location.finding(Id::AssetVersionMismatch, rule)
        };
        self.report
            .add(finding.help("take that version's kubelet, or say the version that it has"));
    }

    /// A containerd of another release than the inventory's reads its configuration otherwise. Where the inventory says nothing, the
    /// program's own release counts.
    fn check_containerd(&mut self, asset: &AssetSpec, binary: &Binary, spec: &Spec) {
        let [release] = binary.releases.iter().copied().collect::<Vec<_>>()[..] else {
            return;
        };
        let source = &asset.file.source;
        let (major, minor) = release;
        let Some(version) = &spec.containerd.version else {
            self.containerd = Some(release);
            if let Some((rule, repair)) = containerd_misfit(spec, release) {
                let finding = source
                    .location
                    .finding(Id::ContainerdVersionUnsupported, rule);
                self.report.add(finding.help(repair));
            }
            return;
        };
        if version.value != release {
            let (wanted, of_wanted) = version.value;
            let rule = format!(
                "{} is containerd {major}.{minor}, and containerd.version is {wanted}.{of_wanted}",
                source.value
            );
            let finding = source.location.finding(Id::AssetVersionMismatch, rule);
            self.report.add(finding.help(format!(
                "take the release that was meant, or set containerd.version to \"{major}.{minor}\""
            )));
        }
    }

    /// `version` must be in the file, or in one of those that an archive holds, whatever kind of file it is.
    pub(super) fn check_version<'c>(
        &mut self,
        asset: &AssetSpec,
        contents: impl IntoIterator<Item = &'c Content>,
    ) -> Result<()> {
        let Some(version) = &asset.file.version else {
            return Ok(());
        };
        let taken = asset.unpack.as_ref().map(|how| of_archive(asset, how));
        let key = (
            asset.file.source.value.clone(),
            taken,
            version.value.clone(),
        );
        let holds = match self.versions.get(&key) {
            Some(known) => *known,
            None => {
                let mut search = Search::new(version.value.as_bytes());
                for content in contents {
                    search.window.clear();
                    content.copy_to(&mut Watched::only(|piece: &[u8]| search.push(piece)))?;
                }
                search.found
            }
        };
        self.versions.insert(key, holds);
        if !holds {
            let rule = format!("{} does not hold this version", asset.file.source.value);
            let repair = "take the file that was meant, or its version as `--version` prints it";
            self.report.add(
                version
                    .location
                    .finding(Id::AssetVersionMismatch, rule)
                    .help(repair),
            );
        }
        Ok(())
    }
}

/// Looks for a text in what is written to it.
struct Search<'t> {
    finder: memmem::Finder<'t>,
    window: Vec<u8>,
    found: bool,
}

impl<'t> Search<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self {
            finder: memmem::Finder::new(text),
            window: Vec::new(),
            found: false,
        }
    }

    /// The next piece.
    fn push(&mut self, piece: &[u8]) {
        if !self.found {
            // The text may cross the border of two pieces.
            let kept = self.finder.needle().len().saturating_sub(1);
            let old = self.window.len().saturating_sub(kept);
            drop(self.window.drain(..old));
            self.window.extend_from_slice(piece);
            self.found = self.finder.find(&self.window).is_some();
        }
    }
}
