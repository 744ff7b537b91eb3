//! `csr …`: what the user may say of requests for certificates.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::{AllowArgs, SecretsArgs};
use crate::error::Result;
use crate::project::ReviewRequest;

/// `csr …`.
#[derive(Debug, Subcommand)]
pub enum Csr {
    /// Review requests for certificates: approve, deny or leave, with reasons
    ///
    /// FILE is what `kubectl get csr -o json` printed. A request is approved if
    /// it comes from the node that it names: by that node's own token, or by
    /// the node itself. It is denied only if it is proved to be forged: by the
    /// token of another node, for another organisation, by a signer that a node
    /// may not ask, of a revoked node, or with a key that proves nothing. All
    /// else is left, with what would make it right: an unknown node, or a name
    /// or address that the inventory lacks. A kubelet takes a denial for good,
    /// and retries after anything else. Of several of one requestor and signer
    /// the newest is approved. `nodebake man requests` has the whole table.
    ///
    /// Nothing is changed, unless with --apply:
    ///
    ///   kubectl get csr -o json | nodebake csr review - --apply
    Review(CsrReview),
    /// Write what a review goes by, without the tokens' secrets
    ///
    /// With this file `csr review --ids FILE` needs no project and no tokens:
    /// whoever approves requests need not be able to join nodes. It has the
    /// nodes' names and addresses, and which token id belongs to which node.
    /// Anybody may read it. A bundle has the same file, with its signature, as
    /// cluster/approver/review.json. Write it again after each change of the
    /// inventory or the tokens: the requests of ids that it lacks are left.
    ExportIds(CsrExportIds),
    /// Print settings for an approver that runs in the cluster
    ///
    /// postfinance/kubelet-csr-approver fits: it decides on serving certificates
    /// by names and addresses. Printed are values for its Helm chart that name
    /// the inventory's nodes and addresses, and no others.
    ApproverSettings(CsrApproverSettings),
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CsrPrint {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// Lines of `kubectl certificate approve` and `deny`, to pipe to sh
    Kubectl,
}

/// `csr review`.
#[derive(Debug, Args)]
pub struct CsrReview {
    /// The requests; - is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub secrets: SecretsArgs,
    /// What `csr export-ids` wrote, instead of the project and its tokens
    #[arg(long, value_name = "FILE", conflicts_with = "secrets")]
    pub ids: Option<PathBuf>,
    /// Deny nodes and tokens that nobody knows too, instead of leaving them
    ///
    /// Only for clusters whose every node is in the inventory, the control
    /// plane's too: their renewals would be denied, and a kubelet takes that
    /// for good.
    #[arg(long)]
    pub deny_unknown: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
    /// Approve and deny, through kubectl
    #[arg(long)]
    pub apply: bool,
    /// The kubectl that --apply runs
    ///
    /// A cluster before 1.19 needs one of its own minor: those of today do not
    /// know its certificates.k8s.io/v1beta1, and approve nothing there.
    #[arg(
        long,
        value_name = "PROGRAM",
        env = "KUBECTL",
        hide_env_values = true,
        default_value = "kubectl"
    )]
    pub kubectl: PathBuf,
    /// Print for people, as JSON or as commands
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: CsrPrint,
}

impl CsrReview {
    /// Requests to be reviewed, and what they are reviewed against.
    pub fn request(&self) -> Result<ReviewRequest> {
        Ok(ReviewRequest {
            requests: self.file.clone(),
            folder: self.allow.folder(&self.dir)?,
            secrets: self.secrets.choice(),
            ids: self.ids.clone(),
            deny_unknown: self.deny_unknown,
        })
    }
}

/// `csr export-ids`.
#[derive(Debug, Args)]
pub struct CsrExportIds {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub secrets: SecretsArgs,
    /// Write this file, instead of printing
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `csr approver-settings`.
#[derive(Debug, Args)]
pub struct CsrApproverSettings {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
}
