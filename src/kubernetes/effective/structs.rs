//! How a kubelet of 1.28 merges its drop-ins: as Go values, and not as JSON. Each drop-in is loaded as a configuration file is,
//! with all defaults, and whatever of it is not zero then takes the place of what was there: also a default, which nobody
//! wrote. Sources, all of v1.28.15: cmd/kubelet/app/server.go, mergeKubeletConfigurations and loadConfigFile;
//! pkg/kubelet/apis/config/types.go; deepMerge of github.com/imdario/mergo v0.3.6 with its option `WithOverride`.

mod defaults;
mod surprise;

use serde_json::{Map, Value as Json};

use crate::kubernetes::BrokenRule;
use crate::kubernetes::effective::{Effective, Source, default_evictions};
use crate::kubernetes::kubelet_config::{FieldAnswer, FieldKind, Schema};
use crate::kubernetes::value::nanoseconds;
use crate::report::Id;
use defaults::{Filled, Loaded, always, where_null};
use surprise::Surprise;

pub(super) use surprise::Surprises;

/// The only minor that merges so.
pub const MINOR: u32 = 28;

/// Fields that are pointers in upstream's internal type too: where a drop-in says them, they are replaced, also by zero.
const POINTERS: [&str; 3] = ["maxParallelImagePulls", "memoryThrottlingFactor", "tracing"];

/// Paths in a configuration that are looked up below the folder of its file. Source: pkg/kubelet/apis/config/helpers.go.
const FILES: [&[&str]; 6] = [
    &["staticPodPath"],
    &["authentication", "x509", "clientCAFile"],
    &["tlsCertFile"],
    &["tlsPrivateKeyFile"],
    &["resolvConf"],
    &["volumePluginDir"],
];

/// Makes a drop-in's relative paths absolute: 1.28 alone looks them up below the drop-in's own folder.
pub fn root_paths(drop_in: &mut Json, path: &str, minor: u32) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for keys in FILES.iter().filter(|_| minor == MINOR) {
        let found = keys
            .iter()
            .try_fold(&mut *drop_in, |at, key| at.get_mut(key));
        if let Some(Json::String(text)) = found
            && !text.is_empty()
            && !text.starts_with('/')
        {
            *text = format!("{folder}/{text}");
        }
    }
}

/// One drop-in in the course of its merge.
struct Step<'l> {
    index: usize,
    loaded: &'l Loaded,
}

impl Effective<'_> {
    /// Merges the drop-ins in their order.
    pub(super) fn merge_structs(&mut self, drop_ins: &[Json]) {
        let root = FieldKind::Struct(Schema::load().root());
        // Go's maps are references: where the file says nothing, it shares the default of all that say nothing.
        let shares_evictions = self.config["evictionHard"].is_null();
        for (index, drop_in) in drop_ins.iter().enumerate() {
            self.null_durations(&mut Vec::new(), &root, drop_in, index);
            let loaded = Loaded::of(drop_in);
            let step = Step {
                index,
                loaded: &loaded,
            };
            self.merge_value(&mut Vec::new(), &root, &loaded.config, &step);
            let evictions = vec!["evictionHard".to_owned()];
            match drop_in.get("evictionHard").filter(|given| !given.is_null()) {
                Some(Json::Object(given)) if !given.is_empty() && shares_evictions => {
                    if self.config["evictionHard"].is_null() {
                        self.config.to_mut()["evictionHard"] = default_evictions();
                    }
                    self.merge_entries(evictions, given, &step, false);
                }
                Some(Json::Object(given)) => self.merge_entries(evictions, given, &step, false),
                None if !shares_evictions => {
                    let defaults = default_evictions();
                    let defaults = defaults.as_object().into_iter().flatten();
                    let defaults = defaults.map(|(key, value)| (key.clone(), value.clone()));
                    self.merge_entries(evictions, &defaults.collect(), &step, true);
                }
                Some(_) | None => {}
            }
        }
    }

    fn null_durations(
        &mut self,
        path: &mut Vec<String>,
        kind: &FieldKind,
        value: &Json,
        index: usize,
    ) {
        match (kind, value) {
            (FieldKind::Struct(of), Json::Object(fields)) => {
                for (key, value) in fields {
                    if let FieldAnswer::Found(kind) = of.field(key, MINOR) {
                        path.push(key.clone());
                        self.null_durations(path, kind, value, index);
                        path.pop();
                    }
                }
            }
            // The one that is a pointer.
            (FieldKind::Duration, Json::Null) if path == &["cpuCFSQuotaPeriod"] => {}
            (FieldKind::Duration | FieldKind::DurationOrNanoseconds, Json::Null) => {
                self.of_drop_ins.push((
                    index,
                    BrokenRule {
                        id: Id::KubeletDropInInvalid,
                        path: path.clone(),
                        flag: None,
                        message: format!(
                            "{} must be a duration: a kubelet of 1.28 ends over null",
                            path.join(".")
                        ),
                        help: Some("leave the field out".to_owned()),
                        at_start: true,
                    },
                ));
            }
            _ => {}
        }
    }

    fn merge_value(
        &mut self,
        path: &mut Vec<String>,
        kind: &FieldKind,
        value: &Json,
        step: &Step<'_>,
    ) {
        let is_pointer = POINTERS.contains(&&*path.join("."));
        match (kind, value) {
            (_, Json::Null) => {}
            (FieldKind::Struct(of), Json::Object(fields)) if !is_pointer => {
                for (key, value) in fields {
                    // Eviction thresholds have a default that is shared, the kind is no setting.
                    if path.is_empty()
                        && matches!(key.as_str(), "evictionHard" | "kind" | "apiVersion")
                    {
                        continue;
                    }
                    if let FieldAnswer::Found(kind) = of.field(key, MINOR) {
                        path.push(key.clone());
                        self.merge_value(path, kind, value, step);
                        path.pop();
                    }
                }
            }
            (FieldKind::Map(_), Json::Object(entries)) => {
                self.merge_entries(path.clone(), entries, step, false);
            }
            // The number inside a quantity is not exported, so that nothing merges it.
            (FieldKind::Quantity, _) => {}
            (kind, value) if !is_pointer && is_zero(kind, value) => {
                self.zero(path.clone(), kind, value, step);
            }
            (kind, value) => self.replace(path.clone(), kind, value, step),
        }
    }

    /// Each key replaces, also by an empty value.
    fn merge_entries(
        &mut self,
        path: Vec<String>,
        entries: &Map<String, Json>,
        step: &Step<'_>,
        is_default: bool,
    ) {
        for (key, value) in entries {
            // What null means to Go: no value of the key's type, and for a list nothing to merge.
            let value = match value {
                Json::Null if path == ["featureGates"] => Json::Bool(false),
                Json::Null if path == ["staticPodURLHeader"] => continue,
                Json::Null => Json::from(""),
                value => value.clone(),
            };
            let mut path = path.clone();
            path.push(key.clone());
            let old = self.at(&path).cloned();
            let is_new = old.as_ref() != Some(&value);
            if is_default && is_new {
                self.was_default(&path, old, step);
            } else if !is_default {
                self.surprises.remove(&path);
            }
            if is_new {
                self.set(&path, value, Source::DropIn(step.index));
            }
        }
    }

    /// A value that is not zero: what the drop-in says, or its default.
    fn replace(&mut self, path: Vec<String>, kind: &FieldKind, value: &Json, step: &Step<'_>) {
        let old = self.at(&path).filter(|old| !old.is_null()).cloned();
        match step.loaded.filled.get(&path) {
            None => drop(self.surprises.remove(&path)),
            Some(filled) => {
                // A default in the place of itself; a dependent one follows from another field in each file.
                let is_same = match (&old, filled) {
                    (None, Filled::WhereNull | Filled::WhereZero) => true,
                    (None, Filled::Dependent) => false,
                    (Some(old), Filled::WhereZero) if is_zero(kind, old) => true,
                    (Some(old), _) => is_same(kind, old, value),
                };
                if is_same {
                    return;
                }
                self.was_default(&path, old, step);
            }
        }
        // A pointer's struct is another one then, and not merged.
        self.set(&path, Json::Null, Source::DropIn(step.index));
        self.set(&path, value.clone(), Source::DropIn(step.index));
    }

    fn was_default(&mut self, path: &[String], old: Option<Json>, step: &Step<'_>) {
        if let Some(old) = old {
            let surprise = Surprise::Default(step.index, old);
            self.surprises.insert(path.to_vec(), surprise);
        }
    }

    /// A value that is zero changes nothing.
    fn zero(&mut self, path: Vec<String>, kind: &FieldKind, value: &Json, step: &Step<'_>) {
        let default = || {
            let mut keys = path.iter();
            let found = keys.try_fold(where_null(), |at, key| at.get(key).cloned());
            found.or_else(|| always(&path.join(".")))
        };
        let old = self.at(&path).filter(|old| !old.is_null()).cloned();
        let holds = old.or_else(default);
        if holds.is_some_and(|holds| !is_zero(kind, &holds)) {
            let surprise = Surprise::Zero(step.index, value.clone());
            self.surprises.insert(path, surprise);
        }
    }

    fn at(&self, path: &[String]) -> Option<&Json> {
        path.iter()
            .try_fold(&*self.config, |at, key| at.get(key.as_str()))
    }
}

/// Whether a value is Go's zero of its type, as mergo sees it.
fn is_zero(kind: &FieldKind, value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(is) => !is,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => {
            let is_duration =
                matches!(kind, FieldKind::Duration | FieldKind::DurationOrNanoseconds);
            text.is_empty() || is_duration && nanoseconds(text) == Ok(0)
        }
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
    }
}

/// Whether two values of a kind mean the same: durations have many spellings.
fn is_same(kind: &FieldKind, one: &Json, other: &Json) -> bool {
    let length = |value: &Json| match (kind, value) {
        (FieldKind::Duration | FieldKind::DurationOrNanoseconds, Json::String(text)) => {
            nanoseconds(text).ok()
        }
        (FieldKind::DurationOrNanoseconds, Json::Number(number)) => number.as_i64(),
        _ => None,
    };
    match (length(one), length(other)) {
        (Some(one), Some(other)) => one == other,
        _ => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kubernetes::effective::Layers;

    use super::*;

    /// The configuration, and what is said of the drop-ins.
    fn merged(
        file: Json,
        drop_ins: &[Json],
        flags: &[(&str, &str)],
    ) -> (Json, Vec<(usize, String)>) {
        let layers = Layers {
            file: &file,
            drop_ins: Some(drop_ins),
            flags,
            minor: MINOR,
        };
        let effective = Effective::combine(&layers, |_| false);
        let said = effective.of_drop_ins.into_iter();
        let said = said.map(|(index, broken)| (index, broken.message));
        let said = said.map(|(index, text)| {
            let (_, fields) = text.rsplit_once(": ").expect("a rule and what breaks it");
            (index, fields.to_owned())
        });
        (effective.config.into_owned(), said.collect())
    }

    #[test]
    fn the_defaults_of_a_drop_in_win_over_the_file() {
        let file = json!({
            "cgroupDriver": "systemd", "failSwapOn": false, "syncFrequency": "60s", "rotateCertificates": true,
            "evictionHard": {"memory.available": "1Gi"}, "maxOpenFiles": 0,
        });
        let (config, said) = merged(file.clone(), &[json!({"maxPods": 60})], &[]);
        assert_eq!(
            config,
            json!({
                "cgroupDriver": "cgroupfs", "failSwapOn": true, "syncFrequency": "60s", "rotateCertificates": true,
                "evictionHard": {"memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%",
                    "imagefs.available": "15%"},
                "maxOpenFiles": 0, "maxPods": 60, "nodeStatusReportFrequency": "5m", "serializeImagePulls": true,
            })
        );
        let fields = "cgroupDriver is cgroupfs and not systemd, evictionHard.memory.available is 100Mi and not 1Gi, \
            failSwapOn is true and not false";
        assert_eq!(said, [(0, fields.to_owned())]);
        // Said in each drop-in, or by a flag, all is as it was meant.
        let drop_in = json!({
            "cgroupDriver": "systemd", "failSwapOn": false, "evictionHard": {"memory.available": "1Gi"},
        });
        let (config, said) = merged(file, &[drop_in.clone(), drop_in], &[]);
        assert_eq!(
            (&config["cgroupDriver"], &config["failSwapOn"]),
            (&json!("systemd"), &json!(false))
        );
        assert_eq!(config["evictionHard"], json!({"memory.available": "1Gi"}));
        assert_eq!(said, []);
        let by_flag = [("cgroup-driver", "systemd")];
        let (_, said) = merged(json!({"cgroupDriver": "systemd"}), &[json!({})], &by_flag);
        assert_eq!(said, []);
    }

    #[test]
    fn what_is_zero_changes_nothing_but_in_maps() {
        let file = json!({"rotateCertificates": true, "featureGates": {"NodeSwap": true}, "kubeReserved": {"cpu": "1"}});
        let drop_in = json!({
            "rotateCertificates": false, "failSwapOn": false, "enforceNodeAllocatable": [], "clusterDNS": [], "podsPerCore": 0,
            "featureGates": {"NodeSwap": false}, "kubeReserved": {"memory": "1Gi"}, "memoryThrottlingFactor": 0,
        });
        let (config, said) = merged(file, &[drop_in], &[]);
        assert_eq!(config["rotateCertificates"], true);
        assert_eq!(config["featureGates"], json!({"NodeSwap": false}));
        assert_eq!(config["kubeReserved"], json!({"cpu": "1", "memory": "1Gi"}));
        assert_eq!(config["memoryThrottlingFactor"], 0);
        assert_eq!(config["failSwapOn"], Json::Null);
        let fields = "enforceNodeAllocatable is its default and not [], failSwapOn is its default and not false, \
            rotateCertificates is true and not false";
        assert_eq!(said, [(0, fields.to_owned())]);
    }

    #[test]
    fn thresholds_of_drop_ins_share_the_default_where_the_file_says_none() {
        let mine = json!({"evictionHard": {"memory.available": "1Gi"}});
        let (config, said) = merged(json!({}), &[mine, json!({})], &[]);
        assert_eq!(config["evictionHard"]["memory.available"], "1Gi");
        assert_eq!(config["evictionHard"]["nodefs.available"], "10%");
        assert_eq!(said, []);
    }

    #[test]
    fn relative_paths_are_below_the_folder_of_their_drop_in_and_null_is_no_duration() {
        let mut drop_in = json!({"staticPodPath": "pods", "tlsCertFile": "/a", "resolvConf": ""});
        root_paths(&mut drop_in, "/etc/k.d/sub/a.conf", MINOR);
        assert_eq!(drop_in["staticPodPath"], "/etc/k.d/sub/pods");
        assert_eq!(drop_in["tlsCertFile"], "/a");
        root_paths(&mut drop_in, "/etc/k.d/a.conf", 29);
        let drop_in = json!({"syncFrequency": null, "cpuCFSQuotaPeriod": null, "maxPods": null});
        let (_, said) = merged(json!({}), &[drop_in], &[]);
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
