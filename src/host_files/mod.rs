//! Files of a node whose reader is known, read as that reader reads them. In: a path, its mode and its bytes. Out: faults
//! at their places in the text. What compares files with one another is in `render`, which knows the whole tree.

mod cni;
mod containerd;
mod crio;
mod docker;
mod fault;
mod go_yaml;
mod hosts;
mod json_text;
mod keyfile;
mod kubeadm_flags;
mod lines;
mod logrotate;
pub mod netplan;
mod networkd;
mod script;
mod static_pod;
mod toml_text;
mod yaml_text;

use crate::report::Id;

pub use crate::host_files::cni::{
    CniPlugin, is_readable as cni_is_readable, plugins as cni_plugins,
};
pub use crate::host_files::containerd::named::{
    CniFolders, Named, NamedKind, cni_folders, imports as containerd_imports, named,
    registry_mirrors, uses_internal_loopback,
};
pub use crate::host_files::containerd::registry_plugin;
pub use crate::host_files::containerd::runtimes::default_runtime;
pub use crate::host_files::crio::{Crio, crio};
pub use crate::host_files::docker::docker_cgroup_driver;
pub use crate::host_files::fault::Fault;
pub use crate::host_files::static_pod::PodName;
pub use crate::host_files::yaml_text::fields as yaml_fields;

/// What is known of the node that is to read its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The kubelet's minor.
    pub minor: u32,
    /// Whether a kubelet that can refuse references to the API's objects does so.
    pub prevents_references: bool,
    /// Whether it obeys resources of a pod as a whole (the gate PodLevelResources).
    pub has_pod_resources: bool,
    /// Whether it mounts volumes with their SELinux label (the gate SELinuxMount).
    pub has_selinux_mount: bool,
    /// The folder of static pods without a slash at its end, or their one file, if there is one.
    pub static_pods: Option<String>,
    /// containerd's release, where it is known.
    pub containerd: Option<(u32, u32)>,
    /// Files that its configuration imports, beside those in the usual folders.
    pub imported: Vec<String>,
}

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The kubelet, as a static pod.
    StaticPod,
    /// containerd.
    Containerd,
    /// containerd, for a registry.
    RegistryHosts,
    /// The runtime, for the pods' network.
    Cni,
    /// Any program that reads TOML.
    Toml,
    /// Any program that reads JSON.
    Json,
    /// Any program that reads YAML.
    Yaml,
    /// systemd-sysctl.
    Sysctl,
    /// systemd-modules-load.
    Modules,
    /// systemd-tmpfiles.
    Tmpfiles,
    /// systemd-sysusers.
    Sysusers,
    /// sudo.
    Sudoers,
    /// logrotate.
    Logrotate,
    /// NetworkManager, as a connection.
    Keyfile,
    /// The unit of Kubernetes' packages, and kubeadm.
    KubeadmFlags,
    /// systemd-networkd or udev.
    Networkd(networkd::Kind),
}

/// A file as its readers read it.
#[derive(Clone, Debug, Default)]
pub struct ReadFile {
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// The static pod's name.
    pub pod: Option<PodName>,
}

/// Who reads the file at a path.
pub fn reader_of(path: &str, around: &Around) -> Option<Reader> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let folder = path[..path.len() - name.len()].trim_end_matches('/');
    // The kubelet takes a folder, or one file.
    let is_pod = |pods: &str| pods == path || (pods == folder && !name.starts_with('.'));
    if around.static_pods.as_deref().is_some_and(is_pod) {
        return Some(Reader::StaticPod);
    }
    if around.imported.iter().any(|imported| imported == path) {
        return Some(Reader::Containerd);
    }
    if folder.starts_with("/etc/containerd/certs.d/") && name == "hosts.toml" {
        return Some(Reader::RegistryHosts);
    }
    // Drop-ins of systemd's programs end in .conf, and those of the administrator or of the vendor are read alike.
    let is_conf = name.ends_with(".conf");
    let dropins = |of: &str| {
        is_conf
            && ["/etc/", "/usr/lib/"]
                .iter()
                .any(|top| folder.strip_prefix(top) == Some(of))
    };
    match folder {
        "/etc/containerd" if name == "config.toml" => Some(Reader::Containerd),
        // The usual folders of `imports`.
        "/etc/containerd/conf.d" | "/etc/containerd/config.d" if name.ends_with(".toml") => {
            Some(Reader::Containerd)
        }
        "/etc/cni/net.d" if cni::is_read(name) => Some(Reader::Cni),
        "/etc/crio" if name == "crio.conf" => Some(Reader::Toml),
        "/etc/crio/crio.conf.d" => Some(Reader::Toml),
        "/etc/containers" if name == "registries.conf" || name == "storage.conf" => {
            Some(Reader::Toml)
        }
        "/etc/containers/registries.conf.d" if is_conf => Some(Reader::Toml),
        "/etc/docker" if name == "daemon.json" => Some(Reader::Json),
        "/etc/containers" if name == "policy.json" => Some(Reader::Json),
        "/etc" if name == "crictl.yaml" => Some(Reader::Yaml),
        "/etc" if name == "sysctl.conf" => Some(Reader::Sysctl),
        "/etc" if name == "logrotate.conf" => Some(Reader::Logrotate),
        "/etc/logrotate.d" if logrotate::is_read(name) => Some(Reader::Logrotate),
        "/etc/sudoers.d" => Some(Reader::Sudoers),
        "/etc/NetworkManager/system-connections" if is_connection(name) => Some(Reader::Keyfile),
        "/usr/lib/NetworkManager/system-connections" if name.ends_with(".nmconnection") => {
            Some(Reader::Keyfile)
        }
        _ if path == kubeadm_flags::PATH => Some(Reader::KubeadmFlags),
        _ if dropins("sysctl.d") => Some(Reader::Sysctl),
        _ if dropins("modules-load.d") => Some(Reader::Modules),
        _ if dropins("tmpfiles.d") => Some(Reader::Tmpfiles),
        _ if dropins("sysusers.d") => Some(Reader::Sysusers),
        _ => networkd::kind(path).map(Reader::Networkd),
    }
}

/// Whether NetworkManager reads a file of its own folder, whatever its ending: it passes over hidden and temporary files, backups
/// with a tilde and certificates (src/libnm-core-impl/nm-keyfile-utils.c, `nm_keyfile_utils_ignore_filename`).
fn is_connection(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_temporary = name
        .rsplit_once('.')
        .is_some_and(|(_, end)| end.len() == 6 && end.chars().all(|c| c.is_ascii_alphanumeric()));
    let is_other = lower.ends_with(".pem") || lower.ends_with(".der");
    !(name.starts_with('.') || name.ends_with('~') || is_temporary || is_other)
}

/// Reads a file: as its reader does, if there is one, and as a script if it is one.
pub fn read(path: &str, mode: u32, bytes: &[u8], around: &Around) -> ReadFile {
    let mut read = match (reader_of(path, around), std::str::from_utf8(bytes)) {
        (None, _) => ReadFile::default(),
        (Some(reader), Ok(text)) => match reader {
            Reader::StaticPod => static_pod::read(path, text, around),
            Reader::Containerd => ReadFile {
                faults: containerd::read(text, around.containerd),
                pod: None,
            },
            other => ReadFile {
                faults: other.faults(path, mode, text),
                pod: None,
            },
        },
        (Some(reader), Err(_)) => ReadFile {
            faults: vec![Fault::whole(reader.id(), "is not UTF-8")],
            pod: None,
        },
    };
    if script::is_script(bytes) {
        read.faults.extend(script::read(bytes, mode & 0o111 != 0));
    }
    read
}

/// Whether a file with such a beginning can be of interest, or its path says so.
pub fn is_read(path: &str, bytes: &[u8], around: &Around) -> bool {
    reader_of(path, around).is_some() || script::is_script(bytes)
}

/// The most that NetworkManager and sudo let others do with their files.
const PRIVATE: u32 = 0o077;
const NOT_WRITTEN: u32 = 0o022;

impl Reader {
    /// The rule that a file breaks that its reader cannot read at all.
    fn id(self) -> Id {
        match self {
            Self::StaticPod => Id::StaticPodInvalid,
            Self::Containerd => Id::ContainerdConfigInvalid,
            Self::RegistryHosts => Id::RegistryHostsInvalid,
            Self::Cni => Id::CniConfigInvalid,
            Self::Networkd(_) => Id::NetworkFileInvalid,
            _ => Id::SettingsFileInvalid,
        }
    }

    /// What is wrong with a file of the smaller readers.
    fn faults(self, path: &str, mode: u32, text: &str) -> Vec<Fault> {
        let name = path.rsplit('/').next().unwrap_or_default();
        match self {
            Self::StaticPod | Self::Containerd => Vec::new(),
            Self::RegistryHosts => hosts::read(text),
            Self::Cni => cni::read(name, text),
            Self::Toml => toml_text::TomlText::read(text, self.id())
                .err()
                .unwrap_or_default(),
            Self::Json => json_text::read(text, self.id()).err().unwrap_or_default(),
            Self::Yaml => yaml_text::read(text, self.id()).err().unwrap_or_default(),
            Self::KubeadmFlags => kubeadm_flags::read(text),
            Self::Sysctl => lines::sysctl(text),
            Self::Modules => lines::modules(text),
            Self::Tmpfiles => lines::tmpfiles(text),
            Self::Sysusers => lines::sysusers(text),
            // sudoers(5): a name with a dot or a ~ at its end is passed over.
            Self::Sudoers if name.contains('.') || name.ends_with('~') => {
                let rule = "sudo passes over files of sudoers.d whose name has a dot or ends in ~";
                vec![Fault::whole(Id::SettingsFileInvalid, rule).help("rename it")]
            }
            Self::Sudoers => {
                let mut faults = lines::sudoers(text);
                if mode & NOT_WRITTEN != 0 {
                    let rule = format!(
                        "sudo refuses a file that others may write, and this one has the mode {mode:04o}"
                    );
                    faults.push(
                        Fault::whole(Id::SettingsFileInvalid, rule).help("set mode: \"0440\""),
                    );
                }
                faults
            }
            Self::Logrotate => {
                let mut faults = logrotate::read(text);
                if mode & NOT_WRITTEN != 0 {
                    let rule = format!(
                        "logrotate ignores a file that others may write, and this one has the mode {mode:04o}"
                    );
                    faults.push(
                        Fault::whole(Id::SettingsFileInvalid, rule).help("set mode: \"0644\""),
                    );
                }
                faults
            }
            Self::Keyfile => {
                let mut faults = keyfile::read(text);
                if mode & PRIVATE != 0 {
                    let rule = format!(
                        "NetworkManager ignores a connection that others may read, and this one has the mode {mode:04o}"
                    );
                    let fault = Fault::whole(Id::SettingsFileInvalid, rule);
                    faults.push(fault.help("set mode: \"0600\""));
                }
                faults
            }
            Self::Networkd(kind) => networkd::read(kind, mode, text),
        }
    }
}
