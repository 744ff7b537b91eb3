//! The effective configuration: a kubelet has one, whether a setting is a flag, a field of its file or in a drop-in of
//! `--config-dir`. Source: cmd/kubelet/app/server.go, NewKubeletCommand, loadConfigFile, mergeKubeletConfigurations and
//! kubeletConfigFlagPrecedence.
//!
//! Flags win over drop-ins and those over the file, also with a value that is the default. A flag replaces a whole list or map;
//! feature gates alone are merged. A drop-in's maps are merged key by key.

mod structs;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::kubernetes::BrokenRule;
use crate::kubernetes::flag_value;
use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};
use crate::report::Id;
use structs::Surprises;

pub use structs::root_paths;

/// The minor that has `--config-dir` first.
pub const DROP_INS: u32 = 28;

/// Where a value of the effective configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The drop-in of that index.
    DropIn(usize),
    /// A flag by its name.
    Flag(String),
}

/// What is combined.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// The configuration file.
    pub file: &'a Json,
    /// The drop-ins in the order in which the kubelet reads them; None without `--config-dir`.
    pub drop_ins: Option<&'a [Json]>,
    /// All flags by name, in order; `true` for one without a value.
    pub flags: &'a [(&'a str, &'a str)],
    /// The minor version of the kubelet.
    pub minor: u32,
}

/// The one configuration that comes out.
#[derive(Debug)]
pub struct Effective<'a> {
    /// As one document. A list or map whose flag is a template is that text.
    pub config: Cow<'a, Json>,
    /// The paths that are not the file's, each with its source.
    sources: BTreeMap<Vec<String>, Source>,
    /// What is wrong with the combination.
    pub broken: Vec<BrokenRule>,
    /// What a drop-in, by its index, does or does not do that its writer may not have meant.
    pub of_drop_ins: Vec<(usize, BrokenRule)>,
    surprises: Surprises,
}

impl<'a> Effective<'a> {
    /// Combines all layers. A flag that cannot be parsed is left out: that is a finding of its own.
    pub fn combine(layers: &Layers<'a>, is_template: fn(&str) -> bool) -> Self {
        let mut effective = Self {
            config: Cow::Borrowed(layers.file),
            sources: BTreeMap::new(),
            broken: Vec::new(),
            of_drop_ins: Vec::new(),
            surprises: Surprises::new(),
        };
        match layers.drop_ins {
            Some(drop_ins) if layers.minor == structs::MINOR => effective.merge_structs(drop_ins),
            Some(drop_ins) => effective.merge(drop_ins, layers.minor),
            None => {}
        }
        for (name, text) in layers.flags {
            effective.flag(name, text, layers.minor, is_template);
        }
        effective.paths();
        effective.surprised();
        effective
    }

    /// Where the value at a path comes from, or the nearest thing above it; None for the file.
    pub fn source(&self, path: &[String]) -> Option<&Source> {
        (1..=path.len())
            .rev()
            .find_map(|end| self.sources.get(&path[..end]))
    }

    /// Merges the drop-ins as kubelets do since 1.29: as JSON merge patches (RFC 7396), where `null` has had an effect since 1.32.
    fn merge(&mut self, drop_ins: &[Json], minor: u32) {
        let config = self.config.to_mut();
        if minor >= 32
            && let Some(fields) = config.as_object_mut()
        {
            // The file is written as JSON again first, and its empty lists and maps are left out there.
            fields.retain(|_, value| {
                let is_empty = value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(Map::is_empty);
                !is_empty
            });
        }
        if config["evictionHard"].is_null() {
            // The defaults are there before the merge: a drop-in adds to them.
            config["evictionHard"] = default_evictions();
        }
        for (index, patch) in drop_ins.iter().enumerate() {
            for (key, value) in patch.as_object().into_iter().flatten() {
                if !matches!(key.as_str(), "kind" | "apiVersion") {
                    self.patch(&mut vec![key.clone()], value, (index, minor));
                }
            }
        }
    }

    fn patch(&mut self, path: &mut Vec<String>, value: &Json, (index, minor): (usize, u32)) {
        match value {
            Json::Null if minor < 32 => {}
            Json::Object(map) => {
                if map.is_empty() {
                    self.set(path, value.clone(), Source::DropIn(index));
                }
                for (key, value) in map {
                    path.push(key.clone());
                    self.patch(path, value, (index, minor));
                    path.pop();
                }
            }
            value => self.set(path, value.clone(), Source::DropIn(index)),
        }
    }

    /// Sets a value at a path of keys; what is below it goes. An empty map changes nothing that is there.
    fn set(&mut self, path: &[String], value: Json, source: Source) {
        let mut at = self.config.to_mut();
        for key in path {
            if !at.is_object() {
                *at = Json::Object(Map::new());
            }
            at = &mut at[key.as_str()];
        }
        if value.as_object().is_some_and(Map::is_empty) && at.is_object() {
            return;
        }
        *at = value;
        self.sources.retain(|known, _| !known.starts_with(path));
        self.sources.insert(path.to_vec(), source);
    }

    fn flag(&mut self, name: &str, text: &str, minor: u32, is_template: fn(&str) -> bool) {
        let schema = Schema::load();
        if !matches!(schema.flag(name, minor), FieldAnswer::Found(_)) {
            return;
        }
        let Some(field) = schema.field_of(name, minor) else {
            return;
        };
        let FieldAnswer::Found(kind) = schema.path(field, minor) else {
            return;
        };
        let value = if is_template(text) {
            Json::from(text)
        } else {
            match flag_value::parse(name, text, kind) {
                Ok(Some(value)) => value,
                Ok(None) | Err(_) => return,
            }
        };
        let path: Vec<String> = field.split('.').map(str::to_owned).collect();
        let source = Source::Flag(name.to_owned());
        match value {
            Json::Object(gates) if field == "featureGates" => {
                for (gate, value) in gates {
                    let path = [path[0].clone(), gate];
                    self.set(&path, value, source.clone());
                }
            }
            value => self.set(&path, value, source),
        }
    }

    /// Relative paths: those of the file are looked up below its folder, all others below the working directory of the unit,
    /// which is `/`. Source: pkg/kubelet/apis/config/helpers.go, KubeletConfigurationPathRefs.
    fn paths(&mut self) {
        const PATHS: [&[&str]; 7] = [
            &["staticPodPath"],
            &["authentication", "x509", "clientCAFile"],
            &["tlsCertFile"],
            &["tlsPrivateKeyFile"],
            &["resolvConf"],
            &["volumePluginDir"],
            &["podLogsDir"],
        ];
        if self.sources.is_empty() {
            return;
        }
        for path in PATHS {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            let Some(source) = self.source(&path) else {
                continue;
            };
            let value = path.iter().try_fold(&*self.config, |at, key| at.get(key));
            let Some(text) = value.and_then(Json::as_str) else {
                continue;
            };
            if text.is_empty() || text.starts_with(['/', '{']) {
                continue;
            }
            let what = match source {
                Source::Flag(_) => "a flag's path",
                Source::DropIn(_) => "a drop-in's path",
            };
            self.broken.push(BrokenRule {
                id: Id::KubeletPathRelative,
                message: format!(
                    "must be absolute: the kubelet looks {what} up below /, and not below its file's folder; got {text:?}"
                ),
                path,
                flag: None,
                help: None,
                at_start: true,
            });
        }
    }
}

/// The thresholds of a file that says none. Source: cmd/kubelet/app/server.go, loadConfigFile, and DefaultEvictionHard of
/// pkg/kubelet/eviction.
fn default_evictions() -> Json {
    json!({
        "memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%", "imagefs.available": "15%",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combined(file: Json, drop_ins: Option<&[Json]>, flags: &[(&str, &str)], minor: u32) -> Json {
        let layers = Layers {
            file: &file,
            drop_ins,
            flags,
            minor,
        };
        let effective = Effective::combine(&layers, |text| text.contains("{{"));
        effective.config.into_owned()
    }

    #[test]
    fn a_flag_wins_and_replaces_a_map_or_list_but_gates_are_merged() {
        let file = json!({
            "kubeReserved": {"cpu": "500m"}, "clusterDNS": ["10.0.0.1"], "maxPods": 60,
            "featureGates": {"NodeSwap": true, "MemoryQoS": true},
            "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}},
        });
        let flags = [
            ("kube-reserved", "memory=10Mi"),
            ("cluster-dns", "10.0.0.2"),
            ("max-pods", "110"),
            ("feature-gates", "NodeSwap=false"),
            ("anonymous-auth", "true"),
            ("node-ip", "10.0.0.1"),
            ("eviction-hard", "memory.available=1Gi"),
        ];
        let expected = json!({
            "kubeReserved": {"memory": "10Mi"}, "clusterDNS": ["10.0.0.2"], "maxPods": 110,
            "featureGates": {"NodeSwap": false, "MemoryQoS": true},
            "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": true}},
        });
        assert_eq!(combined(file, None, &flags, 34), expected);
    }

    #[test]
    fn without_flags_that_set_fields_the_file_is_not_copied() {
        let file = json!({"maxPods": 60});
        let layers = Layers {
            file: &file,
            drop_ins: None,
            flags: &[("config", "/etc/k"), ("v", "2")],
            minor: 34,
        };
        let effective = Effective::combine(&layers, |_| false);
        assert!(matches!(effective.config, Cow::Borrowed(_)));
    }

    #[test]
    fn drop_ins_are_merged_as_their_minor_does_it() {
        let file = json!({
            "kubeReserved": {"cpu": "500m"}, "enforceNodeAllocatable": [], "maxPods": 60, "failSwapOn": true,
            "evictionHard": {"memory.available": "1Gi"},
        });
        let patches = [
            json!({"kind": "KubeletConfiguration", "kubeReserved": {"memory": "1Gi"}, "failSwapOn": false}),
            json!({"maxPods": null, "clusterDNS": ["10.0.0.1"]}),
        ];
        for (minor, expected) in [
            (
                31,
                json!({
                    "kubeReserved": {"cpu": "500m", "memory": "1Gi"}, "enforceNodeAllocatable": [], "maxPods": 60, "failSwapOn": false,
                    "evictionHard": {"memory.available": "1Gi"}, "clusterDNS": ["10.0.0.1"],
                }),
            ),
            (
                34,
                json!({
                    "kubeReserved": {"cpu": "500m", "memory": "1Gi"}, "maxPods": null, "failSwapOn": false,
                    "evictionHard": {"memory.available": "1Gi"}, "clusterDNS": ["10.0.0.1"],
                }),
            ),
        ] {
            let found = combined(file.clone(), Some(&patches), &[], minor);
            assert_eq!(found, expected, "1.{minor}");
        }
        let added = combined(
            json!({}),
            Some(&[json!({"evictionHard": {"memory.available": "1Gi"}})]),
            &[],
            34,
        );
        assert_eq!(added["evictionHard"]["memory.available"], "1Gi");
        assert_eq!(added["evictionHard"]["nodefs.available"], "10%");
    }

    #[test]
    fn each_value_remembers_where_it_comes_from() {
        let file = json!({"kubeReserved": {"cpu": "500m"}});
        let drop_ins = [json!({"kubeReserved": {"memory": "1Gi"}, "staticPodPath": "manifests"})];
        let layers = Layers {
            file: &file,
            drop_ins: Some(&drop_ins),
            flags: &[("eviction-soft", "memory.available<1Gi")],
            minor: 34,
        };
        let effective = Effective::combine(&layers, |_| false);
        let source = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            effective.source(&path).cloned()
        };
        assert_eq!(source(&["kubeReserved", "cpu"]), None);
        assert_eq!(source(&["kubeReserved", "memory"]), Some(Source::DropIn(0)));
        assert_eq!(
            source(&["evictionSoft", "memory.available"]),
            Some(Source::Flag("eviction-soft".to_owned()))
        );
        let relative: Vec<&str> = effective.broken.iter().map(|one| &*one.path[0]).collect();
        assert_eq!(relative, ["staticPodPath"]);
    }
}
