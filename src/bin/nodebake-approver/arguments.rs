//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// Approves the kubelets' requests for certificates by a signed extract of the inventory.
///
/// It watches CertificateSigningRequests of the two kubelet signers, and decides
/// by the rules of `nodebake csr review`: it approves what comes from the node
/// that it names, denies what is proved to be forged, and leaves the rest with
/// an Event that has the reason. Without a good extract it approves nothing.
#[derive(Debug, Parser)]
#[command(name = "nodebake-approver", version, max_term_width = 80)]
pub struct Arguments {
    /// The cluster's name, as the inventory has it: no other extract is taken
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
    /// A key that signs bundles: the line between BEGIN and END of keys/sign.pub
    ///
    /// Give it twice while keys are exchanged.
    #[arg(long, value_name = "BASE64", required = true)]
    pub public_key: Vec<String>,
    /// The folder with review.json (or review.json.gz) and review.json.sshsig
    #[arg(long, value_name = "DIR", default_value = "/etc/nodebake/review")]
    pub review: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// A kubeconfig; without it the pod's ServiceAccount
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Where health (/healthz, /readyz) and /metrics are served
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// The namespace of the Lease
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "nodebake-approver"
    )]
    pub namespace: String,
    /// The Lease by which one of several replicas acts; it must be there
    #[arg(long, value_name = "NAME", default_value = "nodebake-approver")]
    pub lease: String,
    /// Who this replica is in the Lease; without it the host's name
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: Option<String>,
}
