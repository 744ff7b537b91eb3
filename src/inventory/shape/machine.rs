//! What is true of the machine and its image: system, container runtime, users.

use crate::inventory::shape::Shape::{
    Bool, Either, Integer, List, Map, Struct as Keys, Text, Words,
};
use crate::inventory::shape::{Entries, Field, Struct, field, text};

static OS: Struct = Struct {
    name: "os",
    groups: &[&[
        field("name", Text(&text::SYSTEM_NAME), "how messages call it"),
        field(
            "arch",
            Words(&[
                "386", "amd64", "arm", "arm64", "ppc64le", "riscv64", "s390x",
            ]),
            "the machine that programs must be for",
        )
        .default("\"amd64\""),
        field(
            "network",
            Words(&["networkd", "networkManager", "netplan", "none"]),
            "what configures the network; none: no network files",
        )
        .default("\"networkd\""),
        field(
            "readOnly",
            List(&Text(&text::NODE_PATH)),
            "folders that cannot be written on a running machine",
        ),
        field(
            "writable",
            List(&Text(&text::NODE_PATH)),
            "folders below those which can be written all the same",
        ),
        field("cloudInit", Bool, "whether the image has cloud-init"),
        field("ignition", Bool, "whether the image has Ignition"),
        field(
            "cgroups",
            Words(&["v1", "v2"]),
            "the hierarchy of control groups that the image boots with",
        ),
        field(
            "memory",
            Text(&text::MEMORY),
            "the machine's memory: too little for a root in the initramfs is a finding",
        ),
        field(
            "kernelArguments",
            Map(&Entries {
                key: &text::KERNEL_ARGUMENT,
                value: Bool,
            }),
            "arguments that the kernel's command line must have (true) or must not (false)",
        ),
    ]],
    told_by: "",
};

static CONTAINERD: Struct = Struct {
    name: "containerd",
    groups: &[&[
        field(
            "version",
            Text(&text::CONTAINERD_VERSION),
            "the image's containerd",
        ),
        field(
            "sandboxImage",
            Text(&text::IMAGE),
            "the image of the pause container",
        )
        .default("\"registry.k8s.io/pause:3.10\""),
        field("selinux", Bool, "whether containers get labels of SELinux").default("false"),
    ]],
    told_by: "",
};

static PROXIES: Struct = Struct {
    name: "proxies",
    groups: &[&[
        field("httpProxy", Text(&text::PROXY_URL), "for http URLs"),
        field("httpsProxy", Text(&text::PROXY_URL), "for https URLs"),
        field(
            "noProxy",
            List(&Text(&text::NO_PROXY)),
            "hosts, domains and networks that are reached directly, beside the cluster's own",
        ),
    ]],
    told_by: "",
};

static REGISTRY: Struct = Struct {
    name: "registry",
    groups: &[&[
        field(
            "server",
            Text(&text::REGISTRY_URL),
            "the server's own URL, where it is not https://HOST",
        ),
        field(
            "ca",
            Text(&text::PEM_FILE),
            "CA certificates of the registry, a file of the project",
        ),
        field(
            "mirrors",
            List(&Keys(&MIRROR)),
            "servers that are asked before the registry, in order",
        ),
    ]],
    told_by: "",
};

static MIRROR: Struct = Struct {
    name: "mirror",
    groups: &[&[
        field("url", Text(&text::REGISTRY_URL), "its URL").required(),
        field(
            "ca",
            Text(&text::PEM_FILE),
            "its CA certificates, a file of the project",
        ),
        field(
            "capabilities",
            List(&Words(&["pull", "resolve", "push"])),
            "what it may do",
        )
        .default("[\"pull\", \"resolve\"]"),
        field(
            "overridePath",
            Bool,
            "whether the URL is the whole root of the API, without /v2",
        )
        .default("false"),
    ]],
    told_by: "",
};

static USER: Struct = Struct {
    name: "user",
    groups: &[&[
        field(
            "uid",
            Integer(0, u32::MAX as i64),
            "its number; without it the system chooses",
        ),
        field(
            "groups",
            List(&Text(&text::ACCOUNT)),
            "further groups, which the image has",
        ),
        field("shell", Text(&text::NODE_PATH), "the login shell"),
        field("home", Text(&text::NODE_PATH), "the home folder"),
        field(
            "system",
            Bool,
            "whether it is a system user, without a home",
        )
        .default("false"),
        field(
            "sshKeys",
            List(&Text(&text::SSH_KEY)),
            "public keys that may log in",
        ),
    ]],
    told_by: "",
};

static IDENTITY: Struct = Struct {
    name: "identity",
    groups: &[&[
        field(
            "client",
            Words(&["bootstrapToken", "clientCertificate"]),
            "how the kubelet comes to its client certificate: it asks with a token, or brings one",
        )
        .default("\"bootstrapToken\""),
        field(
            "serving",
            Words(&["selfSigned", "bootstrap", "preIssued"]),
            "how it comes to its serving certificate; without it kubelet.config decides",
        ),
    ]],
    told_by: "",
};

static AIRGAP: Struct = Struct {
    name: "airgap",
    groups: &[&[field(
        "images",
        List(&Text(&text::ANY_IMAGE)),
        "images of add-ons that must be there too",
    )]],
    told_by: "",
};

/// `os`.
pub static OS_FIELD: Field = field(
    "os",
    Keys(&OS),
    "what is true of the image that the node boots",
);
/// The container runtime and what it pulls.
pub static RUNTIME: [Field; 3] = [
    field(
        "containerd",
        Keys(&CONTAINERD),
        "the image's container runtime; read by the overlay `containerd`",
    ),
    field("proxies", Keys(&PROXIES), "HTTP proxies for pulling images"),
    field(
        "registries",
        Map(&Entries {
            key: &text::REGISTRY,
            value: Keys(&REGISTRY),
        }),
        "registries by the name that images begin with; _default for all others",
    ),
];
/// Who may log in, and who the node is.
pub static WHO: [Field; 3] = [
    field(
        "hostname",
        Text(&text::HOSTNAME),
        "the machine's host name; without it that is left as it is",
    ),
    field(
        "users",
        Map(&Entries {
            key: &text::ACCOUNT,
            value: Keys(&USER),
        }),
        "users by name, made by cloud-init and Ignition",
    ),
    field(
        "identity",
        Keys(&IDENTITY),
        "how the node comes to its certificates",
    ),
];
/// `airgap`.
pub static AIRGAP_FIELD: Field = field(
    "airgap",
    Either(&[Bool, Keys(&AIRGAP)]),
    "whether every image that the node names must be in images or behind a mirror",
)
.default("false");
