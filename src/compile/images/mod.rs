//! Archives of container images: which images they hold, by the names that containerd gives them.

mod closure;
mod layout;
mod name;

use std::fs::File;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Result;

pub use closure::{Outside, check, outside};
pub use layout::{Layout, pack};
pub use name::Name;

/// The list that [`SCRIPT`] reads: archive, image and, where its digest is known, the image by digest; divided by tabs.
pub const LIST: &str = "/etc/nodebake/images.list";
/// The program that imports them.
pub const SCRIPT: &str = "/etc/nodebake/import-images";
/// Its unit.
pub const UNIT: &str = "nodebake-images.service";
/// The program's text.
pub const SCRIPT_TEXT: &str = include_str!("import.sh");
/// The unit's text.
pub const UNIT_TEXT: &str = include_str!("import.service");

/// The longest index or manifest that is read.
const DOCUMENT: u64 = 4 << 20;

/// An image of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What containerd calls it.
    pub name: Name,
    /// The digest of its manifest, which an OCI layout says.
    pub digest: Option<String>,
}

impl Image {
    /// A line of [`LIST`].
    pub fn line(&self, archive: &str) -> String {
        let mut line = format!("{archive}\t{}", self.name);
        if let Some(digest) = &self.digest {
            let Name {
                registry,
                repository,
                ..
            } = &self.name;
            line += &format!("\t{registry}/{repository}@{digest}");
        }
        line + "\n"
    }
}

/// `manifest.json` of a docker-archive.
#[derive(Deserialize)]
struct DockerImage {
    #[serde(rename = "RepoTags")]
    tags: Option<Vec<String>>,
}

/// The images of an archive (OCI layout or docker-archive, not compressed); the inner error is the rule that it breaks.
pub fn images(file: File) -> Result<std::result::Result<Vec<Image>, String>> {
    let mut archive = tar::Archive::new(file);
    let mut index = None;
    let mut manifest = None;
    let entries = archive.entries_with_seek()?;
    for entry in entries {
        let Ok(mut entry) = entry else {
            return Ok(Err(
                "is not a tar archive, or is compressed: unpack it first".into(),
            ));
        };
        let name = entry.path_bytes().into_owned();
        let kept = match name.strip_prefix(b"./").unwrap_or(&name) {
            b"index.json" => &mut index,
            b"manifest.json" => &mut manifest,
            _ => continue,
        };
        let mut text = Vec::new();
        (&mut entry).take(DOCUMENT).read_to_end(&mut text)?;
        *kept = Some(text);
    }
    // containerd looks for an OCI layout first (archive.ImportIndex), and docker writes both since its version 25.
    Ok(match (index, manifest) {
        (Some(index), _) => of_index(&index),
        (None, Some(manifest)) => of_docker(&manifest),
        (None, None) => Err("holds no image: neither index.json nor manifest.json is in it".into()),
    })
}

fn of_docker(text: &[u8]) -> std::result::Result<Vec<Image>, String> {
    let list: Vec<DockerImage> = serde_json::from_slice(text)
        .map_err(|_| "has a manifest.json that docker did not write".to_owned())?;
    let tags = list
        .into_iter()
        .flat_map(|image| image.tags.unwrap_or_default());
    let image = |tag: String| {
        Ok(Image {
            name: named(&tag)?,
            digest: None,
        })
    };
    let images: Vec<Image> = tags
        .map(image)
        .collect::<std::result::Result<_, String>>()?;
    if images.is_empty() {
        Err("holds images without a name: save them by name, not by id".into())
    } else {
        Ok(images)
    }
}

/// An OCI layout's images, by the names that `ctr images import` gives them.
fn of_index(text: &[u8]) -> std::result::Result<Vec<Image>, String> {
    let index: Value = serde_json::from_slice(text)
        .map_err(|_| "has an index.json that is not JSON".to_owned())?;
    let manifests = index["manifests"].as_array();
    let manifests = manifests.map_or(&[][..], Vec::as_slice);
    if manifests.is_empty() {
        return Err("holds no image".into());
    }
    let image = |manifest: &Value| {
        Ok(Image {
            name: whole(layout_name(&manifest["annotations"])?)?,
            digest: manifest["digest"].as_str().map(digest).transpose()?,
        })
    };
    manifests.iter().map(image).collect()
}

/// containerd's own annotation, else the standard one, which skopeo writes: that is a whole name only where it has one of
/// these characters, and gets the day of the import before it otherwise.
fn layout_name(annotations: &Value) -> std::result::Result<&str, String> {
    let said = annotations["io.containerd.image.name"].as_str();
    let standard = annotations["org.opencontainers.image.ref.name"].as_str();
    let standard = standard.filter(|name| name.contains(['/', ':', '@']));
    said.or(standard).ok_or_else(|| {
        "has an image without a whole name, which containerd would give a name of its own; save it with docker, nerdctl, \
         ctr, or `skopeo copy … oci-archive:FILE:NAME`"
            .to_owned()
    })
}

/// Of a layout containerd takes names as they are, and the kubelet asks for whole ones.
fn whole(text: &str) -> std::result::Result<Name, String> {
    let name = named(text)?;
    if name.to_string() == text {
        Ok(name)
    } else {
        Err(format!(
            "has the image {text}, which the kubelet would look for as {name}: save it by that name"
        ))
    }
}

/// A digest of the kind that everybody makes (OCI image specification, "Digests").
fn digest(text: &str) -> std::result::Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    let is_digest = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "has an image with the digest {text:?}, which is none"
        ))
    }
}

/// A name that fits in a line of [`LIST`].
fn named(text: &str) -> std::result::Result<Name, String> {
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Err(format!(
            "has an image with the name {text:?}, which is none"
        ))
    } else {
        Ok(Name::of(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(annotations: &str) -> std::result::Result<String, String> {
        let index = format!("{{\"manifests\": [{{\"annotations\": {{{annotations}}}}}]}}");
        let images = of_index(index.as_bytes())?;
        Ok(images[0].name.to_string())
    }

    #[test]
    fn layouts_name_images_in_two_ways() {
        let own = r#""io.containerd.image.name": "r.io/a:1""#;
        let standard = r#""org.opencontainers.image.ref.name": "r.io/b:2""#;
        assert_eq!(names(own).as_deref(), Ok("r.io/a:1"));
        assert_eq!(names(standard).as_deref(), Ok("r.io/b:2"));
        assert_eq!(
            names(&format!("{own}, {standard}")).as_deref(),
            Ok("r.io/a:1")
        );
        for bad in [
            "",
            r#""org.opencontainers.image.ref.name": "2""#,
            r#""io.containerd.image.name": "busybox:1""#,
            r#""io.containerd.image.name": "r.io/a:1\tx""#,
        ] {
            assert!(names(bad).is_err(), "{bad}");
        }
    }
}
