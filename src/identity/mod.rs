//! Identity: who a node is and whom it trusts. In: a bootstrap token, the API server's address, the cluster's CA. Out:
//! the bootstrap kubeconfig, and findings about the CA. The only user of rcgen.

mod ca;
/// Requests for certificates, held against the inventory.
pub mod csr;
mod example;
mod go_yaml;
mod kubeconfig;
mod pem;

pub use ca::{CaBundle, CaCertificate, CaSource};
pub use example::example_ca;
pub use kubeconfig::BootstrapKubeconfig;
