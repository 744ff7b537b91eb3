//! The pods' network that a node brings: the configuration that counts, and whether the programs that it names are where the
//! runtime looks for them. In: a finished tree. Out: findings, and what else the node must have.

use serde_json::{Map, Value as Json};

use crate::host_files::{CniFolders, CniPlugin, Fault, cni_folders, cni_is_readable, cni_plugins};
use crate::kubernetes::runtime::RuntimeKind;
use crate::model::NodePath;
use crate::render::NodeRendering;
use crate::render::containerd_files::{containerd_texts, text_of};
use crate::render::other_runtimes::crio_of;
use crate::report::Id;
use crate::tree::{Entry, EntryKind, NodeTree};

const CONFIGURATIONS: &str = "/etc/cni/net.d";
const PLUGINS: &str = "/opt/cni/bin";

/// The network that the runtime takes: the first configuration by name that it can read (containerd/go-cni, `opts.go`).
pub struct PodNetwork<'t> {
    /// Its file.
    pub path: &'t NodePath,
    /// The programs that it names.
    pub plugins: Vec<CniPlugin>,
    /// The folders in which the runtime looks for them.
    pub folders: Vec<String>,
    entry: &'t Entry,
    text: String,
}

impl<'t> PodNetwork<'t> {
    /// The network of a tree that brings one.
    pub fn of(tree: &'t NodeTree, kind: RuntimeKind, flags: &Map<String, Json>) -> Option<Self> {
        let (configurations, folders) = folders(tree, kind, flags);
        let prefix = format!("{configurations}/");
        let is_there = |path: &NodePath| {
            let name = path.as_str().strip_prefix(&prefix);
            name.is_some_and(|name| !name.contains('/'))
        };
        let mut files = tree.entries().iter().filter(|(path, _)| is_there(path));
        files.find_map(|(path, entry)| {
            let text = text_of(&entry.kind)?;
            let is_taken = cni_is_readable(path.file_name(), &text);
            is_taken.then(|| Self {
                path,
                plugins: cni_plugins(&text),
                folders: folders.clone(),
                entry,
                text,
            })
        })
    }

    /// Where a plugin is that the runtime finds, if the tree has it.
    fn found(&self, tree: &NodeTree, name: &str) -> Option<String> {
        let at = |folder: &String| format!("{}/{name}", folder.trim_end_matches('/'));
        let mut paths = self.folders.iter().map(at);
        paths.find(|path| tree.missing(path).is_none())
    }

    /// Whether the tree has a plugin where the runtime looks.
    pub fn has(&self, tree: &NodeTree, name: &str) -> bool {
        self.found(tree, name).is_some()
    }

    /// The plugins that the tree does not have where the runtime looks.
    pub fn missing<'s>(&'s self, tree: &'s NodeTree) -> impl Iterator<Item = &'s CniPlugin> {
        let plugins = self.plugins.iter();
        plugins.filter(|plugin| self.found(tree, &plugin.name).is_none())
    }
}

/// The folder of configurations, and those of plugins, as the runtime is told or as it is by default.
pub fn folders(
    tree: &NodeTree,
    kind: RuntimeKind,
    flags: &Map<String, Json>,
) -> (String, Vec<String>) {
    let mut all = CniFolders::default();
    match kind {
        RuntimeKind::Containerd => {
            for text in containerd_texts(tree) {
                let own = cni_folders(&text);
                all.configurations = all.configurations.or(own.configurations);
                all.plugins.extend(own.plugins);
            }
        }
        RuntimeKind::Crio => {
            let crio = crio_of(tree);
            all.configurations = crio.network_dir;
            all.plugins = crio.plugin_dirs;
        }
        // Its flags are those of an image's unit.
        RuntimeKind::CriDockerd => {}
        RuntimeKind::Docker => {
            let flag = |name: &str| flags.get(name).and_then(Json::as_str);
            all.configurations = flag("cni-conf-dir").map(str::to_owned);
            // A list with commas (pkg/kubelet/config/flags.go, of kubelets before 1.24).
            let folders = flag("cni-bin-dir").unwrap_or_default().split(',');
            let folders = folders.filter(|folder| !folder.is_empty());
            all.plugins.extend(folders.map(str::to_owned));
        }
    }
    let configurations = all.configurations;
    let configurations = configurations.unwrap_or_else(|| CONFIGURATIONS.to_owned());
    if all.plugins.is_empty() {
        all.plugins.push(PLUGINS.to_owned());
    }
    (configurations.trim_end_matches('/').to_owned(), all.plugins)
}

impl NodeRendering<'_> {
    /// Finds plugins that are brought where the runtime does not look, or that nobody could start.
    pub(super) fn check_pod_network(&mut self, kind: RuntimeKind, flags: &Map<String, Json>) {
        let tree = self.builder.so_far();
        let Some(network) = PodNetwork::of(tree, kind, flags) else {
            return;
        };
        let mut findings = Vec::new();
        for plugin in &network.plugins {
            let Some(fault) = fault(tree, &network, plugin) else {
                continue;
            };
            let Some(location) = self.builder.text_location(network.path) else {
                continue;
            };
            let is_secret = network.entry.secret;
            findings.push(self.finding(location, network.path, &network.text, &fault, is_secret));
        }
        self.builder.fail(findings);
    }
}

fn fault(tree: &NodeTree, network: &PodNetwork<'_>, plugin: &CniPlugin) -> Option<Fault> {
    if let Some(path) = network.found(tree, &plugin.name) {
        let entry = tree.get(&path)?;
        let is_program = !matches!(entry.kind, EntryKind::File(_)) || entry.mode & 0o111 != 0;
        let rule =
            format!("the runtime starts {path} for this plugin, and the file is not executable");
        let fault = Fault::at(Id::ProgramNotExecutable, plugin.position, rule);
        return (!is_program).then(|| fault.help("set mode: \"0755\""));
    }
    let is_it = |(path, entry): &(&NodePath, &Entry)| {
        let is_file = matches!(entry.kind, EntryKind::File(_));
        is_file && path.file_name() == plugin.name && path.as_str().contains("/cni")
    };
    let (path, _) = tree.entries().iter().find(is_it)?;
    let folders = network.folders.join(" or ");
    let rule =
        format!("the runtime looks for this plugin in {folders}, and the payload has it at {path}");
    let fault = Fault::at(Id::ProgramElsewhere, plugin.position, rule).got(&*plugin.name);
    Some(
        fault.help(
            "write it there, or name its folder in the runtime's configuration (paths.cniBin for containerd)",
        ),
    )
}
