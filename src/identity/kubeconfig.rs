//! Kubeconfigs, value for value as `kubectl config set-cluster --embed-certs`, `set-credentials`, `set-context` and
//! `use-context` write them; kubectl from 1.34 on leaves out the empty `preferences`. All but the credentials is the
//! same for every node and made once. Strings are always in double quotes, so that no reader takes one for a number or
//! a boolean; kubectl quotes them where it must.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secrets::Token;
use crate::yaml::quoted;

/// The user entry of the procedure's bootstrap kubeconfig. A kubelet takes whatever the current context names.
pub const BOOTSTRAP_USER: &str = "kubelet-bootstrap";
/// The user entry of a kubeconfig that the kubelet writes itself (kubernetes `pkg/kubelet/certificate/bootstrap`).
pub const KUBELET_USER: &str = "default-auth";
/// The context of the procedure.
const CONTEXT: &str = "default";

/// What a client shows to the API server.
#[derive(Clone, Copy, Debug)]
pub enum Auth<'a> {
    /// A bootstrap token.
    Token(&'a Token),
    /// A file on the node with a token, read again as it changes.
    TokenFile(&'a str),
    /// A file on the node with certificate and key in it.
    CertificateFile(&'a str),
    /// Certificates and a private key as PEM, in the kubeconfig itself.
    Embedded {
        /// The client certificate, its issuers behind it.
        certificates: &'a str,
        /// The private key: a secret.
        key: &'a str,
    },
}

impl Auth<'_> {
    /// Whether the kubeconfig then holds a secret.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Token(_) | Self::Embedded { .. })
    }
}

/// A kubeconfig that lacks only its credentials.
#[derive(Clone, Debug)]
pub struct Kubeconfig {
    head: String,
}

impl Kubeconfig {
    /// Prepares the part that all nodes share. `server` is the API server's URL as nodes reach it, `ca_pem` what they
    /// trust it by, `user` what the credentials are called.
    pub fn new(cluster: &str, server: &str, ca_pem: &[u8], user: &str) -> Self {
        let cluster = quoted(cluster);
        let server = quoted(server);
        let user = quoted(user);
        let ca = STANDARD.encode(ca_pem);
        // kubectl's writer sorts keys and does not indent lists.
        let head = format!(
            "apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: {server}
  name: {cluster}
contexts:
- context:
    cluster: {cluster}
    user: {user}
  name: {CONTEXT}
current-context: {CONTEXT}
kind: Config
preferences: {{}}
users:
- name: {user}
  user:
"
        );
        Self { head }
    }

    /// The file with its credentials; see [`Auth::is_secret`].
    pub fn render(&self, auth: &Auth<'_>) -> Vec<u8> {
        let lines = match auth {
            Auth::Token(token) => {
                let bearer = token.bearer();
                Zeroizing::new(format!("    token: {}\n", quoted(bearer.expose())))
            }
            Auth::TokenFile(path) => Zeroizing::new(format!("    tokenFile: {}\n", quoted(path))),
            Auth::CertificateFile(path) => {
                let path = quoted(path);
                Zeroizing::new(format!(
                    "    client-certificate: {path}\n    client-key: {path}\n"
                ))
            }
            Auth::Embedded { certificates, key } => {
                let key = Zeroizing::new(STANDARD.encode(key));
                Zeroizing::new(format!(
                    "    client-certificate-data: {}\n    client-key-data: {}\n",
                    STANDARD.encode(certificates),
                    *key
                ))
            }
        };
        let mut file = Vec::with_capacity(self.head.len() + lines.len());
        file.extend_from_slice(self.head.as_bytes());
        file.extend_from_slice(lines.as_bytes());
        file
    }
}
