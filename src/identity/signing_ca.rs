//! The CA that signs: its key, read and opened, and the certificate that the key belongs to.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::identity::{Authority, CaBundle, PrivateKey};
use crate::input::{self, Limit};
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::secrets::{Secret, check_access};

/// Longer than any passphrase, in bytes.
const PASSPHRASE_LIMIT: Limit = Limit::kib(4);
/// Longer than any key of a CA as PEM, in bytes.
const KEY_LIMIT: Limit = Limit::kib(64);

/// The first line of a file, which may be a pipe; `-` is stdin. Never an argument or a variable: others see those.
pub fn passphrase(file: Option<&Path>) -> Result<Option<Secret>> {
    let Some(path) = file else { return Ok(None) };
    let reading = || format!("reading {}", path.display());
    let read = if path == Path::new("-") {
        input::secret_from(io::stdin().lock(), PASSPHRASE_LIMIT)
    } else {
        input::read_or_pipe(path, PASSPHRASE_LIMIT).map(|(bytes, _)| bytes)
    };
    let bytes = read.with_context(reading)?;
    let text = std::str::from_utf8(&bytes).with_context(reading)?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Some(Secret::from(line))),
        _ => bail!("reading {}: its first line is empty", path.display()),
    }
}

/// The CA that signs: the certificate of the bundle that a key belongs to, with that key. What is wrong with the key is
/// a finding; `None` then.
pub fn signing_ca(
    (path, shown): (&Path, &str),
    ca: &CaBundle,
    passphrase: Option<&Secret>,
    report: &mut Report,
) -> Result<Option<Authority>> {
    let Some(text) = read_key(path, shown, report)? else {
        return Ok(None);
    };
    let made = PrivateKey::from_pem(&text, passphrase).and_then(|key| {
        let mut known = ca.certificates.iter();
        match known.find(|one| key.is_of(&one.public_key)) {
            Some(certificate) => Authority::new(&certificate.der, key),
            None => Err((
                "the key belongs to no certificate of apiServer.ca",
                "give the key of the CA that the inventory names",
            )),
        }
    });
    let location = Location::file(shown);
    Ok(made
        .map_err(|(rule, repair)| {
            report.add(Finding::new(Id::CaKeyInvalid, &location, "", rule).help(repair))
        })
        .ok())
}

/// The text of a key file that nobody else may read; `None` if it is missing or others may.
fn read_key(path: &Path, shown: &str, report: &mut Report) -> Result<Option<Zeroizing<String>>> {
    let reading = || format!("reading {}", path.display());
    let read = match input::read_or_pipe(path, KEY_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let finding = Finding::new(
                Id::CaKeyInvalid,
                &Location::file(shown),
                "",
                "the CA's key is missing",
            );
            report
                .add(finding.help("name it with --ca-key, or make a CA with `nodebake pki init`"));
            return Ok(None);
        }
        read => report.take(read, shown).with_context(reading)?,
    };
    let Some((bytes, facts)) = read else {
        return Ok(None);
    };
    if facts.is_file() {
        let user = rustix::process::geteuid().as_raw();
        check_access(facts.mode(), facts.uid(), user, shown, report);
    }
    // What is no text is no PEM either, and that is said of it.
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    Ok((!report.has_errors()).then_some(text))
}
