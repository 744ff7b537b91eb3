//! The initramfs payload of a CoreOS live system: an archive with the node's Ignition configuration as its only file,
//! as `coreos-installer pxe customize` makes it.

use std::io::{self, Write};

use cpio::newc::{Builder, ModeFileType};

use crate::error::Result;
use crate::io::Watched;
use crate::model::output::{Format, Secrets};
use crate::payload::assets;
use crate::payload::initramfs::mode::CONFIG;
use crate::payload::initramfs::{archive, file_name, place_of};
use crate::payload::{Destination, Forms, Job, MTIME, Objection, Output, Selection, ignition};
use crate::report::Id;

/// What cannot be said: what Ignition cannot say, and a secret payload that nothing fetches.
pub fn check(job: &Job<'_>) -> Vec<Objection> {
    let mut objections = ignition::check(job);
    let settings = job.settings;
    let apart = settings.secrets == Secrets::Separate && job.has_secrets();
    if apart && settings.ignition.secrets_url.is_none() {
        objections.push(
            Objection::new(Id::SecretsUnreachable,
                CONFIG,
                "a live system reads one configuration, and nothing fetches the secrets that output.secrets keeps apart; \
                 set output.ignition.secretsURL, or output.secrets to inline",
            )
            .asked_by("output.initramfs.mode"),
        );
    }
    objections
}

/// Writes the archive. Its header says the length before the content, so the configuration is written twice: once to be
/// measured.
pub fn package(job: &Job<'_>, forms: &Forms, out: &mut dyn Output) -> Result<()> {
    assets::serve(job, Format::Ignition, out)?;
    let mut measured = Only::default();
    ignition::package(job, forms, &mut measured)?;
    let compression = job.settings.initramfs.archive.compression;
    let name = file_name(Selection::Whole, compression);
    let size = u32::try_from(measured.size)?;
    out.file(place_of(job, measured.secret), &name, &mut |out| {
        archive(compression, out, &mut |out| {
            let mut member = Builder::new(CONFIG.trim_start_matches('/'))
                .ino(1)
                .nlink(1)
                .mode(0o600)
                .set_mode_file_type(ModeFileType::Regular)
                .mtime(MTIME as u32)
                .write(&mut *out, size);
            let mut again = Only {
                copy: Some(&mut member),
                ..Only::default()
            };
            ignition::package(job, forms, &mut again)?;
            member.finish()?;
            Ok(())
        })
    })
}

/// Takes the one file that the live system reads, of those that Ignition's payload is.
#[derive(Default)]
struct Only<'a> {
    copy: Option<&'a mut dyn Write>,
    size: u64,
    secret: bool,
}

impl Output for Only<'_> {
    fn file(
        &mut self,
        place: Destination,
        name: &str,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        if place == Destination::Shared {
            // It is written beside, whoever refers to it.
            return Ok(());
        }
        if name != ignition::FILE_NAME {
            // Some of what others hold goes into this one as a digest, so they are made all the same.
            return write(&mut io::sink());
        }
        self.secret = place == Destination::Secret;
        let mut size = 0;
        let mut nowhere = io::sink();
        let out: &mut dyn Write = match &mut self.copy {
            Some(copy) => copy,
            None => &mut nowhere,
        };
        write(&mut Watched::new(out, |bytes: &[u8]| {
            size += bytes.len() as u64;
        }))?;
        self.size = size;
        Ok(())
    }
}
