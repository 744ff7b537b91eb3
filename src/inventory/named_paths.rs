//! `paths`: where generated files go and where programs are, by name. The names that nodebake reads have a line each in
//! the schema and in the manual; others are for templates of the user's own.

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{EntryKey, Shaped, texts};
use crate::inventory::kinds::{MapOf, Pair, plain};
use crate::inventory::shape::{Entries, Shape};
use crate::inventory::text::{Text, templates};

texts! {
    /// The name of one of `paths`.
    PathName: String = plain, "", ["kubelet"];
}

templates! {
    /// What a name of `paths` stands for.
    NamedPath: "", ["/opt/bin/kubelet"];
}

/// The names that nodebake and its built-in layers read, and what each is.
pub const NAMES: [(&str, &str); 18] = [
    (
        "kubelet",
        "the program of the kubelet's unit; follows an asset that is the kubelet",
    ),
    ("kubeletConfig", "the kubelet's configuration"),
    (
        "bootstrapKubeconfig",
        "the kubeconfig with the bootstrap token",
    ),
    (
        "kubeconfig",
        "the kubeconfig that the kubelet writes when it has joined",
    ),
    ("certDir", "the folder of the kubelet's own certificates"),
    ("clusterCA", "the cluster's CA certificates"),
    (
        "servingCertificate",
        "the kubelet's certificate, with identity.serving: preIssued",
    ),
    ("servingKey", "its key"),
    ("staticPods", "the folder of static pods"),
    ("volumePlugins", "the folder of volume plugins"),
    (
        "kubeletDir",
        "the kubelet's own folder; read by the profile by-hand",
    ),
    (
        "containerd",
        "the program of containerd's unit; follows an asset that is containerd",
    ),
    (
        "haproxy",
        "the program of the overlay api-proxy; follows an asset that is haproxy",
    ),
    (
        "kubeProxy",
        "the program of the overlay kube-proxy; follows an asset that is kube-proxy",
    ),
    (
        "cniBin",
        "the folder of CNI plugins; follows assets that are plugins",
    ),
    ("cniConfig", "the folder of CNI configurations"),
    (
        "packagedKubelet",
        "the kubelet of the system's packages, for nodes without an asset",
    ),
    (
        "packagedCniBin",
        "the folder of CNI plugins of the system's packages",
    ),
];

/// Paths by name.
pub enum NamedPaths {}

impl Shaped for NamedPaths {
    type Value = Vec<(String, Text)>;
    const SHAPE: Shape = Shape::Map(&Entries {
        key: PathName::RULE,
        value: NamedPath::SHAPE,
        known: &NAMES,
    });
    const REQUIRED: bool = false;

    fn read(at: &Cursor<'_>) -> Option<Self::Value> {
        MapOf::<Pair<PathName, NamedPath>>::read(at)
    }

    fn absent(_: &Cursor<'_>) -> Option<Self::Value> {
        Some(Vec::new())
    }
}
