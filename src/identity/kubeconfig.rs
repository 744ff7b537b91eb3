//! The bootstrap kubeconfig, byte for byte as `kubectl config set-cluster --embed-certs`, `set-credentials`,
//! `set-context` and `use-context` write it; kubectl from 1.34 on leaves out the empty `preferences`. All but the token
//! is the same for every node and made once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::identity::go_yaml::scalar;
use crate::secrets::Token;

/// The user entry of the procedure. A kubelet takes whatever the current context names.
const USER: &str = "kubelet-bootstrap";
/// The context of the procedure.
const CONTEXT: &str = "default";

/// A kubeconfig that lacks only its token.
#[derive(Clone, Debug)]
pub struct BootstrapKubeconfig {
    head: String,
}

impl BootstrapKubeconfig {
    /// Prepares the part that all nodes share. `server` is the API server's URL as nodes reach it, `ca_pem` what they
    /// trust it by.
    pub fn new(cluster: &str, server: &str, ca_pem: &[u8]) -> Self {
        let cluster = scalar(cluster);
        let server = scalar(server);
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
    user: {USER}
  name: {CONTEXT}
current-context: {CONTEXT}
kind: Config
preferences: {{}}
users:
- name: {USER}
  user:
    token: "
        );
        Self { head }
    }

    /// The file of one node; it holds the token's secret.
    pub fn render(&self, token: &Token) -> Vec<u8> {
        let bearer = token.bearer();
        let value = scalar(bearer.expose());
        let mut file = Vec::with_capacity(self.head.len() + value.len() + 1);
        file.extend_from_slice(self.head.as_bytes());
        file.extend_from_slice(value.as_bytes());
        file.push(b'\n');
        file
    }
}
