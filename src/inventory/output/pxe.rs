//! `output.pxe`: what machines boot over the network.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{by_name, choices, keys, texts};
use crate::inventory::kinds::{OneOrMore, OrDefault};
use crate::inventory::text::checked;
use crate::model::Spanned;
use crate::model::output::Pxe;
use crate::model::output::pxe::{BaseSource, Loader};
use crate::report::Id;

keys! {
    for Pxe: "pxe", as Pxe = pxe {
        /// where the bundle's folders boot and shared are served
        "url" => url: OrDefault<ServedUrl, true>,
        /// the kernel: a URL, or a file of the project
        "kernel" => kernel: OrDefault<BootFile, true>,
        /// the base initrd, or several: URLs, or files of the project
        "initrd" => initrds: OrDefault<OneOrMore<BootFile>, true>,
        /// words of the kernel's command line, after those that are needed
        "arguments" => arguments: Vec<KernelArgument>,
        /// boot loaders that scripts are written for; without it all that know the URLs' schemes
        "loaders" => loaders: Vec<Spanned<Loader>>,
        /// from where the secret payload comes, with {node}; by https
        "secretsURL" => secrets_url: Option<SecretsUrl>,
        /// that the secret payload comes another way
        "secrets" => secrets_elsewhere: OrDefault<Elsewhere>,
    }
}

texts! {
    /// Where a boot loader fetches from.
    ServedUrl or UrlInvalid: String = served, r"^(https?|tftp)://[^/?{]", ["https://boot.example.com/prod"];
    /// A kernel or initrd.
    BootFile or UrlInvalid: BaseSource = source, r"^[A-Za-z0-9._~-]", ["files/vmlinuz"];
    /// An argument of the kernel.
    KernelArgument or KernelArgumentInvalid: String = word, r"^\S+$", ["mitigations=auto"];
    /// From where secrets are fetched at boot.
    SecretsUrl or UrlInvalid: String = secrets_url, r"^https://.*\{node\}", ["https://boot.example.com/{node}/secrets"];
}

by_name!(Loader);

choices! {
    /// The word of `secrets`.
    Elsewhere: bool = [("elsewhere", true)];
}

fn pxe(mut pxe: Pxe, at: &Cursor<'_>) -> Option<Pxe> {
    pxe.loaders = loaders(&pxe, at);
    if let (Some(secrets), true) = (at.find(&["secrets"]), pxe.secrets_url.is_some()) {
        secrets.report(Id::FieldsExclusive, "secretsURL says where they come from");
    }
    let whole = !pxe.url.is_empty() && pxe.kernel != BaseSource::default();
    whole.then_some(pxe)
}

fn needs_https(pxe: &Pxe) -> bool {
    let sources = pxe.initrds.iter().chain([&pxe.kernel]);
    let urls = sources.filter_map(|source| match source {
        BaseSource::Url(url) => Some(url),
        BaseSource::File(_) => None,
    });
    let urls = urls.chain([&pxe.url]).chain(&pxe.secrets_url);
    urls.into_iter().any(|url| url.starts_with("https://"))
}

/// Without a word, scripts for all loaders that can fetch what there is to fetch.
fn loaders(pxe: &Pxe, at: &Cursor<'_>) -> Vec<Spanned<Loader>> {
    let https = needs_https(pxe);
    let Some(written) = at.find(&["loaders"]) else {
        let all = Loader::ALL.iter().map(|loader| Spanned {
            value: *loader,
            location: at.location(),
        });
        return all
            .filter(|loader| !https || loader.value.knows_https())
            .collect();
    };
    let mut loaders: Vec<Spanned<Loader>> = Vec::new();
    for loader in &pxe.loaders {
        if https && !loader.value.knows_https() {
            let rule = "knows no https, and that is in one of the URLs beside it";
            let repair = "leave it out, or let secrets come from elsewhere and the rest by http";
            at.add(
                loader
                    .location
                    .finding(Id::PxeLoaderUnfit, rule)
                    .help(repair),
            );
        }
        if !loaders.iter().any(|known| known.value == loader.value) {
            loaders.push(loader.clone());
        }
    }
    if written.is_empty_list() {
        written.report(Id::ListEmpty, "names no loader");
    }
    loaders
}

/// Characters that a URL or path may have so that every loader takes it as it is: no space or comma divides it, nothing
/// quotes, nothing is replaced.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?&=+%@[]".contains(c)
}

fn served(text: &str) -> Result<String, String> {
    let url = url(text)?;
    if url.contains(['?', '{']) {
        Err("is the same for all nodes, and has no query".to_owned())
    } else {
        Ok(url.trim_end_matches('/').to_owned())
    }
}

fn url(text: &str) -> Result<String, String> {
    let rest = ["http://", "https://", "tftp://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        None => Err("must begin with http://, https:// or tftp://".to_owned()),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Err("has no host".to_owned()),
        Some(rest) if !rest.replace("{node}", "").chars().all(is_plain) => {
            Err("has characters that some boot loader does not take as they are".to_owned())
        }
        Some(_) => Ok(text.to_owned()),
    }
}

/// A URL, or a file of the project.
fn source(text: &str) -> Result<BaseSource, String> {
    if text.contains("://") {
        return url(text).map(BaseSource::Url);
    }
    let inside = |part: &str| !part.is_empty() && part != "." && part != "..";
    if text.split('/').all(inside) && text.chars().all(|c| is_plain(c) && !"?&=%@[]:".contains(c)) {
        Ok(BaseSource::File(text.to_owned()))
    } else {
        Err("is neither a URL nor the plain path of a file in the project".to_owned())
    }
}

/// Over http or tftp the secrets would travel in the clear.
fn secrets_url(text: &str) -> Result<String, String> {
    if !text.starts_with("https://") {
        return Err("must begin with https://: the secrets would travel in the clear".to_owned());
    }
    if text.contains("{node}") {
        url(text)
    } else {
        Err("must hold {node}, or all nodes would fetch the same".to_owned())
    }
}

fn word(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    checked(text, good, || {
        format!("must be a single word of the kernel's command line; got {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_is_written_as_every_loader_takes_it() {
        for good in ["http://a", "https://a:8443/b/", "tftp://[fd00::1]/b"] {
            assert_eq!(served(good).as_deref(), Ok(good.trim_end_matches('/')));
        }
        for bad in [
            "a",
            "ftp://a",
            "http://",
            "http:///b",
            "http://a/{node}",
            "http://a/b c",
            "http://a/${x}",
        ] {
            assert!(served(bad).is_err(), "{bad}");
        }
        for good in ["http://a/{node}/vmlinuz", "files/vmlinuz-6.1+deb12"] {
            assert!(source(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a/b,c",
            "/boot/vmlinuz",
            "../vmlinuz",
            "a b",
            "",
            "a//b",
            "./a",
        ] {
            assert!(source(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_fetched_by_https_for_each_node() {
        assert!(secrets_url("https://a/{node}/s").is_ok());
        for bad in [
            "http://a/{node}",
            "tftp://a/{node}",
            "https://a/s",
            "https:///{node}",
        ] {
            assert!(secrets_url(bad).is_err(), "{bad}");
        }
    }
}
