//! What the user may say of findings: how they are printed, and which to explain.

use clap::{Args, ValueEnum};

use crate::report::Id;
use crate::terminal::ColorChoice;

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// For people, with the line and a mark under the value
    #[default]
    Text,
    /// For programs; `nodebake schema findings` prints the schema
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Workflow commands of GitHub Actions
    Github,
}

/// Whether what is printed for people has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where a terminal shows it; NO_COLOR and CLICOLOR_FORCE count
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// The same for the writers.
    pub fn choice(self) -> ColorChoice {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The id, which findings print in brackets: kubelet-field-unknown
    #[arg(value_name = "ID")]
    pub id: Option<Id>,
}
