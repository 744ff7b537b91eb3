//! What is prepared once about the runtime: registries with their CAs, proxies, and what templates know of them.

use crate::compile::class::Compiler;
use crate::compile::template::ScopeValue;
use crate::compile::{proxies, registries};
use crate::error::Result;
use crate::identity::wrapped;
use crate::inventory::Spec;
use crate::model::FieldLocation;
use crate::plan::Plan;
use crate::report::Id;
use crate::tree::Content;

/// A file that the runtime reads about a registry.
pub struct RegistryFile {
    /// Its path on the node.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// Where it was asked for.
    pub location: FieldLocation,
}

impl Compiler<'_> {
    /// `hosts.toml` of each registry, and the CAs that it names.
    pub(super) fn registries(&mut self, spec: &Spec) -> Result<Vec<RegistryFile>> {
        let mut files = Vec::new();
        for registry in &spec.registries {
            let (path, text) = registries::hosts(registry);
            files.push(RegistryFile {
                path,
                content: Content::shared(text),
                location: registry.host.location.clone(),
            });
            for ca in registries::ca_files(registry) {
                let Some(content) = self.source(ca.source, None)? else {
                    continue;
                };
                if let Some((rule, repair)) = flaw_of_ca(&content) {
                    let rule = format!("{} {rule}", ca.source.value);
                    let finding = ca.source.location.finding(Id::RegistryCaInvalid, rule);
                    self.report.add(match repair {
                        Some(repair) => finding.help(repair),
                        None => finding,
                    });
                }
                files.push(RegistryFile {
                    path: ca.path,
                    content,
                    location: ca.source.location.clone(),
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

/// The operating system, as templates see it.
pub(super) fn os_scope(spec: &Spec) -> ScopeValue {
    ScopeValue::new(&serde_json::json!({ "name": spec.os.name }))
}

/// The runtime, as templates see it; version 0.0 is one that nobody named. `cni_folders` may hold CNI plugins beside
/// `paths.cniBin`.
pub(super) fn containerd_scope(spec: &Spec, cni_folders: &[String]) -> ScopeValue {
    let containerd = &spec.containerd;
    let (major, minor) = containerd.version.as_ref().map_or((0, 0), |at| at.value);
    ScopeValue::new(&serde_json::json!({
        "major": major,
        "minor": minor,
        "configVersion": containerd.config_version(),
        "sandboxImage": containerd.sandbox_image.value,
        "selinux": containerd.selinux,
        "cniFolders": cni_folders,
    }))
}

/// The drop-in with the proxies, and where they are set.
pub(super) fn proxies_of(spec: &Spec, plan: &Plan) -> Option<(Content, FieldLocation)> {
    let proxies = spec.proxies.as_ref()?;
    let text = proxies::dropin(&proxies.value, &plan.cluster)?;
    Some((Content::shared(text), proxies.location.clone()))
}
