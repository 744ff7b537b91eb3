//! What the user may say of the file that holds the tokens, wherever a command reads or changes it.

use std::path::PathBuf;

use clap::Args;

use crate::secrets::SecretsChoice;

/// Which file, and what opens it.
#[derive(Clone, Debug, Default, Args)]
pub struct SecretsArgs {
    /// The tokens' file [default: DIR/secrets.yaml or DIR/secrets.yaml.age]; -
    /// is stdin, for commands that do not change it
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Opens an encrypted tokens' file: an age identity file, or an SSH key
    /// without a passphrase; - is stdin; may be given more than once
    ///
    /// Beside NODEBAKE_AGE_IDENTITY_FILE, which names a file,
    /// NODEBAKE_AGE_IDENTITY may hold an identity itself.
    #[arg(
        long = "identity",
        value_name = "FILE",
        env = "NODEBAKE_AGE_IDENTITY_FILE",
        hide_env_values = true
    )]
    pub identities: Vec<PathBuf>,
}

impl SecretsArgs {
    /// Which file, and what opens it.
    pub fn choice(&self) -> SecretsChoice {
        SecretsChoice {
            file: self.secrets.clone(),
            identities: self.identities.clone(),
        }
    }
}
