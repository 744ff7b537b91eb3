//! Rules for the node around the kubelet: the runtime, the control groups, swap, the proxy to the API servers, and what
//! the image can boot from. All that needs no template to be rendered.

use std::net::IpAddr;

use crate::inventory::{Cgroups, Cluster, Inventory, Spec};
use crate::model::FieldLocation;
use crate::model::output::Format;
use crate::report::{Finding, Id, Report};
use crate::yaml::{Located, Value};

/// The overlay whose proxy listens where the API server's URL points to.
const API_PROXY: &str = "api-proxy";
/// The overlays that keep swap off.
const SWAP_OFF: [&str; 2] = ["swap-off", "swap-masked"];

/// Checks every spec once, however many nodes share it.
pub fn check(inventory: &Inventory, report: &mut Report) {
    for spec in &inventory.specs {
        runtime(spec, report);
        cgroups(spec, report);
        swap(spec, report);
        api_proxy(&inventory.cluster, spec, report);
        if let Some(finding) = nobody_makes_users(spec)
            && !report.has_error_at("output.formats")
        {
            report.add(finding);
        }
        kernel_arguments(spec, report);
        for format in &spec.output.formats {
            if let Some(finding) = refused_format(spec, *format) {
                report.add(finding);
            }
        }
    }
}

/// Which kubelets a containerd can serve: 1.6 brought CRI v1, which kubelets from 1.26 on insist on; 2.0 dropped
/// v1alpha2, the only one that kubelets before 1.23 speak; 1.35 is the last kubelet for containerd 1.x. The rule that a node's breaks,
/// and the repair.
pub fn containerd_misfit(spec: &Spec, release: (u32, u32)) -> Option<(String, &'static str)> {
    let minor = spec.kubernetes.value.minor();
    let (major, of_major) = release;
    let (rule, repair) = match (major, minor) {
        (1, 36..) => ("needs containerd 2", "bake an image with containerd 2.x"),
        (1, 26..) if of_major < 6 => (
            "speaks CRI v1, which containerd has since 1.6",
            "bake an image with containerd 1.6 or newer",
        ),
        (2, ..23) => (
            "speaks CRI v1alpha2, which containerd 2 has no more",
            "bake an image with containerd 1.7",
        ),
        _ => return None,
    };
    let rule =
        format!("the kubelet of Kubernetes 1.{minor} {rule}, and this is {major}.{of_major}");
    Some((rule, repair))
}

fn runtime(spec: &Spec, report: &mut Report) {
    let Some(version) = &spec.containerd.version else {
        return;
    };
    if let Some((rule, repair)) = containerd_misfit(spec, version.value) {
        let finding = version
            .location
            .finding(Id::ContainerdVersionUnsupported, rule);
        report.add(finding.help(repair));
    }
}

fn cgroups(spec: &Spec, report: &mut Report) {
    let Some(cgroups) = &spec.os.cgroups else {
        return;
    };
    let minor = spec.kubernetes.value.minor();
    let finding = match (cgroups.value, minor) {
        // KEP-2254: control groups v2 are read since 1.19.
        (Cgroups::V2, ..19) => cgroups.location.finding(
            Id::CgroupVersionUnsupported,
            format!("the kubelet of Kubernetes 1.{minor} knows control groups v1 only"),
        ),
        // containerd 1.4's release notes: control groups v2 came with it.
        (Cgroups::V2, _) if containerd_of(spec).is_some_and(|release| release < (1, 4)) => cgroups
            .location
            .finding(
                Id::CgroupVersionUnsupported,
                "containerd 1.3 knows control groups v1 only",
            )
            .help("bake an image with containerd 1.4 or newer, or boot with v1"),
        // KEP-5573: failCgroupV1 is true by default since 1.35.
        (Cgroups::V1, 35..) if field(spec, "failCgroupV1") != Some(&Value::Bool(false)) => cgroups
            .location
            .finding(
                Id::CgroupVersionUnsupported,
                format!(
                    "the kubelet of Kubernetes 1.{minor} refuses to start on control groups v1"
                ),
            )
            .help("boot with v2, or set kubelet.config.failCgroupV1 to false"),
        // cmd/kubelet/app/server.go, run
        (Cgroups::V1, 30..) if swap_behavior(spec) == Some("LimitedSwap") => {
            let rule = "LimitedSwap needs control groups v2, and the kubelet ends on v1";
            let at = spec
                .kubelet
                .config
                .as_ref()
                .map_or(&cgroups.location.at, |at| &at.location.at);
            FieldLocation::new(at.clone(), "kubelet.config.memorySwap.swapBehavior")
                .finding(Id::CgroupVersionUnsupported, rule)
                .help("boot with v2, or set swapBehavior to NoSwap")
        }
        _ => return,
    };
    report.add(finding);
}

/// The release of containerd, where it is known.
fn containerd_of(spec: &Spec) -> Option<(u32, u32)> {
    spec.containerd.version.as_ref().map(|at| at.value)
}

/// How pods may use swap.
fn swap_behavior(spec: &Spec) -> Option<&str> {
    let config = &spec.kubelet.config.as_ref()?.value;
    config.get("memorySwap")?.get("swapBehavior")?.as_str()
}

/// A field of the kubelet's configuration, as merged.
fn field<'s>(spec: &'s Spec, key: &str) -> Option<&'s Value> {
    let config = &spec.kubelet.config.as_ref()?.value;
    config.get(key).map(|at| &at.value)
}

fn swap(spec: &Spec, report: &mut Report) {
    if field(spec, "failSwapOn") != Some(&Value::Bool(false)) {
        return;
    }
    let is_against = |name: &str| SWAP_OFF.contains(&name);
    for used in &spec.overlays {
        let name = &used.name;
        if is_against(&name.value) {
            let rule = "keeps swap off, though kubelet.config.failSwapOn is false";
            let repair = format!(
                "set overlays.{} to null, or leave failSwapOn out",
                name.value
            );
            report.add(
                name.location
                    .finding(Id::SwapOffConflict, rule)
                    .help(repair),
            );
        }
    }
}

/// The proxy listens on the host and port of the URL, so that must be the node itself, and somebody must be behind it.
fn api_proxy(cluster: &Cluster, spec: &Spec, report: &mut Report) {
    let Some(used) = spec
        .overlays
        .iter()
        .find(|used| used.name.value == API_PROXY)
    else {
        return;
    };
    let api = &cluster.api_server;
    let host = api.host().parse::<IpAddr>();
    if api.host() != "localhost" && !host.is_ok_and(|host| host.is_loopback()) {
        let rule = format!(
            "the proxy of each node listens at {}, which is not the node itself",
            api.url.value
        );
        let repair = "write https://127.0.0.1:8443 as apiServer.url, or leave the overlay out";
        report.add(
            used.name
                .location
                .finding(Id::ApiProxyElsewhere, rule)
                .help(repair),
        );
    }
    if api.endpoints.is_empty() {
        let rule = "the proxy of each node has no API server behind it";
        let repair = "list the servers in apiServer.endpoints";
        report.add(
            api.url
                .location
                .finding(Id::ApiProxyWithoutServers, rule)
                .help(repair),
        );
    }
}

/// Users are made by a program on the node; archives hold files only.
fn nobody_makes_users(spec: &Spec) -> Option<Finding> {
    let users = spec
        .merged
        .get("users")
        .filter(|_| !spec.users.is_empty())?;
    let makes = |format: &Format| match format {
        Format::CloudInit | Format::Ignition => true,
        Format::Tarball | Format::Initramfs => false,
    };
    if spec.output.formats.iter().any(makes) {
        return None;
    }
    let rule = "no format of output.formats makes users: archives hold files only";
    let location = FieldLocation::new(users.location.clone(), "users");
    Some(location.finding(Id::UsersNotCreated, rule).help(
        "add cloudInit or ignition to output.formats, or add a sysusers.d file by an overlay",
    ))
}

/// The kernel's command line belongs to the boot loader, which only Ignition reaches, and the scripts of a network boot.
fn kernel_arguments(spec: &Spec, report: &mut Report) {
    let Some(first) = spec.os.kernel_arguments.first() else {
        return;
    };
    let formats = spec.output.formats.iter();
    let others: Vec<&str> = formats
        .filter(|format| !format.sets_kernel_arguments())
        .filter(|format| **format != Format::Initramfs || spec.output.pxe.is_none())
        .map(|format| format.name())
        .collect();
    if !others.is_empty() {
        let rule = format!("is not set by {}, only by ignition", others.join(", "));
        let repair = "set it in the boot loader of nodes that get these formats";
        report.add(
            first
                .location
                .finding(Id::KernelArgumentsIgnored, rule)
                .help(repair),
        );
    }
}

/// Why a format is of no use to the node's image.
pub fn refused_format(spec: &Spec, format: Format) -> Option<Finding> {
    let cloud_init = spec.os.cloud_init.as_ref();
    let cloud_init = cloud_init.map(|at| (at.value.is_some(), &at.location));
    let ignition = spec.os.ignition.as_ref();
    let ignition = ignition.map(|at| (at.value, &at.location));
    let (has, program, key) = match format {
        Format::CloudInit => (cloud_init, "cloud-init", "cloudInit"),
        Format::Ignition => (ignition, "Ignition", "ignition"),
        // An archive is unpacked by whoever makes or boots the image, not by the image.
        Format::Tarball | Format::Initramfs => return None,
    };
    let (_, location) = has.filter(|(is_there, _)| !is_there)?;
    let output = |key: &str| spec.merged.get("output")?.get(key);
    let at = output("formats")
        .map(|at: &Located| FieldLocation::new(at.location.clone(), "output.formats"));
    let rule = format!("the image of {} has no {program}", spec.os.name);
    let repair = format!(
        "take {} out of output.formats, or set os.{key} to true if yours has it",
        format.name()
    );
    Some(
        at.unwrap_or_else(|| location.clone())
            .finding(Id::FormatProgramMissing, rule)
            .help(repair),
    )
}
