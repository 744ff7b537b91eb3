//! `output.cloudInit`: where user-data goes, and how it is made to fit there.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Shaped, keys, texts};
use crate::inventory::output::{CloudAssets, CloudTarget};
use crate::inventory::shape::Shape;
use crate::inventory::text::{PathOnNode, ProjectFile, checked};
use crate::model::Spanned;
use crate::model::output::{CloudInit, PartSpec};

keys! {
    for CloudInit: "cloudInit" {
        /// where user-data goes: it is made to fit there
        "target" => target: CloudTarget = "nocloud",
        /// from where a node fetches what does not fit, with {node}
        "url" => url: Option<BodyUrl>,
        /// whether seed.iso is made of the documents
        "seedISO" => seed_iso: bool = false,
        /// whether user-data is removed from the node when it is set up
        "forget" => forget: bool = false,
        /// where large files are; without it: fetched where assetsURL is set
        "assets" => assets: CloudAssets,
        /// folders on disks that parts of yours let cloud-init mount
        "mounts" => mounts: Vec<PathOnNode>,
        /// parts of yours for user-data
        "parts" => parts: Vec<Part>,
        /// a file of the project that becomes vendor-data
        "vendorData" => vendor_data: Option<Spanned<ProjectFile>>,
    }

    for PartSpec: "userDataPart" {
        /// a file of the project
        "source" => source: Spanned<ProjectFile>,
        /// its MIME type; without it that follows from how the file begins
        "type" => kind: Option<PartType>,
        /// whether it holds a secret
        "secret" => secret: bool = false,
    }
}

texts! {
    /// From where user-data is fetched.
    BodyUrl or UrlInvalid: String = url, r"^https?://.*\{node\}", ["https://boot.example.com/{node}.tar.gz"];
    /// The type of a part.
    PartType or UserDataPartInvalid: String = part_type, r"^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$",
        ["text/x-shellscript-per-boot"];
}

/// A part is written as its path, or as a map with one.
pub enum Part {}

impl Shaped for Part {
    type Value = PartSpec;
    const SHAPE: Shape = Shape::Either(&[ProjectFile::SHAPE, PartSpec::SHAPE]);

    fn read(at: &Cursor<'_>) -> Option<PartSpec> {
        match at.located().as_map() {
            Some(_) => PartSpec::read(at),
            None => Spanned::<ProjectFile>::read(at).map(|source| PartSpec {
                source,
                kind: None,
                secret: false,
            }),
        }
    }
}

/// A media type without parameters (RFC 6838, section 4.2), in lower case as readers compare it. One that holds others is none:
/// cloud-init would read what is in it.
fn part_type(text: &str) -> Result<String, String> {
    const MOST: usize = 127;
    let is_name = |name: &str| {
        let rest = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c);
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(rest)
            && name.len() <= MOST
    };
    let lower = text.to_ascii_lowercase();
    let good = lower.split_once('/').is_some_and(|(kind, rest)| {
        is_name(kind) && is_name(rest) && !["multipart", "message"].contains(&kind)
    });
    checked(&lower, good, || {
        format!(
            "must be a MIME type of one part (for example text/x-shellscript-per-boot); got {text:?}"
        )
    })
}

/// From where a node fetches. Plain http will do: what is fetched holds no secret, and its digest is known.
fn url(text: &str) -> Result<String, &'static str> {
    if plain_url(text)?.contains("{node}") {
        Ok(text.to_owned())
    } else {
        Err("must hold {node}, or all nodes would fetch the same files")
    }
}

/// A URL that a shell and YAML take as it is.
pub(super) fn plain_url(text: &str) -> Result<&str, &'static str> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"'`\\<>^|".contains(c);
    match rest {
        None => Err("must begin with https:// or http://"),
        Some(rest) if rest.is_empty() || rest.starts_with('/') || !rest.chars().all(is_plain) => {
            Err("must be a URL")
        }
        Some(_) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_fetches_its_own_files() {
        for good in ["https://a/{node}.tar.gz", "http://a:8080/x?n={node}&b"] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        for bad in [
            "ftp://a/{node}",
            "https://a/body",
            "https:///{node}",
            "https://a/{node} b",
            "https://a/{node}\"",
            "{node}",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
