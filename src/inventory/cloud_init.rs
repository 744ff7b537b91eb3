//! `output.cloudInit`: where user-data goes, and how it is made to fit there.

use crate::inventory::cursor::Cursor;
use crate::inventory::output::assets;
use crate::inventory::target::target;
use crate::model::output::limits::Target;
use crate::model::output::{Assets, CloudInit};
use crate::model::{NodePath, Spanned};

/// Reads `cloudInit`; what is not said has the default. `has_url` says whether assets can be fetched.
pub fn read(at: &Cursor<'_>, has_url: bool) -> CloudInit {
    let mut settings = CloudInit::default();
    let policies = [
        ("inside", Assets::Inside),
        ("url", Assets::Url),
        ("iso", Assets::Iso),
    ];
    let Some(fields) = at.fields() else {
        return settings;
    };
    if let Some(target) = fields
        .optional("target")
        .and_then(|at| target(&at, &Target::NAMED, Target::Other))
    {
        settings.target = target;
    }
    settings.url = fields.optional("url").and_then(|at| at.parse(url));
    settings.seed_iso = fields
        .optional("seedISO")
        .and_then(|at| at.bool())
        .unwrap_or_default();
    settings.forget = fields
        .optional("forget")
        .and_then(|at| at.bool())
        .unwrap_or_default();
    settings.assets = assets(fields.optional("assets"), &policies, has_url);
    let mounts = fields.list("mounts");
    settings.mounts = mounts
        .iter()
        .filter_map(|at| at.parse(NodePath::parse))
        .collect();
    // Files of the project, read elsewhere.
    fields.allow(&["parts", "vendorData"]);
    fields.finish();
    settings
}

/// Reads `cloudInit.vendorData`: a file of the project.
pub fn vendor_data(output: Option<&Cursor<'_>>) -> Option<Spanned<String>> {
    let settings = output?.fields()?.optional("cloudInit")?.fields()?;
    settings.optional("vendorData")?.string_at()
}

/// From where a node fetches. Plain http will do: what is fetched holds no secret, and its digest is known.
fn url(text: &str) -> Result<String, &'static str> {
    match plain_url(text)?.contains("{node}") {
        true => Ok(text.to_owned()),
        false => Err("must hold {node}, or all nodes would fetch the same files"),
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
            Err("is no URL")
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
