//! Files of the project that the inventory names: read within bounds, and searched for secrets that belong into no payload.

use std::io;

use anyhow::Context;

use crate::error::Result;
use crate::identity::{Guarded, Private};
use crate::input::{self, Limit};
use crate::model::{FieldLocation, Spanned};
use crate::project_folder::{DOCUMENT, ProjectFolder};
use crate::report::{Finding, Id, Report};

/// Its bytes, and the worst secret that it is or holds.
pub fn read(
    project: &ProjectFolder,
    guarded: &Guarded,
    source: &Spanned<String>,
    limit: Limit,
) -> io::Result<(Vec<u8>, Option<Private>)> {
    let found = project.find(&source.value)?;
    let bytes = input::of_file(found.open()?, limit)?;
    let whole = guarded.file(found.metadata());
    let private = whole.or_else(|| guarded.find(&bytes));
    Ok((bytes, private))
}

/// Its text; None after a finding: it is missing, not UTF-8, or holds a secret. `secret` tells whether it was declared so;
/// None where it cannot be.
pub fn read_text(
    project: &ProjectFolder,
    source: &Spanned<String>,
    (guarded, secret): (&Guarded, Option<bool>),
    report: &mut Report,
) -> Result<Option<String>> {
    let read = read(project, guarded, source, DOCUMENT);
    let read = read.and_then(|(bytes, private)| Ok((input::text(bytes)?, private)));
    match read {
        Ok((text, private)) => {
            let finding = private.and_then(|private| refused(&source.location, private, secret));
            let is_refused = finding.is_some();
            finding.into_iter().for_each(|finding| report.add(finding));
            Ok((!is_refused).then_some(text))
        }
        Err(error) => report_unreadable(project, source, error, report).map(|()| None),
    }
}

/// Adds the finding about a file that cannot be read. Errors of the machine stay errors.
pub fn report_unreadable(
    project: &ProjectFolder,
    source: &Spanned<String>,
    error: io::Error,
    report: &mut Report,
) -> Result<()> {
    match input::mistake(&error) {
        Some(flaw) => {
            report.add(source.location.no_file(&source.value, &flaw));
            Ok(())
        }
        None => {
            let path = project.join(&source.value);
            Err(error).with_context(|| format!("reading {}", path.display()))
        }
    }
}

/// The finding about something private in a file. `secret` says whether the file was declared secret; None where it
/// cannot be. A private key may be in a secret file, and nothing else may be in any.
pub fn refused(
    location: &FieldLocation,
    private: Private,
    secret: Option<bool>,
) -> Option<Finding> {
    let (rule, repair) = match (private, secret) {
        (Private::CaKey, _) => (
            "this is or holds the CA's private key, which belongs on no node",
            "take it out of the payload",
        ),
        (Private::SigningKey, _) => (
            "this is or holds the key that signs bundles, which belongs on no node",
            "take it out of the payload",
        ),
        (Private::Tokens, _) => (
            "this is or holds a bootstrap token, which only the generated kubeconfig may",
            "take it out of the payload",
        ),
        (Private::Key, Some(true)) => return None,
        (Private::Key, Some(false)) => (
            "this holds a private key and is not declared secret",
            "write `secret: true` for this file (in overlay.yaml for a file of an overlay), or take the key out",
        ),
        (Private::Key, None) => (
            "this holds a private key, and others may read it",
            "put the key into a file of `files` with `secret: true`",
        ),
    };
    Some(location.finding(Id::PrivateKeyExposed, rule).help(repair))
}
