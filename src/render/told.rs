//! Whether the kubelet is told what the node is: its name, its addresses, folders that it can make. In: the rendered
//! settings and the plan. Out: findings; `csr review` would deny a node that calls itself otherwise.

use std::net::IpAddr;

use serde_json::{Map, Value as Json};

use crate::compile::class::CompiledClass;
use crate::kubernetes::paths::{PathUse, ToldPath};
use crate::kubernetes::runtime;
use crate::model::{FieldLocation, NodePath};
use crate::plan::NodePlan;
use crate::report::{Finding, Id};

/// The longest name that the kernel has room for (HOST_NAME_MAX, hostname(7)), in bytes.
const HOST_NAME: usize = 64;

/// A node and what its kubelet is told, rendered.
pub(super) struct Told<'a> {
    pub node: &'a NodePlan,
    pub class: &'a CompiledClass,
    /// The machine's host name.
    pub hostname: &'a str,
    pub config: &'a Json,
    pub flags: &'a Map<String, Json>,
    /// The paths that the kubelet is told.
    pub paths: &'a [ToldPath],
}

impl Told<'_> {
    /// Everything that the node is not.
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.name().into_iter().collect();
        findings.extend(self.unreachable());
        findings.extend(self.host_name());
        findings.extend(self.dockershim());
        findings.extend(self.addresses());
        findings.extend(self.read_only());
        findings
    }

    fn flag(&self, name: &str) -> Option<&str> {
        let text = self.flags.get(name).and_then(Json::as_str);
        text.filter(|text| !text.is_empty())
    }

    /// Where a flag was written, or else the node.
    fn flag_location(&self, name: &str) -> FieldLocation {
        let mut flags = self.class.flags.iter();
        let found = flags.find(|(known, _)| known == name);
        let text = found.and_then(|(_, text)| text.as_ref());
        text.map_or_else(
            || self.node.written.name.clone(),
            |text| text.location.clone(),
        )
    }

    /// Where a field was written, or else the node.
    fn field_location(&self, path: &str) -> FieldLocation {
        let config = &self.node.class.kubelet_config;
        let found = path.split('.').try_fold(config, |at, key| at.get(key));
        found.map_or_else(
            || self.node.written.name.clone(),
            |at| FieldLocation::new(at.location.clone(), format!("kubelet.config.{path}")),
        )
    }

    /// The name that the machine must have of itself, where neither a flag nor a file of ours gives it one.
    pub(super) fn expected_name(&self) -> Option<String> {
        let is_told = self.flag("hostname-override").is_some() && !self.is_named_by_cloud();
        (!is_told && self.class.hostname.is_none()).then(|| self.node.name.clone())
    }

    /// A cloud provider inside the kubelet names the node after its instance, whatever the flag says
    /// (cmd/kubelet/app/server.go, getNodeName); none is left since 1.31.
    fn is_named_by_cloud(&self) -> bool {
        let provider = self.flag("cloud-provider");
        provider.is_some_and(|provider| provider != "external")
    }

    /// The kubelet registers under the flag's name, or the host's, trimmed and in small letters
    /// (k8s.io/component-helpers/node/util, GetHostname).
    fn name(&self) -> Option<Finding> {
        let wanted = self.node.name.as_str();
        let (told, location) = match (self.flag("hostname-override"), &self.class.hostname) {
            _ if self.is_named_by_cloud() => return None,
            (Some(name), _) => (name, self.flag_location("hostname-override")),
            (None, Some(text)) => (self.hostname, text.location.clone()),
            (None, None) => return None,
        };
        let name = told.trim().to_lowercase();
        if name == wanted {
            return None;
        }
        let rule = format!(
            "the kubelet would register and ask for certificates as {name:?}, and the node is {wanted:?}: \
             `csr review` denies that"
        );
        let repair = match self.flag("hostname-override") {
            Some(_) => "set it to \"{{ node.name }}\", or name the node so",
            None => {
                "set kubelet.flags.hostname-override to \"{{ node.name }}\", or name the node so"
            }
        };
        Some(location.finding(Id::KubeletNameDiffers, rule).help(repair))
    }

    /// The name in /etc/hostname, as systemd and the kernel take it (systemd basic/hostname-util.c, hostname_is_valid; 64
    /// characters of utsname): where it is not valid, the machine is called localhost.
    fn host_name(&self) -> Option<Finding> {
        let text = self.class.hostname.as_ref()?;
        let name = self.hostname;
        let is_label = |label: &str| {
            let mut chars = label.chars();
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && chars.all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if name.len() <= HOST_NAME && name.split('.').all(is_label) {
            return None;
        }
        let rule = format!(
            "must be letters, digits, \"-\" and \".\", {HOST_NAME} characters at most, or systemd does not take it; got {name:?}"
        );
        let finding = text.location.finding(Id::HostnameInvalid, rule);
        Some(finding.help("write a name like worker-1, or null for the image's own"))
    }

    /// Nothing listens at the socket of dockershim since that left the kubelet (KEP-2221).
    fn dockershim(&self) -> Option<Finding> {
        let minor = self.node.class.spec.kubernetes.value.minor();
        let endpoint = runtime::endpoint(self.flags, self.config, minor);
        if minor < runtime::WITHOUT_DOCKERSHIM || !endpoint.ends_with("/dockershim.sock") {
            return None;
        }
        let location = match self.flag("container-runtime-endpoint") {
            Some(_) => self.flag_location("container-runtime-endpoint"),
            None => self.field_location("containerRuntimeEndpoint"),
        };
        let rule = format!(
            "must be the socket of a runtime: dockershim left the kubelet with Kubernetes 1.24; got {endpoint}"
        );
        let repair = "write unix:///run/containerd/containerd.sock, or unix:///run/cri-dockerd.sock for Docker";
        Some(
            location
                .finding(Id::KubeletEndpointInvalid, rule)
                .help(repair),
        )
    }

    /// `--node-ip` is what the node asks a serving certificate for; the other addresses are listened on.
    fn addresses(&self) -> Vec<Finding> {
        let known: Vec<IpAddr> = self.node.all_addresses().collect();
        if known.is_empty() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        let foreign = |text: &str| {
            let address: IpAddr = text.trim().parse().ok()?;
            let is_one =
                address.is_unspecified() || address.is_loopback() || known.contains(&address);
            (!is_one).then_some(address)
        };
        let node_ip = self.flag("node-ip").unwrap_or_default();
        for address in node_ip.split(',').filter_map(foreign) {
            let rule = format!(
                "the kubelet would ask for a certificate for {address}, which is not an address of {}: `csr review` \
                 denies that",
                self.node.name
            );
            let repair = "add it to the node's addresses, or leave node-ip to the profile";
            let location = self.flag_location("node-ip");
            findings.push(
                location
                    .finding(Id::KubeletAddressForeign, rule)
                    .help(repair),
            );
        }
        // DHCP may give the machine more than the inventory knows.
        if self.has_dhcp() {
            return findings;
        }
        for (flag, field) in [
            ("address", "address"),
            ("healthz-bind-address", "healthzBindAddress"),
        ] {
            let (text, location) = self.address(flag, field);
            if let Some(address) = foreign(text) {
                let rule = format!(
                    "the kubelet cannot listen on {address}, which is not an address of {}",
                    self.node.name
                );
                let repair =
                    "write \"{{ node.address }}\" or 0.0.0.0, or add it to the node's addresses";
                findings.push(
                    location
                        .finding(Id::KubeletAddressForeign, rule)
                        .help(repair),
                );
            }
        }
        findings
    }

    /// The API server calls the kubelet for logs, exec, attach and port-forward, and a monitoring for metrics: all of that
    /// fails where the kubelet listens on loopback only.
    fn unreachable(&self) -> Option<Finding> {
        let serves = match self.flag("enable-server") {
            Some(text) => text != "false",
            None => self.config.get("enableServer") != Some(&Json::Bool(false)),
        };
        let (text, location) = self.address("address", "address");
        let address: IpAddr = text.trim().parse().ok()?;
        if !serves || !address.to_canonical().is_loopback() {
            return None;
        }
        let rule = format!(
            "must be an address at which the control plane reaches the node, or logs and exec fail; got {address}"
        );
        let repair = "leave it out, or write \"{{ node.address }}\"";
        Some(location.finding(Id::KubeletUnreachable, rule).help(repair))
    }

    /// An address that a flag sets, or else a field, and where.
    fn address(&self, flag: &str, field: &str) -> (&str, FieldLocation) {
        match self.flag(flag) {
            Some(text) => (text, self.flag_location(flag)),
            None => {
                let text = self.config.get(field).and_then(Json::as_str);
                (text.unwrap_or_default(), self.field_location(field))
            }
        }
    }

    fn has_dhcp(&self) -> bool {
        let network = self.node.network.iter();
        let mut interfaces = network.flat_map(|network| &network.interfaces);
        interfaces.any(|interface| interface.dhcp4 || interface.dhcp6)
    }

    /// Folders that the kubelet makes must be where it can make them.
    fn read_only(&self) -> Vec<Finding> {
        let os = &self.node.class.spec.os;
        let made = self
            .paths
            .iter()
            .filter(|told| matches!(told.usage, PathUse::Makes | PathUse::MakesInside));
        let findings = made.filter_map(|told| {
            let path = NodePath::parse(&told.path).ok()?;
            let folder = os.read_only_at(&path)?;
            let rule = format!(
                "the kubelet writes to {path}, and {folder} is read-only on {}",
                os.name
            );
            let location = match told.setting.split_once('.')? {
                ("flags", flag) => self.flag_location(flag),
                (_, field) => self.field_location(field),
            };
            let repair =
                "choose a folder below /var, or mend os.readOnly and os.writable in a layer";
            Some(location.finding(Id::PathReadOnly, rule).help(repair))
        });
        findings.collect()
    }
}
