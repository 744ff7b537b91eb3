//! What containerd runs pods with: runtimes by name, the default one, snapshotters and folders.

use crate::inventory::cursor::Cursor;
use crate::inventory::free::Vars;
use crate::inventory::keys::{keys, texts};
use crate::inventory::kinds::{MapOf, plain};
use crate::inventory::runtime::ContainerdVersion;
use crate::inventory::runtime::Image;
use crate::inventory::text::{PathOnNode, checked};
use crate::model::Spanned;
use crate::report::Id;

/// The runtime that containerd has without a word of the inventory.
pub const RUNC: &str = "runc";
/// Where containerd keeps images and containers, and what it needs until the next boot (defaults/defaults_unix.go).
const ROOT: &str = "/var/lib/containerd";
const STATE: &str = "/run/containerd";

keys! {
    /// What is known of containerd.
    #[derive(Clone, Debug)]
    pub struct Containerd: "containerd", as Containerd = agreed {
        /// the image's containerd
        "version" => version: Option<Spanned<ContainerdVersion>>,
        /// the image of the pause container
        "sandboxImage" => sandbox_image: Spanned<Image> = "registry.k8s.io/pause:3.10",
        /// whether containers get labels of SELinux
        "selinux" => selinux: bool = false,
        /// the folder of images and containers; /var/lib/containerd without it
        "root" => root: Option<Spanned<PathOnNode>>,
        /// the folder of what lasts until the next boot; /run/containerd without it
        "state" => state: Option<Spanned<PathOnNode>>,
        /// what unpacks images; containerd's default is overlayfs
        "snapshotter" => snapshotter: Option<PluginName>,
        /// the runtime of pods that name no RuntimeClass
        "defaultRuntime" => default_runtime: Option<Spanned<RuntimeName>>,
        /// runtimes by name, as a RuntimeClass has it in handler; runc is always there
        "runtimes" => runtimes: MapOf<Runtime>,
        /// further files that containerd reads, beside those of /etc/containerd/conf.d; may be globs
        "imports" => imports: Vec<Import>,
    }

    /// A runtime of containerd.
    #[derive(Clone, Debug)]
    pub struct Runtime: "containerdRuntime", by name: RuntimeName {
        /// the shim: by its name or its path
        "type" => kind: ShimName = "io.containerd.runc.v2",
        /// the path of the shim, where it is not beside containerd
        "path" => path: Option<PathOnNode>,
        /// options of the shim: those of runc's are BinaryName, Root and more; SystemdCgroup follows the kubelet
        "options" => options: Option<Vars>,
        /// annotations of pods that the runtime is told; may be globs
        "podAnnotations" => pod_annotations: Vec<AnnotationGlob>,
        /// annotations of containers that the runtime is told; may be globs
        "containerAnnotations" => container_annotations: Vec<AnnotationGlob>,
        /// whether privileged containers see the devices of the host no more
        "privilegedWithoutHostDevices" => no_host_devices: bool = false,
        /// a file of the node with the OCI specification that containers begin with
        "baseRuntimeSpec" => base_spec: Option<PathOnNode>,
        /// what unpacks images for this runtime, since 1.7
        "snapshotter" => snapshotter: Option<PluginName>,
    }
}

texts! {
    /// The name of a runtime.
    RuntimeName or NameInvalid: String = runtime_name, r"^[A-Za-z0-9][A-Za-z0-9._-]*$", ["nvidia"];
    /// The shim of a runtime.
    ShimName or NameInvalid: String = shim_name, r"^(/.+|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+)$",
        ["io.containerd.runc.v2", "io.containerd.kata.v2"];
    /// The name of a plugin of containerd.
    PluginName or NameInvalid: String = plugin_name, r"^[A-Za-z0-9][A-Za-z0-9._-]*$", ["overlayfs"];
    /// A file that containerd imports.
    Import or PathInvalid: String = import, r"^/.", ["/etc/containerd/site/*.toml"];
    /// Annotations by name.
    AnnotationGlob: String = plain, "", ["io.katacontainers.*"];
}

impl Containerd {
    /// The version of its configuration file. 2 is what 1.x reads, and 2.x migrates; only 2.x reads 3.
    pub fn config_version(&self) -> u32 {
        match &self.version {
            Some(version) if version.value.0 >= 2 => 3,
            _ => 2,
        }
    }

    /// Whether it reads `hosts.toml` files (containerd 1.5, docs/hosts.md). Older ones are told of registries in their
    /// configuration.
    pub fn reads_hosts(&self) -> bool {
        !matches!(&self.version, Some(version) if matches!(version.value, (1, ..5)))
    }
}

/// Source: containerd `cmd/containerd/server/server.go` (CreateTopLevelDirectories): it does not start with two folders that
/// are one. Whether the default is a runtime, the finished files tell: those that are imported define some too.
fn agreed(containerd: Containerd, at: &Cursor<'_>) -> Option<Containerd> {
    let path = |folder: &Option<Spanned<_>>, default: &str| {
        let path = folder
            .as_ref()
            .map(|folder: &Spanned<crate::model::NodePath>| folder.value.as_str());
        path.unwrap_or(default).to_owned()
    };
    let folders = [path(&containerd.root, ROOT), path(&containerd.state, STATE)];
    if folders[0] == folders[1]
        && let Some(folder) = containerd.state.as_ref().or(containerd.root.as_ref())
    {
        let rule = format!(
            "root and state must be different folders; got {}",
            folders[0]
        );
        at.add(
            folder
                .location
                .finding(Id::ContainerdConfigInvalid, rule)
                .help("give each a folder of its own"),
        );
    }
    Some(containerd)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn runtime_name(text: &str) -> Result<String, String> {
    checked(text, is_name(text), || {
        format!("must be the name of a runtime (for example \"nvidia\"); got {text:?}")
    })
}

fn plugin_name(text: &str) -> Result<String, String> {
    checked(text, is_name(text), || {
        format!("must be the name of a plugin (for example \"overlayfs\"); got {text:?}")
    })
}

/// Source: containerd `pkg/shim/util.go`, BinaryName and what calls it: a path, or a name of two parts and more.
fn shim_name(text: &str) -> Result<String, String> {
    let is_path = text.len() > 1 && text.starts_with('/') && !text.contains(char::is_control);
    let is_part = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !part.is_empty() && part.chars().all(fits)
    };
    let good = is_path || (text.contains('.') && text.split('.').all(is_part));
    checked(text, good, || {
        format!("must be a shim (for example \"io.containerd.runc.v2\") or its path; got {text:?}")
    })
}

fn import(text: &str) -> Result<String, String> {
    let good = text.len() > 1 && text.starts_with('/') && !text.contains(char::is_control);
    checked(text, good, || {
        format!("must be an absolute path, with stars where it means several; got {text:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shims_are_what_containerd_can_start() {
        for good in [
            "io.containerd.runc.v2",
            "io.containerd.kata-qemu.v2",
            "a.b",
            "/opt/kata/bin/containerd-shim-kata-v2",
        ] {
            assert!(shim_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "runc",
            ".a.b",
            "a..b",
            "a.b.",
            "/",
            "io.containerd.runc.v2 ",
            "a.b\"c",
        ] {
            assert!(shim_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_runtimes_need_no_quotes_of_toml() {
        for good in ["nvidia", "kata-qemu", "nvidia-cdi", "9p", "a_b", "kata.v2"] {
            assert!(runtime_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\"b", "-a", "a/b", "a\n"] {
            assert!(runtime_name(bad).is_err(), "{bad}");
        }
    }
}
