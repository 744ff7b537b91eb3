//! Contents as `data:` URLs (RFC 2397), in the smallest form that Ignition reads.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use serde::{Serialize, Serializer};

use crate::error::Result;
use crate::payload::gzip::Gzip;
use crate::tree::Content;

/// What is escaped: everything but RFC 2396's unreserved and reserved characters. `?` is escaped although it is
/// reserved, since Ignition takes the URL apart with Go's net/url and puts it together again.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b',')
    .remove(b'=')
    .remove(b'@')
    .remove(b'&')
    .remove(b'+')
    .remove(b'$');

const BASE64: &str = "data:;base64,";
const PLAIN: &str = "data:,";
/// A gzip member has 18 bytes around its data, so below this size it never wins.
const WORTH_PACKING: usize = 40;

/// The bytes behind a `data:` URL (RFC 2397), not decompressed; None for any other URL.
pub fn decode_data_url(url: &str) -> Option<Result<Cow<'_, [u8]>>> {
    let rest = url.strip_prefix("data:")?;
    let decode = || {
        let (head, data) = rest.split_once(',').context("a data URL without a comma")?;
        let data: Cow<'_, [u8]> = percent_decode_str(data).into();
        Ok(if head.ends_with(";base64") {
            Cow::Owned(STANDARD.decode(data).context("a data URL's base64")?)
        } else {
            data
        })
    };
    Some(decode())
}

/// A content as a URL, with the compression that Ignition undoes after decoding it.
#[derive(Debug, PartialEq, Eq)]
pub struct DataUrl {
    /// The whole URL.
    pub url: String,
    /// Whether the decoded bytes are a gzip member.
    pub gzip: bool,
}

impl DataUrl {
    /// The smallest of percent-escaped, base64, and base64 of gzip.
    pub fn smallest(bytes: &[u8], gzip: &mut Gzip) -> Self {
        let (escaped, base64) = plain_sizes(bytes);
        let plain = escaped.min(base64);
        if bytes.len() >= WORTH_PACKING {
            let packed = gzip.pack(bytes);
            // The word "gzip" in the compression field counts as well.
            if BASE64.len() + base64_len(packed.len()) + "gzip".len() < plain {
                let url = in_base64(&packed);
                return Self { url, gzip: true };
            }
        }
        Self::plain(bytes, escaped, base64)
    }

    /// The smaller of percent-escaped and base64, for specifications that compress nothing there.
    pub fn uncompressed(bytes: &[u8]) -> Self {
        let (escaped, base64) = plain_sizes(bytes);
        Self::plain(bytes, escaped, base64)
    }

    fn plain(bytes: &[u8], escaped: usize, base64: usize) -> Self {
        let url = if base64 < escaped {
            in_base64(bytes)
        } else {
            let mut url = String::with_capacity(escaped);
            url.push_str(PLAIN);
            url.extend(percent_encode(bytes, ESCAPED));
            url
        };
        Self { url, gzip: false }
    }
}

/// The lengths of the URL escaped and in base64.
fn plain_sizes(bytes: &[u8]) -> (usize, usize) {
    let escaped: usize = percent_encode(bytes, ESCAPED).map(str::len).sum();
    (
        PLAIN.len() + escaped,
        BASE64.len() + base64_len(bytes.len()),
    )
}

fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

fn in_base64(bytes: &[u8]) -> String {
    let mut url = String::with_capacity(BASE64.len() + base64_len(bytes.len()));
    url.push_str(BASE64);
    STANDARD.encode_string(bytes, &mut url);
    url
}

/// An asset as a URL that is made while it is written, so that the asset is never in memory.
pub struct StreamedUrl<'a> {
    /// An asset, or what it was packed to.
    content: Content,
    /// Why the asset could not be read: serde has no room for our errors, so the caller asks here afterwards.
    failure: &'a RefCell<Option<anyhow::Error>>,
}

impl<'a> StreamedUrl<'a> {
    /// The URL of a content; `failure` is set when writing it fails.
    pub fn new(content: Content, failure: &'a RefCell<Option<anyhow::Error>>) -> Self {
        Self { content, failure }
    }

    /// The URL's length.
    pub fn length(&self) -> u64 {
        BASE64.len() as u64 + self.content.len().div_ceil(3) * 4
    }
}

impl Serialize for StreamedUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for StreamedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BASE64)?;
        let mut sink = Sink { f, failed: false };
        let mut encoder = EncoderWriter::new(&mut sink, &STANDARD);
        let copied = self
            .content
            .copy_to(&mut encoder)
            .and_then(|()| Ok(encoder.finish().map(drop)?));
        if let Err(error) = copied {
            // Dropping the encoder may write its last bytes; they do not matter any more.
            drop(encoder);
            let sink_failed = sink.failed;
            self.failure.borrow_mut().get_or_insert(error);
            if sink_failed {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

/// A formatter as a writer. serde_json panics on a formatting error that its own writer did not cause, hence the flag.
struct Sink<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    failed: bool,
}

impl Write for Sink<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.f.write_str(text).map_err(|error| {
            self.failed = true;
            io::Error::other(error)
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_form_wins() {
        let smallest = |bytes: &[u8]| DataUrl::smallest(bytes, &mut Gzip::new());
        assert_eq!(smallest(b"").url, "data:,");
        assert_eq!(smallest(b"a=/b?#%\n").url, "data:,a=/b%3F%23%25%0A");
        assert_eq!(
            smallest(b"\0\x01\x02\x03\xff\xfe\xfd\xfc\0\0\0\0").url,
            "data:;base64,AAECA//+/fwAAAAA"
        );
        let repeated = smallest(&b"repeat ".repeat(100));
        assert!(repeated.gzip && repeated.url.len() < 80, "{repeated:?}");
    }

    #[test]
    fn an_unreadable_asset_is_reported_and_does_not_panic() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let source = folder.path().join("asset");
        std::fs::write(&source, "before").expect("a scratch file");
        let asset = crate::tree::Asset::measure(&source).expect("readable");
        std::fs::write(&source, "after!").expect("a scratch file");
        let content = Content::Asset(asset.into());
        let failure = RefCell::new(None);
        let _ = serde_json::to_string(&StreamedUrl::new(content, &failure));
        let error = failure.into_inner().expect("the change was seen");
        assert!(error.to_string().contains("changed during the build"));
    }
}
