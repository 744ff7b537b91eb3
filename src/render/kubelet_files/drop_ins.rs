//! Drop-ins of `--config-dir`: which files the kubelet reads, in which order, and what it would not take in them. Source:
//! cmd/kubelet/app/server.go, mergeKubeletConfigurations.

use crate::kubernetes::effective::root_paths;
use crate::model::NodePath;
use crate::plan::{DropIn, check_drop_ins, check_types, has_drop_ins};
use crate::render::NodeRendering;
use crate::render::facts::rule_flags;
use crate::render::kubelet_files::KubeletFiles;
use crate::render::kubelet_unit::KUBELET;
use crate::report::{Finding, Id, Report};
use crate::tree::{Content, Entry, EntryKind};
use crate::yaml::{self, Located};

/// Kubelets of these minors read drop-ins only where this is in their environment.
const ALPHA: std::ops::Range<u32> = 28..30;
const ALPHA_VARIABLE: &str = "KUBELET_CONFIG_DROPIN_DIR_ALPHA";
const API_VERSION: &str = "kubelet.config.k8s.io/v1beta1";
const KIND: &str = "KubeletConfiguration";

impl NodeRendering<'_> {
    /// Everything that is wrong with the drop-ins, and with the configuration that they make together with file and flags.
    pub(super) fn drop_ins(&self, files: &KubeletFiles<'_>) -> Vec<Finding> {
        let minor = files.minor();
        let Some(folder) = files.flag("config-dir") else {
            return Vec::new();
        };
        let class = &files.node.class;
        if !has_drop_ins(&class.kubelet_flags, minor) {
            return Vec::new();
        }
        let mut findings = Vec::new();
        let mut drop_ins = Vec::new();
        for (path, entry) in below(files, folder) {
            match self.drop_in(path, entry, minor, &mut findings) {
                Some(patch) => drop_ins.extend(self.located(path, patch, minor)),
                None => continue,
            }
        }
        let unit = files.tree.units().get(KUBELET).map(|unit| unit.effective());
        let is_told = unit.is_none_or(|unit| {
            let mut all = unit.values("Service", "Environment");
            all.any(|text| text.contains(ALPHA_VARIABLE))
        });
        if ALPHA.contains(&minor) && !is_told {
            let rule = format!(
                "a kubelet of 1.{minor} ends over config-dir without {ALPHA_VARIABLE} in its environment"
            );
            let repair = format!(
                "add a drop-in to units.{KUBELET} with Environment={ALPHA_VARIABLE}=1 below [Service]"
            );
            let location = files.flag_location("config-dir");
            findings.push(
                location
                    .finding(Id::KubeletDropInInvalid, rule)
                    .help(repair),
            );
        }
        let flags = rule_flags(files.node, files.flags);
        findings.extend(check_drop_ins(class, files.config, &drop_ins, &flags));
        findings
    }

    /// One drop-in; None where the kubelet ends over it or does not read it.
    fn drop_in(
        &self,
        path: &NodePath,
        entry: &Entry,
        minor: u32,
        findings: &mut Vec<Finding>,
    ) -> Option<Located> {
        let location = self.builder.text_location(path)?;
        let mut say = |id, rule: String, repair: &str| {
            findings.push(location.finding(id, format!("{path} {rule}")).help(repair));
        };
        if !path.as_str().ends_with(".conf") {
            let rule = "is not read: the name of a drop-in must end in .conf".to_owned();
            say(Id::KubeletDropInUnread, rule, "rename it");
            return None;
        }
        let EntryKind::File(Content::Blob(blob)) = &entry.kind else {
            return None;
        };
        let text = String::from_utf8_lossy(blob.bytes());
        let mut report = Report::default();
        let read = yaml::parse(&location.at.file, &text, &mut report);
        let syntax: Vec<String> = report
            .errors()
            .map(|error| error.message.to_string())
            .collect();
        if let Some(first) = syntax.first() {
            say(
                Id::KubeletDropInInvalid,
                format!("must be YAML: {first}"),
                "correct it",
            );
            return None;
        }
        let read = read.filter(|read| read.as_map().is_some());
        let Some(read) = read else {
            let rule = "must be a KubeletConfiguration, and is empty or not a map".to_owned();
            say(
                Id::KubeletDropInInvalid,
                rule,
                "write its kind and apiVersion, or remove it",
            );
            return None;
        };
        let is = |key: &str, wanted: &str| read.get(key).and_then(Located::as_str) == Some(wanted);
        if !is("kind", KIND) || !is("apiVersion", API_VERSION) {
            let rule = format!("must have kind {KIND} and apiVersion {API_VERSION}");
            say(Id::KubeletDropInInvalid, rule, "write both");
            return None;
        }
        for finding in check_types(&read, minor).into_findings() {
            let rule = format!("{path}: {}: {}", finding.path, finding.message);
            let made = location.finding(finding.id, rule);
            findings.push(Finding {
                help: finding.help,
                ..made
            });
        }
        Some(read)
    }

    fn located(&self, path: &NodePath, patch: Located, minor: u32) -> Option<DropIn> {
        let mut patch = serde_json::to_value(&patch).ok()?;
        root_paths(&mut patch, path.as_str(), minor);
        Some(DropIn {
            location: self.builder.text_location(path)?.clone(),
            patch,
        })
    }
}

/// The files below a folder in the order in which the kubelet walks it: by name in each folder (filepath.WalkDir).
fn below<'t>(files: &KubeletFiles<'t>, folder: &str) -> Vec<(&'t NodePath, &'t Entry)> {
    let folder = format!("{}/", folder.trim_end_matches('/'));
    let mut found: Vec<_> = files
        .tree
        .entries()
        .iter()
        .filter(|(path, entry)| {
            path.as_str().starts_with(&folder) && matches!(entry.kind, EntryKind::File(_))
        })
        .collect();
    found.sort_by_key(|(path, _)| path.as_str().split('/').collect::<Vec<_>>());
    found
}
