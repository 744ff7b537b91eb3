//! What a static pod may not refer to: objects of the API, which it runs without. Source: kubernetes
//! `pkg/api/pod/util.go:HasAPIObjectReference` and `plugin/pkg/admission/noderestriction`.

use crate::host_files::Around;
use crate::host_files::fault::Fault;
use crate::host_files::static_pod::at;
use crate::report::Id;
use crate::yaml::{Located, Value};

/// Volumes that are objects of the API by themselves: key, and the object.
const VOLUMES: [(&str, &str); 7] = [
    ("secret", "a Secret"),
    ("configMap", "a ConfigMap"),
    ("persistentVolumeClaim", "a PersistentVolumeClaim"),
    ("ephemeral", "a PersistentVolumeClaim"),
    ("csi", "a CSI driver"),
    ("glusterfs", "Endpoints"),
    ("azureFile", "a Secret"),
];
/// Volumes that name a Secret, by the field that does.
const WITH_SECRET: [&str; 7] = [
    "cephfs",
    "cinder",
    "flexVolume",
    "rbd",
    "scaleIO",
    "iscsi",
    "storageos",
];
/// Sources of a projected volume; what it has beside them is the downward API, which is no object.
const PROJECTED: [(&str, &str); 5] = [
    ("secret", "a Secret"),
    ("configMap", "a ConfigMap"),
    ("serviceAccountToken", "a ServiceAccount"),
    ("clusterTrustBundle", "a ClusterTrustBundle"),
    ("podCertificate", "a certificate request"),
];
const IN_ENV: [(&str, &str); 2] = [
    ("secretKeyRef", "a Secret"),
    ("configMapKeyRef", "a ConfigMap"),
];
const FROM_ENV: [(&str, &str); 2] = [("secretRef", "a Secret"), ("configMapRef", "a ConfigMap")];

/// Finds the references of a pod.
pub fn check(root: &Located, around: &Around, faults: &mut Vec<Fault>) {
    let Some(spec) = root.get("spec") else { return };
    let mut found = References { around, faults };
    for key in ["serviceAccountName", "serviceAccount"] {
        if let Some(name) = spec
            .get(key)
            .filter(|name| name.as_str().is_some_and(|name| !name.is_empty()))
        {
            found.add(name, key, "a ServiceAccount");
            break;
        }
    }
    for secret in list(spec, "imagePullSecrets") {
        found.named(secret, "imagePullSecrets", "a Secret");
    }
    if let Some(claim) = list(spec, "resourceClaims").next() {
        found.add(claim, "resourceClaims", "a ResourceClaim");
    }
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        for container in list(spec, containers) {
            found.container(container);
        }
    }
    for volume in list(spec, "volumes") {
        found.volume(volume);
    }
}

/// The items of a list.
fn list<'v>(of: &'v Located, key: &str) -> impl Iterator<Item = &'v Located> {
    let items = of.get(key).map(|value| &value.value);
    let items = match items {
        Some(Value::List(items)) => &items[..],
        _ => &[],
    };
    items.iter()
}

struct References<'a, 'f> {
    around: &'a Around,
    faults: &'f mut Vec<Fault>,
}

impl References<'_, '_> {
    fn add(&mut self, value: &Located, field: &str, object: &str) {
        let minor = self.around.minor;
        let always = match object {
            "a ClusterTrustBundle" => minor >= 29,
            "a ResourceClaim" => minor >= 32,
            _ => false,
        };
        let fault = if always || (minor >= 34 && self.around.prevents_references) {
            let rule = format!(
                "{field}: a static pod may not refer to {object}: the kubelet does not run it"
            );
            Fault::at(Id::StaticPodReference, at(value), rule)
        } else {
            let rule = format!(
                "{field}: the API server takes no mirror of a static pod that refers to {object}, so that nobody sees it there, and from Kubernetes 1.34 on the kubelet does not run it"
            );
            Fault::at(Id::StaticPodUnmirrored, at(value), rule)
        };
        let repair = match object {
            "a Secret" | "a ConfigMap" => {
                "put the data into a file of the node, and mount it with hostPath"
            }
            "a ServiceAccount" => {
                "remove it, and give the pod a kubeconfig of the node with hostPath if it needs one"
            }
            _ => "run it as a DaemonSet instead",
        };
        self.faults.push(fault.help(repair));
    }

    /// A reference counts if it has a name.
    fn named(&mut self, reference: &Located, field: &str, object: &str) {
        let name = reference
            .get("name")
            .or_else(|| reference.get("secretName"));
        if name
            .and_then(Located::as_str)
            .is_some_and(|name| !name.is_empty())
        {
            self.add(reference, field, object);
        }
    }

    fn container(&mut self, container: &Located) {
        for (key, object) in FROM_ENV {
            for source in list(container, "envFrom") {
                if let Some(reference) = source.get(key) {
                    self.named(reference, &format!("envFrom.{key}"), object);
                }
            }
        }
        for (key, object) in IN_ENV {
            for variable in list(container, "env") {
                if let Some(reference) = variable.get("valueFrom").and_then(|from| from.get(key)) {
                    self.named(reference, &format!("env.valueFrom.{key}"), object);
                }
            }
        }
    }

    fn volume(&mut self, volume: &Located) {
        let is_there = |value: &&Located| value.value != Value::Null;
        for (key, object) in VOLUMES {
            if let Some(source) = volume.get(key).filter(is_there) {
                self.add(source, &format!("volumes.{key}"), object);
            }
        }
        for key in WITH_SECRET {
            if let Some(reference) = volume.get(key).and_then(|source| source.get("secretRef")) {
                self.named(reference, &format!("volumes.{key}.secretRef"), "a Secret");
            }
        }
        let projected = volume.get("projected");
        for source in projected
            .into_iter()
            .flat_map(|projected| list(projected, "sources"))
        {
            for (key, object) in PROJECTED {
                if let Some(source) = source.get(key).filter(is_there) {
                    self.add(source, &format!("volumes.projected.{key}"), object);
                }
            }
        }
    }
}
