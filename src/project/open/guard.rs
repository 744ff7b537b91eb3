//! The secrets of a project that must not get into a payload: tokens and keys, known by their content and by their files.

use crate::identity::pki_files::CA_KEY;
use crate::identity::{CaBundle, Guarded, Private};
use crate::input::{self, Limit};
use crate::project::signing::{SIGN_KEY, SIGN_PUB};
use crate::project_folder::ProjectFolder;
use crate::secrets::{ENCRYPTED_FILE, SECRETS_FILE, SecretsChoice, TokenStore};

/// The longest public key that is read.
const PUBLIC_KEY: Limit = Limit::kib(16);

/// Collects the marks by which a project's secrets are recognised. Files that are missing add none.
pub fn guarded(
    project: &ProjectFolder,
    choice: &SecretsChoice,
    ca: &CaBundle,
    tokens: &TokenStore,
) -> Guarded {
    let mut guarded = Guarded::new(ca, tokens);
    if let Ok(pem) = input::read(&project.join(SIGN_PUB), PUBLIC_KEY) {
        guarded.add_signer(&String::from_utf8_lossy(&pem));
    }
    let own = [
        (project.join(CA_KEY), Private::CaKey),
        (project.join(SIGN_KEY), Private::SigningKey),
        (project.join(SECRETS_FILE), Private::Tokens),
        (project.join(ENCRYPTED_FILE), Private::Tokens),
    ];
    let named = choice.file.iter().chain(&choice.identities);
    let named = named.map(|path| (path.clone(), Private::Tokens));
    for (path, what) in own.into_iter().chain(named) {
        if let Ok(file) = path.metadata()
            && file.is_file()
        {
            guarded.add_file(&file, what);
        }
    }
    guarded
}
