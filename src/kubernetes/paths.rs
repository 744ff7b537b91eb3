//! Which flags and fields of a kubelet hold paths, and what the kubelet does with each. The table of facts has them as
//! plain strings; a test below goes through all strings of that table, so that a new one is sorted before it is used.

use std::path::{Component, Path};

use serde_json::{Map, Value as Json};

/// The kubelet's use of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// It reads a file.
    Reads,
    /// It reads a folder, or starts programs of it.
    Lists,
    /// It connects to a socket.
    Connects,
    /// It makes the file or folder itself, with the folders above it.
    Makes,
    /// It makes the file, but not the folder that holds it.
    MakesInside,
    /// It makes the file where another flag lets it join, and reads it else.
    Joins,
}

/// A path that a kubelet is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldPath {
    /// `flags.root-dir` or `config.tlsCertFile`: the setting below `kubelet`.
    pub setting: String,
    /// The use of it.
    pub usage: PathUse,
    /// Absolute, or the endpoint as it was written.
    pub path: String,
}

use PathUse::{Connects, Joins, Lists, Makes, MakesInside, Reads};

/// Flags that hold paths (cmd/kubelet/app/options, and cAdvisor's own flags).
pub const FLAGS: [(&str, PathUse); 40] = [
    ("azure-container-registry-config", Reads),
    ("boot-id-file", Reads),
    ("bootstrap-checkpoint-path", Makes),
    ("bootstrap-kubeconfig", Reads),
    ("cert-dir", Makes),
    ("client-ca-file", Reads),
    ("cloud-config", Reads),
    ("cni-bin-dir", Lists),
    ("cni-cache-dir", Makes),
    ("cni-conf-dir", Lists),
    ("config", Reads),
    ("config-dir", Lists),
    ("container-hints", Reads),
    ("container-runtime-endpoint", Connects),
    ("containerd", Connects),
    ("docker", Connects),
    ("docker-endpoint", Connects),
    ("docker-root", Lists),
    ("docker-tls-ca", Reads),
    ("docker-tls-cert", Reads),
    ("docker-tls-key", Reads),
    ("dynamic-config-dir", Makes),
    ("experimental-bootstrap-kubeconfig", Reads),
    ("experimental-dockershim-root-directory", Makes),
    ("experimental-mounter-path", Reads),
    ("image-credential-provider-bin-dir", Lists),
    ("image-credential-provider-config", Reads),
    ("image-service-endpoint", Connects),
    ("kubeconfig", Joins),
    ("lock-file", MakesInside),
    // klog makes no folder, and ends the program where it cannot make its file.
    ("log-dir", Lists),
    ("log-file", MakesInside),
    ("machine-id-file", Reads),
    ("pod-manifest-path", Lists),
    ("resolv-conf", Reads),
    ("root-dir", Makes),
    ("seccomp-profile-root", Lists),
    ("tls-cert-file", Reads),
    ("tls-private-key-file", Reads),
    ("volume-plugin-dir", Makes),
];

/// Fields of KubeletConfiguration that hold paths (pkg/kubelet/apis/config/helpers.go, KubeletConfigurationPathRefs, and
/// the two endpoints).
pub const FIELDS: [(&str, PathUse); 9] = [
    ("authentication.x509.clientCAFile", Reads),
    ("containerRuntimeEndpoint", Connects),
    ("imageServiceEndpoint", Connects),
    ("podLogsDir", Makes),
    ("resolvConf", Reads),
    ("staticPodPath", Lists),
    ("tlsCertFile", Reads),
    ("tlsPrivateKeyFile", Reads),
    ("volumePluginDir", Makes),
];

/// Those of a kubelet's flags that hold paths, in order. What [`told`] says follows from them and the configuration.
pub fn of_paths(flags: &Map<String, Json>) -> impl Iterator<Item = (&String, &Json)> {
    let is_one = |name: &str| FLAGS.iter().any(|(known, _)| *known == name);
    flags.iter().filter(move |(name, _)| is_one(name))
}

/// Every path that a kubelet is told: its rendered flags (null without a value) and configuration, and the folder that it
/// is started in. In the order of the two tables; nothing for what is empty.
pub fn told(flags: &Map<String, Json>, config: &Json, start: &str) -> Vec<ToldPath> {
    let flag = |name: &str| {
        let text = flags.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    };
    let mut told = Vec::new();
    for (name, usage) in FLAGS {
        // Some of cAdvisor's and of the old network plug-ins' are lists.
        let texts = flag(name).into_iter().flat_map(|text| text.split(','));
        for text in texts.filter(|text| !text.is_empty()) {
            let usage = match usage {
                Joins if flag("bootstrap-kubeconfig").is_some() => Makes,
                Joins => Reads,
                usage => usage,
            };
            told.push(ToldPath {
                setting: format!("flags.{name}"),
                usage,
                path: whole(text, usage, start),
            });
        }
    }
    // The file's own folder is where its relative paths begin; those of flags begin where the program does.
    let file = flag("config").map(|path| whole(path, Reads, start));
    let folder = file.as_deref().and_then(|file| Path::new(file).parent());
    let folder = folder.and_then(Path::to_str).unwrap_or(start);
    for (name, usage) in FIELDS {
        if let Some(text) = field(config, name) {
            told.push(ToldPath {
                setting: format!("config.{name}"),
                usage,
                path: whole(text, usage, folder),
            });
        }
    }
    told
}

/// A string of a configuration at a path of keys, unless it is empty.
fn field<'c>(config: &'c Json, path: &str) -> Option<&'c str> {
    let found = path.split('.').try_fold(config, |at, key| at.get(key));
    found?.as_str().filter(|text| !text.is_empty())
}

/// An absolute path without `.` and `..`, as the program would have it; endpoints stay as they are.
fn whole(text: &str, usage: PathUse, folder: &str) -> String {
    if usage == Connects {
        return text.to_owned();
    }
    let mut path = String::new();
    for component in Path::new(folder).join(text).components() {
        match component {
            Component::Normal(name) => {
                path.push('/');
                path.push_str(&name.to_string_lossy());
            }
            Component::ParentDir => path.truncate(path.rfind('/').unwrap_or(0)),
            _ => {}
        }
    }
    if path.is_empty() {
        "/".to_owned()
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::kubelet_config::{Declared, FieldKind, Schema, TypeRef};

    /// Strings of the table that hold no path of the node.
    const OTHER_FLAGS: &str = "address allowed-unsafe-sysctls application-metrics-count-limit authorization-mode \
        cgroup-driver cgroup-root cloud-provider cluster-dns cluster-domain container-log-max-size container-runtime \
        containerd-namespace cpu-manager-policy cpu-manager-policy-options docker-env-metadata-whitelist docker-only \
        docker-tls enable-load-reader enforce-node-allocatable event-storage-age-limit event-storage-event-limit \
        eviction-hard eviction-minimum-reclaim eviction-soft eviction-soft-grace-period feature-gates \
        global-housekeeping-interval hairpin-mode healthz-bind-address hostname-override housekeeping-interval \
        kube-api-content-type kube-reserved kube-reserved-cgroup kubelet-cgroups log-backtrace-at log-cadvisor-usage \
        log-json-info-buffer-size log-text-info-buffer-size logging-format manifest-url manifest-url-header \
        master-service-namespace memory-manager-policy network-plugin node-ip node-labels non-masquerade-cidr pod-cidr \
        pod-infra-container-image provider-id qos-reserved register-with-taints reserved-cpus reserved-memory \
        runtime-cgroups stderrthreshold storage-driver-buffer-duration storage-driver-db storage-driver-host \
        storage-driver-password storage-driver-secure storage-driver-table storage-driver-user system-cgroups \
        system-reserved system-reserved-cgroup tls-cipher-suites tls-min-version topology-manager-policy \
        topology-manager-policy-options topology-manager-scope version vmodule";
    const OTHER_FIELDS: &str = "address apiVersion cgroupDriver cgroupRoot clusterDomain containerLogMaxSize contentType \
        cpuManagerPolicy hairpinMode healthzBindAddress kind kubeReservedCgroup kubeletCgroups logging.format \
        memoryManagerPolicy memorySwap.swapBehavior podCIDR providerID reservedSystemCPUs showHiddenMetricsForVersion \
        staticPodURL systemCgroups systemReservedCgroup tlsMinVersion topologyManagerPolicy topologyManagerScope \
        tracing.endpoint";

    fn has_texts(declared: &Declared) -> bool {
        declared
            .kinds
            .iter()
            .any(|kind| matches!(kind, FieldKind::String))
    }

    /// The strings below a struct, lists of structs left out: no path was ever in one.
    fn strings(of: TypeRef, above: &str, found: &mut Vec<String>) {
        for declared in of.all_fields(None) {
            let path = format!("{above}{}", declared.name);
            if has_texts(&declared) {
                found.push(path.clone());
            }
            for kind in &declared.kinds {
                if let FieldKind::Struct(of) = kind {
                    strings(*of, &format!("{path}."), found);
                }
            }
        }
    }

    #[test]
    fn every_string_of_the_table_is_sorted() {
        let flags = Schema::load().flags(None).filter(has_texts);
        let flags: Vec<String> = flags.map(|flag| flag.name.to_owned()).collect();
        let mut fields = Vec::new();
        strings(Schema::load().root(), "", &mut fields);
        for (known, paths, others) in [
            (flags, FLAGS.as_slice(), OTHER_FLAGS),
            (fields, FIELDS.as_slice(), OTHER_FIELDS),
        ] {
            let paths = paths.iter().map(|(name, _)| (*name).to_owned());
            let mut sorted: Vec<String> = paths.collect();
            sorted.extend(others.split_whitespace().map(str::to_owned));
            sorted.sort();
            let mut known = known;
            known.sort();
            known.dedup();
            assert_eq!(sorted, known, "left: sorted here; right: in the table");
        }
    }

    #[test]
    fn paths_are_told_as_the_kubelet_reads_them() {
        let flags = serde_json::json!({
            "config": "/etc/kubernetes/kubelet.yaml", "kubeconfig": "/k", "cert-dir": "certs", "v": "2",
            "boot-id-file": "/a,/b", "tls-cert-file": "", "lock-file": null,
        });
        let config = serde_json::json!({
            "authentication": {"x509": {"clientCAFile": "pki/ca.crt"}}, "staticPodPath": "",
            "resolvConf": "../resolv.conf", "containerRuntimeEndpoint": "unix:///run/crio/crio.sock",
        });
        let flags = flags.as_object().expect("a map");
        let told: Vec<_> = told(flags, &config, "/srv")
            .into_iter()
            .map(|told| (told.setting, told.usage, told.path))
            .collect();
        let expected = [
            ("flags.boot-id-file", Reads, "/a"),
            ("flags.boot-id-file", Reads, "/b"),
            ("flags.cert-dir", Makes, "/srv/certs"),
            ("flags.config", Reads, "/etc/kubernetes/kubelet.yaml"),
            ("flags.kubeconfig", Reads, "/k"),
            (
                "config.authentication.x509.clientCAFile",
                Reads,
                "/etc/kubernetes/pki/ca.crt",
            ),
            (
                "config.containerRuntimeEndpoint",
                Connects,
                "unix:///run/crio/crio.sock",
            ),
            ("config.resolvConf", Reads, "/etc/resolv.conf"),
        ];
        let expected =
            expected.map(|(name, usage, path)| (name.to_owned(), usage, path.to_owned()));
        assert_eq!(told, expected);
    }
}
