//! A new project from a template: one that builds as it is, today and next month.

mod beside;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::bail;
use time::OffsetDateTime;

use crate::create::new_file;
use crate::error::Result;
use crate::identity::{EXAMPLE_CA, example_ca};
use crate::inventory::profiles::built_in_profile;
use crate::lock::Lock;
use crate::project::template::beside::{beside, place_of};
use crate::project::tokens::{TokensRequest, create};
use crate::project_folder::{CLUSTER_FILE, ProjectFolder};
use crate::report::Report;
use crate::schema::{SchemaKind, text};
use crate::secrets::{CreatedToken, Keys, SecretsChoice};
use crate::signing::generate_keys;
use crate::together::{Together, complete};
use crate::unfinished::{Unfinished, make_folders};
use crate::yaml::push_quoted;

/// Profiles that are roles; any other one is of an operating system, above a role.
const ROLES: [&str; 3] = ["worker", "by-hand", "kubeadm"];
/// The inventory, with `{NAME}`, `{SERVER}`, `{VERSION}`, `{PROFILE}` and `{RECIPIENTS}`.
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
    /// Its folder. Nothing in it is overwritten.
    pub dir: PathBuf,
    /// The built-in profiles that it starts from.
    pub profiles: Vec<String>,
    /// The cluster's name.
    pub name: Option<String>,
    /// The API server.
    pub server: Option<String>,
    /// The version of its nodes.
    pub kubernetes: Option<String>,
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
    let profiles = with_role(new.profiles.clone());
    for name in &profiles {
        built_in_profile(name)?;
    }
    let by_hand = profiles.iter().any(|name| name == "by-hand");
    let version = match &new.kubernetes {
        Some(version) => version,
        None if by_hand => "v1.16.6",
        None => "v1.34.4",
    };
    let server = match &new.server {
        Some(server) if server.contains("://") => server.clone(),
        Some(server) => format!("https://{server}"),
        None => "https://api.example.internal:6443".to_owned(),
    };
    let recipients = recipients(&new.recipients)?;
    let inventory = CLUSTER
        .replace("{NAME}", new.name.as_deref().unwrap_or("example"))
        .replace("{SERVER}", &server)
        .replace("{VERSION}", version)
        .replace("{PROFILE}", &profiles.join(", "))
        .replace("{RECIPIENTS}", &recipients);
    let files = [
        (CLUSTER_FILE.to_owned(), inventory),
        ("README.md".to_owned(), README.to_owned()),
    ];
    create_with(&new.dir, &files, report)
}

/// Profiles with a role below them: `worker` where none is named.
pub fn with_role(mut profiles: Vec<String>) -> Vec<String> {
    if !profiles.iter().any(|name| ROLES.contains(&name.as_str())) {
        profiles.insert(0, "worker".to_owned());
    }
    profiles
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
    let place = |name: &OsStr| place_of(dir, name);
    if complete(dir, &place)? {
        return Ok(Some(NewProjectMade::Completed));
    }
    let is_new = dir.symlink_metadata().is_err();
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
        beside(&base, dir)?;
        set.finish(&place)?;
        unfinished.finish();
    }
    Ok(created.map(NewProjectMade::Created))
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
