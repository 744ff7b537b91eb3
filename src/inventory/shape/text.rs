//! What the strings of the inventory look like.

use crate::inventory::shape::Rule;

/// A rule by its pattern, with strings that fit.
const fn rule(pattern: &'static str, examples: &'static [&'static str]) -> Rule {
    Rule {
        pattern,
        examples,
        template: false,
    }
}

/// The same for strings that may be templates.
const fn template(pattern: &'static str, examples: &'static [&'static str]) -> Rule {
    Rule {
        pattern,
        examples,
        template: true,
    }
}

/// Any string.
pub static ANY: Rule = rule("", &[]);
/// Any string, rendered.
pub static TEMPLATE: Rule = template("", &[]);
/// A file of the project.
pub static PROJECT_FILE: Rule = rule("", &["files/kubelet"]);
/// A PEM file of the project.
pub static PEM_FILE: Rule = rule("", &["pki/ca.pem"]);
/// A file with one node a line.
pub static CSV_FILE: Rule = rule("", &["racks.csv"]);
/// The name of a profile.
pub static PROFILE_NAME: Rule = rule(r"^[^./\\][^/\\]*$", &["worker"]);
/// The name of an overlay.
pub static OVERLAY_NAME: Rule = rule(r"^[^./\\][^/\\]*$", &["containerd"]);
/// A release of Kubernetes.
pub static VERSION: Rule = rule(
    r"^v?1\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)([-+][0-9A-Za-z.+-]+)?$",
    &["v1.34.4"],
);
/// A minor of Kubernetes.
pub static MINOR: Rule = rule(r"^v*1\.\+?[0-9]+$", &["1.34"]);
/// The cluster's name.
pub static CLUSTER_NAME: Rule = rule(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", &["prod-eu1"]);
/// A node's name.
pub static NODE_NAME: Rule = rule(
    r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
    &["gpu-1.example.com"],
);
/// Names that count.
pub static NAME_RANGE: Rule = rule(r"^[^\[\]]*\[[0-9]+-[0-9]+\][^\[\]]*$", &["edge-[001-250]"]);
/// A host name of the machine.
pub static HOSTNAME: Rule = template("", &["{{ node.name }}"]);
/// The API server.
pub static HTTPS_URL: Rule = rule(r"^https://[^/?#@\s]+/*$", &["https://api.example.com:6443"]);
/// A server behind a proxy.
pub static HOST_AND_PORT: Rule = rule(r"^[^/?#@\s]+:[0-9]+$", &["10.0.0.1:6443"]);
/// An IP address.
pub static ADDRESS: Rule = rule(r"^[0-9A-Fa-f:.]+$", &["10.20.4.11", "fd00::11"]);
/// A network, or an address with a prefix.
pub static CIDR: Rule = rule(r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", &["10.254.0.0/16"]);
/// A network of nodes.
pub static NODE_CIDR: Rule = rule(r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", &["10.20.0.0/16"]);
/// An address with the prefix of its network.
pub static HOST_CIDR: Rule = rule(r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", &["10.20.4.11/23"]);
/// A DNS domain.
pub static DOMAIN: Rule = rule("", &["cluster.local"]);
/// A MAC address.
pub static MAC: Rule = rule(
    r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$",
    &["52:54:00:12:34:56"],
);
/// A time span.
pub static DURATION: Rule = rule(
    r"^(0|([0-9.]+(ns|us|µs|μs|ms|s|m|h|d))+)$",
    &["24h", "90d", "1h30m"],
);
/// A group that tokens belong to.
pub static TOKEN_GROUP: Rule = rule("", &["system:bootstrappers:nodebake:prod-eu1"]);
/// A node's own group.
pub static NODE_GROUP: Rule = rule(r"\{node\}", &["system:bootstrappers:node:{node}"]);
/// Whom tokens are encrypted for.
pub static RECIPIENT: Rule = rule(
    "",
    &["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
);
/// A user of the cluster.
pub static CLUSTER_USER: Rule = rule("", &["kube-apiserver-kubelet-client"]);
/// A label's key.
pub static LABEL_KEY: Rule = rule(
    r"^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
    &["topology.kubernetes.io/zone"],
);
/// A label's value.
pub static LABEL_VALUE: Rule = template(
    r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$",
    &["a"],
);
/// A taint's key and effect.
pub static TAINT: Rule = rule(
    r"^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?:(NoSchedule|PreferNoSchedule|NoExecute)$",
    &["nvidia.com/gpu:NoSchedule"],
);
/// A taint's value.
pub static TAINT_VALUE: Rule = rule(
    r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$",
    &["present"],
);
/// A path on the node.
pub static NODE_PATH: Rule = rule(r"^/.", &["/usr"]);
/// A path on the node, rendered.
pub static PATH: Rule = template(r"^/.", &["/etc/example"]);
/// What a name of `paths` stands for.
pub static NAMED_PATH: Rule = template("", &["/opt/bin/kubelet"]);
/// Where a link points to.
pub static LINK_TARGET: Rule = template("", &["../usr/share/zoneinfo/UTC"]);
/// The name of one of `paths`.
pub static PATH_NAME: Rule = rule("", &["kubelet"]);
/// A glob of paths on the node.
pub static GLOB: Rule = rule("", &["/usr/local/sbin/*"]);
/// A glob of paths in an archive.
pub static ARCHIVE_GLOB: Rule = rule("", &["bin/containerd*"]);
/// Permission bits.
pub static MODE: Rule = rule(r"^(0o)?[0-7]{3,5}$", &["0644"]);
/// A SHA-256 digest.
pub static SHA256: Rule = rule(
    r"^[0-9A-Fa-f]{64}$",
    &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
);
/// The version that must stand in a file.
pub static FILE_VERSION: Rule = rule("^(.|\\n)", &["1.1.12"]);
/// A unit of systemd.
pub static UNIT_NAME: Rule = rule(
    r"^[A-Za-z0-9:_.\\@-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$",
    &["containerd.service"],
);
/// A unit's text.
pub static UNIT_TEXT: Rule = template("", &["[Service]\nExecStart=/bin/true\n"]);
/// A drop-in's file name.
pub static DROPIN: Rule = rule(r"^[^/]+\.conf$", &["10-limits.conf"]);
/// A user or group of the machine.
pub static ACCOUNT: Rule = rule(r"^[a-z_][a-z0-9_-]{0,31}$", &["core"]);
/// A name that owns files.
pub static OWNER_NAME: Rule = rule("", &["etcd"]);
/// A public key of SSH.
pub static SSH_KEY: Rule = rule(
    "",
    &["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEIt/gB17M99Oy+25s8Mpip2flkQFa4hZghPaHHp6gG me"],
);
/// An amount of memory.
pub static MEMORY: Rule = rule(r"^\+?[0-9]+(Mi|Gi|Ti)B?$", &["2Gi"]);
/// A system's name.
pub static SYSTEM_NAME: Rule = rule("", &["Debian"]);
/// An argument of the kernel.
pub static KERNEL_ARGUMENT: Rule = rule(r"^\S+$", &["mitigations=auto"]);
/// A release of containerd.
pub static CONTAINERD_VERSION: Rule = rule(r"^v*[12]\.[0-9]+(\.[0-9]+)*$", &["1.7", "2.1"]);
/// A container image with its registry.
pub static IMAGE: Rule = rule(
    r"^[A-Za-z0-9._:@-]*/[A-Za-z0-9._/:@-]*$",
    &["registry.k8s.io/pause:3.10"],
);
/// A container image that a node names.
pub static ANY_IMAGE: Rule = rule("", &["registry.k8s.io/pause:3.10"]);
/// An HTTP proxy.
pub static PROXY_URL: Rule = rule(
    r"^(https?|socks5)://[^/@\s]+(/\S*)?$",
    &["http://proxy.example.com:3128"],
);
/// What is reached without a proxy.
pub static NO_PROXY: Rule = rule(r"^[A-Za-z0-9.\-_*:/\[\]]+$", &[".example.com"]);
/// A registry's name in images.
pub static REGISTRY: Rule = rule(r"^(_default|[A-Za-z0-9.-]+(:\+?[0-9]+)?)$", &["docker.io"]);
/// A server of images.
pub static REGISTRY_URL: Rule = rule(
    r"^https?://[^/@\s]+(/\S*)?$",
    &["https://mirror.example.com/hub"],
);
/// A network interface.
pub static INTERFACE: Rule = rule(r"^[^\s/:*?\[\]]{1,15}$", &["lan0"]);
/// A user or group in a certificate.
pub static CERTIFICATE_NAME: Rule = rule(r"^[A-Za-z0-9:._@-]{1,64}$", &["agent"]);
/// An archive of images on the node.
pub static ARCHIVE_NAME: Rule = rule(r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", &["pause.tar"]);
/// From where assets are fetched.
pub static ASSETS_URL: Rule = rule(
    r"^https?://.*\{sha256\}",
    &["https://boot.example.com/files/{sha256}"],
);
/// From where user-data is fetched.
pub static BODY_URL: Rule = rule(
    r"^https?://.*\{node\}",
    &["https://boot.example.com/{node}.tar.gz"],
);
/// From where an Ignition configuration is fetched.
pub static IGNITION_URL: Rule = rule(
    r"^(https?|s3|gs|tftp)://.*\{node\}",
    &["https://boot.example.com/{node}/config.body.ign"],
);
/// From where the secret part of an Ignition configuration is fetched.
pub static IGNITION_SECRETS_URL: Rule = rule(
    r"^(https|s3|gs)://.*\{node\}",
    &["https://boot.example.com/{node}/config.secrets.ign"],
);
/// A specification of Ignition.
pub static IGNITION_SPEC: Rule = rule(r"^3\.\+?0*[0-6]\.0$", &["3.3.0"]);
/// Where a boot loader fetches from.
pub static PXE_URL: Rule = rule(
    r"^(https?|tftp)://[^/?{]",
    &["https://boot.example.com/prod"],
);
/// A kernel or initrd.
pub static BOOT_FILE: Rule = rule(r"^[A-Za-z0-9._~-]", &["files/vmlinuz"]);
/// From where secrets are fetched at boot.
pub static PXE_SECRETS_URL: Rule = rule(
    r"^https://.*\{node\}",
    &["https://boot.example.com/{node}/secrets"],
);
/// A plain word of os-release.
pub static OS_RELEASE_WORD: Rule = rule(r"^[A-Za-z0-9._-]+$", &["debian"]);
