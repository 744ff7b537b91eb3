//! What a configuration takes in the area for it on a CoreOS live ISO. coreos-installer puts an initrd there: newc with
//! the single file `config.ign`, in xz with CRC32 checks, which the kernel needs (its src/io/initrd.rs).

use std::io::Write;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpio::newc::{Builder, ModeFileType, trailer};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use crate::error::Result;
use crate::payload::gzip::Gzip;

/// The area's length on Fedora CoreOS and RHEL CoreOS (`/coreos/igninfo.json`).
pub(super) const AREA: u64 = 262_144;

/// coreos-installer's xz level.
const XZ_LEVEL: u32 = 9;
/// Level 9 has 64 MiB, and takes eleven times as much memory; matches that are further apart than this do not decide
/// about a quarter of a mebibyte.
const XZ_DICTIONARY: u32 = 4 << 20;

/// The bytes of the initrd that holds a configuration: embedded as it is, or as `iso customize --dest-ignition` wraps it,
/// whichever is larger. The first is what coreos-installer makes, to the byte; the second is some per cent more, since its
/// gzip packs what is in base64 a little tighter than ours.
pub(super) fn length(config: &[u8]) -> Result<u64> {
    let embedded = initrd(config)?.len();
    let wrapped = initrd(customized(config).as_bytes())?.len();
    Ok(embedded.max(wrapped) as u64)
}

/// The configuration of the live system that installs a machine with this one (its src/live/customize.rs).
fn customized(config: &[u8]) -> String {
    let file = |path: &str, bytes: &[u8]| {
        let packed = STANDARD.encode(Gzip::new().pack(bytes));
        format!(
            r#"{{"path":"{path}","contents":{{"compression":"gzip","source":"data:;base64,{packed}"}},"mode":384}}"#
        )
    };
    let dest = file("/etc/coreos/dest.ign", config);
    let installer = b"dest-device: /dev/disk/by-id/name\nignition-file: /etc/coreos/dest.ign\n";
    let installer = file("/etc/coreos/installer.d/0000-customize.yaml", installer);
    format!(
        r#"{{"ignition":{{"version":"3.3.0"}},"storage":{{"files":[{dest},{installer}]}}}}{}"#,
        '\n'
    )
}

fn initrd(config: &[u8]) -> Result<Vec<u8>> {
    let packing = "packing a configuration as coreos-installer does";
    let mut options = LzmaOptions::new_preset(XZ_LEVEL).context(packing)?;
    options.dict_size(XZ_DICTIONARY);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32).context(packing)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    let length = u32::try_from(config.len()).context(packing)?;
    let mut member = Builder::new("config.ign")
        .mode(0o600)
        .set_mode_file_type(ModeFileType::Regular)
        .write(&mut encoder, length);
    member.write_all(config).context(packing)?;
    member.finish().context(packing)?;
    trailer(&mut encoder).context(packing)?;
    encoder.finish().context(packing)
}
