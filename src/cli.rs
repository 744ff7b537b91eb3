//! What the user may say on the command line; what it means is in `cmd/`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;

use crate::error::Result;
use crate::model::output::Format;
use crate::project::{BuildRequest, Reading, Signing, Tokens, default_out};
use crate::project_folder::ProjectFolder;

mod csr;
mod diff;
mod initrd;
mod pki;
mod secrets;
mod token;
mod values;

pub use csr::{Csr, CsrApproverSettings, CsrExportIds, CsrPrint, CsrReview};
pub use diff::Diff;
pub use initrd::{Initrd, InitrdAppend};
pub use pki::{Pki, PkiInit, PkiIssue};
pub use secrets::{SecretsArgs, TokenFile};
pub use token::{
    Token, TokenCreate, TokenEncrypt, TokenExpiring, TokenImport, TokenList, TokenRevoke,
    TokenRotate,
};
use values::{duration, glob, time, version};

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
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project that builds as it is
    Init(Init),
    /// Check the project: all findings, nothing written
    Check(Check),
    /// Bake every node's payloads and the cluster's manifests into a bundle
    ///
    /// What is built is usable until the first of its tokens, its certificates
    /// or the CA ends. A payload may lie for `tokens.shelfLife` before its node
    /// boots; a token or certificate that ends earlier is a finding.
    ///
    /// Clocks: the API server's decides whether a token is still good, so one
    /// that is minted on a machine whose clock is late ends early: let tokens
    /// live longer than payloads lie, by more than clocks differ. The node's
    /// own decides whether it believes the API server's certificate: with an
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
    Preflight(Check),
    /// List what is in a payload, or in any initrd, tarball, Ignition
    /// configuration, user-data, ISO or FAT image
    ///
    /// What a file is, its content says. Initrds may have any number of archives,
    /// compressed or not, early microcode among them; the listing has all of
    /// them with their offsets. Nothing is trusted: a file that unpacks to more
    /// than allowed, or is broken, ends with exit code 1, and the listing with
    /// what stands before that place.
    Inspect(Inspect),
    /// Put a node's overlay and a base initrd into one file
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
    /// tree that payloads of the overlay tree-check carry: what a tarball, an
    /// overlay or an Ignition configuration lays on a node is then what was
    /// signed for that node, and nothing else. Name all parts of a payload, its
    /// layer too. What user-data does beside writing files no tree says, so it
    /// needs the list. A tree does not say of which generation it is.
    Verify(Verify),
    /// Say what changed between two bundles, or between one and the project
    ///
    /// Per node and path, and field by field where files have fields: YAML (all
    /// documents), JSON, units and what else has sections. Text is shown as a
    /// unified diff, large and binary files by size and digest. Secrets are
    /// never shown, only that they are others. At the end stands what needs
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
    /// Print the JSON Schema of a file, for editors and validators
    ///
    /// With it an editor completes keys, says what they are for, and marks
    /// mistakes: put `# yaml-language-server: $schema=FILE` at the top of a
    /// file. `check` finds more: what no schema can say.
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
    /// The folder to make; it must be absent or empty
    pub dir: PathBuf,
    /// The built-in profile that the example starts from
    #[arg(long, default_value = "worker", value_name = "NAME")]
    pub profile: String,
    /// Encrypt the tokens for this one: age1… or an SSH public key; may be
    /// given more than once
    #[arg(long = "recipient", value_name = "KEY")]
    pub recipients: Vec<String>,
}

/// `check` and `preflight`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectArgs,
    /// Do without the tokens: placeholders stand for them, and when they end is
    /// not judged; for checks of changes by those who may not see secrets
    #[arg(long, conflicts_with = "secrets")]
    pub no_tokens: bool,
    /// Print results for people or as JSON
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    pub output: Print,
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

/// How a project is read and judged.
#[derive(Clone, Debug, Args)]
pub struct ReadingArgs {
    /// Judge expirations at this time (RFC 3339) rather than now; it changes
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

impl Check {
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

/// `build`.
#[derive(Debug, Args)]
pub struct Build {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub project: ProjectArgs,
    /// The bundle's folder [default: DIR/out]
    #[arg(short, long, value_name = "OUT")]
    pub out: Option<PathBuf>,
    /// Write only this format; may be given more than once
    /// [default: what the inventory says]
    #[arg(long = "format", value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::NAMES))]
    pub formats: Vec<String>,
    /// Bake only the nodes whose name matches and keep the others from the
    /// last bundle, which must verify with our key; may be given more than once
    #[arg(long = "node", value_name = "GLOB", value_parser = glob)]
    pub nodes: Vec<String>,
    /// The bundle that the nodes have now: what it laid on them and this one
    /// does not is removed where a format can; may be given more than once.
    /// It must verify with our key
    #[arg(long = "upgrade-from", value_name = "BUNDLE")]
    pub upgrade_from: Vec<PathBuf>,
    /// Nodes baked at the same time [default: one for each core]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// The signing key [default: DIR/keys/sign.key]
    #[arg(long, value_name = "FILE", conflicts_with = "unsigned")]
    pub key: Option<PathBuf>,
    /// Leave SHA256SUMS unsigned, for an external signer (see `sign`)
    #[arg(long)]
    pub unsigned: bool,
    /// For external signers, in two steps: `trees` writes what every node
    /// must end up with, to be signed; `payloads` checks that signature and
    /// writes the rest
    #[arg(long, value_enum, value_name = "STAGE")]
    pub stage: Option<Stage>,
    /// The signed trees of the first stage [default: OUT.trees]
    #[arg(long, value_name = "FOLDER", requires = "stage")]
    pub trees: Option<PathBuf>,
    /// Print what was made for people or as JSON
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub print: Print,
}

impl Build {
    /// What is to be built.
    pub fn request(&self) -> BuildRequest {
        let out = self.out.clone();
        let out = out.unwrap_or_else(|| default_out(&self.project.dir));
        BuildRequest {
            reading: self.project.reading(Tokens::File),
            formats: self.formats.clone(),
            nodes: self.nodes.clone(),
            upgrade_from: self.upgrade_from.clone(),
            signing: match self.stage {
                Some(Stage::Trees) => Signing::Trees(self.trees_beside(&out)),
                Some(Stage::Payloads) => Signing::Payloads(self.trees_beside(&out)),
                None if self.unsigned => Signing::With(None),
                None => Signing::Key(self.key.clone()),
            },
            out,
        }
    }

    /// The first stage's folder.
    fn trees_beside(&self, out: &Path) -> PathBuf {
        let beside = || {
            let mut name = out.as_os_str().to_owned();
            name.push(".trees");
            name.into()
        };
        self.trees.clone().unwrap_or_else(beside)
    }
}

/// The stages of a build with an external signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// tree.json and tree.sums of every node
    Trees,
    /// Payloads, manifests and SHA256SUMS
    Payloads,
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
    /// not judged; for checks of changes by those who may not see secrets
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

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The bundle's folder, or files of it that came alone
    #[arg(value_name = "OUT|FILE", default_value = "out")]
    pub paths: Vec<PathBuf>,
    /// The public key; it must not have come with the bundle
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Refuse bundles of an older generation, which may hold revoked tokens
    #[arg(long, value_name = "N")]
    pub min_generation: Option<u64>,
    /// The folder has only some of the bundle's files, bundle.json and
    /// SHA256SUMS among them: what is there must be right
    #[arg(long, conflicts_with = "sums")]
    pub partial: bool,
    /// The SHA256SUMS of the bundle that the files are of [default: the one in a
    /// folder above them]
    #[arg(long, value_name = "FILE")]
    pub sums: Option<PathBuf>,
    /// Its raw signature [default: SUMS.sig, SUMS.sshsig]
    #[arg(long, value_name = "FILE", requires = "sums")]
    pub signature: Option<PathBuf>,
    /// Fail (4) where a token, a certificate or the CA has ended, too
    #[arg(long)]
    pub usable: bool,
    /// The same, where one ends within this time, like 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub usable_for: Option<Duration>,
    /// Judge expirations at this time (RFC 3339) rather than now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<OffsetDateTime>,
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
