//! A large asset as one gzip member, made once for all nodes and payloads that want it so. In: an asset. Out: the
//! packed bytes as another one, in a file without a name.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::Context;

use crate::error::Result;
use crate::io::Watched;
use crate::model::output::Compression;
use crate::payload::compress::Compressor;
use crate::tree::{Asset, AssetSource, Content, Measure, nameless};

/// After so many bytes it is decided whether the rest is worth the time: an archive of images is packed already as a
/// rule, and may be many gigabytes.
const TRIAL: u64 = 4 << 20;

/// Whether packing is worth what unpacking takes on the node: a twentieth at least.
fn pays(packed: u64, plain: u64) -> bool {
    packed < plain - plain / 20
}

/// The asset as a gzip member; None where that does not pay.
pub fn gzip(asset: &Asset) -> Result<Option<Content>> {
    let writing = || format!("packing {}", asset.source.path().display());
    let file = Arc::new(nameless().with_context(writing)?);
    let mut measure = Measure::default();
    let out = BufWriter::with_capacity(1 << 16, file.clone());
    let mut store = Watched::new(out, |bytes: &[u8]| measure.push(bytes));
    let mut trial = Trial {
        compressor: Compressor::new(Compression::Gzip, &mut store)?,
        taken: 0,
        hopeless: false,
    };
    if let Err(error) = asset.copy_to(&mut trial) {
        return if trial.hopeless {
            Ok(None)
        } else {
            Err(error).with_context(writing)
        };
    }
    let packed = trial.compressor.finish().with_context(writing)?;
    if !pays(packed, asset.size) {
        return Ok(None);
    }
    store.flush().with_context(writing)?;
    let source = AssetSource::Made {
        of: asset.source.path().to_owned(),
        store: file,
        at: 0,
    };
    Ok(Some(Content::Asset(Arc::new(measure.finish(source)))))
}

/// Gives up where the beginning does not shrink.
struct Trial<'a> {
    compressor: Compressor<'a>,
    taken: u64,
    hopeless: bool,
}

impl Write for Trial<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.taken == TRIAL && !pays(self.compressor.written(), self.taken) {
            self.hopeless = true;
            return Err(io::Error::other("it does not shrink"));
        }
        // The end of the trial is always after the same byte, however the file is read: it decides on bytes of
        // payloads.
        let left = TRIAL.checked_sub(self.taken).filter(|left| *left > 0);
        let most = left.and_then(|left| usize::try_from(left).ok());
        let count = bytes.len().min(most.unwrap_or(usize::MAX));
        let count = self.compressor.write(&bytes[..count])?;
        self.taken += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// Text that shrinks, and after it noise that does not.
    fn packed(text: usize, noise: usize) -> (Vec<u8>, Option<Content>) {
        let mut seed = 7u64;
        let random = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        let text = b"kubelet ".iter().copied().cycle().take(text);
        let bytes: Vec<u8> = text.chain(random.take(noise)).collect();
        let file = tempfile::NamedTempFile::new().expect("a scratch file");
        std::fs::write(file.path(), &bytes).expect("a scratch file");
        let asset = Asset::measure(file.path()).expect("readable");
        (bytes, gzip(&asset).expect("readable"))
    }

    #[test]
    fn what_shrinks_is_one_member_with_the_same_bytes() {
        let (bytes, packed) = packed(9 << 20, 12345);
        let mut member = Vec::new();
        let packed = packed.expect("it shrinks");
        packed.copy_to(&mut member).expect("readable");
        assert_eq!(packed.len(), member.len() as u64);
        assert!(member.len() < bytes.len() / 20);
        let mut decoder = flate2::bufread::GzDecoder::new(&member[..]);
        let mut unpacked = Vec::new();
        decoder.read_to_end(&mut unpacked).expect("a gzip member");
        assert!(unpacked == bytes);
        assert!(decoder.into_inner().is_empty(), "and nothing behind it");
    }

    #[test]
    fn what_does_not_shrink_stays_as_it_is() {
        let trial = usize::try_from(TRIAL).expect("small");
        for (text, noise, shrinks) in [
            (0, trial - 1, false),
            (0, trial + 1, false),
            (trial, trial, true),
        ] {
            assert_eq!(
                packed(text, noise).1.is_some(),
                shrinks,
                "{text} and {noise}"
            );
        }
        assert!(pays(18, 20) && !pays(19, 20) && !pays(0, 0));
    }
}
