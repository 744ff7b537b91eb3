//! Who reads from kubelets beside the API server: programs that collect metrics and settings.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{choices, keys, texts};
use crate::inventory::kinds::{OneOrMore, plain};
use crate::inventory::text::checked;
use crate::report::Id;

keys! {
    /// A program that reads from kubelets.
    #[derive(Clone, Debug)]
    pub struct Scraper: "scraper", by name: ScraperName, as Scraper = scraper {
        /// its service accounts, as NAMESPACE/NAME
        "serviceAccounts" => service_accounts: Vec<ServiceAccount>,
        /// its users
        "users" => users: Vec<Subject>,
        /// its groups
        "groups" => groups: Vec<Subject>,
        /// what it reads: get on nodes/WORD; proxy is all of the kubelet's API, commands in containers too
        "reads" => reads: OneOrMore<Reads> = ["metrics"],
    }
}

texts! {
    /// The name of a scraper, a part of the names of its objects.
    ScraperName or NameInvalid: String = scraper_name, r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", ["prometheus"];
    /// A service account with its namespace.
    ServiceAccount or NameInvalid: (String, String) = service_account,
        r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", ["monitoring/prometheus"];
    /// A user or a group.
    Subject: String = plain, r"^.", ["prometheus"];
}

choices! {
    /// Subresources of nodes that a kubelet asks about (Kubernetes `pkg/kubelet/server/auth.go`).
    Reads: &'static str = [
        ("metrics", "metrics"), ("stats", "stats"), ("configz", "configz"), ("healthz", "healthz"), ("pods", "pods"),
        ("log", "log"), ("spec", "spec"), ("proxy", "proxy"),
    ];
}

fn scraper(scraper: Scraper, at: &Cursor<'_>) -> Option<Scraper> {
    if scraper.service_accounts.is_empty() && scraper.users.is_empty() && scraper.groups.is_empty()
    {
        // Those that could not be read have a finding already.
        let none = ["serviceAccounts", "users", "groups"]
            .iter()
            .all(|key| !at.has(key));
        if none {
            at.report(
                Id::FieldMissing,
                "needs one of serviceAccounts, users and groups",
            );
        }
        return None;
    }
    Some(scraper)
}

/// Source: apimachinery `validation.go`, IsDNS1123Label.
fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn scraper_name(text: &str) -> Result<String, String> {
    checked(text, is_label(text), || {
        format!("must be small letters, digits and dashes; got {text:?}")
    })
}

fn service_account(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('/').filter(|(namespace, name)| {
        is_label(namespace) && name.len() <= 253 && name.split('.').all(is_label)
    });
    let parts = parts.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
    parts.ok_or_else(|| {
        format!("must be NAMESPACE/NAME of a service account (for example \"monitoring/prometheus\"); got {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_accounts_have_a_namespace() {
        assert_eq!(
            service_account("a/b.c"),
            Ok(("a".to_owned(), "b.c".to_owned()))
        );
        for bad in ["", "a", "a/", "/b", "a/b/c", "A/b", "a.b/c", "a/b_c"] {
            assert!(service_account(bad).is_err(), "{bad}");
        }
    }
}
