//! `token …`: what the user may say of bootstrap tokens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use crate::cli::values::{duration, duration_text, glob, lifetime, time};
use crate::cli::{AllowArgs, Print, SecretsArgs};
use crate::error::Result;
use crate::project::tokens::TokensRequest;

/// `token …`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Create a token for every node that has none that is still good
    ///
    /// A node whose token was revoked gets a new one only if it is named.
    Create(TokenCreate),
    /// List the tokens as `kubeadm token list` does, secrets hidden
    List(TokenList),
    /// Put new tokens in place of old ones, with an overlap
    ///
    /// Only the named nodes' tokens change. The Secrets of the old tokens stay
    /// among the manifests for the overlap, and `token create` takes them out
    /// when it has passed: a build has no clock. Commands for Secrets that the
    /// cluster already holds are printed, and can be piped to sh.
    Rotate(TokenRotate),
    /// Shut nodes out: their tokens make no payload and no Secret any more
    ///
    /// Prints the command that deletes the Secrets; it can be piped to sh. The
    /// nodes' payloads do not build until `token create DIR NODE` or `token
    /// rotate DIR NODE` gives them new tokens, or they leave the inventory.
    ///
    /// What revoking does not do: a node that has joined keeps its certificate
    /// until that expires. Delete its Node object, let `csr review` deny its
    /// requests, and keep the lifetimes of certificates short. Old bundles
    /// still hold the token: raise the inventory's `generation`, and verify
    /// with --min-generation before anything of a bundle is applied.
    Revoke(TokenRevoke),
    /// Say which nodes need new tokens soon; exits with 3 if there are any
    ///
    /// For scheduled pipelines. A node without any token is among them, one
    /// whose token was revoked is not.
    Expiring(TokenExpiring),
    /// Take over tokens that a cluster already has
    ///
    /// FILE is what `kubeadm token list -o json` or `kubectl --namespace
    /// kube-system get secrets -o json` printed. A token belongs to the node
    /// that one of its groups or its description names; the others are listed
    /// with the reason, and left out.
    Import(TokenImport),
    /// Encrypt the tokens for the recipients in `tokens.recipients`
    ///
    /// Takes secrets.yaml, writes secrets.yaml.age and removes secrets.yaml;
    /// or, after a change of the recipients, writes secrets.yaml.age again. Who
    /// was a recipient may have kept the tokens: rotate them if that matters.
    Encrypt(TokenEncrypt),
}

/// `token create`.
#[derive(Debug, Args)]
pub struct TokenCreate {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The nodes, by name or glob [default: all]
    #[arg(value_name = "NODE", value_parser = glob)]
    pub nodes: Vec<String>,
    /// How long the tokens live, like 24h or 30d [default: tokens.ttl]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub ttl: Option<Duration>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// `token list`.
#[derive(Debug, Args)]
pub struct TokenList {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Print the secrets in the clear
    #[arg(long)]
    pub reveal: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// `token rotate`.
#[derive(Debug, Args)]
pub struct TokenRotate {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The nodes, by name or glob
    #[arg(value_name = "NODE", value_parser = glob)]
    pub nodes: Vec<String>,
    /// Only nodes whose tokens end within this time, like 7d; without NODE,
    /// all that do
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub expiring_within: Option<Duration>,
    /// How long the old tokens go on beside the new ones
    #[arg(long, value_name = "DURATION", default_value = "0h", value_parser = duration)]
    pub overlap: Duration,
    /// How long the new tokens live, like 24h or 30d [default: tokens.ttl]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub ttl: Option<Duration>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// `token revoke`.
#[derive(Debug, Args)]
pub struct TokenRevoke {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// The nodes, by name or glob; they need not be in the inventory any more
    #[arg(value_name = "NODE", value_parser = glob)]
    pub nodes: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// `token expiring`.
#[derive(Debug, Args)]
pub struct TokenExpiring {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// How far to look ahead, like 7d
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    pub within: String,
    /// Check at this time (RFC 3339) rather than now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<OffsetDateTime>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// `token import`.
#[derive(Debug, Args)]
pub struct TokenImport {
    /// The dump; - is stdin
    #[arg(value_name = "FILE")]
    pub dump: PathBuf,
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// `token encrypt`.
#[derive(Debug, Args)]
pub struct TokenEncrypt {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub file: TokenFile,
}

/// The tokens' file, and how the result is printed: the end of every `token` command.
#[derive(Debug, Default, Args)]
pub struct TokenFile {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub secrets: SecretsArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub allow: AllowArgs,
    /// Print for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

impl TokenFile {
    /// The project in a folder, and the file of its tokens.
    pub fn request(&self, dir: &Path) -> Result<TokensRequest> {
        Ok(TokensRequest {
            folder: self.allow.folder(dir)?,
            secrets: self.secrets.choice(),
        })
    }
}
