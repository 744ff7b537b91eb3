//! The profiles that a project may use, to be listed and read.

use std::collections::BTreeSet;

use anyhow::{Context, bail};

use crate::closest::closest;
use crate::error::Result;
use crate::inventory::profiles::{BUILT_IN_PREFIX, built_in, built_in_names, own_names};
use crate::project_folder::{ProjectFolder, SETTINGS};
use crate::report::Report;

/// A profile that a project may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProfile {
    /// The name that `profiles` has.
    pub name: String,
    /// Its file: relative to the project, or `built-in:…`.
    pub file: String,
    /// What it is for, in its own words; empty where it does not say.
    pub description: String,
}

impl ListedProfile {
    fn of(name: String, file: String, text: &str) -> Self {
        Self {
            description: description(&file, text),
            name,
            file,
        }
    }
}

/// All profiles by name. A built-in profile that one of the project hides comes after that one, as `built-in:NAME`.
pub fn profiles(project: &ProjectFolder) -> Result<Vec<ListedProfile>> {
    let own: BTreeSet<String> = own_names(project).collect();
    let names: BTreeSet<String> = own.iter().cloned().chain(built_in_names()).collect();
    let mut listed = Vec::new();
    for name in names {
        if own.contains(&name) {
            let file = format!("profiles/{name}.yaml");
            let reading = || format!("reading {}", project.join(&file).display());
            let text = project.read_text(&file, SETTINGS).with_context(reading)?;
            listed.push(ListedProfile::of(name.clone(), file, &text));
        }
        if let Some(text) = built_in(&name) {
            let file = format!("{BUILT_IN_PREFIX}profiles/{name}.yaml");
            let prefix = if own.contains(&name) {
                BUILT_IN_PREFIX
            } else {
                ""
            };
            listed.push(ListedProfile::of(format!("{prefix}{name}"), file, text));
        }
    }
    Ok(listed)
}

/// The text of a built-in profile, by its name with or without `built-in:`; an error names the nearest. The layer below all
/// profiles is `defaults`.
pub fn built_in_profile(name: &str) -> Result<&'static str> {
    let name = name.strip_prefix(BUILT_IN_PREFIX).unwrap_or(name);
    if let Some(text) = built_in(name) {
        return Ok(text);
    }
    let mut names: Vec<String> = built_in_names().collect();
    names.sort();
    match closest(name, names.iter().map(String::as_str)) {
        Some(near) => bail!("there is no built-in profile {name}; did you mean {near}?"),
        None => bail!(
            "there is no built-in profile {name}; there are {}",
            names.join(", ")
        ),
    }
}

/// The description in a file of settings; empty in a file that cannot be read, which `check` reports.
pub fn description(file: &str, text: &str) -> String {
    let tree = crate::yaml::parse(&file.into(), text, &mut Report::default());
    let said = tree.as_ref().and_then(|tree| tree.get("description"));
    let said = said.and_then(|said| said.as_str()).unwrap_or_default();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
