//! What the user may say of a project, wherever one is read.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use time::OffsetDateTime;

use crate::cli::values::time;
use crate::cli::{FindingsFormat, Print, SecretsArgs};
use crate::error::Result;
use crate::policy::Policy;
use crate::project::{Manifests, Reading, Tokens, WantedPolicy};
use crate::project_folder::ProjectFolder;

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub checked: CheckedArgs,
    /// Print findings for people, as JSON, as SARIF 2.1.0 for code hosts and
    /// editors, or as GitHub's workflow commands
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: FindingsFormat,
    /// Judge the nodes by a security benchmark too, and print its report: each
    /// rule with its verdict, the value in effect and where that was written.
    /// Findings go to stderr then. Ends with 3 where a node fails a rule.
    /// cis is the version for the newest kubelet of the project
    #[arg(long, value_enum, value_name = "NAME")]
    pub policy: Option<PolicyName>,
    /// Print the report of --policy for people or as JSON
    #[arg(short, long, value_enum, requires = "policy", value_name = "FORM")]
    pub output: Option<Print>,
}

/// Security benchmarks by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyName {
    /// The CIS Kubernetes Benchmark, its section about workers
    Cis,
    /// Version 1.12, for Kubernetes 1.32 to 1.34
    #[value(name = "cis-1.12")]
    Cis112,
    /// Version 2.0, for Kubernetes 1.34 and 1.35
    #[value(name = "cis-2.0")]
    Cis20,
    /// The DISA Kubernetes STIG, V2R4
    #[value(alias = "stig-v2r4")]
    Stig,
}

impl PolicyName {
    /// The benchmark.
    pub fn wanted(self) -> WantedPolicy {
        match self {
            Self::Cis => WantedPolicy::Cis,
            Self::Cis112 => WantedPolicy::Exactly(Policy::Cis112),
            Self::Cis20 => WantedPolicy::Exactly(Policy::Cis20),
            Self::Stig => WantedPolicy::Exactly(Policy::Stig),
        }
    }
}

/// `preflight`.
#[derive(Debug, Args)]
pub struct Preflight {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub checked: CheckedArgs,
    /// The API server's manifest, to check what nodes need of it: a static pod
    /// (/etc/kubernetes/manifests/kube-apiserver.yaml), what `kubectl get pod
    /// -o yaml` prints of one, or a systemd unit; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub kube_apiserver: Option<PathBuf>,
    /// The controller manager's manifest, likewise
    #[arg(long, value_name = "FILE")]
    pub kube_controller_manager: Option<PathBuf>,
    /// The API server's serving certificate as PEM, to check its names, its CA
    /// and its time (/etc/kubernetes/pki/apiserver.crt). What `openssl s_client
    /// -connect HOST:6443 -showcerts` prints will do
    #[arg(long, value_name = "FILE")]
    pub kube_apiserver_cert: Option<PathBuf>,
    /// Print results for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

impl Preflight {
    /// The manifests to check.
    pub fn manifests(&self) -> Manifests {
        Manifests {
            certificate: self.kube_apiserver_cert.clone(),
            api_server: self.kube_apiserver.clone(),
            controller_manager: self.kube_controller_manager.clone(),
        }
    }
}

/// What `check` and `preflight` look at.
#[derive(Debug, Args)]
pub struct CheckedArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectArgs,
    /// Do without the tokens: placeholders stand for them, and when they end is
    /// not checked; for checks of changes by those who may not see secrets
    #[arg(long, conflicts_with = "secrets")]
    pub no_tokens: bool,
}

/// What `check`, `build` and `show` read.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reading: ReadingArgs,
}

/// How a project is read and checked.
#[derive(Clone, Debug, Args)]
pub struct ReadingArgs {
    /// Check expirations at this time (RFC 3339) rather than now; it changes
    /// findings only, never a byte of what is built
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<OffsetDateTime>,
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub secrets: SecretsArgs,
}

/// Where a project's files may be, wherever a project is read.
#[derive(Clone, Debug, Default, Args)]
pub struct AllowArgs {
    /// A folder outside of the project whose files it may name or link to, a
    /// cache of assets for example; may be given more than once
    #[arg(long = "allow", value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

impl ProjectArgs {
    /// How it is read, and with which tokens.
    pub fn reading(&self, tokens: Tokens) -> Reading {
        self.reading.of(&self.dir, tokens)
    }
}

impl ReadingArgs {
    /// How the project in a folder is read.
    pub fn of(&self, dir: &Path, tokens: Tokens) -> Reading {
        Reading {
            dir: dir.to_owned(),
            allow: self.allow.folders.clone(),
            at: self.at,
            strict: self.strict,
            secrets: self.secrets.choice(),
            tokens,
        }
    }
}

impl CheckedArgs {
    /// How the project is read.
    pub fn reading(&self) -> Reading {
        self.project.reading(Tokens::asked(self.no_tokens))
    }
}

impl AllowArgs {
    /// A project's folder, and what may be read in it.
    pub fn folder(&self, dir: &Path) -> Result<ProjectFolder> {
        ProjectFolder::new(dir, &self.folders)
    }
}
