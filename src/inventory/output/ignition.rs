//! `output.ignition`: how a node's Ignition configuration is written, and what it merges.

use crate::inventory::keys::{by_name, keys, texts};
use crate::inventory::output::{FetchedAssets, IgnitionPlatform, Merge};
use crate::model::output::{IgnitionDigest, IgnitionSettings, IgnitionSpec};

keys! {
    for IgnitionSettings: "ignition" {
        /// the specification; by default the lowest that supports what the node needs
        "spec" => spec: Option<SpecVersion>,
        /// the digest beside each content
        "digest" => digest: IgnitionDigest = "sha512",
        /// where config.ign goes: it must be no larger than that takes
        "target" => target: Option<IgnitionPlatform>,
        /// where large files are; without it: fetched where assetsURL is set
        "assets" => assets: FetchedAssets,
        /// configurations of yours that are merged
        "merge" => merges: Vec<Merge>,
        /// from where config.body.ign is fetched, with {node}: config.ign is small then
        "url" => body_url: Option<ConfigUrl>,
        /// from where the secret payload is fetched, with {node}
        "secretsURL" => secrets_url: Option<SecretConfigUrl>,
    }
}

texts! {
    /// A specification of Ignition.
    SpecVersion or VersionInvalid: IgnitionSpec = str::parse, r"^3\.\+?0*[0-6]\.0$", ["3.3.0"];
    /// From where a configuration is fetched; whether it may come in the open depends on what is in it.
    ConfigUrl or UrlInvalid: String = |text| node_url(text, true),
        r"^(https?|s3|gs|tftp)://.*\{node\}", ["https://boot.example.com/{node}/config.body.ign"];
    /// From where the secret payload of a configuration is fetched.
    SecretConfigUrl or UrlInvalid: String = |text| node_url(text, false),
        r"^(https|s3|gs)://.*\{node\}", ["https://boot.example.com/{node}/config.secrets.ign"];
}

by_name!(IgnitionDigest);

/// Where Ignition fetches a part of a node from. It would take secrets over plain http too, where everybody on the way
/// reads them; what holds none may come in the `open`, since its digest is checked.
pub(super) fn node_url(text: &str, open: bool) -> Result<String, &'static str> {
    let schemes: &[&str] = if open {
        &["https://", "s3://", "gs://", "http://", "tftp://"]
    } else {
        &["https://", "s3://", "gs://"]
    };
    let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err(if open {
            "must begin with https://, http://, s3://, gs:// or tftp://"
        } else {
            "must begin with https://, s3:// or gs://: by plain http the secrets would travel in the clear"
        });
    };
    if rest.starts_with('/')
        || rest.is_empty()
        || rest.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err("must be a URL");
    }
    if rest.contains("{node}") {
        Ok(text.to_owned())
    } else {
        Err("must hold {node}, or all nodes would fetch the same")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_secret_may_be_fetched_in_the_open() {
        for good in ["http://a/{node}.ign", "tftp://a/{node}"] {
            assert_eq!(node_url(good, true).as_deref(), Ok(good));
        }
        for bad in ["data:,{node}", "file:///{node}", "http://a/config.ign"] {
            assert!(node_url(bad, true).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_fetched_by_no_open_way() {
        for good in [
            "https://a/{node}.ign",
            "s3://bucket/{node}",
            "gs://b/{node}",
        ] {
            assert_eq!(node_url(good, false).as_deref(), Ok(good));
            assert_eq!(node_url(good, true).as_deref(), Ok(good));
        }
        for bad in [
            "http://a/{node}",
            "tftp://a/{node}",
            "data:,{node}",
            "HTTPS://a/{node}",
            "https:///{node}",
            "https://a/b c{node}",
            "https://a/config.ign",
            "{node}",
        ] {
            assert!(node_url(bad, false).is_err(), "{bad}");
        }
    }
}
