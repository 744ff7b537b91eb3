//! `identity` and `kubeconfigs`: what a node shows to the cluster, and what other clients on it show.

use crate::inventory::cursor::Cursor;
use crate::inventory::files::{Attributes, PathText};
use crate::inventory::keys::{by_name, keys, texts};
use crate::inventory::text::{Cidr, HttpsUrl};
use crate::inventory::text::{Text, checked, made_of};
use crate::model::{FieldLocation, Spanned, named};
use crate::report::Id;

named! {
    /// How a kubelet comes to its client certificate.
    pub enum ClientIdentity {
        /// It asks for one, with a bootstrap token.
        BootstrapToken = "bootstrapToken",
        /// It brings one that `pki issue`, or somebody else, made.
        ClientCertificate = "clientCertificate",
        /// It has a kubeconfig of its own: a file of the inventory or of the image, with an exec plugin of a cloud for example.
        Kubeconfig = "kubeconfig",
    }

    /// How a kubelet comes to its serving certificate.
    pub enum ServingIdentity {
        /// It makes one that nobody trusts.
        SelfSigned = "selfSigned",
        /// It asks for one, and somebody approves that.
        Bootstrap = "bootstrap",
        /// It brings one.
        PreIssued = "preIssued",
    }
}

by_name!(ClientIdentity, ServingIdentity);

keys! {
    /// Who a node is.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct IdentitySpec: "identity" {
        /// how the kubelet authenticates to the API server: it asks for a certificate with a token, brings one, or has a kubeconfig of its own
        "client" => client: Spanned<ClientIdentity> = "bootstrapToken",
        /// how it comes to its serving certificate; without it kubelet.config decides
        "serving" => serving: Option<Spanned<ServingIdentity>>,
        /// networks that it gets addresses of by DHCP: requests for serving certificates may hold any of them
        "servingNetworks" => serving_networks: Vec<Spanned<Cidr>>,
    }
}

/// What another client on the node shows to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeconfigAuth {
    /// A certificate of its own, in the kubeconfig.
    Certificate(CertificateUser),
    /// A file on the node with a token.
    TokenFile(Text),
}

keys! {
    /// Who a client certificate is for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CertificateUser: "certificateUser", as CertificateUser = certificate_user {
        /// the user: the certificate's common name
        "user" => user: Spanned<CertificateName>,
        /// the user's group: the certificate's organization
        "group" => group: Option<CertificateName>,
    }
}

texts! {
    /// A user or group in a certificate.
    CertificateName or NameInvalid: String = name, r"^[A-Za-z0-9:._@-]{1,64}$", ["agent"];
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

keys! {
    pub struct KubeconfigKeys: "kubeconfig", by path: PathText, as KubeconfigSpec = kubeconfig {
        /// who it is for: a certificate of `pki issue` is embedded
        "certificate" => certificate: Option<CertificateUser>,
        /// a file on the node with a token
        "tokenFile" => token_file: Option<PathText>,
        /// the API server, where it is not the nodes' own
        "server" => server: Option<HttpsUrl>,
        then attributes: Attributes,
    }
}

fn kubeconfig(keys: KubeconfigKeys, at: &Cursor<'_>) -> Option<KubeconfigSpec> {
    if at.has("certificate") == at.has("tokenFile") {
        at.report(
            Id::FieldsExclusive,
            "needs exactly one of certificate and tokenFile",
        );
        return None;
    }
    let certificate = keys.certificate.map(KubeconfigAuth::Certificate);
    let auth = certificate.or(keys.token_file.map(KubeconfigAuth::TokenFile))?;
    let others_read = keys.attributes.mode.is_some_and(|mode| mode & 0o007 != 0);
    if others_read && matches!(auth, KubeconfigAuth::Certificate(_)) {
        let finding = at.location().finding(
            Id::PrivateKeyExposed,
            "holds a private key, which everybody could read",
        );
        at.add(finding.help("give it a mode like \"0640\", and a group"));
    }
    Some(KubeconfigSpec {
        path: keys.path,
        auth,
        server: keys.server,
        attributes: keys.attributes,
    })
}

fn certificate_user(who: CertificateUser, at: &Cursor<'_>) -> Option<CertificateUser> {
    let group = who.group.as_deref();
    let is_node = who.user.value.starts_with("system:node:");
    if is_node || group == Some("system:nodes") {
        let finding = who.user.location.finding(
            Id::IdentityReserved,
            "is what the node itself is, and nobody else on it",
        );
        at.add(finding.help("set identity.client to clientCertificate, or name another user"));
        return None;
    }
    if let (Some("system:masters"), Some(group)) = (group, at.find(&["group"])) {
        at.add(everything(&group.location()));
    }
    Some(who)
}

fn everything(location: &FieldLocation) -> crate::report::Finding {
    let rule =
        "whoever reads this file may do everything in the cluster until the certificate ends";
    location
        .finding(Id::KubeconfigAllPowerful, rule)
        .help("bind a role to a user or group of your own instead")
}

/// A user or group in a certificate. RFC 5280, appendix A: at most 64 characters. It names a file too.
fn name(text: &str) -> Result<String, String> {
    checked(
        text,
        text.len() <= 64 && made_of(text, ":._-@"),
        || "a user or group in a certificate is 1 to 64 of letters, digits and : . _ - @",
    )
}
