//! Assets that are archives: which of their members go to the node, and under which paths.

use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use crate::compile::class::{Compiler, FileBody, FileTemplate};
use crate::compile::text::TemplateText;
use crate::compile::unpack::{Member, MemberBody, Unpacked, WantedMembers, unpack};
use crate::error::Result;
use crate::inventory::{AssetSpec, Attributes, Spec, Text, UnpackSpec};
use crate::model::Sha256Digest;
use crate::report::Id;

/// What an archive brings: files, and links with leave to replace.
#[derive(Default)]
pub struct ArchivePieces {
    pub files: Vec<FileTemplate>,
    pub links: Vec<(TemplateText, TemplateText, bool)>,
}

/// What is taken from an archive: its source, the components that paths lose, globs.
pub type OfArchive = (String, u8, Vec<String>);

pub fn of_archive(asset: &AssetSpec, how: &UnpackSpec) -> OfArchive {
    let only = how.only.iter().map(|glob| glob.value.clone());
    (asset.file.source.value.clone(), how.strip, only.collect())
}

impl Compiler<'_> {
    /// One archive of a class.
    pub(super) fn archive(
        &mut self,
        asset: &AssetSpec,
        how: &UnpackSpec,
        spec: &Spec,
    ) -> Result<ArchivePieces> {
        let mut texts = ArchivePieces::default();
        let Some(measured) = self.measured(asset)? else {
            return Ok(texts);
        };
        // Nothing is unpacked that nobody vouches for.
        if !self.is_right(asset, &measured.content) {
            return Ok(texts);
        }
        let Some(unpacked) = self.unpacked(asset, how, measured.content.sha256())? else {
            return Ok(texts);
        };
        let contents = unpacked
            .members
            .values()
            .filter_map(|member| match &member.body {
                MemberBody::File(content, _) => Some(content),
                MemberBody::Link(_) => None,
            });
        self.check_version(asset, contents)?;
        for (name, member) in &unpacked.members {
            let path = below(&asset.path, name);
            if let MemberBody::File(_, Some(binary)) = &member.body {
                self.check_program(asset, &path.text, binary, spec);
            }
            self.member(asset, &path, member, &mut texts);
        }
        Ok(texts)
    }

    fn member(&mut self, asset: &AssetSpec, path: &Text, member: &Member, to: &mut ArchivePieces) {
        let path = if asset.path.is_template() {
            TemplateText::new(path, &mut self.templates)
        } else {
            TemplateText::plain(path)
        };
        let usual = if member.executable { 0o755 } else { 0o644 };
        match &member.body {
            MemberBody::File(content, _) => to.files.push(FileTemplate {
                path,
                body: FileBody::Shared(content.clone()),
                text: asset.text_location(),
                attributes: Attributes {
                    mode: asset.attributes.mode.or(Some(usual)),
                    ..asset.attributes.clone()
                },
                secret: false,
            }),
            MemberBody::Link(target) => {
                let target = Text {
                    text: target.as_str().into(),
                    location: asset.path.location.clone(),
                };
                to.links
                    .push((path, TemplateText::plain(&target), asset.attributes.replace));
            }
        }
    }

    /// What an archive holds, unpacked once however many classes have it.
    fn unpacked(
        &mut self,
        asset: &AssetSpec,
        how: &UnpackSpec,
        sha256: Sha256Digest,
    ) -> Result<Option<Arc<Unpacked>>> {
        let Some(only) = self.globs(how) else {
            return Ok(None);
        };
        let key = of_archive(asset, how);
        if let Some(known) = self.unpacked.get(&key) {
            return Ok(known.clone());
        }
        let wanted = WantedMembers {
            sha256,
            strip: how.strip.into(),
            only: &only,
        };
        let path = self.project.join(&asset.file.source.value);
        let source = &asset.file.source;
        let unpacked = match unpack(&path, &wanted, self.guarded)? {
            Ok(unpacked) => Some(Arc::new(unpacked)),
            Err(rule) => {
                let rule = format!("{} {rule}", source.value);
                self.report
                    .add(source.location.finding(Id::ArchiveInvalid, rule));
                None
            }
        };
        if let Some(unpacked) = &unpacked {
            self.look_for_gaps(asset, how, &only, unpacked);
        }
        self.unpacked.insert(key, unpacked.clone());
        Ok(unpacked)
    }

    /// What is asked for and is not there, and what must not be there.
    fn look_for_gaps(
        &mut self,
        asset: &AssetSpec,
        how: &UnpackSpec,
        only: &[GlobMatcher],
        unpacked: &Unpacked,
    ) {
        let source = &asset.file.source;
        for (said, glob) in how.only.iter().zip(only) {
            if !unpacked.members.keys().any(|name| glob.is_match(name)) {
                let rule = format!("{:?} is nothing that {} holds", said.value, source.value);
                let repair = "paths are as `tar -t` prints them, without what strip takes off";
                self.report.add(
                    said.location
                        .finding(Id::ArchiveMemberMissing, rule)
                        .help(repair),
                );
            }
        }
        if how.only.is_empty() && unpacked.members.is_empty() {
            let rule = format!("{} holds no file below what strip takes off", source.value);
            self.report
                .add(source.location.finding(Id::ArchiveInvalid, rule));
        }
        self.refuse_private(&source.location, unpacked.private, None);
    }

    fn globs(&mut self, how: &UnpackSpec) -> Option<Vec<GlobMatcher>> {
        let mut globs = Vec::with_capacity(how.only.len());
        for said in &how.only {
            match GlobBuilder::new(&said.value)
                .literal_separator(true)
                .build()
            {
                Ok(glob) => globs.push(glob.compile_matcher()),
                Err(error) => {
                    let rule = format!("is not a glob: {}", error.kind());
                    self.report
                        .add(said.location.finding(Id::GlobInvalid, rule));
                }
            }
        }
        (globs.len() == how.only.len()).then_some(globs)
    }
}

fn below(folder: &Text, name: &str) -> Text {
    let path = format!("{}/{name}", folder.text.trim_end_matches('/'));
    Text {
        text: path.into(),
        location: folder.location.clone(),
    }
}
