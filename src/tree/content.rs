//! What a file holds: bytes in memory, or an asset that is streamed from disk.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256, Sha512};

use crate::error::Result;
use crate::input;
use crate::io::ReadFrom;
use crate::model::{Sha256Digest, Sha512Digest};
use crate::wording::counted;

/// A file's content.
#[derive(Clone, Debug)]
pub enum Content {
    /// Small bytes in memory.
    Blob(Arc<Blob>),
    /// A file of the project, read again each time that it is packed.
    Asset(Arc<Asset>),
}

/// Bytes in memory, with digests that are computed once however many nodes and formats share the blob.
pub struct Blob {
    bytes: Vec<u8>,
    shared: bool,
    sha256: OnceLock<Sha256Digest>,
    sha512: OnceLock<Sha512Digest>,
}

/// A file that is too big for memory: a kubelet binary, an image archive.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Where it is on the building machine; never written into an output.
    pub source: AssetSource,
    /// Bytes.
    pub size: u64,
    /// Digest that the inventory gives and that was checked.
    pub sha256: Sha256Digest,
    /// Digest of the same bytes, for Ignition's `verification.hash`.
    pub sha512: Sha512Digest,
}

/// Where an asset is read from.
#[derive(Clone, Debug)]
pub enum AssetSource {
    /// A file of the project.
    File(PathBuf),
    /// What was made of a file of the project (unpacked, packed), in a [`nameless`] file: nobody else can change it.
    Made {
        /// The project's file, for messages.
        of: PathBuf,
        /// The file that holds it.
        store: Arc<File>,
        /// Where in that it begins.
        at: u64,
    },
}

/// Learns size and digests of what is read piece by piece.
#[derive(Default)]
pub struct Measure {
    sha256: Sha256,
    sha512: Sha512,
    size: u64,
}

impl Content {
    /// Bytes of one node only.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Blob(Arc::new(Blob::new(bytes.into(), false)))
    }

    /// Bytes that many nodes share (an overlay's static file, the CA): derived forms of them are worth keeping.
    pub fn shared(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Blob(Arc::new(Blob::new(bytes.into(), true)))
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Blob(blob) => blob.bytes.len() as u64,
            Self::Asset(asset) => asset.size,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> Sha256Digest {
        match self {
            Self::Blob(blob) => *blob
                .sha256
                .get_or_init(|| Sha256::digest(&blob.bytes).into()),
            Self::Asset(asset) => asset.sha256,
        }
    }

    /// SHA-512 of the bytes.
    pub fn sha512(&self) -> Sha512Digest {
        match self {
            Self::Blob(blob) => *blob
                .sha512
                .get_or_init(|| Sha512::digest(&blob.bytes).into()),
            Self::Asset(asset) => asset.sha512,
        }
    }

    /// Streams the bytes. An asset whose size or digest is not what the plan saw is an error: the payload would
    /// otherwise hold bytes that nobody checked.
    pub fn copy_to(&self, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Blob(blob) => Ok(out.write_all(&blob.bytes)?),
            Self::Asset(asset) => asset.copy_to(out),
        }
    }
}

impl Blob {
    fn new(bytes: Vec<u8>, shared: bool) -> Self {
        Self {
            bytes,
            shared,
            sha256: OnceLock::new(),
            sha512: OnceLock::new(),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether many nodes hold this very blob.
    pub fn is_shared(&self) -> bool {
        self.shared
    }
}

/// A blob may hold a token, so its bytes never show.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({})", counted(self.bytes.len(), "byte"))
    }
}

impl Asset {
    /// Reads a file once to learn its size and digests.
    pub fn measure(source: &Path) -> Result<Self> {
        let file = input::open(source).with_context(|| format!("reading {}", source.display()))?;
        Self::measure_and(file, source, |_| ())
    }

    /// The same of a file that is open, with every piece shown to somebody else who wants to look at it. `path` is where it is
    /// read again. What has more bytes than it says may have no end.
    pub fn measure_and(mut file: File, path: &Path, mut look: impl FnMut(&[u8])) -> Result<Self> {
        let reading = || format!("reading {}", path.display());
        let says = file.metadata().with_context(reading)?.len();
        let mut measure = Measure::default();
        let each = |chunk: &[u8]| {
            measure.push(chunk);
            look(chunk);
            if measure.size > says {
                bail!("{}: it has more bytes than it says ({says})", reading())
            } else {
                Ok(())
            }
        };
        blocks(&mut file, each, reading)?;
        Ok(measure.finish(AssetSource::File(path.to_owned())))
    }

    /// Streams the bytes. A file of the project is hashed on its way: whoever changes it meanwhile would else bring bytes
    /// into a payload that nobody checked, and no time of change is fine enough to tell.
    pub fn copy_to(&self, out: &mut dyn Write) -> Result<()> {
        let mut sha256 = match self.source {
            AssetSource::File(_) => Some(Sha256::new()),
            AssetSource::Made { .. } => None,
        };
        let mut size = 0;
        self.source.read(self.size, |chunk| {
            if let Some(sha256) = &mut sha256 {
                sha256.update(chunk);
            }
            size += chunk.len() as u64;
            if size > self.size {
                bail!(
                    "reading {}: the file grew during the build",
                    self.source.path().display()
                );
            }
            Ok(out.write_all(chunk)?)
        })?;
        let is = sha256.is_none_or(|sha256| Sha256Digest::from(sha256.finalize()) == self.sha256);
        if size != self.size || !is {
            bail!(
                "reading {}: the file changed during the build",
                self.source.path().display()
            );
        }
        Ok(())
    }
}

impl Measure {
    /// The next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        self.sha512.update(piece);
        self.size += piece.len() as u64;
    }

    /// What was read, as an asset that is read again from `source`.
    pub fn finish(self, source: AssetSource) -> Asset {
        Asset {
            source,
            size: self.size,
            sha256: self.sha256.finalize().into(),
            sha512: self.sha512.finalize().into(),
        }
    }
}

impl AssetSource {
    /// The project's file, for messages.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Made { of, .. } => of,
        }
    }

    /// Reads it in blocks of 64 KiB. A file is read to its end, whatever `size` says; what was made of one has it.
    fn read(&self, size: u64, each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let reading = || format!("reading {}", self.path().display());
        match self {
            Self::File(path) => {
                blocks(&mut input::open(path).with_context(reading)?, each, reading)
            }
            Self::Made { store, at, .. } => {
                blocks(&mut ReadFrom::new(store, *at).take(size), each, reading)
            }
        }
    }
}

/// A file that has no name, and is gone with the program. As systemd wants it, large ones are not in /tmp, which is often
/// in memory.
pub fn nameless() -> io::Result<File> {
    match env::var_os("TMPDIR") {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile_in("/var/tmp").or_else(|_| tempfile::tempfile()),
    }
}

fn blocks(
    from: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> Result<()>,
    reading: impl Fn() -> String,
) -> Result<()> {
    let mut block = vec![0; 64 * 1024];
    loop {
        match from.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => each(&block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(&reading),
        }
    }
}
