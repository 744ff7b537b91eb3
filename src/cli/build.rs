//! `build`: what the user may say of a build.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::cli::values::{at_least_one, glob};
use crate::cli::{Print, ProjectArgs};
use crate::model::output::Format;
use crate::project::{BuildRequest, Signing, Tokens, default_out};

/// Takes a format by its name.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::NAMES)
        .try_map(|name| Format::of_name(&name).ok_or("no format"))
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
    #[arg(long = "format", value_name = "FORMAT", value_parser = formats())]
    pub formats: Vec<Format>,
    /// Bake only the nodes whose name matches and keep the others from the
    /// last bundle, which must verify with our key; may be given more than once
    #[arg(long = "node", value_name = "GLOB", value_parser = glob)]
    pub nodes: Vec<String>,
    /// The bundle that the nodes have now: what it installed on them and this one
    /// does not is removed where a format can; may be given more than once.
    /// It must verify with our key
    #[arg(long = "upgrade-from", value_name = "BUNDLE")]
    pub upgrade_from: Vec<PathBuf>,
    /// Nodes baked at the same time [default: one for each core]
    #[arg(short, long, value_name = "N", value_parser = at_least_one)]
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
