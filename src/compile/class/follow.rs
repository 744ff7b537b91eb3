//! Paths of programs follow the files that bring them: where only a built-in profile names a program's path, and an asset
//! brings the program elsewhere, the asset's path counts. In: what a class brings. Out: its paths, and the folders of CNI
//! plugins.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::closest::closest;
use crate::compile::class::{Compiler, FileBody, FileTemplate};
use crate::compile::overlay::Overlay;
use crate::compile::text::TemplateText;
use crate::inventory::{NAMED_PATHS as NAMES, Spec, Text};
use crate::model::FieldLocation;
use crate::report::Id;
use crate::tree::Content;

/// Names of `paths` that are programs, and the programs' own names.
const PROGRAMS: [(&str, &str); 4] = [
    ("kubelet", "kubelet"),
    ("containerd", "containerd"),
    ("haproxy", "haproxy"),
    ("kubeProxy", "kube-proxy"),
];
/// The name of the folder of CNI plugins.
const CNI: &str = "cniBin";
/// The folder that DaemonSets of pod networks put their plugins into.
const CNI_OF_DAEMONSETS: &str = "/opt/cni/bin";
/// Where the packages of the operating system have the kubelet and CNI plugins, by the names that its profile has for them.
const PACKAGED: [&str; 2] = ["packagedKubelet", "packagedCniBin"];
/// The kubelet of a role that says no more about it.
const ANY_KUBELET: &str = "/usr/local/bin/kubelet";
/// Plugins that almost every pod network has (github.com/containernetworking/plugins).
const PLUGINS: [&str; 4] = ["loopback", "host-local", "portmap", "bridge"];

/// A file that a class brings to each of its nodes.
struct Brought<'a> {
    path: &'a str,
    is_program: bool,
    location: FieldLocation,
}

impl Brought<'_> {
    fn folder_and_name(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or_default()
    }

    /// Whether it is a CNI plugin, and not the `bridge` of iproute2.
    fn is_plugin(&self) -> bool {
        let (folder, name) = self.folder_and_name();
        let is_cni = folder.split('/').any(|part| part == "cni");
        self.is_program && (is_cni || PLUGINS[..2].contains(&name))
    }
}

/// The paths of a class, and the folders that may hold CNI plugins: those that are brought, that of DaemonSets, that of the
/// system's packages.
pub(super) struct Followed {
    pub paths: Vec<(String, TemplateText)>,
    pub cni_folders: Vec<String>,
}

impl Compiler<'_> {
    /// Finds names of `paths` that are not ours and that no template of the project reads.
    pub(super) fn unread_paths(&mut self, spec: &Spec) {
        for (name, path) in &spec.paths {
            let is_known = NAMES.iter().any(|(known, _)| known == name);
            if is_known || self.templates.reads("paths", name) {
                continue;
            }
            let near = closest(name, NAMES.iter().map(|(known, _)| *known));
            let repair = match near {
                Some(near) => format!("did you mean {near:?}?"),
                None => "remove it, or read it in a template as {{ paths.NAME }}".to_owned(),
            };
            let rule = "nothing reads this path: it is not a name that nodebake has, and no template asks for it";
            let finding = path.location.finding(Id::PathNameUnknown, rule);
            self.report.add(finding.help(repair));
        }
    }
}

/// Lets paths follow what files, links and overlays bring.
pub(super) fn follow(
    mut paths: Vec<(String, TemplateText)>,
    files: &[FileTemplate],
    links: &[(TemplateText, TemplateText, bool)],
    overlays: &[(Arc<Overlay>, bool)],
) -> Followed {
    let brought = brought(files, links, overlays);
    for (name, program) in PROGRAMS {
        let is_it = |one: &&Brought| one.is_program && one.folder_and_name().1 == program;
        replace(&mut paths, name, &brought, |one| {
            is_it(&one).then(|| one.path.to_owned())
        });
    }
    replace(&mut paths, CNI, &brought, |one| {
        one.is_plugin().then(|| one.folder_and_name().0.to_owned())
    });
    let packaged = |name: &str| {
        let found = paths.iter().find(|(known, _)| known == name);
        found.map(|(_, path)| path.clone())
    };
    let [kubelet, cni] = PACKAGED.map(packaged);
    let plugins = brought.iter().filter(|one| one.is_plugin());
    let folders: BTreeSet<&str> = plugins.map(|one| one.folder_and_name().0).collect();
    let mut cni_folders: Vec<String> = folders.into_iter().map(str::to_owned).collect();
    let cni = cni.as_ref().and_then(TemplateText::as_plain);
    for folder in [Some(CNI_OF_DAEMONSETS), cni].into_iter().flatten() {
        if !cni_folders.iter().any(|known| known == folder) {
            cni_folders.push(folder.to_owned());
        }
    }
    let set = paths.iter_mut().find(|(name, _)| name == PROGRAMS[0].0);
    if let (Some((_, set)), Some(kubelet)) = (set, kubelet)
        && set.as_plain() == Some(ANY_KUBELET)
        && is_built_in(&set.location)
        && !brought.iter().any(|one| one.path == ANY_KUBELET)
    {
        *set = kubelet;
    }
    Followed { paths, cni_folders }
}

/// Exchanges a path that only a built-in layer set, unless something is brought there.
fn replace(
    paths: &mut [(String, TemplateText)],
    name: &str,
    brought: &[Brought<'_>],
    found: impl Fn(&Brought<'_>) -> Option<String>,
) {
    let Some((_, path)) = paths.iter_mut().find(|(known, _)| known == name) else {
        return;
    };
    let Some(set) = path.as_plain().filter(|_| is_built_in(&path.location)) else {
        return;
    };
    let below = format!("{set}/");
    let is_there = |one: &Brought| one.path == set || one.path.starts_with(&below);
    if brought.iter().any(is_there) {
        return;
    }
    let first = brought.iter().find_map(|one| Some((found(one)?, one)));
    if let Some((text, one)) = first {
        *path = TemplateText::plain(&Text {
            text: text.into(),
            location: one.location.clone(),
        });
    }
}

fn is_built_in(location: &FieldLocation) -> bool {
    location.at.file.starts_with("built-in:")
}

/// What is brought at paths that are the same for every node.
fn brought<'a>(
    files: &'a [FileTemplate],
    links: &'a [(TemplateText, TemplateText, bool)],
    overlays: &'a [(Arc<Overlay>, bool)],
) -> Vec<Brought<'a>> {
    let of_file = |file: &'a FileTemplate| {
        let path = file.path.as_plain()?;
        let is_asset = matches!(&file.body, FileBody::Shared(Content::Asset(_)));
        // Without a mode nobody could start it, and that is a finding of its own.
        let is_program = match file.attributes.mode {
            Some(mode) => mode & 0o111 != 0,
            None => {
                is_asset
                    && path
                        .rsplit('/')
                        .nth(1)
                        .is_some_and(|folder| folder == "bin")
            }
        };
        Some(Brought {
            path,
            is_program,
            location: file.path.location.clone(),
        })
    };
    let of_link = |(path, _, _): &'a (TemplateText, TemplateText, bool)| {
        Some(Brought {
            path: path.as_plain()?,
            is_program: false,
            location: path.location.clone(),
        })
    };
    let of_overlays = overlays.iter().flat_map(|(overlay, _)| &overlay.entries);
    let of_overlays = of_overlays.map(|entry| Brought {
        path: entry.path.as_str(),
        is_program: entry.mode & 0o111 != 0,
        location: FieldLocation::new(entry.location.clone(), ""),
    });
    let files = files.iter().filter_map(of_file);
    let links = links.iter().filter_map(of_link);
    files.chain(links).chain(of_overlays).collect()
}
