//! `pki …`: what the user may say of certificates.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::values::{glob, lifetime};
use crate::cli::{AllowArgs, Print};
use crate::error::Result;
use crate::project::pki::{IssueRequest, NewCa};

/// `pki …`.
#[derive(Debug, Subcommand)]
pub enum Pki {
    /// Make a CA, and what the control plane of a lab needs; never overwrites
    ///
    /// Written are the CA certificate that the inventory's apiServer.ca names,
    /// its key as DIR/pki/ca.key, and DIR/pki/control-plane: the API server's
    /// certificates, the service accounts' keys and kubeconfigs, under the
    /// names that kubeadm gives them. The API server is called by the names
    /// and addresses of apiServer.url, apiServer.endpoints and --san.
    ///
    /// For labs and tests. A cluster that has a CA keeps it: with its key,
    /// `pki issue` does the same for its nodes. No other command reads a CA's
    /// key, and none copies it anywhere.
    Init(PkiInit),
    /// Issue the certificates that nodes are to bring
    ///
    /// For nodes with `identity.client: clientCertificate` or `identity.serving:
    /// preIssued`, and for `kubeconfigs` with a certificate. They go, each with
    /// a new key, to DIR/pki/nodes; `build` puts them onto the nodes. One that
    /// is there stays if it fits the inventory and does not end soon.
    ///
    /// The CA's key may be RSA, ECDSA (P-256, P-384) or Ed25519, as openssl
    /// writes it (PKCS#8, encrypted or not, PKCS#1, SEC1), and must belong to
    /// a certificate of apiServer.ca. Any other CA may issue as well: what
    /// `build` wants is one PEM file with certificate and key.
    Issue(PkiIssue),
}

/// `pki init`.
#[derive(Debug, Args)]
pub struct PkiInit {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// How long the CA is valid
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "3650d")]
    pub ca_ttl: Duration,
    /// How long the control plane's certificates are valid
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "365d")]
    pub ttl: Duration,
    /// A further name or address of the API server; may be given more than once
    #[arg(long = "san", value_name = "NAME")]
    pub sans: Vec<String>,
    /// Encrypt the CA's key with the first line of this file; - is stdin
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
    /// Print what was made for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

impl PkiInit {
    /// The CA that is to be made.
    pub fn request(&self) -> Result<NewCa> {
        Ok(NewCa {
            folder: self.allow.folder(&self.dir)?,
            ca_ttl: self.ca_ttl,
            ttl: self.ttl,
            sans: self.sans.clone(),
            passphrase_file: self.passphrase_file.clone(),
        })
    }
}

/// `pki issue`.
#[derive(Debug, Args)]
pub struct PkiIssue {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The nodes, by name or glob [default: all]
    #[arg(value_name = "NODE", value_parser = glob)]
    pub nodes: Vec<String>,
    /// How long certificates are valid; none outlives the CA
    #[arg(long, value_name = "DURATION", value_parser = lifetime, default_value = "365d")]
    pub ttl: Duration,
    /// Issue again what ends within this time [default: a third of its life]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub renew_within: Option<Duration>,
    /// Issue again what is still good, too
    #[arg(long)]
    pub force: bool,
    /// The CA's key [default: DIR/pki/ca.key]
    #[arg(long, value_name = "FILE")]
    pub ca_key: Option<PathBuf>,
    /// Decrypt the CA's key with the first line of this file; - is stdin
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
    /// Print what was made for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

impl PkiIssue {
    /// What is to be issued.
    pub fn request(&self) -> Result<IssueRequest> {
        Ok(IssueRequest {
            folder: self.allow.folder(&self.dir)?,
            nodes: self.nodes.clone(),
            ttl: self.ttl,
            renew_within: self.renew_within,
            force: self.force,
            ca_key: self.ca_key.clone(),
            passphrase_file: self.passphrase_file.clone(),
        })
    }
}
