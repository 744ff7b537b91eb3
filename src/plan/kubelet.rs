//! The kubelet's configuration and flags: settings moved to where the node's version wants them, every field checked
//! against what that version takes, taints put into their field or flag.

mod check;
mod convert;
mod join;
mod moves;
mod overridden;

use std::sync::Arc;

use crate::inventory::{Spec, Taint, Text};
use crate::kubernetes::flags::check_flag;
use crate::kubernetes::gates::Gates;
use crate::kubernetes::kubelet_config::{FieldAnswer, Schema};
use crate::kubernetes::moves::{Home, flag as home_of_flag};
use crate::kubernetes::rules::Verdict;
use crate::model::{FieldLocation, Location};
use crate::plan::identity;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Map, Value};

pub use crate::plan::kubelet::check::{
    DropIn, check_config, check_drop_ins, check_rendered, check_types, check_value, has_drop_ins,
};
pub use crate::plan::kubelet::moves::Moved;

/// The API group and version of KubeletConfiguration in every minor from 1.16 on.
const API_VERSION: &str = "kubelet.config.k8s.io/v1beta1";

/// A kubelet's settings, decided.
pub struct Kubelet {
    /// The configuration with taints in it.
    pub config: Located,
    /// Flags in order, without those that are made from labels and taints.
    pub flags: Vec<(String, Option<Text>)>,
    /// The flag for taints, where the version has no field for them.
    pub taint_flag: Option<Text>,
    /// What is not where it was written.
    pub moved: Vec<Moved>,
    /// What upstream's rules said of the configuration.
    pub rules: Verdict,
    /// Whether a flag sets a field of the configuration.
    pub flags_set_fields: bool,
}

/// Decides what a kubelet is told. Mistakes go into the report.
pub fn settle(spec: &Spec, report: &mut Report) -> Kubelet {
    let location = spec.kubernetes.location.clone();
    let (written, location) = match &spec.kubelet.config {
        Some(config) => (config.value.clone(), config.location.clone()),
        None => (Located::map(&location.at, []), location),
    };
    let minor = spec.kubernetes.value.minor();
    let gates = gates(&written, minor);
    let mut settings = moves::settle(spec, (&written, &location), &gates, report);
    settings.config = without_empty_endpoint(settings.config);
    settings.config = identity::config(spec, settings.config, report);
    settings.flags = identity::flags(spec, settings.flags, report);
    let at = location.at.clone();
    let text = |text: &str| Located::string(&at, text);
    let mut entries: Vec<(Arc<str>, Located)> = vec![
        ("kind".into(), text("KubeletConfiguration")),
        ("apiVersion".into(), text(API_VERSION)),
    ];
    join::check(spec, &settings.flags, report);
    overridden::check(
        spec,
        (&settings.config, &location.path),
        &settings.flags,
        report,
    );
    let file = (&settings.config, &*location.path);
    let rules = check::check_all(file, &settings.flags, minor, report);
    let fields = settings
        .config
        .as_map()
        .into_iter()
        .flat_map(|map| map.iter());
    let fields = fields.filter(|(key, _)| !matches!(&***key, "kind" | "apiVersion"));
    entries.extend(fields.map(|(key, field)| (key.clone(), field.value.clone())));
    let mut taint_flag = None;
    if !spec.taints.is_empty() {
        match Schema::load().root().field("registerWithTaints", minor) {
            FieldAnswer::Found(_) => {
                let list = spec.taints.iter();
                let list = list.map(|taint| taint_entry(taint, &location)).collect();
                let list = Located {
                    location: at.clone(),
                    value: Value::List(Arc::new(list)),
                };
                entries.retain(|(key, _)| &**key != "registerWithTaints");
                entries.push(("registerWithTaints".into(), list));
            }
            _ => taint_flag = Some(taints_flag(&spec.taints, &location)),
        }
    }
    let sets_field = |(name, _): &(String, _)| Schema::load().field_of(name, minor).is_some();
    Kubelet {
        flags_set_fields: settings.flags.iter().any(sets_field),
        config: Located::map(&at, entries),
        flags: settings.flags,
        taint_flag,
        moved: settings.moved,
        rules,
    }
}

/// Without an empty `containerRuntimeEndpoint`, as `kubeadm config print` writes it: the kubelet's default takes its place.
fn without_empty_endpoint(config: Located) -> Located {
    const FIELD: &str = "containerRuntimeEndpoint";
    let is_empty = config.get(FIELD).and_then(Located::as_str) == Some("");
    let (true, Value::Map(map)) = (is_empty, &config.value) else {
        return config;
    };
    let mut map = Map::clone(map);
    map.shift_remove(FIELD);
    Located {
        location: config.location.clone(),
        value: Value::Map(Arc::new(map)),
    }
}

/// The feature gates that a configuration sets.
fn gates(config: &Located, minor: u32) -> Gates {
    let set = config.get("featureGates").and_then(Located::as_map);
    let set = set.into_iter().flat_map(|map| map.iter());
    let set = set.filter_map(|(name, field)| match field.value.value {
        Value::Bool(value) => Some((name.to_string(), value)),
        _ => None,
    });
    Gates::new(set.collect(), minor)
}

fn taint_entry(taint: &Taint, location: &FieldLocation) -> Located {
    let text = |text: &str| Located::string(&location.at, text);
    let mut entries = vec![("key".into(), text(&taint.key))];
    if !taint.value.is_empty() {
        entries.push(("value".into(), text(&taint.value)));
    }
    entries.push(("effect".into(), text(&taint.effect)));
    Located::map(&location.at, entries)
}

/// `key=value:effect,…`, the form of `--register-with-taints`.
fn taints_flag(taints: &[Taint], location: &FieldLocation) -> Text {
    let one = |taint: &Taint| format!("{}={}:{}", taint.key, taint.value, taint.effect);
    let list: Vec<String> = taints.iter().map(one).collect();
    Text {
        text: list.join(",").into(),
        location: location.clone(),
    }
}

/// Of other minors nothing is known, which is a finding of its own.
fn knows(minor: u32) -> bool {
    Schema::load().minors().contains(&minor)
}

/// Checks flags by name and value; what a template renders to is not known yet.
pub fn check_flags(flags: &[(String, Option<Text>)], minor: u32, report: &mut Report) {
    if !knows(minor) {
        return;
    }
    for (name, text) in flags {
        let Some(text) = text else { continue };
        let home = home_of_flag(name, &text.text, minor);
        match Schema::load().flag(name, minor) {
            FieldAnswer::Found(_) => {
                if !text.is_template()
                    && let Err(rule) = check_flag(name, &text.text, minor)
                {
                    report.add(text.location.finding(Id::KubeletFlagInvalid, rule));
                }
                deprecation(name, text, (minor, &home), report);
            }
            answer => {
                let location = (&text.location.at, text.location.path.to_string());
                object(answer, name, (minor, &home), location, report);
            }
        }
    }
}

/// The kubelet warns of a flag at every start; where the same can be said without it, so do we.
fn deprecation(name: &str, text: &Text, (minor, home): (u32, &Home), report: &mut Report) {
    if !Schema::load().is_deprecated(name, minor) {
        return;
    }
    if let Some(repair) = instead(home) {
        let rule = format!("--{name} is deprecated in Kubernetes 1.{minor}");
        report.add(
            text.location
                .finding(Id::KubeletFlagDeprecated, rule)
                .help(repair),
        );
    }
}

/// Where the same is said in that version.
fn instead(home: &Home) -> Option<String> {
    match home {
        Home::Field(path) => Some(format!("write it as kubelet.config.{path}")),
        Home::Flag(flag) => Some(format!("write it as kubelet.flags.{flag}")),
        Home::Implied(why) => Some(format!("remove it: {why}")),
        Home::Here | Home::Gated(_) | Home::NotYet(_) | Home::Nowhere => None,
    }
}

/// Adds what is wrong with a name. Nobody can edit what is built in, but a layer above can take it away.
fn object(
    answer: FieldAnswer,
    name: &str,
    (minor, home): (u32, &Home),
    (location, path): (&Location, String),
    report: &mut Report,
) {
    let Some((rule, repair)) = answer.objection(name, minor) else {
        return;
    };
    let repair = instead(home).or(repair);
    let finding = Finding::new(Id::KubeletFieldUnknown, location, path, rule);
    let help = if location.file.starts_with("built-in:") {
        repair.map(|repair| repair.replace("remove it", "set it to null in a layer of yours"))
    } else {
        repair
    };
    report.add(match help {
        Some(help) => finding.help(help),
        None => finding,
    });
}
