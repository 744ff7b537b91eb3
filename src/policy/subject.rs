//! A baked node, as rules look at it.

use std::collections::BTreeMap;

use crate::kubernetes::security::{CLIENT_CA, Found, Setting, Settings, Source};
use crate::model::NodePath;
use crate::plan::{NodePlan, needs_token};
use crate::render::RenderedNode;
use crate::render::command_line::{CommandLine, KUBELET_UNIT};
use crate::render::open::location;
use crate::tree::{Entry, EntryKind, UNIT_FOLDER};

/// A node.
pub struct Subject<'a> {
    /// The kubelet's settings in effect.
    pub settings: Settings<'a>,
    /// The same without drop-ins of `--config-dir`, where there are any.
    pub without_drop_ins: Option<Settings<'a>>,
    node: &'a NodePlan,
    line: &'a CommandLine,
    files: &'a BTreeMap<NodePath, Entry>,
}

impl<'a> Subject<'a> {
    /// What is looked at. `line` and `files` are made of the same node.
    pub fn new(
        node: &'a NodePlan,
        baked: &'a RenderedNode,
        line: &'a CommandLine,
        files: &'a BTreeMap<NodePath, Entry>,
    ) -> Self {
        let minor = node.class.spec.kubernetes.value.minor();
        Self {
            settings: line.settings(&baked.config, minor),
            without_drop_ins: line
                .has_drop_ins()
                .then(|| line.settings_of(&baked.config, minor)),
            node,
            line,
            files,
        }
    }

    /// The kubelet's minor version.
    pub fn minor(&self) -> u32 {
        self.settings.minor
    }

    /// Whether the kubelet asks the cluster for its client certificate.
    pub fn asks(&self) -> bool {
        needs_token(Some(&self.node.class.spec))
    }

    /// A value in effect, as `name: value`, and where it was written.
    pub fn found(&self, setting: &Setting) -> (Found, String, String) {
        let found = self.settings.get(setting);
        let name = match found.source {
            Source::Flag => format!("--{}", setting.flag),
            _ if setting.field.is_empty() => format!("--{}", setting.flag),
            _ => setting.field.to_owned(),
        };
        let shown = match found.source {
            Source::Default => format!("{name}: {} (the default)", found.shown()),
            _ => format!("{name}: {}", found.shown()),
        };
        let drop_in = self.line.drop_in_of(setting.field);
        let at = match (found.source, drop_in) {
            (Source::Default, _) => String::new(),
            (Source::Field, Some(path)) => path.to_owned(),
            (source, _) => location(self.node, setting.flag, setting.field, source, None)
                .at
                .to_string(),
        };
        (found, shown, at)
    }

    /// What is said of `--hostname-override`, the same for all nodes that it gives their own names.
    pub fn name_told(&self, shown: String) -> String {
        let own = format!("--hostname-override: {}", self.node.name);
        if shown == own {
            "--hostname-override is the node's name".to_owned()
        } else {
            shown
        }
    }

    /// A flag's path.
    pub fn path(&self, flag: &str) -> Option<&'a str> {
        let text = self.settings.flags.get(flag).copied().flatten();
        text.filter(|text| !text.is_empty())
    }

    /// The CA of clients.
    pub fn client_ca(&self) -> Option<String> {
        self.settings.get(&CLIENT_CA).text().map(str::to_owned)
    }

    /// A file of the payload.
    pub fn file(&self, path: &str) -> Option<&'a Entry> {
        let entry = self.files.get(path)?;
        matches!(entry.kind, EntryKind::File(_)).then_some(entry)
    }

    /// The payload's files below a folder.
    pub fn below(&self, folder: &str) -> Vec<(&'a str, &'a Entry)> {
        let prefix = format!("{folder}/");
        let files = self.files.iter();
        let files = files.filter(|(path, _)| path.as_str().starts_with(&prefix));
        files.map(|(path, entry)| (path.as_str(), entry)).collect()
    }

    /// The files of the kubelet's unit: the text first, then its drop-ins.
    pub fn unit(&self) -> Vec<(&'a str, &'a Entry)> {
        let text = format!("{UNIT_FOLDER}/{KUBELET_UNIT}");
        let own = self.files.get_key_value(text.as_str());
        let own = own.map(|(path, entry)| (path.as_str(), entry));
        let files = own.into_iter().chain(self.below(&format!("{text}.d")));
        files
            .filter(|(_, entry)| matches!(entry.kind, EntryKind::File(_)))
            .collect()
    }

    /// The state of a unit: masked or not.
    pub fn is_masked(&self, unit: &str) -> bool {
        let path = format!("{UNIT_FOLDER}/{unit}");
        let entry = self.files.get(path.as_str());
        entry.is_some_and(
            |entry| matches!(&entry.kind, EntryKind::Symlink(target) if target == "/dev/null"),
        )
    }
}
