//! Identity: who a node is and whom it trusts. In: a bootstrap token, the API server's address, the cluster's CA. Out:
//! the bootstrap kubeconfig, and findings about the CA. The only user of rcgen.

mod authority;
mod ca;
mod control_plane;
mod credential;
/// Requests for certificates, held against the inventory.
pub mod csr;
mod example;
mod go_yaml;
mod guarded;
mod kubeconfig;
mod pem;
/// Certificates and keys on the project's disk.
pub mod pki_files;
mod private_key;

pub use authority::{Authority, Issued, Leaf, Purpose};
pub use ca::{CaBundle, CaCertificate, CaSource};
pub use control_plane::{ControlPlane, FileText, NamedFile};
pub use credential::{Credential, Expectation, Judged};
pub use example::example_ca;
pub use guarded::{Guarded, Private, Scan};
pub use kubeconfig::{Auth, BOOTSTRAP_USER, KUBELET_USER, Kubeconfig};
pub use private_key::PrivateKey;
