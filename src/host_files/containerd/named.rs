//! Paths, programs and plugins that containerd's configuration names and that are not part of it. Source: containerd
//! `cmd/containerd/server/config/config.go`, `internal/cri/config/config.go` (pkg/cri/config in 1.x), `docs/snapshotters`.

use crate::host_files::containerd::{CRI_V2, CRI_V3};
use crate::host_files::toml_text::{Table, TomlText, find};
use crate::report::Id;

/// Snapshotters that are in containerd itself and need nothing but a file system under their root.
const PLAIN: [&str; 2] = ["overlayfs", "native"];
/// Runtimes whose shim comes with containerd.
const WITH_CONTAINERD: [&str; 2] = ["io.containerd.runc.v1", "io.containerd.runc.v2"];

/// What a thing is that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedKind {
    /// A folder that containerd makes where it can.
    Folder,
    /// A file or a socket that must be there.
    File,
    /// A program by its path, or by its name somewhere on PATH.
    Program,
    /// A snapshotter that is not a folder of files.
    Snapshotter,
}

/// Something that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it is.
    pub kind: NamedKind,
    /// A path or a name.
    pub what: String,
    /// The setting that names it.
    pub setting: String,
}

/// The folders in which containerd looks for networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CniFolders {
    /// Where the configurations are.
    pub configurations: Option<String>,
    /// Where the plugins are.
    pub plugins: Vec<String>,
}

/// All that a configuration names, the defaults left out; nothing of a text that is no TOML, which has its finding.
pub fn named(text: &str) -> Vec<Named> {
    let Ok(text) = TomlText::read(text, Id::ContainerdConfigInvalid) else {
        return Vec::new();
    };
    let root = text.root();
    let mut found = Vec::new();
    let mut add = |kind, what: &str, setting: String| {
        if !what.is_empty() {
            found.push(Named {
                kind,
                what: what.to_owned(),
                setting,
            });
        }
    };
    for (key, default) in [
        ("root", "/var/lib/containerd"),
        ("state", "/run/containerd"),
        ("temp", ""),
        ("plugin_dir", ""),
    ] {
        let value = string(root, &[key]).filter(|value| *value != default);
        add(NamedKind::Folder, value.unwrap_or_default(), key.to_owned());
    }
    for path in imports_of(root) {
        // What has a star is a pattern, which nothing has to fit; another file must be there (resolveImports).
        if !path.contains('*') {
            add(NamedKind::File, &path, "imports".to_owned());
        }
    }
    for (name, table) in tables(root, &["proxy_plugins"]) {
        let socket = string(table, &["address"]).unwrap_or_default();
        add(
            NamedKind::File,
            socket,
            format!("proxy_plugins.{name}.address"),
        );
    }
    for (name, table) in tables(root, &["stream_processors"]) {
        let program = string(table, &["path"]).unwrap_or_default();
        add(
            NamedKind::Program,
            program,
            format!("stream_processors.{name}.path"),
        );
    }
    let proxied: Vec<&str> = tables(root, &["proxy_plugins"])
        .map(|(name, _)| name)
        .collect();
    let mut snapshotter = |name: &str, setting: String| {
        if !PLAIN.contains(&name) && !proxied.contains(&name) {
            add(NamedKind::Snapshotter, name, setting);
        }
    };
    for plugin in cri_plugins(root) {
        for table in [Some(plugin), find_table(plugin, &["containerd"])] {
            let name = table.and_then(|table| string(table, &["snapshotter"]));
            snapshotter(name.unwrap_or_default(), "snapshotter".to_owned());
        }
    }
    for (name, runtime) in runtimes(root) {
        let of_runtime = |key: &str| format!("runtimes.{name}.{key}");
        let own = string(runtime, &["snapshotter"]).unwrap_or_default();
        snapshotter(own, of_runtime("snapshotter"));
    }
    for (name, runtime) in runtimes(root) {
        let of_runtime = |key: &str| format!("runtimes.{name}.{key}");
        for (kind, keys) in [
            (NamedKind::File, &["base_runtime_spec"][..]),
            (NamedKind::Program, &["runtime_path"]),
            (NamedKind::Folder, &["cni_conf_dir"]),
            (NamedKind::Program, &["options", "BinaryName"]),
            (NamedKind::Program, &["options", "CriuPath"]),
            (NamedKind::File, &["options", "ConfigPath"]),
            (NamedKind::Folder, &["options", "Root"]),
        ] {
            let value = string(runtime, keys).unwrap_or_default();
            add(kind, value, of_runtime(&keys.join(".")));
        }
        let kind = string(runtime, &["runtime_type"]).unwrap_or_default();
        if string(runtime, &["runtime_path"]).is_none() && !WITH_CONTAINERD.contains(&kind) {
            let shim = shim(kind).unwrap_or_default();
            add(NamedKind::Program, &shim, of_runtime("runtime_type"));
        }
    }
    found
}

/// The program of a runtime: `io.containerd.kata.v2` is containerd-shim-kata-v2 (pkg/shim/util.go, BinaryName); a path is itself.
fn shim(kind: &str) -> Option<String> {
    if kind.starts_with('/') {
        return Some(kind.to_owned());
    }
    let mut parts = kind.rsplit('.');
    let (version, name) = (parts.next()?, parts.next()?);
    let is_whole = !version.is_empty() && !name.is_empty();
    is_whole.then(|| format!("containerd-shim-{name}-{version}"))
}

/// What a configuration in /etc/containerd imports: absolute paths and patterns.
pub fn imports(text: &str) -> Vec<String> {
    match TomlText::read(text, Id::ContainerdConfigInvalid) {
        Ok(text) => imports_of(text.root()),
        Err(_) => Vec::new(),
    }
}

fn imports_of(root: &Table<'_>) -> Vec<String> {
    let list = root.get("imports").and_then(|at| at.get_ref().as_array());
    let paths = list.into_iter().flatten();
    let paths = paths.filter_map(|path| path.get_ref().as_str());
    // A relative one begins at the folder of the file (resolveImports).
    let absolute = |path: &str| {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/etc/containerd/{}", path.trim_start_matches("./"))
        }
    };
    paths
        .filter(|path| !path.is_empty())
        .map(absolute)
        .collect()
}

/// Where networks and their plugins are.
pub fn cni_folders(text: &str) -> CniFolders {
    let mut folders = CniFolders::default();
    let Ok(text) = TomlText::read(text, Id::ContainerdConfigInvalid) else {
        return folders;
    };
    for plugin in cri_plugins(text.root()) {
        let Some(cni) = find_table(plugin, &["cni"]) else {
            continue;
        };
        let conf = string(cni, &["conf_dir"]).filter(|path| !path.is_empty());
        folders.configurations = folders.configurations.or(conf.map(str::to_owned));
        let list = cni.get("bin_dirs").and_then(|at| at.get_ref().as_array());
        let list = list.into_iter().flatten();
        let list = list.filter_map(|at| at.get_ref().as_str());
        let all = string(cni, &["bin_dir"]).into_iter().chain(list);
        let all = all.filter(|path| !path.is_empty());
        folders.plugins.extend(all.map(str::to_owned));
    }
    folders
}

/// The names of images' registries that a configuration has mirrors for; those before 1.5 are told of registries so.
pub fn registry_mirrors(text: &str) -> Vec<String> {
    let Ok(text) = TomlText::read(text, Id::ContainerdConfigInvalid) else {
        return Vec::new();
    };
    let mirrors = |plugin| tables(plugin, &["registry", "mirrors"]);
    let names = cri_plugins(text.root()).flat_map(mirrors);
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Whether pods get their loopback device from containerd itself.
pub fn uses_internal_loopback(text: &str) -> bool {
    let Ok(text) = TomlText::read(text, Id::ContainerdConfigInvalid) else {
        return false;
    };
    cri_plugins(text.root()).any(|plugin| {
        let value = find(plugin, &["cni", "use_internal_loopback"]);
        value.is_some_and(|value| value.get_ref().as_bool() == Some(true))
    })
}

/// The CRI plugin's tables, whichever version of the file has them.
pub(super) fn cri_plugins<'a, 't>(root: &'a Table<'t>) -> impl Iterator<Item = &'a Table<'t>> {
    let names = ["cri", CRI_V2, CRI_V3[0], CRI_V3[1]].into_iter();
    names.filter_map(|name| find_table(root, &["plugins", name]))
}

fn runtimes<'a, 't>(root: &'a Table<'t>) -> impl Iterator<Item = (&'a str, &'a Table<'t>)> {
    cri_plugins(root).flat_map(|plugin| tables(plugin, &["containerd", "runtimes"]))
}

pub(super) fn find_table<'a, 't>(table: &'a Table<'t>, path: &[&str]) -> Option<&'a Table<'t>> {
    find(table, path)?.get_ref().as_table()
}

pub(super) fn string<'a>(table: &'a Table<'_>, path: &[&str]) -> Option<&'a str> {
    find(table, path)?.get_ref().as_str()
}

/// The tables in a table, by name.
pub(super) fn tables<'a, 't>(
    table: &'a Table<'t>,
    path: &[&str],
) -> impl Iterator<Item = (&'a str, &'a Table<'t>)> {
    let all = find_table(table, path).into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.get_ref().as_ref(), value.get_ref().as_table()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(NamedKind, String)> {
        let found = named(text).into_iter();
        found.map(|named| (named.kind, named.what)).collect()
    }

    #[test]
    fn what_is_not_the_default_is_named() {
        let cri = "[plugins.\"io.containerd.grpc.v1.cri\".containerd";
        let v3 = "[plugins.\"io.containerd.cri.v1.runtime\".containerd";
        for (text, expected) in [
            ("version = 2\n".to_owned(), vec![]),
            (
                "imports = [\"own/a.toml\", \"/x/[b]?.toml\", \"/y/*.toml\"]\n".to_owned(),
                vec![
                    (NamedKind::File, "/etc/containerd/own/a.toml"),
                    (NamedKind::File, "/x/[b]?.toml"),
                ],
            ),
            (
                "root = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\n".to_owned(),
                vec![],
            ),
            (
                "root = \"/data/containerd\"\n".to_owned(),
                vec![(NamedKind::Folder, "/data/containerd")],
            ),
            (
                "state = \"/run/k\"\ntemp = \"/data/tmp\"\n".to_owned(),
                vec![
                    (NamedKind::Folder, "/run/k"),
                    (NamedKind::Folder, "/data/tmp"),
                ],
            ),
            (format!("{cri}]\nsnapshotter = \"overlayfs\"\n"), vec![]),
            (
                format!("{cri}]\nsnapshotter = \"zfs\"\n"),
                vec![(NamedKind::Snapshotter, "zfs")],
            ),
            (
                "[plugins.\"io.containerd.cri.v1.images\"]\nsnapshotter = \"devmapper\"\n"
                    .to_owned(),
                vec![(NamedKind::Snapshotter, "devmapper")],
            ),
            (
                format!(
                    "{cri}]\nsnapshotter = \"stargz\"\n[proxy_plugins.stargz]\ntype = \"snapshot\"\naddress = \"/run/stargz.sock\"\n"
                ),
                vec![(NamedKind::File, "/run/stargz.sock")],
            ),
            (
                format!("{cri}.runtimes.runc]\nruntime_type = \"io.containerd.runc.v2\"\n"),
                vec![],
            ),
            (
                format!("{cri}.runtimes.crun.options]\nBinaryName = \"/usr/bin/crun\"\n"),
                vec![(NamedKind::Program, "/usr/bin/crun")],
            ),
            (
                format!("{v3}.runtimes.kata]\nruntime_type = \"io.containerd.kata.v2\"\n"),
                vec![(NamedKind::Program, "containerd-shim-kata-v2")],
            ),
            (
                format!(
                    "{v3}.runtimes.kata]\nruntime_type = \"io.containerd.kata.v2\"\nruntime_path = \"/opt/kata/shim\"\n"
                ),
                vec![(NamedKind::Program, "/opt/kata/shim")],
            ),
            (
                format!(
                    "{v3}.runtimes.runsc]\nruntime_type = \"io.containerd.runsc.v1\"\n{v3}.runtimes.runsc.options]\nConfigPath = \"/etc/containerd/runsc.toml\"\n"
                ),
                vec![
                    (NamedKind::File, "/etc/containerd/runsc.toml"),
                    (NamedKind::Program, "containerd-shim-runsc-v1"),
                ],
            ),
            (
                format!(
                    "{v3}.runtimes.nvidia]\nruntime_type = \"io.containerd.runc.v2\"\nbase_runtime_spec = \"/etc/containerd/spec.json\"\nsnapshotter = \"nydus\"\n"
                ),
                vec![
                    (NamedKind::Snapshotter, "nydus"),
                    (NamedKind::File, "/etc/containerd/spec.json"),
                ],
            ),
            ("root = [\n".to_owned(), vec![]),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(kind, what)| (kind, what.to_owned()))
                .collect();
            assert_eq!(all(&text), expected, "{text}");
        }
    }

    #[test]
    fn folders_of_networks_are_found_in_every_version() {
        for plugin in [
            "io.containerd.grpc.v1.cri",
            "io.containerd.cri.v1.runtime",
            "cri",
        ] {
            let text = format!(
                "[plugins.\"{plugin}\".cni]\nconf_dir = \"/a\"\nbin_dir = \"/b\"\nbin_dirs = [\"/c\", \"/d\"]\n"
            );
            let found = cni_folders(&text);
            assert_eq!(found.configurations.as_deref(), Some("/a"));
            assert_eq!(found.plugins, ["/b", "/c", "/d"]);
        }
        assert_eq!(cni_folders("x = [\n"), CniFolders::default());
    }
}
