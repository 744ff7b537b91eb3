//! Archives of images: as files like any asset, and which images they hold.

use crate::error::Result;
use crate::inventory::{Spec, Spot};
use crate::node::images::{Image, images};
use crate::node::recipe::{FilePiece, Preparation};

/// The images of a class.
#[derive(Default)]
pub struct ImagePieces {
    /// What is in the archives.
    pub images: Vec<Image>,
    /// The list that the node imports by; empty where there are none.
    pub list: String,
    /// Where the first of them is asked for.
    pub spot: Option<Spot>,
}

impl Preparation<'_> {
    /// The archives of a class; their files are added to `files`.
    pub(super) fn images(
        &mut self,
        spec: &Spec,
        files: &mut Vec<FilePiece>,
    ) -> Result<ImagePieces> {
        let mut pieces = ImagePieces::default();
        for image in &spec.images {
            let source = &image.source;
            if self.project.join(&source.value).is_dir() {
                let rule = format!(
                    "{} is a folder, and containerd imports archives",
                    source.value
                );
                let repair = format!("pack an OCI layout: tar -C {0} -cf {0}.tar .", source.value);
                self.report.add(source.spot.error(rule).repair(repair));
                continue;
            }
            let Some(piece) = self.asset(image, spec)? else {
                continue;
            };
            files.push(piece);
            if !self.archives.contains_key(&source.value) {
                let found = images(&self.project.join(&source.value))?;
                let _ = self.archives.insert(source.value.clone(), found);
            }
            match &self.archives[&source.value] {
                Ok(found) => {
                    let _ = pieces.spot.get_or_insert_with(|| image.path.spot.clone());
                    for one in found {
                        pieces.list += &format!("{}\t{}\n", image.path.text, one.name);
                        pieces.images.push(one.clone());
                    }
                }
                Err(rule) => {
                    let rule = format!("{} {rule}", source.value);
                    self.report.add(source.spot.error(rule));
                }
            }
        }
        Ok(pieces)
    }
}
