//! Whether a node without a network has all images that its configuration names. In: a finished tree. Out: findings.

use serde_json::{Map, Value as Json};

use crate::compile::images::{Image, Name};
use crate::inventory::Spec;
use crate::model::{FieldLocation, Spanned};
use crate::report::{Finding, Id};
use crate::tree::{Content, EntryKind, NodeTree};
use crate::yaml;

/// The lists of containers in a pod.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// An image that the node needs.
struct WantedImage {
    name: Name,
    /// Who names it.
    by: String,
    location: FieldLocation,
    /// Whether the kubelet asks the registry for it even when it is there.
    always: bool,
}

/// An image that the node pulls from somewhere.
pub struct Outside {
    /// Its name.
    pub name: Name,
    /// Who names it.
    pub by: String,
    /// The mirrors of its registry.
    pub mirrors: Vec<String>,
}

/// The images that the node names and its payload does not hold.
pub fn outside(
    tree: &NodeTree,
    spec: &Spec,
    config: &Json,
    (sandbox, there): (Option<&str>, &[Image]),
) -> Vec<Outside> {
    let wanted = wanted(tree, spec, config, sandbox).into_iter();
    let outside = wanted.filter(|wanted| wanted.always || !is_there(&wanted.name, there));
    let outside = outside.map(|wanted| Outside {
        mirrors: mirrors(&wanted.name, spec),
        name: wanted.name,
        by: wanted.by,
    });
    outside.collect()
}

/// All images that are neither in the payload nor behind a mirror.
pub fn check(
    tree: &NodeTree,
    spec: &Spec,
    config: &Json,
    (sandbox, there): (Option<&str>, &[Image]),
) -> Vec<Finding> {
    if spec.airgap.is_none() {
        return Vec::new();
    }
    let wanted = wanted(tree, spec, config, sandbox);
    let missing = wanted
        .iter()
        .filter_map(|wanted| missing(wanted, spec, there));
    missing.collect()
}

/// The images that the node names.
fn wanted(tree: &NodeTree, spec: &Spec, config: &Json, sandbox: Option<&str>) -> Vec<WantedImage> {
    let image = sandbox.unwrap_or(&spec.containerd.sandbox_image.value);
    let mut wanted = vec![WantedImage {
        name: Name::of(image),
        by: "the sandbox of every pod".into(),
        location: spec.containerd.sandbox_image.location.clone(),
        always: false,
    }];
    let add_ons = spec.airgap.iter().flat_map(|airgap| &airgap.value.images);
    wanted.extend(add_ons.map(|Spanned { value, location }| WantedImage {
        name: Name::of(value),
        by: "an add-on".into(),
        location: location.clone(),
        always: false,
    }));
    let location = spec.airgap.as_ref().map(|airgap| &airgap.location);
    let location = location.unwrap_or(&spec.kubernetes.location);
    wanted.extend(static_pods(tree, config, location));
    wanted
}

/// From where an image's registry is mirrored.
fn mirrors(name: &Name, spec: &Spec) -> Vec<String> {
    let of_it = spec.registries.iter().filter(|registry| {
        let host = &registry.host.value;
        host == "_default" || *host == name.registry
    });
    let mirrors = of_it.flat_map(|registry| &registry.mirrors);
    mirrors.map(|mirror| mirror.url.clone()).collect()
}

/// Whether the user says that nodes reach an image's registry without a way out.
fn is_on_site(name: &Name, spec: &Spec) -> bool {
    let mut registries = spec.registries.iter();
    registries.any(|registry| registry.on_site && registry.host.value == name.registry)
}

fn is_there(name: &Name, there: &[Image]) -> bool {
    there.iter().any(|image| {
        let same =
            (&image.name.registry, &image.name.repository) == (&name.registry, &name.repository);
        let fits = match &name.digest {
            Some(_) => image.digest == name.digest,
            None => image.name.tag == name.tag,
        };
        same && fits
    })
}

fn missing(wanted: &WantedImage, spec: &Spec, there: &[Image]) -> Option<Finding> {
    let WantedImage {
        name, by, location, ..
    } = wanted;
    if !mirrors(name, spec).is_empty() || is_on_site(name, spec) {
        return None;
    }
    let in_payload = is_there(name, there);
    match (in_payload, wanted.always) {
        (true, false) => None,
        (true, true) => {
            let rule = format!(
                "{name} of {by} is pulled at each start, from a registry that is not there"
            );
            Some(
                location
                    .finding(Id::ImageAlwaysPulled, rule)
                    .help("set imagePullPolicy to IfNotPresent, and a tag that is not latest"),
            )
        }
        (false, _) => {
            let rule =
                format!("the image {name} of {by} is neither in the payload nor behind a mirror");
            Some(
                location
                    .finding(Id::ImageMissing, rule)
                    .help(format!(
                        "add its archive to images, or a mirror to registries; if the site has this registry, set registries[{:?}].onSite to true",
                        name.registry
                    )),
            )
        }
    }
}

/// The images of the pods that the kubelet starts from files.
fn static_pods(tree: &NodeTree, config: &Json, location: &FieldLocation) -> Vec<WantedImage> {
    let Some(folder) = config.get("staticPodPath").and_then(Json::as_str) else {
        return Vec::new();
    };
    let folder = folder.trim_end_matches('/');
    let mut wanted = Vec::new();
    for (path, entry) in tree.entries() {
        let name = path.as_str().strip_prefix(folder);
        let below = name.and_then(|name| name.strip_prefix('/'));
        // The kubelet reads the folder itself, and no file whose name begins with a dot. Or the path is that of one file.
        let is_read = below.map_or(name == Some(""), |name| {
            !name.contains('/') && !name.starts_with('.')
        });
        if !is_read {
            continue;
        }
        let EntryKind::File(Content::Blob(blob)) = &entry.kind else {
            continue;
        };
        let text = String::from_utf8_lossy(blob.bytes());
        let Ok(pod) = yaml::read::<Map<String, Json>>(&text) else {
            continue;
        };
        let pod_spec = pod.get("spec").unwrap_or(&Json::Null);
        let list = |key: &str| pod_spec[key].as_array().map_or(&[][..], Vec::as_slice);
        let containers = CONTAINERS.iter().flat_map(|key| list(key));
        let containers =
            containers.map(|container| (&container["image"], &container["imagePullPolicy"]));
        // Volumes that are images, from 1.31 on.
        let volumes = list("volumes").iter().map(|volume| &volume["image"]);
        let volumes = volumes.map(|image| (&image["reference"], &image["pullPolicy"]));
        for (image, policy) in containers.chain(volumes) {
            let Some(image) = image.as_str() else {
                continue;
            };
            let name = Name::of(image);
            // What the API server's defaults are: Always for latest.
            let latest = name.digest.is_none() && name.tag.as_deref() == Some("latest");
            let always = policy.as_str().map_or(latest, |policy| policy == "Always");
            wanted.push(WantedImage {
                always,
                name,
                by: format!("the static pod {path}"),
                location: location.clone(),
            });
        }
    }
    wanted
}
