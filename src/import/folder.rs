//! Folders with what kubectl and kubeadm wrote: `kubectl cluster-info dump`, /etc/kubernetes of a control plane, dumps of one's
//! own. All files are read whose names say that they may be objects; keys and certificates never.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::Result;
use crate::model::Location;
use crate::report::{Finding, Id, Report};
use crate::wording::are;

use anyhow::Context;

/// The endings of files that are read: objects, and kubeconfigs as kubeadm names them.
const ENDINGS: [&str; 4] = ["yaml", "yml", "json", "conf"];

/// The files of a folder and of those in it, by name. Hidden ones, links, and the project itself are left out.
pub fn files(folder: &Path, project: &Path, report: &mut Report) -> Result<Vec<PathBuf>> {
    let project = project.canonicalize().ok();
    let is_project = |path: &Path| {
        path.canonicalize()
            .ok()
            .is_some_and(|path| Some(path) == project)
    };
    let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let mut found = Vec::new();
    let mut others = Vec::new();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        let is_left_out =
            is_hidden(entry.file_name()) || entry.file_type().is_dir() && is_project(entry.path());
        entry.depth() == 0 || !is_left_out
    });
    for entry in walk {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let ending = entry.path().extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            found.push(entry.into_path());
        } else {
            others.push(entry.into_path());
        }
    }
    if let Some(first) = others.first() {
        let rule = format!(
            "{} not read, the first is {}",
            are(others.len(), "file"),
            first.strip_prefix(folder).unwrap_or(first).display()
        );
        let at = Location::file(folder.display().to_string());
        let finding = Finding::new(Id::ImportKindUnknown, &at, "", rule);
        report.add(finding.help(format!("files that end with .{} are", ENDINGS.join(", ."))));
    }
    Ok(found)
}
