//! Who a node is: kubeconfigs, certificates of `pki`, and requests that `csr review` looks at.

pub mod csr;
pub mod kubeconfig;
pub mod pki;
