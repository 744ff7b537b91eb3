//! `identity` and `kubeconfigs`: what a node shows to the cluster, and what other clients on it show.

use std::sync::Arc;

use crate::inventory::cluster::https_url;
use crate::inventory::cursor::Cursor;
use crate::inventory::files::{Attributes, attributes};
use crate::inventory::spec::{Text, key_text, text};
use crate::model::{FieldLocation, Spanned};

/// How a kubelet comes to its client certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientIdentity {
    /// It asks for one, with a bootstrap token.
    #[default]
    BootstrapToken,
    /// It brings one that `pki issue`, or somebody else, made.
    ClientCertificate,
}

/// How a kubelet comes to its serving certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingIdentity {
    /// It makes one that nobody trusts.
    SelfSigned,
    /// It asks for one, and somebody approves that.
    Bootstrap,
    /// It brings one.
    PreIssued,
}

impl ServingIdentity {
    /// The word in the inventory.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelfSigned => "selfSigned",
            Self::Bootstrap => "bootstrap",
            Self::PreIssued => "preIssued",
        }
    }
}

/// Who a node is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentitySpec {
    /// To the API server, when it calls.
    pub client: ClientIdentity,
    /// Where that was written.
    pub client_spot: Option<FieldLocation>,
    /// When it is called; none means what `kubelet.config` says.
    pub serving: Option<Spanned<ServingIdentity>>,
}

/// What another client on the node shows to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeconfigAuth {
    /// A certificate of its own, in the kubeconfig.
    Certificate(CertificateUser),
    /// A file on the node with a token.
    TokenFile(Text),
}

/// Who a client certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateUser {
    /// The user: the certificate's common name.
    pub user: Spanned<String>,
    /// The user's group: the certificate's organization.
    pub group: Option<String>,
}

/// One kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeconfigSpec {
    /// Its path; may be a template.
    pub path: Text,
    /// What it shows.
    pub auth: KubeconfigAuth,
    /// The API server's URL, where it is not the nodes' own.
    pub server: Option<String>,
    /// Mode and owners.
    pub attributes: Attributes,
}

/// Reads `identity`.
pub fn identity(at: &Cursor<'_>) -> IdentitySpec {
    let Some(fields) = at.fields() else {
        return IdentitySpec::default();
    };
    let clients = [
        ("bootstrapToken", ClientIdentity::BootstrapToken),
        ("clientCertificate", ClientIdentity::ClientCertificate),
    ];
    let servings = [
        ServingIdentity::SelfSigned,
        ServingIdentity::Bootstrap,
        ServingIdentity::PreIssued,
    ];
    let servings = servings.map(|serving| (serving.name(), serving));
    let client = fields.optional("client");
    let client_spot = client.as_ref().map(Cursor::location);
    let client = client.and_then(|at| at.choice(&clients));
    let serving = fields.optional("serving").and_then(|at| {
        let value = at.choice(&servings)?;
        Some(Spanned {
            value,
            location: at.location(),
        })
    });
    fields.finish();
    IdentitySpec {
        client: client.unwrap_or_default(),
        client_spot,
        serving,
    }
}

/// Reads one entry of `kubeconfigs`.
pub fn kubeconfig(path: &Arc<str>, at: &Cursor<'_>) -> Option<KubeconfigSpec> {
    let fields = at.fields()?;
    let certificate = fields.optional("certificate");
    let token = fields.optional("tokenFile");
    let server = fields.optional("server");
    let server = server.and_then(|at| at.parse(|text| https_url(text).map(|(url, _)| url)));
    let attributes = attributes(&fields);
    fields.finish();
    let auth = match (certificate, token) {
        (Some(at), None) => KubeconfigAuth::Certificate(certificate_user(&at)?),
        (None, Some(at)) => KubeconfigAuth::TokenFile(text(&at)?),
        _ => {
            at.error("needs exactly one of certificate and tokenFile");
            return None;
        }
    };
    let others_read = attributes.mode.is_some_and(|mode| mode & 0o007 != 0);
    if others_read && matches!(auth, KubeconfigAuth::Certificate(_)) {
        let finding = at
            .location()
            .error("holds a private key, which everybody could read");
        at.add(finding.repair("give it a mode like \"0640\", and a group"));
    }
    Some(KubeconfigSpec {
        path: key_text(path, at),
        auth,
        server,
        attributes,
    })
}

fn certificate_user(at: &Cursor<'_>) -> Option<CertificateUser> {
    let fields = at.fields()?;
    let user = fields.required("user").and_then(|at| at.parse_at(name));
    let group = fields.optional("group");
    let named = group.as_ref().and_then(|at| at.parse_at(name));
    fields.finish();
    let user = user?;
    let is_node = user.value.starts_with("system:node:");
    if is_node || named.as_ref().is_some_and(|at| at.value == "system:nodes") {
        let finding = user
            .location
            .error("is what the node itself is, and nobody else on it");
        at.add(finding.repair("set identity.client to clientCertificate, or name another user"));
        return None;
    }
    if let Some(Spanned { value, location }) = &named
        && value == "system:masters"
    {
        at.add(everything(location));
    }
    Some(CertificateUser {
        user,
        group: named.map(|at| at.value),
    })
}

fn everything(location: &FieldLocation) -> crate::report::Finding {
    let rule =
        "whoever reads this file may do everything in the cluster until the certificate ends";
    location
        .warning(rule)
        .repair("bind a role to a user or group of your own instead")
}

/// A user or group in a certificate. RFC 5280, appendix A: at most 64 characters. It names a file too.
fn name(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '_' | '-' | '@');
    match (1..=64).contains(&text.len()) && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => {
            Err("a user or group in a certificate is 1 to 64 of letters, digits and : . _ - @")
        }
    }
}
