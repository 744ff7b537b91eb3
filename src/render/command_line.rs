//! What the kubelet is started with: the flags of the unit's command where the unit is ours, else those that layers set; and
//! its configuration with the drop-ins of `--config-dir`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::kubernetes::effective::{DROP_INS, Effective, Layers, root_paths};
use crate::kubernetes::security::{SETTINGS, Settings, takes_a_value};
use crate::model::NodePath;
use crate::render::environment::Environment;
use crate::tree::{Content, Entry, EntryKind, NodeTree, Unit};
use crate::yaml;

/// The kubelet's unit.
pub const KUBELET_UNIT: &str = "kubelet.service";

/// A kubelet's flags.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// By name; None for one without a value.
    pub flags: BTreeMap<String, Option<String>>,
    /// Whether it reads a configuration file.
    pub reads_file: bool,
    /// The drop-ins of `--config-dir` by path, in the order in which they are read.
    drop_ins: Vec<(String, Json)>,
    /// File and drop-ins as one, where there are drop-ins.
    merged: Option<Json>,
}

impl CommandLine {
    /// Reads it from the unit. `set` are the flags of the layers: what counts where the unit is the image's, or where it
    /// starts another program, or takes words from an environment that is not in the payload.
    pub fn of(tree: &NodeTree, set: &Map<String, Json>, config: &Json, minor: u32) -> Self {
        let mut line = Self::without_drop_ins(tree, set);
        let folder = line.flags.get("config-dir").cloned().flatten();
        if let Some(folder) = folder.filter(|_| line.reads_file && minor >= DROP_INS) {
            line.drop_ins = drop_ins(tree, &folder, minor);
            let patches: Vec<Json> = line
                .drop_ins
                .iter()
                .map(|(_, patch)| patch.clone())
                .collect();
            let layers = Layers {
                file: config,
                drop_ins: Some(&patches),
                flags: &[],
                minor,
            };
            line.merged = Some(Effective::combine(&layers, |_| false).config.into_owned());
        }
        line
    }

    fn without_drop_ins(tree: &NodeTree, set: &Map<String, Json>) -> Self {
        let text = |value: &Json| value.as_str().map(str::to_owned);
        let set = set.iter().map(|(name, value)| (name.clone(), text(value)));
        let flags: BTreeMap<String, Option<String>> = set.collect();
        let unit = tree.units().get(KUBELET_UNIT).filter(|unit| !unit.masked);
        if unit.is_some_and(|unit| says_what_is_set(unit, &flags)) {
            return Self::of_layers(flags);
        }
        let effective = unit.map(Unit::effective);
        let command = effective.as_ref().and_then(|unit| {
            let words = unit.commands("ExecStart").pop()?;
            let program = words.first()?.rsplit('/').next()?;
            (program == "kubelet").then_some((unit, words))
        });
        let Some((unit, words)) = command else {
            return Self::of_layers(flags);
        };
        let set = flags;
        let (words, is_whole) = Environment::of(unit, tree).expand(&words[1..]);
        let mut flags = of_words(&words);
        if !is_whole {
            for (name, value) in set {
                flags.entry(name).or_insert(value);
            }
        }
        Self {
            reads_file: !is_whole || flags.contains_key("config"),
            flags,
            drop_ins: Vec::new(),
            merged: None,
        }
    }

    fn of_layers(flags: BTreeMap<String, Option<String>>) -> Self {
        Self {
            flags,
            reads_file: true,
            drop_ins: Vec::new(),
            merged: None,
        }
    }

    /// The drop-in whose value of a field counts.
    pub fn drop_in_of(&self, field: &str) -> Option<&str> {
        let mut drop_ins = self.drop_ins.iter().rev();
        let found = drop_ins.find(|(_, patch)| {
            let value = field.split('.').try_fold(patch, |at, key| at.get(key));
            value.is_some()
        });
        found.map(|(path, _)| path.as_str())
    }

    /// Whether drop-ins change the configuration.
    pub fn has_drop_ins(&self) -> bool {
        !self.drop_ins.is_empty()
    }

    /// The settings in effect.
    pub fn settings<'a>(&'a self, config: &'a Json, minor: u32) -> Settings<'a> {
        self.settings_of(self.merged.as_ref().unwrap_or(config), minor)
    }

    /// The settings as they would be without drop-ins.
    pub fn settings_of<'a>(&'a self, config: &'a Json, minor: u32) -> Settings<'a> {
        let flags = self.flags.iter();
        Settings {
            config: self.reads_file.then_some(config),
            flags: flags
                .map(|(name, value)| (name.as_str(), value.as_deref()))
                .collect(),
            minor,
        }
    }
}

/// Whether a unit plainly has the flags that matter here as the layers set them, and no other ones, as almost every unit
/// has: then nobody needs to read it as systemd does, which takes its time at many nodes.
fn says_what_is_set(unit: &Unit, set: &BTreeMap<String, Option<String>>) -> bool {
    let Some(Some(config)) = set.get("config") else {
        return false;
    };
    let config = format!("--config={config}");
    let settings = SETTINGS.iter().map(|setting| setting.flag);
    let flags = || {
        settings
            .clone()
            .chain(["config-dir", "feature-gates", "kubeconfig"])
    };
    let mut texts = unit.text.iter().chain(unit.dropins.values());
    texts.all(|(content, _)| {
        let Content::Blob(blob) = content else {
            return false;
        };
        let text = String::from_utf8_lossy(blob.bytes());
        if !text.contains("ExecStart=") {
            return !text.contains("--");
        }
        let is_same = |flag: &str| match set.get(flag) {
            Some(Some(value)) => {
                let all = text.matches(&format!("--{flag}=")).count();
                all > 0 && all == text.matches(&format!("--{flag}={value}")).count()
            }
            Some(None) => false,
            None => !text.contains(&format!("--{flag}")),
        };
        text.contains(&config) && !text.contains('$') && flags().all(is_same)
    })
}

/// Source: cmd/kubelet/app/server.go, mergeKubeletConfigurations: files that end in .conf, by name in each folder.
fn drop_ins(tree: &NodeTree, folder: &str, minor: u32) -> Vec<(String, Json)> {
    let prefix = format!("{}/", folder.trim_end_matches('/'));
    let files = tree.entries().iter();
    let files = files
        .filter(|(path, _)| path.as_str().starts_with(&prefix) && path.as_str().ends_with(".conf"));
    let read = |(path, entry): (&NodePath, &Entry)| {
        let EntryKind::File(Content::Blob(blob)) = &entry.kind else {
            return None;
        };
        let text = std::str::from_utf8(blob.bytes()).ok()?;
        let mut patch = yaml::read_all::<Json>(text).ok()?.pop()?;
        root_paths(&mut patch, path.as_str(), minor);
        Some((path.to_string(), patch))
    };
    let mut read: Vec<(String, Json)> = files.filter_map(read).collect();
    read.sort_by(|(one, _), (other, _)| one.split('/').cmp(other.split('/')));
    read
}

/// Flags as spf13/pflag reads them: `--name=value`, or `--name value` where the flag is no switch. The last one counts.
fn of_words(words: &[String]) -> BTreeMap<String, Option<String>> {
    let mut flags = BTreeMap::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None if takes_a_value(flag) => {
                (flag, words.next_if(|next| !next.starts_with("--")).cloned())
            }
            None => (flag, None),
        };
        flags.insert(name.to_owned(), value);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Origin;

    fn line(text: &str) -> (Vec<(String, Option<String>)>, bool) {
        let mut tree = NodeTree::default();
        if !text.is_empty() {
            let unit = tree.unit_mut(KUBELET_UNIT);
            let text = Content::bytes(format!("[Service]\nExecStart={text}\n"));
            unit.text = Some((text, Origin("t".into())));
        }
        let set = serde_json::json!({"v": "2", "config": "/etc/k"});
        let line = CommandLine::of(&tree, set.as_object().unwrap(), &Json::Null, 34);
        (line.flags.into_iter().collect(), line.reads_file)
    }

    #[test]
    fn the_command_counts_where_it_is_known() {
        let flag = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let bare = |name: &str| (name.to_owned(), None);
        for (text, flags, reads_file) in [
            ("", vec![flag("config", "/etc/k"), flag("v", "2")], true),
            ("/usr/bin/kubelet --v=4", vec![flag("v", "4")], false),
            (
                "-/opt/kubelet --config /etc/x --v 4 --anonymous-auth --read-only-port 0",
                vec![
                    bare("anonymous-auth"),
                    flag("config", "/etc/x"),
                    flag("read-only-port", "0"),
                    flag("v", "4"),
                ],
                true,
            ),
            (
                "/usr/bin/kubelet \\\n  --v=4 \\\n  $EXTRA",
                vec![flag("v", "4")],
                false,
            ),
            (
                "/usr/bin/kubelet --v=4 $EXTRA\nEnvironmentFile=/etc/x",
                vec![flag("config", "/etc/k"), flag("v", "4")],
                true,
            ),
            (
                "/bin/sh -c 'exec kubelet --v=4'",
                vec![flag("config", "/etc/k"), flag("v", "2")],
                true,
            ),
            ("/usr/bin/kubelet --v=1 --v=5", vec![flag("v", "5")], false),
        ] {
            assert_eq!(line(text), (flags, reads_file), "{text}");
        }
    }
}
