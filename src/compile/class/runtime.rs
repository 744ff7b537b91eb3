//! What is prepared once about the runtime: registries with their CAs, proxies, and what templates know of them.

use crate::compile::class::Compiler;
use crate::template::ScopeValue;
use serde_json::{Value as Json, json};

use crate::compile::registries::{FileKind, tables};
use crate::compile::{proxies, registries};
use crate::error::Result;
use crate::identity::wrapped;
use crate::inventory::{Containerd, RUNC, Spec};
use crate::model::{FieldLocation, NodePath};
use crate::plan::Plan;
use crate::report::Id;
use crate::tree::Content;
use crate::yaml::Located;

/// A file that the runtime reads about a registry.
pub struct RegistryFile {
    /// Its path on the node.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// Where it was asked for.
    pub location: FieldLocation,
    /// Whether it holds a private key.
    pub secret: bool,
}

impl Compiler<'_> {
    /// `hosts.toml` of each registry where containerd reads it, and the CAs that are named.
    pub(super) fn registries(&mut self, spec: &Spec) -> Result<Vec<RegistryFile>> {
        let mut files = Vec::new();
        let old = spec.containerd.version.as_ref().map(|at| at.value);
        let old = old.filter(|_| !spec.containerd.reads_hosts());
        if let Some((_, minor)) = old {
            let findings = tables::findings(&spec.registries, minor).into_iter();
            findings.for_each(|finding| self.report.add(finding));
        }
        for registry in &spec.registries {
            if old.is_none() {
                let (path, text) = registries::hosts(registry);
                files.push(RegistryFile {
                    path,
                    content: Content::shared(text),
                    location: registry.host.location.clone(),
                    secret: false,
                });
            }
            for file in registries::named_files(registry) {
                let secret = file.kind == FileKind::Key;
                let Some(content) = self.source(file.source, secret.then_some(true))? else {
                    continue;
                };
                let flaw = if secret {
                    flaw_of_key(&content)
                } else {
                    flaw_of_ca(&content)
                };
                if let Some((rule, repair)) = flaw {
                    let rule = format!("{} {rule}", file.source.value);
                    let finding = file.source.location.finding(Id::RegistryCaInvalid, rule);
                    self.report.add(match repair {
                        Some(repair) => finding.help(repair),
                        None => finding,
                    });
                }
                files.push(RegistryFile {
                    path: file.path,
                    content,
                    location: file.source.location.clone(),
                    secret,
                });
            }
        }
        Ok(files)
    }
}

/// Why a file is not one of CA certificates.
fn flaw_of_ca(content: &Content) -> Option<(String, Option<&'static str>)> {
    let Content::Blob(blob) = content else {
        return None;
    };
    let text = String::from_utf8_lossy(blob.bytes());
    // A key instead has its finding.
    let has = ["-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----"];
    let has = has.iter().any(|mark| text.contains(mark));
    let what = || match wrapped(blob.bytes()) {
        Some((is, repair)) => (
            format!("holds no certificate in PEM, but {is}"),
            Some(repair),
        ),
        None => ("holds no certificate in PEM".to_owned(), None),
    };
    (!has).then(what)
}

/// Why a file is not one of a private key.
fn flaw_of_key(content: &Content) -> Option<(String, Option<&'static str>)> {
    let Content::Blob(blob) = content else {
        return None;
    };
    let has_key = String::from_utf8_lossy(blob.bytes()).contains("PRIVATE KEY-----");
    (!has_key).then(|| ("holds no private key in PEM".to_owned(), None))
}

/// The runtime, as templates see it; version 0.0 is one that nobody named. `cni_folders` may hold CNI plugins beside
/// `paths.cniBin`.
pub(super) fn containerd_scope(spec: &Spec, cni_folders: &[String]) -> ScopeValue {
    let containerd = &spec.containerd;
    let (major, minor) = containerd.version.as_ref().map_or((0, 0), |at| at.value);
    ScopeValue::new(&json!({
        "major": major,
        "minor": minor,
        "configVersion": containerd.config_version(),
        "sandboxImage": containerd.sandbox_image.value,
        "selinux": containerd.selinux,
        "cniFolders": cni_folders,
        "root": containerd.root.as_ref().map(|root| root.value.as_str()),
        "state": containerd.state.as_ref().map(|state| state.value.as_str()),
        "snapshotter": containerd.snapshotter,
        "defaultRuntime": containerd.default_runtime.as_ref().map(|name| &name.value),
        "runtimes": runtimes(containerd),
        "imports": containerd.imports,
        "readsHosts": containerd.reads_hosts(),
        "registryTables": if containerd.reads_hosts() {
            String::new()
        } else {
            tables::tables(&spec.registries)
        },
    }))
}

/// The runtimes, with runc among them. An option is a line of TOML.
fn runtimes(containerd: &Containerd) -> Vec<Json> {
    let own = containerd.runtimes.iter().map(|runtime| {
        let options = runtime.options.as_ref();
        json!({
            "name": runtime.name,
            "table": toml_key(&runtime.name),
            "type": runtime.kind,
            "path": runtime.path.as_ref().map(NodePath::as_str),
            "options": options.map_or_else(Vec::new, toml_lines),
            // runc's shim asks systemd for control groups if it is told to; others have no such option.
            "asksSystemd": runtime.kind.starts_with("io.containerd.runc.")
                && options.is_none_or(|options| options.get("SystemdCgroup").is_none()),
            "podAnnotations": runtime.pod_annotations,
            "containerAnnotations": runtime.container_annotations,
            "privilegedWithoutHostDevices": runtime.no_host_devices,
            "baseRuntimeSpec": runtime.base_spec.as_ref().map(NodePath::as_str),
            "snapshotter": runtime.snapshotter,
        })
    });
    let has_runc = containerd
        .runtimes
        .iter()
        .any(|runtime| runtime.name == RUNC);
    let runc = (!has_runc).then(|| {
        json!({
            "name": RUNC, "table": RUNC, "type": "io.containerd.runc.v2", "path": null, "options": [], "asksSystemd": true,
            "podAnnotations": [], "containerAnnotations": [], "privilegedWithoutHostDevices": false,
            "baseRuntimeSpec": null, "snapshotter": null,
        })
    });
    runc.into_iter().chain(own).collect()
}

/// The entries of a map as lines of a TOML table.
fn toml_lines(map: &Located) -> Vec<String> {
    let json = map.to_json();
    let entries = json.as_object().into_iter().flatten();
    let entries = entries.filter(|(_, value)| !value.is_null());
    entries
        .map(|(key, value)| format!("{} = {}", toml_key(key), toml_value(value)))
        .collect()
}

fn toml_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) {
        key.to_owned()
    } else {
        toml_value(&Json::from(key))
    }
}

/// On one line. Strings of JSON are strings of TOML but for one character.
pub(super) fn toml_value(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(map) => {
            let entries = map.iter().filter(|(_, value)| !value.is_null());
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{} = {}", toml_key(key), toml_value(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string().replace('\u{7f}', "\\u007f"),
    }
}

/// The drop-in with the proxies, and where they are set.
pub(super) fn proxies_of(spec: &Spec, plan: &Plan) -> Option<(Content, FieldLocation)> {
    let proxies = spec.proxies.as_ref()?;
    let text = proxies::dropin(&proxies.value, &plan.cluster)?;
    Some((Content::shared(text), proxies.location.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_toml() {
        for (value, text) in [
            (
                json!("/a \"b\"\\c\n\u{7f}é"),
                "\"/a \\\"b\\\"\\\\c\\n\\u007fé\"",
            ),
            (json!(1.0), "1.0"),
            (json!(["x", true, -3]), "[\"x\", true, -3]"),
            (
                json!({"a_b-c": {"": 1, "d.e": []}, "gone": null}),
                "{a_b-c = {\"\" = 1, \"d.e\" = []}}",
            ),
        ] {
            assert_eq!(toml_value(&value), text);
        }
    }
}
