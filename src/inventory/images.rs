//! Container images that come with a node, and what must be there when it has no network.

use std::sync::Arc;

use crate::inventory::cursor::Cursor;
use crate::inventory::files::{AssetSpec, Attributes, large_file};
use crate::inventory::spec::Text;
use crate::model::{FieldLocation, Spanned};

/// Where archives of images lie on the node: their folder can be written on every kind of image.
pub const FOLDER: &str = "/var/lib/nodebake/images";

/// A node that must do without a network.
#[derive(Clone, Debug)]
pub struct Airgap {
    /// Images that nothing else names: those of add-ons.
    pub images: Vec<Spanned<String>>,
    /// Where it is asked for.
    pub location: FieldLocation,
}

/// Reads one entry of `images`: an archive of the project, by the name that it gets on the node.
pub fn image(name: &Arc<str>, at: &Cursor<'_>) -> Option<AssetSpec> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
        at.key_error(format!("{name:?} is no file name like pause.tar"));
        return None;
    }
    let fields = at.fields()?;
    let image = large_file(name, at, &fields);
    fields.finish();
    let image = image?;
    Some(AssetSpec {
        path: Text {
            text: format!("{FOLDER}/{name}").into(),
            location: at.key_location(),
        },
        attributes: Attributes {
            mode: image.attributes.mode.or(Some(0o644)),
            ..image.attributes
        },
        ..image
    })
}

/// Reads `airgap`: true, or a map with images of add-ons.
pub fn airgap(at: &Cursor<'_>) -> Option<Airgap> {
    let location = at.location();
    if at.located().as_map().is_none() {
        let images = Vec::new();
        return at.bool()?.then_some(Airgap { images, location });
    }
    let fields = at.fields()?;
    let images = fields.list("images");
    let images = images.iter().filter_map(|item| item.string_at()).collect();
    fields.finish();
    Some(Airgap { images, location })
}
