//! The kubelets' settings as profiles: only what differs from what nodebake's own profiles give anyway. A node is baked without
//! them, and its kubelet's settings are compared field by field.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Map, Value as Json};

use crate::create::new_file;
use crate::error::Result;
use crate::import::facts::{Facts, KubeletSettings};
use crate::kubernetes::defaults::{DEPENDENT, chosen, patch};
use crate::kubernetes::kubelet_config::Schema;
use crate::kubernetes::version::Version;
use crate::project::{CA_FILE, Reading, Tokens, kubelet_configurations};
use crate::project_folder::CLUSTER_FILE;
use crate::report::{Finding, Id, Report};
use crate::secrets::SecretsChoice;
use crate::staging::Staging;
use crate::unfinished::make_folders;
use crate::yaml;

/// Fields that are a node's own and no settings: its taints are in the inventory, and a cloud's id is beside its name.
const OF_NODE: [&str; 2] = ["registerWithTaints", "providerID"];

/// The profile of all nodes.
pub const SHARED: &str = "imported";
/// The node that is baked to see what profiles give.
const TRIAL: &str = "trial";

/// Settings of kubelets as layers: `kubelet.config` of profiles.
#[derive(Debug, Default)]
pub struct Settings {
    /// Of all nodes.
    pub shared: Map<String, Json>,
    /// Of single nodes, beside those.
    pub of_node: BTreeMap<String, Map<String, Json>>,
}

/// A project to bake a node in.
pub struct Trial<'a> {
    /// Its inventory with one node, by name, version and further profiles.
    pub inventory: &'a dyn Fn(&str, &Version, &[&str]) -> String,
    /// Its CA certificates.
    pub ca: &'a str,
    /// Its own profiles: path and text.
    pub profiles: Vec<(String, String)>,
}

/// Finds out what differs. `version` is that of the cluster's nodes where none is known.
pub fn settings(
    facts: &Facts,
    version: &Version,
    trial: &Trial<'_>,
    report: &mut Report,
) -> Result<Settings> {
    let mut found = Settings::default();
    let shared = facts.kubelet().or_else(|| most_common(facts));
    if let Some(shared) = shared.filter(|_| is_known(version)) {
        let given = trial.given(version, &Map::new())?;
        let wanted = wanted(shared, &given, version.minor(), report);
        found.shared = patch(&given, &wanted, version.minor());
    }
    let mut known: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    for (name, own) in &facts.configz {
        let node = facts.nodes.get(name);
        let parsed = node.and_then(|node| node.version.as_deref()?.parse().ok());
        let version: &Version = parsed.as_ref().unwrap_or(version);
        if !is_known(version) {
            continue;
        }
        let given = match known.get(&version.to_string()) {
            Some(given) => given.clone(),
            None => {
                let given = trial.given(version, &found.shared)?;
                known.insert(version.to_string(), given.clone());
                given
            }
        };
        let wanted = wanted(own, &given, version.minor(), report);
        let layer = patch(&given, &wanted, version.minor());
        if !layer.is_empty() {
            found.of_node.insert(name.clone(), layer);
        }
    }
    Ok(found)
}

fn is_known(version: &Version) -> bool {
    Schema::load().minors().contains(&version.minor())
}

/// The settings that most nodes have.
fn most_common(facts: &Facts) -> Option<&KubeletSettings> {
    let all = facts.configz.values();
    all.max_by_key(|one| {
        let mut same = facts
            .configz
            .values()
            .filter(|other| other.config == one.config);
        same.by_ref().count()
    })
}

/// What somebody chose; a field that the kubelet's version does not have is left out, with a finding.
fn wanted(
    settings: &KubeletSettings,
    given: &Map<String, Json>,
    minor: u32,
    report: &mut Report,
) -> Map<String, Json> {
    let chosen = if settings.is_part {
        let mut whole = given.clone();
        over(&mut whole, &settings.config);
        let mut chosen = chosen(&Json::Object(whole), minor);
        for field in DEPENDENT
            .iter()
            .filter(|field| settings.config.get(field).is_none())
        {
            if let Some(value) = given.get(*field) {
                chosen.config.insert((*field).to_owned(), value.clone());
            }
        }
        chosen
    } else {
        chosen(&settings.config, minor)
    };
    for field in chosen.unknown {
        let rule = format!("a kubelet of 1.{minor} does not have this field: it is left out");
        report.add(Finding::new(
            Id::ImportFieldLeftOut,
            &settings.at,
            field,
            rule,
        ));
    }
    without_own(chosen.config)
}

/// Sets the fields that a part has, key by key.
fn over(whole: &mut Map<String, Json>, part: &Json) {
    for (key, value) in part.as_object().into_iter().flatten() {
        match (whole.get_mut(key), value) {
            // Thresholds are set together: those that are left out are off.
            (Some(Json::Object(below)), Json::Object(_)) if key != "evictionHard" => {
                over(below, value);
            }
            _ => _ = whole.insert(key.clone(), value.clone()),
        }
    }
}

fn without_own(mut config: Map<String, Json>) -> Map<String, Json> {
    config.retain(|key, _| !OF_NODE.contains(&key.as_str()));
    config
}

impl Trial<'_> {
    /// The settings that a node of a version has, defaults left out.
    fn given(&self, version: &Version, shared: &Map<String, Json>) -> Result<Map<String, Json>> {
        let named = tempfile::Builder::new()
            .prefix("nodebake-import-")
            .make(Staging::create);
        let named = named.context("making a folder to bake a node in")?;
        // It removes itself, on signals too.
        let (folder, path) = named.into_parts();
        let path = path.keep()?;
        for name in ["pki", "profiles"] {
            make_folders(&folder.join(name), 0o755)?;
        }
        for (name, text) in &self.profiles {
            new_file(&folder.join(name), 0o644, text.as_bytes())?;
        }
        let mut profiles = Vec::new();
        if !shared.is_empty() {
            let text = profile_text(SHARED, "", shared)?;
            new_file(
                &folder.join(&format!("profiles/{SHARED}.yaml")),
                0o644,
                text.as_bytes(),
            )?;
            profiles.push(SHARED);
        }
        let inventory = (self.inventory)(TRIAL, version, &profiles);
        new_file(&folder.join(CLUSTER_FILE), 0o644, inventory.as_bytes())?;
        new_file(&folder.join(CA_FILE), 0o644, self.ca.as_bytes())?;
        let reading = Reading {
            dir: path,
            allow: Vec::new(),
            at: None,
            strict: false,
            secrets: SecretsChoice::default(),
            tokens: Tokens::Placeholders(BTreeMap::new()),
        };
        // What is wrong with the project is found again where it is checked.
        let mut report = Report::default();
        let mut baked = kubelet_configurations(&reading, &mut report)?;
        let config = baked.remove(TRIAL).unwrap_or_default();
        let mut given = chosen(&config, version.minor()).config;
        // Their defaults follow other fields: they must go where those go.
        for field in DEPENDENT {
            if let Some(value) = config.get(field) {
                given.insert(field.to_owned(), value.clone());
            }
        }
        Ok(without_own(given))
    }
}

/// A profile with settings of kubelets.
pub fn profile_text(name: &str, about: &str, config: &Map<String, Json>) -> Result<String> {
    let literal = Json::Object(
        config
            .iter()
            .map(|(key, value)| (key.clone(), literal(value)))
            .collect(),
    );
    let mut text = String::from("# yaml-language-server: $schema=../schemas/profile.schema.json\n");
    text.push_str(about);
    text.push_str("apiVersion: nodebake/v1\nkind: Profile\n");
    if name == SHARED {
        text.push_str("description: Settings of the cluster's kubelets, as they were imported\n");
    }
    text.push_str("kubelet:\n  config:\n");
    for line in yaml::to_text(&literal)?.lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    Ok(text)
}

/// Text that looks like a template stays what it is.
fn literal(json: &Json) -> Json {
    match json {
        Json::String(text) if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) => {
            Json::from(format!("{{% raw %}}{text}{{% endraw %}}"))
        }
        Json::Array(items) => items.iter().map(literal).collect(),
        Json::Object(map) => {
            let entries = map.iter();
            Json::Object(
                entries
                    .map(|(key, value)| (key.clone(), literal(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}
