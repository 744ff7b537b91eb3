//! The file that holds a project's tokens: which one it is, what opens it, and changing it.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::error::Result;
use crate::model::{Location, Spanned};
use crate::project_folder::CLUSTER_FILE;
use crate::report::{Finding, Id, Report};
use crate::secrets::{ENCRYPTED_FILE, Keys, SECRETS_FILE, StoreLock, TokenStore};

/// The environment variable that may hold an identity itself. Programs that we start do not inherit it.
pub const IDENTITY_VARIABLE: &str = "NODEBAKE_AGE_IDENTITY";

/// Which file holds the tokens, and what opens it, where the user does not leave that to the project.
#[derive(Clone, Debug, Default)]
pub struct SecretsChoice {
    /// The file; `-` is stdin.
    pub file: Option<PathBuf>,
    /// Files that open an encrypted one; `-` is stdin.
    pub identities: Vec<PathBuf>,
}

impl SecretsChoice {
    /// What findings call the file, where it holds `store` or is not there.
    pub fn shown(&self, store: Option<&TokenStore>) -> String {
        match (&self.file, store) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(store)) => store.file().to_owned(),
            (None, None) => SECRETS_FILE.to_owned(),
        }
    }
}

/// The project's tokens, or those of a file that the user names; `-` is stdin. Where there is no file, no tokens.
pub fn project_tokens(
    dir: &Path,
    choice: &SecretsChoice,
    report: &mut Report,
) -> Result<TokenStore> {
    let found = tokens_if_there(dir, choice, report)?;
    Ok(found.unwrap_or_else(|| TokenStore::new(SECRETS_FILE)))
}

/// The same, and `None` where there is no file.
pub fn tokens_if_there(
    dir: &Path,
    choice: &SecretsChoice,
    report: &mut Report,
) -> Result<Option<TokenStore>> {
    let stdin = Path::new("-");
    let from_stdin = choice.file.iter().chain(&choice.identities);
    if from_stdin.filter(|path| *path == stdin).count() > 1 {
        bail!("reading stdin: only one file can come from there");
    }
    let keys = keys(choice, report)?;
    if choice.file.as_deref() == Some(stdin) {
        return TokenStore::read(&mut io::stdin().lock(), "stdin", &keys, report).map(Some);
    }
    let file = SecretsFile::of(dir, choice, SECRETS_FILE, report);
    TokenStore::load(&file.path, &file.shown, &keys, report)
}

/// What opens an encrypted file: identities of files, or of the environment where none is named on the command line.
fn keys(choice: &SecretsChoice, report: &mut Report) -> Result<Keys> {
    let mut keys = Keys::default();
    for path in &choice.identities {
        keys.load_identities(path, &path.display().to_string(), report)?;
    }
    if let (true, Ok(text)) = (choice.identities.is_empty(), env::var(IDENTITY_VARIABLE)) {
        let text = zeroize::Zeroizing::new(text);
        if let Err(rule) = keys.add_identities(&text) {
            report.add(Finding::new(
                Id::AgeIdentityInvalid,
                &Location::file(IDENTITY_VARIABLE),
                "",
                rule,
            ));
        }
    }
    Ok(keys)
}

/// Findings about the recipients of the tokens. `store` was read from the project's own file.
pub fn check_recipients(
    recipients: &[Spanned<String>],
    choice: &SecretsChoice,
    store: &TokenStore,
    report: &mut Report,
) {
    add_recipients(&mut Keys::default(), recipients, report);
    let is_plain = choice.file.is_none() && !store.is_encrypted() && store.count() > 0;
    if is_plain && let Some(first) = recipients.first() {
        report.add(plain_in_spite_of(first));
    }
}

fn plain_in_spite_of(recipient: &Spanned<String>) -> Finding {
    let rule = format!("there are recipients, and {SECRETS_FILE} is not encrypted");
    let finding = recipient.location.finding(Id::SecretsPlain, rule);
    finding.help("run `nodebake token encrypt`")
}

fn add_recipients(keys: &mut Keys, recipients: &[Spanned<String>], report: &mut Report) {
    for recipient in recipients {
        if let Err(rule) = keys.add_recipient(&recipient.value) {
            report.add(recipient.location.finding(Id::AgeRecipientInvalid, rule));
        }
    }
}

/// A secrets file, and what findings call it.
struct SecretsFile {
    path: PathBuf,
    shown: String,
}

impl SecretsFile {
    /// The file that the user names, or the project's: the one that is there, else `absent`.
    fn of(dir: &Path, choice: &SecretsChoice, absent: &str, report: &mut Report) -> Self {
        if let Some(path) = &choice.file {
            return Self {
                path: path.clone(),
                shown: path.display().to_string(),
            };
        }
        let is_there = |name: &str| dir.join(name).symlink_metadata().is_ok();
        let name = match (is_there(SECRETS_FILE), is_there(ENCRYPTED_FILE)) {
            (true, true) => {
                report.add(both());
                ENCRYPTED_FILE
            }
            (true, false) => SECRETS_FILE,
            (false, true) => ENCRYPTED_FILE,
            (false, false) => absent,
        };
        Self {
            path: dir.join(name),
            shown: name.to_owned(),
        }
    }
}

fn both() -> Finding {
    let rule = format!("{SECRETS_FILE} is there too, and only one can be right");
    Finding::new(Id::SecretsAmbiguous, &Location::file(ENCRYPTED_FILE), "", rule).help(
        "run `nodebake token encrypt` if they hold the same, else remove the one that is out of date",
    )
}

/// A secrets file that is being changed; other programs wait.
pub struct Change {
    lock: StoreLock,
    keys: Keys,
    /// What findings call the file.
    pub shown: String,
    /// Its tokens.
    pub store: TokenStore,
}

impl Change {
    /// Locks and reads the file; None if it or its recipients have findings, so that nothing may be changed.
    pub fn begin(
        dir: &Path,
        choice: &SecretsChoice,
        recipients: &[Spanned<String>],
        report: &mut Report,
    ) -> Result<Option<Self>> {
        if choice.file.as_deref() == Some(Path::new("-")) {
            bail!("changing the tokens: what comes from stdin cannot be changed there");
        }
        let mut keys = keys(choice, report)?;
        add_recipients(&mut keys, recipients, report);
        let absent = if recipients.is_empty() {
            SECRETS_FILE
        } else {
            ENCRYPTED_FILE
        };
        let file = SecretsFile::of(dir, choice, absent, report);
        if report.has_errors() {
            return Ok(None);
        }
        let lock = StoreLock::acquire(&file.path)?;
        let store = lock.load(&file.shown, &keys, report)?;
        if store.is_encrypted() && recipients.is_empty() {
            report.add(nobody(&file.shown));
        }
        if let (None, false, Some(first)) = (&choice.file, store.is_encrypted(), recipients.first())
        {
            report.add(plain_in_spite_of(first));
        }
        let shown = file.shown;
        Ok((!report.has_errors()).then_some(Self {
            lock,
            keys,
            shown,
            store,
        }))
    }

    /// Writes the changed tokens.
    pub fn save(&self) -> Result<()> {
        self.lock.save(&self.store, &self.keys)
    }
}

fn nobody(shown: &str) -> Finding {
    let rule = format!("no recipient is left to encrypt {shown} for");
    Finding::new(
        Id::RecipientsMissing,
        &Location::file(CLUSTER_FILE),
        "tokens.recipients",
        rule,
    )
    .help("name those who may read it, like [age1…, ssh-ed25519 …]")
}

/// Encrypts the project's tokens for its recipients, and leaves no plain file behind. None if there are findings;
/// else how many tokens and recipients there are.
pub fn encrypt(
    dir: &Path,
    choice: &SecretsChoice,
    recipients: &[Spanned<String>],
    report: &mut Report,
) -> Result<Option<(usize, usize)>> {
    if choice.file.is_some() {
        bail!(
            "encrypting the tokens: only the project's own file is, so --secrets has no place here"
        );
    }
    let mut keys = keys(choice, report)?;
    add_recipients(&mut keys, recipients, report);
    if recipients.is_empty() {
        report.add(nobody(SECRETS_FILE));
    }
    if report.has_errors() {
        return Ok(None);
    }
    // Whoever changes one of the two files holds one lock; whoever wants both takes them in this order.
    let plain = StoreLock::acquire(&dir.join(SECRETS_FILE))?;
    let encrypted = StoreLock::acquire(&dir.join(ENCRYPTED_FILE))?;
    let read =
        |name: &str, report: &mut Report| TokenStore::load(&dir.join(name), name, &keys, report);
    let found = (read(SECRETS_FILE, report)?, read(ENCRYPTED_FILE, report)?);
    if report.has_errors() {
        return Ok(None);
    }
    let (store, was_plain) = match found {
        (Some(plain), Some(encrypted)) if !plain.is_same(&encrypted) => {
            report.add(both());
            return Ok(None);
        }
        (Some(store), _) => (store, true),
        (None, store) => (
            store.context("encrypting the tokens: there are none yet")?,
            false,
        ),
    };
    encrypted.save(&store, &keys)?;
    if was_plain {
        plain.remove()?;
    }
    Ok(Some((store.count(), keys.recipients())))
}
