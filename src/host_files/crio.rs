//! CRI-O's configuration, as far as it must agree with the kubelet. In: its texts, in the order in which CRI-O reads them.
//! Out: what they say together; a later file wins, lists too. Source: cri-o/cri-o `pkg/config/config.go` (`UpdateFromFile`,
//! `UpdateFromDropInFile`) and `docs/crio.conf.5.md`.

use crate::host_files::toml_text::{Table, Toml, TomlText, find};
use crate::report::Id;

/// What CRI-O is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crio {
    /// Who makes its control groups: systemd, which is its default, or cgroupfs.
    pub cgroup_manager: Option<String>,
    /// The image of the pause container.
    pub pause_image: Option<String>,
    /// The folder of networks' configurations.
    pub network_dir: Option<String>,
    /// The folders of networks' plugins.
    pub plugin_dirs: Vec<String>,
    /// The runtimes by name.
    pub runtimes: Vec<String>,
}

/// What the texts say together; nothing of a text that is no TOML, which has its finding.
pub fn crio(texts: &[&str]) -> Crio {
    let mut all = Crio::default();
    for text in texts {
        let Ok(text) = TomlText::read(text, Id::SettingsFileInvalid) else {
            continue;
        };
        let root = text.root();
        let string = |path: [&str; 3]| {
            let text = find(root, &path)?.get_ref().as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let replace = |known: &mut Option<String>, path| *known = string(path).or(known.take());
        replace(
            &mut all.cgroup_manager,
            ["crio", "runtime", "cgroup_manager"],
        );
        replace(&mut all.pause_image, ["crio", "image", "pause_image"]);
        replace(&mut all.network_dir, ["crio", "network", "network_dir"]);
        if let Some(list) = find(root, &["crio", "network", "plugin_dirs"])
            && let Some(items) = list.get_ref().as_array()
        {
            let items = items.iter().filter_map(|item| item.get_ref().as_str());
            all.plugin_dirs = items.map(str::to_owned).collect();
        }
        // The old setting is a folder beside those of the list.
        all.plugin_dirs
            .extend(string(["crio", "network", "plugin_dir"]));
        all.runtimes.extend(names(root));
    }
    all.runtimes.sort();
    all.runtimes.dedup();
    all
}

fn names(root: &Table<'_>) -> Vec<String> {
    let runtimes = find(root, &["crio", "runtime", "runtimes"]);
    let Some(Toml::Table(table)) = runtimes.map(|runtimes| runtimes.get_ref()) else {
        return Vec::new();
    };
    table
        .iter()
        .map(|(name, _)| name.get_ref().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_files_win_and_their_lists_replace() {
        let first = "[crio.runtime]\ncgroup_manager = \"cgroupfs\"\n[crio.runtime.runtimes.runc]\n[crio.network]\nplugin_dirs = [\"/a\", \"/b\"]\nnetwork_dir = \"/n\"\n";
        let second = "[crio.runtime]\ncgroup_manager = \"systemd\"\n[crio.runtime.runtimes.kata]\n[crio.network]\nplugin_dirs = [\"/c\"]\nplugin_dir = \"/d\"\n[crio.image]\npause_image = \"r/p:1\"\n";
        let all = crio(&[first, "broken = [\n", second]);
        assert_eq!(all.cgroup_manager.as_deref(), Some("systemd"));
        assert_eq!(all.pause_image.as_deref(), Some("r/p:1"));
        assert_eq!(all.network_dir.as_deref(), Some("/n"));
        assert_eq!(all.plugin_dirs, ["/c", "/d"]);
        assert_eq!(all.runtimes, ["kata", "runc"]);
        assert_eq!(crio(&[]), Crio::default());
    }
}
