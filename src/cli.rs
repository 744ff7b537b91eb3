//! The command line: its arguments, their help, and the plain requests that they become.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod build;
mod csr;
mod diff;
mod findings;
mod import;
mod initrd;
mod pki;
mod project;
mod secrets;
mod settings;
mod token;
mod values;
mod verify;

pub use build::{Build, Stage};
pub use csr::{Csr, CsrApproverSettings, CsrExportIds, CsrPrint, CsrReview};
pub use diff::Diff;
pub use findings::{Color, Explain, FindingsFormat};
pub use import::Import;
pub use initrd::{Initrd, InitrdAppend};
pub use pki::{Pki, PkiInit, PkiIssue};
pub use project::{AllowArgs, Check, CheckedArgs, PolicyName, Preflight, ProjectArgs, ReadingArgs};
pub use secrets::SecretsArgs;
pub use settings::{ListedArgs, OverlayArgs, ProfileArgs};
pub use token::{
    Token, TokenCreate, TokenEncrypt, TokenExpiring, TokenFile, TokenImport, TokenList,
    TokenRevoke, TokenRotate,
};
use values::version;
pub use verify::Verify;

/// One cluster inventory in; signed, reproducible, ready-to-boot node payloads out.
#[derive(Debug, Parser)]
#[command(
    name = "nodebake",
    version,
    max_term_width = 80,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 good, 1 error, 2 usage, 3 findings, 4 verification failed.\n\
                  No command touches a network or needs an API server, kubectl or kubeadm, but\n\
                  for `csr review --apply`, which runs your kubectl."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Colour findings: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub color: Color,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project that builds as it is
    Init(Init),
    /// Make a project out of a cluster that is there
    ///
    /// Reads what kubectl printed, and touches no network: `kubectl config view
    /// --raw --minify --flatten`, the ConfigMaps cluster-info, kubeadm-config and
    /// kubelet-config, `kubectl get nodes`. `nodebake man clusters` has the whole
    /// lines.
    ///
    /// Pods of the control plane (`kubectl -n kube-system get pods -o yaml`, or
    /// files of /etc/kubernetes/manifests) and what a kubelet's /configz prints
    /// say more. The nodes of the cluster become nodes that are not built
    /// (`managed: false`), and the kubelets' settings a profile with what
    /// differs from nodebake's own. Users, keys and tokens of the input are
    /// never read. What the input does not tell is listed, with where to look.
    Import(Import),
    /// Check the project: all findings, nothing written
    Check(Check),
    /// Bake every node's payloads and the cluster's manifests into a bundle
    ///
    /// What is built is usable until the first of its tokens, its certificates
    /// or the CA ends. A node may still boot for `tokens.bootWithin` after the
    /// build; a token or certificate that ends earlier is a finding.
    ///
    /// Clocks: the API server's decides whether a token is still good, so one
    /// that is created on a machine whose clock is behind expires early. Make
    /// tokens.ttl exceed tokens.bootWithin by more than clocks differ. The
    /// node's own decides whether it believes the API server's certificate: with an
    /// empty clock battery (1970) or one that is years off, it joins only when
    /// its time has been set, and the kubelet is restarted until then. Its
    /// first certificate begins five minutes in the past; a node whose clock
    /// is later than that takes its own certificate for one of the future.
    Build(Build),
    /// Show one node's plan and tree, secrets hidden
    Show(Show),
    /// List all that nodes need and their payloads do not contain
    ///
    /// The API server and its name, gateways and DNS, mirrors with the images
    /// that they must have, what nodes fetch, and the programs and units that
    /// their image must have. For machines that nobody can reach afterwards.
    Preflight(Preflight),
    /// List the profiles, or print a built-in one
    ///
    /// A profile of the project hides the built-in one of its name, which is
    /// then `built-in:NAME`. Each value that a node gets in the end is in
    /// `nodebake show NODE --origin`.
    Profile(ProfileArgs),
    /// List the overlays, or the files of a built-in one
    ///
    /// An overlay of the project replaces the built-in one of its name:
    /// `nodebake overlay kubelet --out overlays/kubelet` is a copy to change.
    Overlay(OverlayArgs),
    /// List what is in a payload, or in any initrd, tarball, Ignition
    /// configuration, user-data, ISO or FAT image
    ///
    /// What a file is, its content says. Initrds may have any number of archives,
    /// compressed or not, early microcode among them; the listing has all of
    /// them with their offsets. Nothing is trusted: a file that unpacks to more
    /// than allowed, or is broken, ends with exit code 1, and the listing with
    /// what is before that point.
    Inspect(Inspect),
    /// Put a node's initramfs payload and a base initrd into one file
    #[command(subcommand)]
    Initrd(Initrd),
    /// Verify a bundle: signature, digests, nothing missing, nothing extra
    ///
    /// Says until when all of its payloads are usable, and warns when that has
    /// passed; what is signed stays what it is, so that is a failure only with
    /// --usable or --usable-for. Signatures that others put beside SHA256SUMS, as
    /// SHA256SUMS.asc, are named and not checked.
    ///
    /// Files that came alone are verified by the signed SHA256SUMS of their
    /// bundle: that above them, or --sums. Where there is none, by the signed
    /// tree that payloads of the overlay tree-check embed: a tarball, initramfs
    /// payload or Ignition configuration then installs what was signed for that
    /// node, and nothing else. Name all files of a payload, its archive of assets
    /// too. What user-data does beside writing files no tree says, so it
    /// needs the list. A tree does not say of which generation it is.
    Verify(Verify),
    /// Say what changed between two bundles, or between one and the project
    ///
    /// Per node and path, and field by field where files have fields: YAML (all
    /// documents), JSON, units and what else has sections. Text is shown as a
    /// unified diff, large and binary files by size and digest. Secrets are
    /// never shown, only that they are others. At the end is what needs
    /// kubectl, which machines need their new payload, and what needs nothing.
    ///
    /// OLD alone is compared with what `build` would make of the project now,
    /// in a folder of its own below TMPDIR, which is removed again. Both bundles
    /// are checked as `verify` does, signatures where --key is given.
    ///
    /// With --exit-code it is a gate: `nodebake diff main/out --exit-code` ends
    /// with 3 where the next build would change anything.
    Diff(Diff),
    /// Sign a bundle, or attach a signature that was made elsewhere
    Sign(Sign),
    /// Create, list, rotate, revoke, import and encrypt bootstrap tokens, offline
    #[command(subcommand)]
    Token(Token),
    /// Review the nodes' requests for certificates against the inventory
    #[command(subcommand)]
    Csr(Csr),
    /// Make signing keys
    #[command(subcommand)]
    Key(Key),
    /// Make certificates, for clusters that do without bootstrap tokens
    #[command(subcommand)]
    Pki(Pki),
    /// Print a manual page, or list all of them
    ///
    /// Pages are those of commands, and guides: `nodebake man secrets | man -l -`.
    Man(ManPage),
    /// Print completions for a shell
    Completions(Completions),
    /// Explain a finding by its id, or list all
    ///
    /// The page says why the rule is there, and what to write instead. All
    /// pages are in nodebake-findings(7).
    Explain(Explain),
    /// Print the JSON Schema of a file, for editors and validators
    ///
    /// With it an editor completes keys, says what they are for, and marks
    /// mistakes: put `# yaml-language-server: $schema=FILE` at the top of a
    /// file. `check` finds more than a schema can express.
    Schema(SchemaOf),
}

/// `schema`.
#[derive(Debug, Args)]
pub struct SchemaOf {
    /// The file: cluster.yaml, profiles/NAME.yaml or overlays/NAME/overlay.yaml
    #[arg(
        value_enum,
        default_value_t,
        conflicts_with = "out",
        value_name = "FILE"
    )]
    pub file: SchemaFile,
    /// Only fields and flags that kubelets of this version have
    /// [default: those of all versions]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub kubernetes: Option<u32>,
    /// Write all schemas into this folder, as cluster.schema.json,
    /// profile.schema.json and overlay.schema.json
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Files that there are schemas of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaFile {
    /// The inventory
    #[default]
    Cluster,
    /// Named defaults for a role
    Profile,
    /// What is said of an overlay's files
    Overlay,
    /// What `check --format json` prints
    Findings,
    /// What `check --policy NAME -o json` prints
    Policy,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManPage {
    /// The page: nodebake-build, or build; without it all are listed
    #[arg(value_name = "PAGE", conflicts_with = "out")]
    pub page: Option<String>,
    /// Write all pages below this folder, as man1/… and man7/…
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that reads them
    pub shell: clap_complete::Shell,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder of the project; nothing that is in it is overwritten
    pub dir: PathBuf,
    /// A built-in profile of all nodes: a role (worker, by-hand) or an operating
    /// system like ubuntu, above a role; may be given more than once [default:
    /// worker]
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Call the cluster this
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The API server, as nodes reach it: https://host:port
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The version of the nodes
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Option<String>,
    /// Encrypt the tokens for this one: age1… or an SSH public key; may be
    /// given more than once
    #[arg(long = "recipient", value_name = "KEY")]
    pub recipients: Vec<String>,
}

/// `show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The node
    pub node: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectArgs,
    /// Do without the tokens: placeholders stand for them, and when they end is
    /// not checked; for checks of changes by those who may not see secrets
    #[arg(long, conflicts_with = "secrets")]
    pub no_tokens: bool,
    /// Print this file of the node's tree
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Say which layer set each value
    #[arg(long)]
    pub origin: bool,
    /// Say how large the node's user-data is in each form, and what takes most of it
    #[arg(long, conflicts_with_all = ["origin", "file"])]
    pub sizes: bool,
    /// Print secrets in the clear
    #[arg(long)]
    pub reveal: bool,
    /// Print for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The file
    pub file: PathBuf,
    /// Write its files into this folder, which must be absent or empty; no path
    /// leaves it and no link is followed. Owners and devices are left out
    #[arg(long, value_name = "DIR")]
    pub extract: Option<PathBuf>,
    /// The most that it may unpack to [default: 16 GiB]
    #[arg(long, value_name = "BYTES")]
    pub max_unpacked: Option<u64>,
    /// Print for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

/// `sign`.
#[derive(Debug, Args)]
pub struct Sign {
    /// The bundle's folder, or the trees' folder of a first stage
    pub out: PathBuf,
    /// Sign with this private key
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "signature",
        required_unless_present = "signature"
    )]
    pub key: Option<PathBuf>,
    /// Attach this raw Ed25519 signature over SHA256SUMS, made elsewhere
    #[arg(long, value_name = "FILE", requires = "public_key")]
    pub signature: Option<PathBuf>,
    /// Attach this SSHSIG over SHA256SUMS as well, made by ssh-keygen -Y sign
    #[arg(long, value_name = "FILE", requires = "signature")]
    pub sshsig: Option<PathBuf>,
    /// The public key that an attached signature must verify with
    #[arg(long, value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// Print for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
}

/// `key …`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make an Ed25519 key pair in DIR/keys; never overwrites one
    Generate(KeyGenerate),
}

/// `key generate`.
#[derive(Debug, Args)]
pub struct KeyGenerate {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
