//! The configuration of credential providers, where it is a file of the payload: the kubelet ends over a mistake in it. Source:
//! pkg/credentialprovider/plugin, readCredentialProviderConfig, validateCredentialProviderConfig and
//! RegisterCredentialProviderPlugins.

use crate::kubernetes::gates::Gate;
use crate::kubernetes::value;
use crate::model::NodePath;
use crate::render::NodeRendering;
use crate::render::kubelet_files::KubeletFiles;
use crate::report::{Finding, Id, Report};
use crate::tree::{Content, EntryKind};
use crate::yaml::{self, Located, Value};

/// Versions of the file, and of what a provider answers, with the minor that has each first.
const CONFIGS: [(&str, u32); 3] = [
    ("kubelet.config.k8s.io/v1alpha1", 20),
    ("kubelet.config.k8s.io/v1beta1", 24),
    ("kubelet.config.k8s.io/v1", 26),
];
const ANSWERS: [(&str, u32); 3] = [
    ("credentialprovider.kubelet.k8s.io/v1alpha1", 20),
    ("credentialprovider.kubelet.k8s.io/v1beta1", 24),
    ("credentialprovider.kubelet.k8s.io/v1", 26),
];
const KIND: &str = "CredentialProviderConfig";
/// The minor from which a name must not be there twice, and the one that knows `tokenAttributes` first.
const UNIQUE: u32 = 33;
const TOKENS: u32 = 33;

impl NodeRendering<'_> {
    /// Everything that is wrong with the file that `--image-credential-provider-config` names.
    pub(super) fn providers(&self, files: &KubeletFiles<'_>) -> Vec<Finding> {
        let minor = files.minor();
        let gate = files
            .config
            .pointer("/featureGates/KubeletCredentialProviders");
        let is_read = minor >= 24 || gate == Some(&serde_json::Value::Bool(true));
        let Some(file) = files
            .flag("image-credential-provider-config")
            .filter(|_| is_read)
        else {
            return Vec::new();
        };
        let path = NodePath::parse(file).ok();
        let Some((path, entry)) = path.and_then(|path| files.tree.entries().get_key_value(&path))
        else {
            return Vec::new();
        };
        let EntryKind::File(Content::Blob(blob)) = &entry.kind else {
            return Vec::new();
        };
        let Some(location) = self.builder.text_location(path) else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(blob.bytes());
        let mut report = Report::default();
        let read = yaml::parse(&location.at.file, &text, &mut report);
        let mut rules: Vec<String> = Vec::new();
        match read {
            Some(read) if !report.has_errors() => check(&read, files, &mut rules),
            _ => rules.push("must be YAML".to_owned()),
        }
        rules
            .into_iter()
            .map(|rule| {
                location.finding(
                    Id::KubeletCredentialProviderInvalid,
                    format!("{path}: {rule}"),
                )
            })
            .collect()
    }
}

fn check(read: &Located, files: &KubeletFiles<'_>, rules: &mut Vec<String>) {
    let minor = files.minor();
    let text = |at: &Located, key: &str| {
        let found = at.get(key).and_then(Located::as_str);
        found.unwrap_or_default().to_owned()
    };
    let version = text(read, "apiVersion");
    if text(read, "kind") != KIND || !known(&CONFIGS, &version, minor) {
        rules.push(format!(
            "must have kind {KIND} and apiVersion {}; got {version:?}",
            all(&CONFIGS, minor)
        ));
    }
    let providers = match read.get("providers").map(|at| &at.value) {
        Some(Value::List(items)) if !items.is_empty() => items.clone(),
        _ => {
            rules.push("providers must have an entry".to_owned());
            return;
        }
    };
    let mut names: Vec<String> = Vec::new();
    for (index, provider) in providers.iter().enumerate() {
        let mut say = |rule: String| rules.push(format!("providers[{index}].{rule}"));
        let name = text(provider, "name");
        if name.is_empty() || name.contains(['/', ' ']) || name == "." || name == ".." {
            say(format!(
                "name must be that of a program, without / and spaces; got {name:?}"
            ));
        } else if names.contains(&name) && minor >= UNIQUE {
            say(format!("name must not be there already; got {name:?}"));
        } else if is_absent(&name, files) {
            say(format!(
                "name must be a program in the folder of image-credential-provider-bin-dir, of which the payload has others only; got {name:?}"
            ));
        }
        names.push(name);
        let answer = text(provider, "apiVersion");
        if !known(&ANSWERS, &answer, minor) {
            say(format!(
                "apiVersion must be {}; got {answer:?}",
                all(&ANSWERS, minor)
            ));
        }
        match provider.get("matchImages").map(|at| &at.value) {
            Some(Value::List(images)) if !images.is_empty() => {
                for image in images.iter().filter_map(Located::as_str) {
                    if !is_pattern(image) {
                        say(format!(
                            "matchImages must have names of registries, with * for a part of a name; got {image:?}"
                        ));
                    }
                }
            }
            _ => say("matchImages must have an entry".to_owned()),
        }
        let cached = text(provider, "defaultCacheDuration");
        if value::nanoseconds(&cached).map_or(true, |length| length < 0) {
            say(format!(
                "defaultCacheDuration must be a duration like 10m; got {cached:?}"
            ));
        }
        if let Some(tokens) = provider.get("tokenAttributes") {
            let gate = "KubeletServiceAccountTokenForCredentialProviders";
            let set = files.config.pointer(&format!("/featureGates/{gate}"));
            let default = Gate::find(gate, minor).is_none_or(|gate| gate.default);
            if minor >= TOKENS && !set.and_then(|set| set.as_bool()).unwrap_or(default) {
                say(format!("tokenAttributes needs the feature gate {gate}"));
            }
            token_attributes(tokens, &answer, minor, &mut say);
        }
    }
}

/// Tokens of service accounts for providers.
fn token_attributes(tokens: &Located, answer: &str, minor: u32, say: &mut dyn FnMut(String)) {
    if minor < TOKENS {
        say(format!(
            "tokenAttributes came with Kubernetes 1.{TOKENS}, and this kubelet is 1.{minor}"
        ));
        return;
    }
    if answer != ANSWERS[2].0 {
        say(format!("tokenAttributes needs apiVersion {}", ANSWERS[2].0));
    }
    for (key, since) in [
        ("serviceAccountTokenAudience", TOKENS),
        ("requireServiceAccount", TOKENS),
        ("cacheType", 34),
    ] {
        if minor >= since && tokens.get(key).is_none() {
            say(format!("tokenAttributes needs {key}"));
        }
    }
    let requires = tokens.get("requireServiceAccount").map(|at| &at.value);
    let list = |key: &str| match tokens.get(key).map(|at| &at.value) {
        Some(Value::List(items)) => items.iter().filter_map(Located::as_str).collect(),
        _ => Vec::new(),
    };
    let required = list("requiredServiceAccountAnnotationKeys");
    let optional = list("optionalServiceAccountAnnotationKeys");
    if requires == Some(&Value::Bool(false)) && !required.is_empty() {
        say("tokenAttributes.requiredServiceAccountAnnotationKeys needs requireServiceAccount: true".to_owned());
    }
    if let Some(both) = required.iter().find(|key| optional.contains(key)) {
        say(format!(
            "tokenAttributes must not have an annotation both required and optional; got {both:?}"
        ));
    }
    let kind = tokens.get("cacheType").and_then(Located::as_str);
    if kind.is_some_and(|kind| !["ServiceAccount", "Token"].contains(&kind)) {
        say("tokenAttributes.cacheType must be ServiceAccount or Token".to_owned());
    }
}

fn known(versions: &[(&str, u32)], text: &str, minor: u32) -> bool {
    versions
        .iter()
        .any(|(version, since)| *version == text && *since <= minor)
}

fn all(versions: &[(&str, u32)], minor: u32) -> String {
    let known = versions.iter().filter(|(_, since)| *since <= minor);
    let known: Vec<&str> = known.map(|(version, _)| *version).collect();
    known.join(" or ")
}

/// Whether the payload has programs in the folder, and not this one. A folder of the image may have all.
fn is_absent(name: &str, files: &KubeletFiles<'_>) -> bool {
    let Some(folder) = files.flag("image-credential-provider-bin-dir") else {
        return false;
    };
    let folder = format!("{}/", folder.trim_end_matches('/'));
    let mut below = files
        .tree
        .entries()
        .keys()
        .filter_map(|path| path.as_str().strip_prefix(&folder));
    let is_folder = files
        .tree
        .entries()
        .keys()
        .any(|path| path.as_str().starts_with(&folder));
    is_folder && !below.any(|one| one == name)
}

/// A URL without a scheme whose host may have wildcards. Source: pkg/credentialprovider/keyring.go, ParseSchemelessURL.
fn is_pattern(image: &str) -> bool {
    let host = image.split('/').next().unwrap_or_default();
    !image.contains("://") && !host.is_empty() && !image.contains(char::is_whitespace)
}
