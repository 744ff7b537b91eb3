//! A node's plan and tree, secrets hidden.

use serde::Serialize;

use crate::model::NodePath;
use crate::model::output::{Format, Settings};
use crate::plan::NodePlan;
use crate::render::RenderedNode;
use crate::secrets::Token;
use crate::timing::rfc3339;
use crate::tree::{Entry, EntryKind};

/// A node at a glance.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    /// Its name.
    pub node: &'a str,
    /// Its kubelet's version.
    pub kubernetes: String,
    /// Its host name.
    pub hostname: &'a str,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The group that its token makes it a member of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
    /// Its token, without the secret.
    pub token: Option<String>,
    /// The certificates that its payloads contain.
    pub certificates: Vec<CertificateLine<'a>>,
    /// The earliest end of a token, a certificate or the CA (RFC 3339).
    pub usable_until: Option<String>,
    /// Its payloads' formats.
    pub formats: &'a [Format],
    /// Those of them that have a secret payload beside the public one.
    pub separate_secrets: Vec<Format>,
    /// The TPM's name of the key that its secrets are sealed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed_to: Option<String>,
    /// Labels that its kubelet sets.
    pub self_labels: &'a [(String, String)],
    /// Labels that only an administrator may set.
    pub admin_labels: &'a [(String, String)],
    /// Annotations, which only an administrator sets.
    pub annotations: &'a [(String, String)],
    /// Every path.
    pub tree: Vec<TreeLine>,
    /// Every unit.
    pub units: Vec<UnitLine<'a>>,
}

/// A path of a node's tree.
#[derive(Serialize)]
pub struct TreeLine {
    /// The path.
    pub path: String,
    /// `file`, `directory` or `link`.
    pub kind: &'static str,
    /// Four octal digits.
    pub mode: String,
    /// User and group, by name.
    pub owner: String,
    /// In bytes.
    pub size: u64,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether only its owner may read it.
    pub secret: bool,
    /// Its overlay, template or generator.
    pub origin: String,
}

/// A unit of a node.
#[derive(Serialize)]
pub struct UnitLine<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is enabled; None leaves it as the image has it.
    pub enabled: Option<bool>,
    /// Whether it is masked.
    pub masked: bool,
}

/// A certificate of a node.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateLine<'a> {
    /// Its purpose: `client`, `serving`, or a user.
    pub role: &'a str,
    /// Its end (RFC 3339).
    pub not_after: Option<String>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(node: &'a NodePlan, rendered: &'a RenderedNode) -> Self {
        let units = rendered.tree.units().iter();
        let settings = &node.class.spec.output;
        Self {
            node: &node.name,
            kubernetes: node.class.spec.kubernetes.value.to_string(),
            hostname: &rendered.hostname,
            addresses: node.addresses.iter().map(ToString::to_string).collect(),
            group: node.token.as_ref().map(|_| node.group.as_str()),
            token: node.token.as_ref().map(Token::hidden),
            certificates: certificates(node),
            usable_until: rfc3339(node.usable_until),
            formats: &settings.formats,
            separate_secrets: if node.sealing.is_some() {
                Vec::new()
            } else {
                separate_secrets(settings)
            },
            sealed_to: node.sealing.as_ref().map(|seal| seal.key.fingerprint()),
            self_labels: &rendered.self_labels,
            admin_labels: &rendered.admin_labels,
            annotations: &rendered.annotations,
            tree: tree(rendered),
            units: units
                .map(|(name, unit)| UnitLine {
                    name,
                    enabled: unit.enabled,
                    masked: unit.masked,
                })
                .collect(),
        }
    }
}

/// The certificates that a node brings, without anything secret.
fn certificates(node: &NodePlan) -> Vec<CertificateLine<'_>> {
    let brought = &node.credentials;
    let client = brought.client.iter().map(|found| ("client", found));
    let serving = brought.serving.iter().map(|found| ("serving", found));
    let users = brought.users.iter();
    let users = users.map(|(user, found)| (user.as_str(), found));
    let all = client.chain(serving).chain(users);
    all.map(|(role, found)| CertificateLine {
        role,
        not_after: rfc3339(found.not_after),
    })
    .collect()
}

/// The formats whose payloads have a secret payload beside the public one.
fn separate_secrets(settings: &Settings) -> Vec<Format> {
    let formats = settings.formats.iter().copied();
    formats
        .filter(|format| settings.secrets.apart(*format))
        .collect()
}

fn tree(rendered: &RenderedNode) -> Vec<TreeLine> {
    let line = |(path, entry): (NodePath, Entry)| {
        let (kind, size, target) = match &entry.kind {
            EntryKind::File(content) => ("file", content.len(), None),
            EntryKind::Directory => ("directory", 0, None),
            EntryKind::Symlink(target) => ("link", 0, Some(target.clone())),
        };
        TreeLine {
            path: path.to_string(),
            kind,
            mode: format!("{:04o}", entry.mode),
            owner: format!("{}:{}", entry.user.name, entry.group.name),
            size,
            target,
            secret: entry.secret,
            origin: entry.origin.to_string(),
        }
    };
    rendered.tree.materialised().into_iter().map(line).collect()
}
