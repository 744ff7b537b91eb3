//! `output.ignition`: how a node's Ignition configuration is written, and what it merges.

use crate::inventory::cursor::Cursor;
use crate::inventory::output::assets;
use crate::inventory::target::target;
use crate::model::Spanned;
use crate::model::output::limits::Target;
use crate::model::output::{
    Assets, Format, IgnitionDigest, IgnitionSettings, IgnitionTarget, Secrets,
};

/// Reads `ignition`; what is not said has the default. `secrets` says where a node's secrets go, `has_url` whether assets
/// can be fetched.
pub fn read(at: &Cursor<'_>, secrets: Secrets, has_url: bool) -> IgnitionSettings {
    let mut settings = IgnitionSettings::default();
    let policies = [("inside", Assets::Inside), ("url", Assets::Url)];
    let Some(fields) = at.fields() else {
        return settings;
    };
    settings.spec = fields.optional("spec").and_then(|at| at.parse(str::parse));
    let digests = [
        ("sha512", IgnitionDigest::Sha512),
        ("sha256", IgnitionDigest::Sha256),
        ("none", IgnitionDigest::None),
    ];
    if let Some(digest) = fields.optional("digest").and_then(|at| at.choice(&digests)) {
        settings.digest = digest;
    }
    settings.target = fields.optional("target").and_then(|at| {
        let platforms = IgnitionTarget::platforms();
        target(&at, &platforms, |limit| {
            IgnitionTarget::Platform(Target::Other(limit))
        })
    });
    settings.assets = assets(fields.optional("assets"), &policies, has_url);
    fields.allow(&["merge"]);
    if let Some(at) = fields.optional("url") {
        let open = secrets.apart(Format::Ignition);
        settings.body_url = at.parse(|text| node_url(text, open));
    }
    if let Some(at) = fields.optional("secretsURL") {
        settings.secrets_url = at.parse(|text| node_url(text, false));
        if !secrets.apart(Format::Ignition) {
            at.add(
                at.location()
                    .error("no secrets are fetched: they are inside the payload")
                    .repair("set output.secrets to separate, or take the URL away (null)"),
            );
        }
    }
    fields.finish();
    settings
}

/// A file of the user's that becomes a part of the nodes' own: an Ignition configuration, a part of user-data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeSpec {
    /// Its path in the project.
    pub source: Spanned<String>,
    /// Whether it holds a secret.
    pub secret: bool,
}

/// Reads a list like `output.ignition.merge`: paths, or maps with `source` and `secret`.
pub fn merges(output: Option<&Cursor<'_>>, [format, key]: [&'static str; 2]) -> Vec<MergeSpec> {
    let settings = output
        .and_then(|at| at.fields())
        .and_then(|fields| fields.optional(format))
        .and_then(|at| at.fields());
    let list = settings.map(|fields| fields.list(key));
    let read = |at: &Cursor<'_>| {
        if at.located().as_map().is_none() {
            return Some(MergeSpec {
                source: at.string_at()?,
                secret: false,
            });
        }
        let fields = at.fields()?;
        let source = fields.required("source").and_then(|at| at.string_at());
        let secret = fields.optional("secret").and_then(|at| at.bool());
        fields.finish();
        Some(MergeSpec {
            source: source?,
            secret: secret.unwrap_or(false),
        })
    };
    list.unwrap_or_default().iter().filter_map(read).collect()
}

/// Where Ignition fetches a part of a node from. It would take secrets over plain http too, where everybody on the way
/// reads them; what holds none may come in the `open`, since its digest is checked.
fn node_url(text: &str, open: bool) -> Result<String, &'static str> {
    let schemes: &[&str] = match open {
        true => &["https://", "s3://", "gs://", "http://", "tftp://"],
        false => &["https://", "s3://", "gs://"],
    };
    let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err(match open {
            true => "must begin with https://, http://, s3://, gs:// or tftp://",
            false => {
                "must begin with https://, s3:// or gs://: by plain http the secrets would travel in the clear"
            }
        });
    };
    if rest.starts_with('/')
        || rest.is_empty()
        || rest.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err("is no URL");
    }
    match rest.contains("{node}") {
        true => Ok(text.to_owned()),
        false => Err("must hold {node}, or all nodes would fetch the same"),
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
