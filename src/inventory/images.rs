//! Container images that come with a node, and what must be there when it has no network.

use crate::inventory::cursor::Cursor;
use crate::inventory::files::{AssetSpec, Attributes, LargeFile};
use crate::inventory::keys::{keys, texts};
use crate::inventory::kinds::plain;
use crate::inventory::text::{Text, checked, made_of};
use crate::model::Spanned;

/// Where archives of images are on the node: their folder can be written on every kind of image.
pub const FOLDER: &str = "/var/lib/nodebake/images";

keys! {
    /// A node that must do without a network.
    #[derive(Clone, Debug)]
    pub struct Airgap: "airgap" {
        /// images of add-ons that must be there too
        "images" => images: Vec<Spanned<AnyImage>>,
    }

    pub struct ImageKeys: "imageArchive", by name: Spanned<ArchiveName>, as AssetSpec = image {
        first file: LargeFile,
        then attributes: Attributes,
    }
}

texts! {
    /// An archive of images on the node.
    ArchiveName or NameInvalid: String = archive_name, r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", ["pause.tar"];
    /// A container image that a node names.
    AnyImage: String = plain, "", ["registry.k8s.io/pause:3.10"];
}

/// An archive of the project, by the name that it gets on the node.
fn image(keys: ImageKeys, _: &Cursor<'_>) -> Option<AssetSpec> {
    Some(AssetSpec {
        path: Text {
            text: format!("{FOLDER}/{}", keys.name.value).into(),
            location: keys.name.location,
        },
        file: keys.file,
        unpack: None,
        attributes: Attributes {
            mode: keys.attributes.mode.or(Some(0o644)),
            ..keys.attributes
        },
    })
}

fn archive_name(name: &str) -> Result<String, String> {
    let good = made_of(name, "._-") && !name.starts_with('.');
    checked(name, good, || {
        format!("must be a file name (for example pause.tar); got {name:?}")
    })
}
