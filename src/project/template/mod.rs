//! A new project from a template: one that builds as it is, today and next month.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use time::OffsetDateTime;

use crate::create::new_file;
use crate::error::Result;
use crate::identity::{EXAMPLE_CA, example_ca};
use crate::lock::Lock;
use crate::project::tokens::{TokensRequest, create};
use crate::project_folder::{CLUSTER_FILE, ProjectFolder};
use crate::report::Report;
use crate::schema::{SchemaKind, text};
use crate::secrets::{CreatedToken, Keys, SecretsChoice};
use crate::signing::generate_keys;
use crate::together::{Together, complete, is_work};
use crate::unfinished::{Unfinished, make_folders};
use crate::yaml::push_quoted;

/// The inventory, with `{VERSION}`, `{PROFILE}` and `{RECIPIENTS}`.
const CLUSTER: &str = include_str!("cluster.yaml");
const README: &str = include_str!("README.md");
const GITIGNORE: &str = include_str!("gitignore");

/// How long the example CA lasts, in days; it is to be replaced long before.
const CA_DAYS: u32 = 3650;

/// Where a new project has its CA.
pub const CA_FILE: &str = "pki/ca.pem";

/// A project to be made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its folder, which is absent or empty.
    pub dir: PathBuf,
    /// The built-in profile that it starts from.
    pub profile: String,
    /// Those who can read its tokens; they are not encrypted where there are none.
    pub recipients: Vec<String>,
}

/// The result of making a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewProjectMade {
    /// An earlier run made it and was killed; it is in its place now.
    Completed,
    /// It is there, with these tokens.
    Created(Vec<CreatedToken>),
}

/// Makes an example project; None after findings.
pub fn create_project(new: &NewProject, report: &mut Report) -> Result<Option<NewProjectMade>> {
    let version = match new.profile.as_str() {
        "worker" => "v1.34.4",
        "by-hand" => "v1.16.6",
        other => bail!("there is no built-in profile {other}; there are worker and by-hand"),
    };
    let recipients = recipients(&new.recipients)?;
    let inventory = CLUSTER
        .replace("{VERSION}", version)
        .replace("{PROFILE}", &new.profile)
        .replace("{RECIPIENTS}", &recipients);
    let files = [
        (CLUSTER_FILE.to_owned(), inventory),
        ("README.md".to_owned(), README.to_owned()),
    ];
    create_with(&new.dir, &files, report)
}

/// Makes a project of these files by their paths, and of all that every project has: schemas, keys, tokens, and an example CA
/// where none is among the files. None after findings.
pub fn create_with(
    dir: &Path,
    files: &[(String, String)],
    report: &mut Report,
) -> Result<Option<NewProjectMade>> {
    if let Some(parent) = dir.parent().filter(|parent| *parent != Path::new("")) {
        make_folders(parent, 0o755)?;
    }
    // Alone: what is made here goes again when it comes to nothing.
    let _lock = Lock::take(&dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))?;
    let place = |name: &OsStr| dir.join(name);
    if complete(dir, &place)? {
        return Ok(Some(NewProjectMade::Completed));
    }
    let is_new = is_new(dir)?;
    // The folder itself goes too, where it is this run's.
    let mut unfinished = Unfinished::default();
    if is_new {
        unfinished.add(dir);
    }
    make_folders(dir, 0o755)?;
    let set = Together::begin(dir)?;
    let base = set.folder();
    write_files(&base, files)?;
    let request = TokensRequest {
        folder: ProjectFolder::new(&base, &[])?,
        secrets: SecretsChoice::default(),
    };
    let created = create(&request, &[], None, report)?;
    if created.is_some() {
        set.finish(&place)?;
        unfinished.finish();
    }
    Ok(created.map(NewProjectMade::Created))
}

/// Whether a project's folder is not there yet; an error if it holds anything but what a run that died has left.
fn is_new(dir: &Path) -> Result<bool> {
    let reading = || format!("reading {}", dir.display());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error).with_context(reading),
    };
    for entry in entries {
        if !is_work(&entry.with_context(reading)?.file_name()) {
            bail!(
                "{} is not empty: a new project needs a new or an empty folder, like {}",
                dir.display(),
                dir.join("cluster").display()
            );
        }
    }
    Ok(false)
}

/// Everything of a project but its tokens.
fn write_files(base: &Path, files: &[(String, String)]) -> Result<()> {
    for folder in ["pki", "profiles", "overlays", "schemas"] {
        make_folders(&base.join(folder), 0o755)?;
    }
    let write = |name: &str, text: &str| new_file(&base.join(name), 0o644, text.as_bytes());
    for (name, text) in files {
        write(name, text)?;
    }
    for kind in SchemaKind::ALL {
        write(&format!("schemas/{}", kind.file()), &text(kind, None))?;
    }
    write(".gitignore", GITIGNORE)?;
    if !files.iter().any(|(name, _)| name == CA_FILE) {
        let now = OffsetDateTime::now_utc();
        write(CA_FILE, &example_ca(EXAMPLE_CA, now, CA_DAYS)?)?;
    }
    generate_keys(&base.join("keys")).map(drop)
}

/// The lines of `tokens.recipients`; nothing without recipients.
fn recipients(recipients: &[String]) -> Result<String> {
    let mut keys = Keys::default();
    let mut lines = String::new();
    for (index, recipient) in recipients.iter().enumerate() {
        if let Err(rule) = keys.add_recipient(recipient) {
            bail!("reading --recipient: the key {} {rule}", index + 1);
        }
        lines.push_str(if index == 0 {
            "  recipients:                       # who may read secrets.yaml.age\n"
        } else {
            ""
        });
        lines.push_str("    - ");
        push_quoted(&mut lines, recipient.trim());
        lines.push('\n');
    }
    Ok(lines)
}
