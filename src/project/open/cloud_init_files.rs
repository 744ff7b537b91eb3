//! Files of the project that users add to cloud-init's documents. Each is read once for a whole build.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compile::project_file::read_text;
use crate::error::Result;
use crate::identity::Guarded;
use crate::model::Spanned;
use crate::model::output::PartSpec;
use crate::payload::cloud_init::{UserFiles, UserPart};
use crate::plan::Plan;
use crate::project_folder::ProjectFolder;
use crate::report::{Id, Report};
use crate::tree::Content;

struct Reader<'a> {
    project: &'a ProjectFolder,
    guarded: &'a Guarded,
    report: &'a mut Report,
    /// By source, type, and whether it is secret.
    parts: HashMap<(String, Option<String>, bool), Option<Arc<UserPart>>>,
    vendor_data: HashMap<String, Option<Content>>,
}

/// Reads what the classes add, for each class by its index. What is wrong with a file goes into the report, once.
pub fn load(
    project: &ProjectFolder,
    plan: &Plan,
    guarded: &Guarded,
    report: &mut Report,
) -> Result<Vec<Arc<UserFiles>>> {
    let mut reader = Reader {
        project,
        guarded,
        report,
        parts: HashMap::new(),
        vendor_data: HashMap::new(),
    };
    let mut all = Vec::with_capacity(plan.classes.len());
    for class in &plan.classes {
        let mut files = UserFiles::default();
        let image = class.spec.os.cloud_init.as_ref();
        let release = image.and_then(|image| image.value.as_ref()?.release);
        for part in &class.spec.output.cloud_init.parts {
            let Some(read) = reader.part(part)? else {
                continue;
            };
            let before: Vec<&UserPart> = files.parts.iter().map(|part| &**part).collect();
            if let Some(rule) = read.unhandled(&before, release) {
                let finding = part.source.location.finding(Id::UserDataPartInvalid, rule);
                reader.report.add(finding);
            }
            files.parts.push(read);
        }
        if let Some(source) = &class.spec.output.cloud_init.vendor_data {
            files.vendor_data = reader.vendor_data(source)?;
        }
        all.push(Arc::new(files));
    }
    Ok(all)
}

impl Reader<'_> {
    fn part(&mut self, part: &PartSpec) -> Result<Option<Arc<UserPart>>> {
        let source = &part.source;
        let key = (source.value.clone(), part.kind.clone(), part.secret);
        if let Some(known) = self.parts.get(&key) {
            return Ok(known.clone());
        }
        let read = match self.text(source, Some(part.secret))? {
            None => None,
            Some(text) => {
                match UserPart::of_type(&source.value, text, part.secret, part.kind.as_deref()) {
                    Ok(part) => Some(Arc::new(part)),
                    Err(rule) => {
                        self.report
                            .add(source.location.finding(Id::UserDataPartInvalid, rule));
                        None
                    }
                }
            }
        };
        self.parts.insert(key, read.clone());
        Ok(read)
    }

    fn vendor_data(&mut self, source: &Spanned<String>) -> Result<Option<Content>> {
        if let Some(known) = self.vendor_data.get(&source.value) {
            return Ok(known.clone());
        }
        let content = self.text(source, None)?.map(Content::shared);
        self.vendor_data
            .insert(source.value.clone(), content.clone());
        Ok(content)
    }

    fn text(&mut self, source: &Spanned<String>, secret: Option<bool>) -> Result<Option<String>> {
        read_text(self.project, source, (self.guarded, secret), self.report)
    }
}
