//! `nodebake key`: signing keys.

use std::io::Write;

use crate::cli::{Key, KeyGenerate};
use crate::error::{Exit, Result};
use crate::signing::generate_keys;
use crate::terminal;

/// Runs `key …`.
pub fn run(args: &Key) -> Result<Exit> {
    match args {
        Key::Generate(args) => generate(args),
    }
}

fn generate(args: &KeyGenerate) -> Result<Exit> {
    let files = generate_keys(&args.dir.join("keys"))?;
    let mut stdout = terminal::stdout();
    writeln!(
        stdout,
        "{}: the private key, {}; back it up, and keep it out of version control",
        files.private.display(),
        if files.completed {
            "which was there already"
        } else {
            "0600"
        }
    )?;
    writeln!(stdout, "{}: the public key", files.public.display())?;
    writeln!(
        stdout,
        "{}: the same for `ssh-keygen -Y verify -f`",
        files.allowed_signers.display()
    )?;
    write!(
        stdout,
        "\nGive the public key to whoever verifies, by another way than the bundles:\n\
         a key that comes on the same medium as the bundle proves nothing.\n\n{}",
        files.key.to_pem()
    )?;
    Ok(Exit::Good)
}
