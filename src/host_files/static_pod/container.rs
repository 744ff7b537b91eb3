//! Rules of the API's validation about one container and the pod around it: ports, mounts, probes, claims. Source: kubernetes
//! `pkg/apis/core/validation/validation.go`, validateContainers and validateInitContainers.

use std::collections::{BTreeMap, HashSet};

use crate::host_files::static_pod::walk::{Walk, is_true, items, number, set, text};
use crate::yaml::Located;

/// The first minor whose init containers may go on running (SidecarContainers).
const SIDECARS: u32 = 28;
/// The first minor whose containers have a policy for restarts of their own (ContainerRestartRules).
const RESTART_RULES: u32 = 35;
/// Ports of the host: protocol, address, number.
pub type Taken<'v> = HashSet<(&'v str, &'v str, i64)>;

/// A container and what is around it.
pub struct Container<'w, 'f, 'v> {
    walk: &'w mut Walk<'f>,
    at: &'v Located,
    spec: &'v Located,
}

impl<'w, 'f, 'v> Container<'w, 'f, 'v> {
    /// A container of a spec.
    pub fn new(walk: &'w mut Walk<'f>, at: &'v Located, spec: &'v Located) -> Self {
        Self { walk, at, spec }
    }

    /// Checks it. `volumes` are the pod's, each with whether it is a claim; `taken` are ports of the host that others have.
    pub fn check(mut self, volumes: &BTreeMap<&str, bool>, taken: &mut Taken<'v>, is_init: bool) {
        self.ports(taken, !is_init);
        self.mounts(volumes);
        self.probes(is_init);
        if self.walk.minor >= RESTART_RULES {
            self.restarts();
        }
        self.claims();
        if let Some(lifecycle) = set(self.at, "lifecycle") {
            self.lifecycle(lifecycle);
        }
    }

    /// `is_running` is not so for init containers, whose ports do not have to be the host's.
    fn ports(&mut self, taken: &mut Taken<'v>, is_running: bool) {
        let mut names = HashSet::new();
        let on_host = is_true(self.spec, "hostNetwork");
        for (index, port) in items(self.at, "ports").iter().enumerate() {
            let field = |name: &str| format!("ports[{index}].{name}");
            if let Some(name) = text(port, "name").filter(|name| !names.insert(*name))
                && let Some(value) = set(port, "name")
            {
                let rule = format!("must be there once; {name:?} is there twice");
                self.walk.invalid(value, &field("name"), &rule);
            }
            let container = number(port, "containerPort").unwrap_or(0);
            let host = number(port, "hostPort").filter(|port| *port != 0);
            if let (true, true, Some(host), Some(value)) =
                (on_host, is_running, host, set(port, "hostPort"))
                && host != container
            {
                let rule = "must be the containerPort where hostNetwork is true";
                self.walk.invalid(value, &field("hostPort"), rule);
            }
            // By the defaults each port is the host's there.
            let Some(host) = host.or(on_host.then_some(container).filter(|port| *port != 0)) else {
                continue;
            };
            let protocol = text(port, "protocol").unwrap_or("TCP");
            let key = (protocol, text(port, "hostIP").unwrap_or(""), host);
            if !taken.insert(key) {
                let at = set(port, "hostPort")
                    .or(set(port, "containerPort"))
                    .unwrap_or(port);
                let rule =
                    format!("must be there once; {host}/{protocol} of the host is taken twice");
                self.walk.invalid(at, &field("hostPort"), &rule);
            }
        }
    }

    fn mounts(&mut self, volumes: &BTreeMap<&str, bool>) {
        let mut paths = HashSet::new();
        let is_privileged =
            set(self.at, "securityContext").is_some_and(|context| is_true(context, "privileged"));
        for (index, mount) in items(self.at, "volumeMounts").iter().enumerate() {
            let field = |name: &str| format!("volumeMounts[{index}].{name}");
            self.named(mount, &field("name"), volumes, false);
            if let Some(path) = text(mount, "mountPath").filter(|path| !paths.insert(*path))
                && let Some(value) = set(mount, "mountPath")
            {
                let rule = format!("must be there once; {path:?} is there twice");
                self.walk.invalid(value, &field("mountPath"), &rule);
            }
            if let Some(value) = set(mount, "mountPropagation")
                && text(mount, "mountPropagation") == Some("Bidirectional")
                && !is_privileged
            {
                let rule = "must be Bidirectional only in a privileged container";
                self.walk.invalid(value, &field("mountPropagation"), rule);
            }
        }
        for (index, device) in items(self.at, "volumeDevices").iter().enumerate() {
            self.named(
                device,
                &format!("volumeDevices[{index}].name"),
                volumes,
                true,
            );
        }
    }

    fn named(
        &mut self,
        of: &Located,
        field: &str,
        volumes: &BTreeMap<&str, bool>,
        wants_claim: bool,
    ) {
        let (Some(name), Some(value)) = (text(of, "name"), set(of, "name")) else {
            return;
        };
        match volumes.get(name) {
            None => {
                let rule = format!("must be one of the pod's volumes; got {name:?}");
                self.walk.invalid(value, field, &rule);
            }
            Some(false) if wants_claim => {
                self.walk
                    .invalid(value, field, "must be a volume that is a claim");
            }
            Some(_) => {}
        }
    }

    fn probes(&mut self, is_init: bool) {
        let runs_on =
            text(self.at, "restartPolicy") == Some("Always") && self.walk.minor >= SIDECARS;
        if let Some(value) = set(self.at, "restartPolicy").filter(|_| self.walk.minor >= SIDECARS)
            && (!is_init || !runs_on)
            && self.walk.minor < RESTART_RULES
        {
            let rule = if is_init {
                "must be Always where it is set"
            } else {
                "may be set for init containers only"
            };
            self.walk.invalid(value, "restartPolicy", rule);
        }
        for field in [
            "lifecycle",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
        ] {
            let Some(value) = set(self.at, field) else {
                continue;
            };
            // The minor may not have the field.
            if is_init && !runs_on {
                let rule = "must not be set for an init container that does not go on running";
                self.walk.invalid(value, field, rule);
            }
            if matches!(field, "livenessProbe" | "startupProbe")
                && let Some(threshold) =
                    number(value, "successThreshold").filter(|number| *number > 1)
                && let Some(at) = set(value, "successThreshold")
            {
                let rule = format!("must be 1; got {threshold}");
                self.walk
                    .invalid(at, &format!("{field}.successThreshold"), &rule);
            }
            // Before 1.21 a probe has no such field.
            if field != "lifecycle"
                && self.walk.minor >= 21
                && let Some(at) = set(value, "terminationGracePeriodSeconds")
            {
                let path = format!("{field}.terminationGracePeriodSeconds");
                if field == "readinessProbe" && self.walk.minor >= 22 {
                    self.walk.invalid(at, &path, "must not be set");
                } else if number(value, "terminationGracePeriodSeconds")
                    .is_some_and(|number| number < 1)
                {
                    self.walk.invalid(at, &path, "must be 1 at least");
                }
            }
        }
    }
}

impl Container<'_, '_, '_> {
    fn restarts(&mut self) {
        let policy = text(self.at, "restartPolicy");
        if let Some(value) = set(self.at, "restartPolicy")
            && let Some(word) = policy
            && !["Always", "OnFailure", "Never"].contains(&word)
        {
            let rule = format!("must be one of Always, OnFailure, Never; got {word:?}");
            self.walk.invalid(value, "restartPolicy", &rule);
        }
        if let Some(rules) = set(self.at, "restartPolicyRules")
            && !items(self.at, "restartPolicyRules").is_empty()
            && policy.is_none()
        {
            let rule = "may be set only with a restartPolicy";
            self.walk.invalid(rules, "restartPolicyRules", rule);
        }
    }

    /// Claims of devices are those of the pod.
    fn claims(&mut self) {
        let resources = set(self.at, "resources");
        // Before 1.26 there is no such field.
        let claims = resources.filter(|_| self.walk.minor >= 26);
        for (index, claim) in claims
            .map_or(&[][..], |of| items(of, "claims"))
            .iter()
            .enumerate()
        {
            let mut known = items(self.spec, "resourceClaims").iter();
            let (Some(name), Some(value)) = (text(claim, "name"), set(claim, "name")) else {
                continue;
            };
            if !known.any(|known| text(known, "name") == Some(name)) {
                let field = format!("resources.claims[{index}].name");
                let rule = "must be one of the pod's resourceClaims";
                self.walk.invalid(value, &field, rule);
            }
        }
    }

    fn lifecycle(&mut self, lifecycle: &Located) {
        let grace = number(self.spec, "terminationGracePeriodSeconds").unwrap_or(30);
        let least = i64::from(self.walk.minor < 35);
        for hook in ["postStart", "preStop"] {
            // Before 1.29 there is no such action.
            let sleep = set(lifecycle, hook).and_then(|hook| set(hook, "sleep"));
            let Some(sleep) = sleep.filter(|_| self.walk.minor >= 29) else {
                continue;
            };
            let seconds = number(sleep, "seconds").unwrap_or(0);
            if !(least..=grace.max(least)).contains(&seconds) {
                let field = format!("lifecycle.{hook}.sleep.seconds");
                let rule = format!(
                    "must be between {least} and terminationGracePeriodSeconds, which is {grace}"
                );
                self.walk
                    .invalid(set(sleep, "seconds").unwrap_or(sleep), &field, &rule);
            }
        }
        let system = set(self.spec, "os").and_then(|os| text(os, "name"));
        if let Some(signal) = set(lifecycle, "stopSignal").filter(|_| self.walk.minor >= 33)
            && system.is_none()
        {
            let rule = "may be set only where spec.os.name is";
            self.walk.invalid(signal, "lifecycle.stopSignal", rule);
        }
    }
}
