//! What is known of the nodes: the extract in the mounted folder, if it is complete, signed, of this cluster, not ended and
//! not older than one that was seen. Anything else means that nothing is known, and that everything is left.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::GzDecoder;
use nodebake::input::{self, Limit};
use nodebake::review::Extract;
use nodebake::signing::PublicKey;
use time::OffsetDateTime;

/// 100,000 nodes take 15 MiB.
const LIMIT: u64 = 64 << 20;
const SIGNATURE_LIMIT: Limit = Limit::kib(16);

/// What orders extracts: generation, and the last change of the tokens.
pub type Age = (u64, Option<OffsetDateTime>);

/// Reads the folder again and again.
pub struct Reader {
    folder: PathBuf,
    cluster: String,
    keys: Vec<PublicKey>,
    last: Option<(Vec<u8>, Vec<u8>)>,
    now: Result<Rc<Extract>, String>,
}

impl Reader {
    /// Nothing was read yet.
    pub fn new(folder: &Path, cluster: &str, keys: Vec<PublicKey>) -> Self {
        Self {
            folder: folder.to_owned(),
            cluster: cluster.to_owned(),
            keys,
            last: None,
            now: Err("the extract was not read yet".into()),
        }
    }

    /// Reads the folder; whether what is known has changed.
    pub fn read(&mut self) -> bool {
        let before = self.now.as_ref().map(Rc::clone).map_err(Clone::clone);
        match self.files() {
            Ok(files) => {
                if self.last.as_ref() != Some(&files) {
                    self.now = self.checked(&files.0, &files.1).map(Rc::new);
                    self.last = Some(files);
                }
            }
            Err(reason) => {
                self.last = None;
                self.now = Err(reason);
            }
        }
        before != self.now
    }

    /// The extract that may be decided by at a time, if none that is newer was seen; else why there is none.
    pub fn usable(&self, at: OffsetDateTime, seen: Option<Age>) -> Result<Rc<Extract>, String> {
        let extract = self.now.clone()?;
        if extract.has_ended(at) {
            return Err("the end of the extract (validUntil) has passed".into());
        }
        if seen.is_some_and(|seen| extract.age() < seen) {
            return Err("the extract is older than one that was seen before".into());
        }
        Ok(extract)
    }

    /// What was read, good for something or not.
    pub fn extract(&self) -> Option<&Extract> {
        self.now.as_deref().ok()
    }

    /// Both files. A mounted ConfigMap is exchanged as a whole, but not while we read: the signature is read twice.
    fn files(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        for _ in 0..3 {
            let signature = self.one("review.json.sshsig", SIGNATURE_LIMIT)?;
            let packed = self.folder.join("review.json.gz");
            let text = if packed.exists() {
                unpacked(&self.one("review.json.gz", Limit::bytes(LIMIT))?)?
            } else {
                self.one("review.json", Limit::bytes(LIMIT))?
            };
            if signature == self.one("review.json.sshsig", SIGNATURE_LIMIT)? {
                return Ok((text, signature));
            }
        }
        Err("the extract changed while it was read".into())
    }

    fn one(&self, name: &str, limit: Limit) -> Result<Vec<u8>, String> {
        let read = input::read(&self.folder.join(name), limit);
        read.map(|bytes| bytes.to_vec())
            .map_err(|error| format!("{name}: {error}"))
    }

    fn checked(&self, text: &[u8], signature: &[u8]) -> Result<Extract, String> {
        let signature = String::from_utf8_lossy(signature);
        // Before anything is made of it.
        if !self
            .keys
            .iter()
            .any(|key| key.verifies_ssh(text, &signature))
        {
            return Err("the signature of the extract does not fit it and the public key".into());
        }
        let text = std::str::from_utf8(text).map_err(|_| "the extract is not UTF-8")?;
        let extract = Extract::parse(text).map_err(|fault| format!("review.json: {fault}"))?;
        if extract.cluster != self.cluster {
            let (found, wanted) = (&extract.cluster, &self.cluster);
            return Err(format!(
                "the extract is of the cluster {found}, and not of {wanted}"
            ));
        }
        if extract.valid_until.is_none() {
            return Err("the extract has no end (validUntil)".into());
        }
        Ok(extract)
    }
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = GzDecoder::new(bytes).take(LIMIT + 1).read_to_end(&mut text);
    match read {
        Ok(_) if text.len() as u64 <= LIMIT => Ok(text),
        Ok(_) => Err("review.json.gz: it is too large".into()),
        Err(error) => Err(format!("review.json.gz: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use nodebake::signing::Signer;
    use time::macros::datetime;

    use super::*;

    fn extract(cluster: &str, generation: u64) -> Extract {
        Extract {
            cluster: cluster.into(),
            generation,
            tokens_changed: Some(datetime!(2026-11-24 15:00 UTC)),
            valid_until: Some(datetime!(2030-01-01 00:00 UTC)),
            ..Extract::default()
        }
    }

    #[test]
    fn only_a_good_extract_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let (signer, other) = (Signer::generate().unwrap(), Signer::generate().unwrap());
        let mut reader = Reader::new(folder.path(), "test", vec![signer.public().clone()]);
        let at = datetime!(2029-12-31 23:59:59 UTC);
        let write = |text: &str, by: &Signer| {
            fs::write(folder.path().join("review.json"), text).unwrap();
            fs::write(
                folder.path().join("review.json.sshsig"),
                by.sign_ssh(text.as_bytes()),
            )
            .unwrap();
        };
        let said = |reader: &mut Reader, at, seen| {
            reader.read();
            reader.usable(at, seen).map(|extract| extract.generation)
        };
        assert!(
            said(&mut reader, at, None)
                .unwrap_err()
                .contains("review.json")
        );
        let good = extract("test", 7).to_json().unwrap();
        write(&good, &signer);
        assert_eq!(said(&mut reader, at, None), Ok(7));
        assert!(!reader.read(), "it is the same");
        let age = extract("test", 7).age();
        let later = (7, Some(datetime!(2026-11-24 15:00:01 UTC)));
        assert_eq!(said(&mut reader, at, Some(age)), Ok(7));
        assert_eq!(said(&mut reader, at, Some((6, later.1))), Ok(7));
        for (at, seen, reason) in [
            (at, Some(later), "older"),
            (at, Some((8, None)), "older"),
            (at + time::Duration::SECOND, None, "has passed"),
        ] {
            let refused = said(&mut reader, at, seen).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        for (text, by, reason) in [
            (good.clone(), &other, "signature"),
            (
                extract("prod", 7).to_json().unwrap(),
                &signer,
                "of the cluster prod",
            ),
            ("{}".to_owned(), &signer, "review.json: "),
            (
                good.replace("\"validUntil\": \"2030-01-01T00:00:00Z\",\n", ""),
                &signer,
                "no end",
            ),
        ] {
            write(&text, by);
            let refused = said(&mut reader, at, None).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
        // Signed, and changed afterwards.
        write(&good, &signer);
        fs::write(
            folder.path().join("review.json"),
            good.replace(": 7", ": 8"),
        )
        .unwrap();
        assert!(
            said(&mut reader, at, None)
                .unwrap_err()
                .contains("signature")
        );
        fs::remove_file(folder.path().join("review.json.sshsig")).unwrap();
        assert!(said(&mut reader, at, None).is_err());
        // The compressed one counts, where it is there.
        write(&good, &signer);
        let packed = |text: &[u8]| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            packed.write_all(text).unwrap();
            fs::write(
                folder.path().join("review.json.gz"),
                packed.finish().unwrap(),
            )
            .unwrap();
        };
        packed(good.as_bytes());
        fs::remove_file(folder.path().join("review.json")).unwrap();
        assert_eq!(said(&mut reader, at, None), Ok(7));
        packed(&vec![b' '; LIMIT as usize + 1]);
        assert!(
            said(&mut reader, at, None)
                .unwrap_err()
                .contains("too large")
        );
    }
}
