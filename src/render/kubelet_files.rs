//! Whether the node's files are what its kubelet needs to start: a kubeconfig to join with, drop-ins that it takes, providers of
//! credentials, control groups, a watchdog that leaves it time. In: a finished tree, the configuration and the flags. Out: findings.

mod drop_ins;
mod providers;

use std::time::Duration;

use serde_json::Value as Json;

use crate::inventory::ClientIdentity;
use crate::model::FieldLocation;
use crate::plan::NodePlan;
use crate::render::NodeRendering;
use crate::render::facts::Flags;
use crate::render::kubelet_unit::KUBELET;
use crate::report::{Finding, Id};
use crate::tree::{Content, NodeTree, Unit};

/// The shortest watchdog that a kubelet takes is longer than this. Source: pkg/kubelet/watchdog/watchdog_linux.go.
const WATCHDOG: Duration = Duration::from_secs(1);
/// The minor that has a watchdog first.
const WATCHDOG_SINCE: u32 = 32;

/// Control groups that systemd makes itself (systemd.special(7)).
const SLICES: [&str; 4] = ["system.slice", "user.slice", "machine.slice", "init.scope"];

/// A node, and what its kubelet is told, rendered.
struct KubeletFiles<'a> {
    node: &'a NodePlan,
    tree: &'a NodeTree,
    config: &'a Json,
    flags: &'a Flags,
}

impl NodeRendering<'_> {
    /// Checks the files that the kubelet reads.
    pub(super) fn check_kubelet_files(&mut self, node: &NodePlan, config: &Json, flags: &Flags) {
        let tree = self.builder.so_far();
        let files = KubeletFiles {
            node,
            tree,
            config,
            flags,
        };
        let mut findings: Vec<Finding> = files.cannot_join().into_iter().collect();
        findings.extend(files.watchdog());
        findings.extend(files.control_groups());
        findings.extend(self.drop_ins(&files));
        findings.extend(self.providers(&files));
        self.builder.fail(findings);
    }
}

impl KubeletFiles<'_> {
    fn minor(&self) -> u32 {
        self.node.class.spec.kubernetes.value.minor()
    }

    /// The text of a flag, unless it is empty.
    fn flag(&self, name: &str) -> Option<&str> {
        let text = self.flags.get(name).and_then(Json::as_str);
        text.filter(|text| !text.is_empty())
    }

    /// Where a flag is set, else where the layer that spoke of flags last did so.
    fn flag_location(&self, name: &str) -> FieldLocation {
        let class = &self.node.class;
        let set = class.kubelet_flags.iter().find(|(flag, _)| flag == name);
        if let Some(text) = set.and_then(|(_, text)| text.as_ref()) {
            return text.location.clone();
        }
        let kubelet = class.spec.merged.get("kubelet");
        let flags = kubelet.and_then(|kubelet| kubelet.get("flags"));
        let unset = &class.spec.kubernetes.location.at;
        let at = flags.map_or(unset, |flags| &flags.location);
        FieldLocation::new(at.clone(), format!("kubelet.flags.{name}"))
    }

    /// Where a field of the configuration is set.
    fn field_location(&self, field: &str) -> FieldLocation {
        let config = &self.node.class.kubelet_config;
        let at = config.get(field).unwrap_or(config);
        FieldLocation::new(at.location.clone(), format!("kubelet.config.{field}"))
    }

    /// A kubelet without a client certificate needs a bootstrap kubeconfig, or a kubeconfig that is there already. Source:
    /// cmd/kubelet/app/server.go, buildKubeletClientConfig.
    fn cannot_join(&self) -> Option<Finding> {
        const FLAG: &str = "bootstrap-kubeconfig";
        // 1.22 is the last that has the older name.
        let bootstraps = [FLAG, "experimental-bootstrap-kubeconfig"];
        let kubeconfig = self.flag("kubeconfig")?;
        let is_there = self.tree.get(kubeconfig).is_some()
            || bootstraps.iter().any(|name| self.flag(name).is_some());
        let client = self.node.class.spec.identity.client.value;
        if is_there || client != ClientIdentity::BootstrapToken {
            return None;
        }
        let rule =
            format!("is not set, and no layer writes {kubeconfig}, so the kubelet cannot join");
        let finding = self
            .flag_location(FLAG)
            .finding(Id::KubeletCannotJoin, rule);
        Some(finding.help("set it to \"{{ paths.bootstrapKubeconfig }}\""))
    }

    /// systemd tells the kubelet of a watchdog, and the kubelet refuses one that is too short. Source:
    /// pkg/kubelet/watchdog/watchdog_linux.go, NewHealthChecker.
    fn watchdog(&self) -> Option<Finding> {
        let minor = self.minor();
        let off = self.config.pointer("/featureGates/SystemdWatchdog") == Some(&Json::Bool(false));
        if minor < WATCHDOG_SINCE || off {
            return None;
        }
        let unit = self.tree.units().get(KUBELET)?;
        // Most units have none, and reading a whole unit takes its time.
        if !mentions(unit, b"WatchdogSec") {
            return None;
        }
        let unit = unit.effective();
        let text = unit.values("Service", "WatchdogSec").last()?;
        let length = timespan(text)?;
        if length.is_zero() || length > WATCHDOG {
            return None;
        }
        let rule = format!(
            "WatchdogSec= of {KUBELET} must be longer than 1s, or the kubelet of 1.{minor} ends; got {text}"
        );
        let units = self.node.class.spec.merged.get("units");
        let unit = units.and_then(|units| units.get(KUBELET));
        let location = match unit {
            Some(at) => FieldLocation::new(at.location.clone(), format!("units.{KUBELET}")),
            None => self.node.written.name.clone(),
        };
        Some(
            location
                .finding(Id::KubeletWatchdogShort, rule)
                .help("set it to 30s, or to 0"),
        )
    }

    /// The kubelet makes no control group for what it is told to enforce. Source: pkg/kubelet/cm/container_manager_linux.go,
    /// NewContainerManager, and node_container_manager_linux.go, enforceNodeAllocatableCgroups.
    fn control_groups(&self) -> Vec<Finding> {
        let text = |field: &str| {
            self.config
                .get(field)
                .and_then(Json::as_str)
                .unwrap_or_default()
        };
        let enforced = self
            .config
            .get("enforceNodeAllocatable")
            .and_then(Json::as_array);
        let enforces = |part: &str| {
            let mut all = enforced.into_iter().flatten().filter_map(Json::as_str);
            all.any(|one| one.starts_with(part))
        };
        let mut named = Vec::new();
        if self.config.get("cgroupsPerQOS") != Some(&Json::Bool(false)) {
            named.push("cgroupRoot");
        }
        if enforces("kube-reserved") {
            named.push("kubeReservedCgroup");
        }
        if enforces("system-reserved") {
            named.push("systemReservedCgroup");
        }
        let missing = |field: &&str| {
            let group = text(field).trim_matches('/');
            !group.is_empty() && !self.has_group(group)
        };
        let findings = named.into_iter().filter(missing).map(|field| {
            let rule = format!(
                "must be a control group that is there before the kubelet starts, and no unit of the payload makes it; got {:?}",
                text(field)
            );
            let repair = "name /system.slice, or add a unit of that name (for example kube.slice) and start the kubelet after it";
            self.field_location(field)
                .finding(Id::KubeletCgroupMissing, rule)
                .help(repair)
        });
        findings.collect()
    }

    /// Whether systemd or a unit of the payload makes a group, or puts something into it.
    fn has_group(&self, group: &str) -> bool {
        let name = group.rsplit('/').next().unwrap_or(group);
        // The kubelet takes /kube too for the slice of that name where systemd is the driver.
        let slice = format!("{}.slice", name.trim_end_matches(".slice"));
        let is_named = |one: &str| one == name || one == slice;
        SLICES.iter().any(|one| is_named(one))
            || self.tree.units().iter().any(|(unit, found)| {
                is_named(unit) || found.effective().values("Service", "Slice").any(is_named)
            })
    }
}

/// Whether a text is anywhere in a unit or its drop-ins.
fn mentions(unit: &Unit, text: &[u8]) -> bool {
    let mut all = unit.text.iter().chain(unit.dropins.values());
    all.any(|(content, _)| match content {
        Content::Blob(blob) => blob.bytes().windows(text.len()).any(|part| part == text),
        Content::Asset(_) => false,
    })
}

/// A span of time as systemd reads it (systemd.time(7)): seconds, or numbers with units. None where it is not one.
fn timespan(text: &str) -> Option<Duration> {
    if text.trim() == "infinity" {
        return Some(Duration::ZERO);
    }
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = rest.split_at(end.unwrap_or(rest.len()));
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = tail.split_at(end.unwrap_or(tail.len()));
        let seconds = match unit {
            "us" | "usec" => 1e-6,
            "ms" | "msec" => 1e-3,
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = after.trim_start();
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_as_systemd_reads_them() {
        for (text, milliseconds) in [
            ("1", 1000),
            ("500ms", 500),
            ("1s", 1000),
            ("1min 30s", 90_000),
            ("0", 0),
            ("infinity", 0),
            ("1.5s", 1500),
        ] {
            assert_eq!(
                timespan(text),
                Some(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        assert_eq!(timespan("soon"), None);
    }
}
