//! Identity: who a node is and which CA it trusts. In: a bootstrap token, the API server's address, the cluster's CA. Out:
//! the bootstrap kubeconfig, and findings about the CA. The only user of rcgen.

mod authority;
mod ca;
mod ca_files;
mod control_plane;
mod credential;
mod example;
mod guarded;
mod kubeconfig;
mod pem;
/// Certificates and keys on the project's disk.
pub mod pki_files;
mod private_key;
mod server;
mod signing_ca;

pub use authority::{Authority, Issued, Leaf, Purpose};
pub use ca::{CaBundle, CaCertificate, CaSource};
pub use ca_files::CaFiles;
pub use control_plane::{ControlPlane, FileText, NamedFile};
pub use credential::{CheckedCredential, Credential, Expectation};
pub use example::{EXAMPLE_CA, example_ca, is_example_ca};
pub use guarded::{Guarded, Private, Scan};
pub use kubeconfig::{Auth, BOOTSTRAP_USER, KUBELET_USER, Kubeconfig};
pub use pem::{blocks, push_block, wrapped};
pub use private_key::PrivateKey;
pub use server::ServerCertificate;
pub use signing_ca::{passphrase, signing_ca};
