//! Archives of images, and OCI layouts that are made such: as files like any asset, and which images they hold.

use anyhow::Context;

use crate::compile::class::{Compiler, FileBody, FileTemplate};
use crate::compile::images::{Image, images, pack};
use crate::compile::text::TemplateText;
use crate::error::Result;
use crate::inventory::{AssetSpec, Spec};
use crate::model::FieldLocation;
use crate::model::hex;
use crate::report::Id;

/// The images of a class.
#[derive(Default)]
pub struct PackedImages {
    /// What is in the archives.
    pub images: Vec<Image>,
    /// The list that the node imports by; empty where there are none.
    pub list: String,
    /// Where the first of them is asked for.
    pub location: Option<FieldLocation>,
}

impl Compiler<'_> {
    /// The archives of a class; their files are added to `files`.
    pub(super) fn images(
        &mut self,
        spec: &Spec,
        files: &mut Vec<FileTemplate>,
    ) -> Result<PackedImages> {
        let mut texts = PackedImages::default();
        for image in &spec.images {
            let source = &image.file.source;
            // What may not be read is told as of every asset.
            let piece = if self.project.is_folder(&source.value).unwrap_or(false) {
                self.layout(image)?
            } else {
                self.archive_of_images(image, spec)?
            };
            let Some(piece) = piece else {
                continue;
            };
            files.push(piece);
            match &self.archives[&source.value] {
                Ok(found) => {
                    texts
                        .location
                        .get_or_insert_with(|| image.path.location.clone());
                    for one in found {
                        texts.list += &one.line(&image.path.text);
                        texts.images.push(one.clone());
                    }
                }
                Err(rule) => {
                    let rule = format!("{} {rule}", source.value);
                    self.report
                        .add(source.location.finding(Id::ImageArchiveInvalid, rule));
                }
            }
        }
        Ok(texts)
    }

    /// An archive, and which images it holds.
    fn archive_of_images(
        &mut self,
        image: &AssetSpec,
        spec: &Spec,
    ) -> Result<Option<FileTemplate>> {
        let source = &image.file.source.value;
        let Some(piece) = self.asset(image, spec)? else {
            return Ok(None);
        };
        if !self.archives.contains_key(source) {
            let reading = || format!("reading {}", self.project.join(source).display());
            let file = self.project.open(source).with_context(reading)?;
            let found = images(file).with_context(reading)?;
            self.archives.insert(source.clone(), found);
        }
        Ok(Some(piece))
    }

    /// An OCI layout that is a folder, packed once however many classes have it.
    fn layout(&mut self, image: &AssetSpec) -> Result<Option<FileTemplate>> {
        let source = &image.file.source;
        if !self.layouts.contains_key(&source.value) {
            let mut keys = self.guarded.scan();
            let packed = pack(self.project, &source.value, &mut |piece| keys.push(piece))?;
            let private = keys.found();
            self.refuse_private(&source.location, private, None);
            if let Ok(layout) = &packed {
                self.archives
                    .insert(source.value.clone(), layout.images.clone());
            }
            self.layouts.insert(source.value.clone(), packed);
        }
        let layout = match &self.layouts[&source.value] {
            Ok(layout) => layout.clone(),
            Err(rules) => {
                for rule in rules {
                    let rule = format!("{} {rule}", source.value);
                    let repair =
                        "save the images again, whole: `skopeo copy --all … oci:FOLDER:NAME`";
                    self.report.add(
                        source
                            .location
                            .finding(Id::ImageArchiveInvalid, rule)
                            .help(repair),
                    );
                }
                return Ok(None);
            }
        };
        if layout.index != image.file.sha256.value {
            let is = hex(&layout.index);
            let rule = format!("{}/index.json hashes to {is}", source.value);
            let repair = "take the folder that was meant, or the digest of its index.json";
            self.report.add(
                image
                    .file
                    .sha256
                    .location
                    .finding(Id::AssetDigestMismatch, rule)
                    .help(repair),
            );
        }
        self.check_version(image, [&layout.archive])?;
        Ok(Some(FileTemplate {
            path: TemplateText::new(&image.path, &mut self.templates),
            body: FileBody::Shared(layout.archive),
            text: image.path.location.clone(),
            attributes: image.attributes.clone(),
            secret: false,
        }))
    }
}
