//! Registries and their mirrors, as kubespray's variables of each age and runtime name them. Sources: kubespray's
//! roles/container-engine/containerd (`hosts.toml.j2`, `config.toml.j2`), cri-o and docker.

use std::fmt::Write;

use indexmap::IndexMap;

use crate::import::ansible::inventory::Vars;
use crate::import::ansible::{is_template, left_out, template};
use crate::import::values::items;
use crate::import::write::{list, scalar};
use crate::report::Report;
use crate::yaml::{Located, Value};

/// What `docker.io` is by itself: kubespray's defaults name it as its own mirror.
const HUB: [&str; 2] = ["https://registry-1.docker.io", "https://docker.io"];

/// Keys of a mirror that are paths on the machines or secrets.
const FILES: [&str; 3] = ["ca", "client", "header"];

/// A registry.
#[derive(Default)]
struct Registry {
    /// Each as a map on one line.
    mirrors: Vec<String>,
    is_unverified: bool,
}

/// All of them by name.
#[derive(Default)]
struct Registries(IndexMap<String, Registry>);

impl Registries {
    fn of(&mut self, name: &str) -> &mut Registry {
        self.0.entry(name.to_owned()).or_default()
    }

    /// Adds a mirror by its URL, unless it is the registry itself.
    fn mirror(&mut self, name: &str, url: &str, more: &[String]) {
        let url = url.trim_end_matches('/');
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            format!("https://{url}")
        };
        let is_itself =
            url == format!("https://{name}") || name == "docker.io" && HUB.contains(&&*url);
        if is_itself && more.is_empty() {
            return;
        }
        let fields = std::iter::once(format!("url: {}", scalar(&url))).chain(more.iter().cloned());
        let text = format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
        let mirrors = &mut self.of(name).mirrors;
        if !mirrors.contains(&text) {
            mirrors.push(text);
        }
    }
}

/// The key `registries` of the inventory, as text; None where no variable names one.
pub fn registries(vars: &Vars, report: &mut Report) -> Option<String> {
    let mut all = Registries::default();
    of_prefixes(vars, "containerd_registries_mirrors", &mut all, report);
    of_prefixes(vars, "crio_registries", &mut all, report);
    for variable in ["containerd_registries", "containerd_insecure_registries"] {
        of_names(vars, variable, &mut all, report);
    }
    for (variable, is_unverified) in [
        ("docker_registry_mirrors", false),
        ("docker_insecure_registries", true),
    ] {
        for at in vars.get(variable).into_iter().flat_map(|at| items(at, &[])) {
            match text(at, variable, report) {
                Some(name) if is_unverified => all.of(&name).is_unverified = true,
                Some(url) => all.mirror("docker.io", &url, &[]),
                None => {}
            }
        }
    }
    for variable in ["containerd_registry_auth", "crio_registry_auth"] {
        if let Some(at) = vars.get(variable).filter(|at| !items(at, &[]).is_empty()) {
            let rule = "has passwords, which are not imported";
            let repair = "write `login` with a file of the password to registries";
            left_out(variable, &at.location, (rule, repair), report);
        }
    }
    all.0
        .retain(|_, registry| registry.is_unverified || !registry.mirrors.is_empty());
    if all.0.is_empty() {
        return None;
    }
    let mut out = String::from("registries:\n");
    for (name, registry) in &all.0 {
        let mut fields = Vec::new();
        if !registry.mirrors.is_empty() {
            fields.push(format!("mirrors: [{}]", registry.mirrors.join(", ")));
        }
        if registry.is_unverified {
            fields.push("skipVerify: true".to_owned());
        }
        _ = writeln!(out, "  {}: {{{}}}", scalar(name), fields.join(", "));
    }
    Some(out)
}

/// Lists of `{prefix, mirrors: [{host}]}`, and CRI-O's with `location` and `insecure`.
fn of_prefixes(vars: &Vars, variable: &str, all: &mut Registries, report: &mut Report) {
    for item in vars.get(variable).into_iter().flat_map(|at| items(at, &[])) {
        let name = item.get("prefix").or_else(|| item.get("location"));
        let Some(name) = name.and_then(|at| text(at, variable, report)) else {
            continue;
        };
        if is_true(item, "insecure") {
            all.of(&name).is_unverified = true;
        }
        for mirror in items(item, &["mirrors"]) {
            let host = mirror.get("host").or_else(|| mirror.get("location"));
            let Some(url) = host.and_then(|at| text(at, variable, report)) else {
                continue;
            };
            let more = settings(mirror, variable, report);
            all.mirror(&name, &url, &more);
        }
    }
}

/// What a mirror has beside its URL.
fn settings(mirror: &Located, variable: &str, report: &mut Report) -> Vec<String> {
    let mut more = Vec::new();
    let mut capabilities: Vec<String> = items(mirror, &["capabilities"])
        .iter()
        .filter_map(|at| at.as_str().map(str::to_owned))
        .collect();
    capabilities.sort();
    // What every mirror may do goes without saying.
    if !capabilities.is_empty() && capabilities != ["pull", "resolve"] {
        more.push(format!("capabilities: {}", list(&capabilities)));
    }
    if is_true(mirror, "override_path") {
        more.push("overridePath: true".to_owned());
    }
    if is_true(mirror, "skip_verify") || is_true(mirror, "insecure") {
        more.push("skipVerify: true".to_owned());
    }
    for key in FILES {
        if let Some(at) = mirror.get(key) {
            let rule = format!("{key} of a mirror is not imported");
            let repair = format!(
                "write `{}` with files of the project to registries",
                if key == "header" { "headers" } else { key }
            );
            left_out(variable, &at.location, (&rule, &repair), report);
        }
    }
    more
}

/// Maps from a registry's name to its URL, to several, or to `{endpoint: […]}`; lists of names of registries that are not checked.
fn of_names(vars: &Vars, variable: &str, all: &mut Registries, report: &mut Report) {
    let Some(at) = vars.get(variable) else {
        return;
    };
    for name in items(at, &[]) {
        if let Some(name) = text(name, variable, report) {
            all.of(&name).is_unverified = true;
        }
    }
    for (name, field) in at.as_map().into_iter().flat_map(|map| map.iter()) {
        let below = field.value.get("endpoint").unwrap_or(&field.value);
        let urls = match &below.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(below),
        };
        for url in urls {
            if let Some(url) = text(url, variable, report) {
                all.mirror(name, &url, &[]);
            }
        }
    }
}

fn is_true(at: &Located, key: &str) -> bool {
    match at.get(key).map(|at| &at.value) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => matches!(&*text.to_ascii_lowercase(), "true" | "yes"),
        _ => false,
    }
}

/// A text that is no template; there is a finding for one that is.
fn text(at: &Located, variable: &str, report: &mut Report) -> Option<String> {
    let text = at.as_str()?.trim();
    if is_template(text) {
        template(variable, &at.location, report);
        return None;
    }
    (!text.is_empty()).then(|| text.to_owned())
}
