//! The runtime that a kubelet talks to: the endpoint that counts among flags, field and default, and the unit behind it.

use serde_json::{Map, Value as Json};

/// containerd's socket: the default where nobody says more, since dockershim went (options.NewContainerRuntimeOptions;
/// since 1.27 the field's default, which an empty text has too).
const CONTAINERD: &str = "unix:///run/containerd/containerd.sock";
/// The minor from which no kubelet talks to Docker by itself (KEP-2221).
pub const WITHOUT_DOCKERSHIM: u32 = 24;
/// The minor from which the endpoint is a field.
const FIELD: u32 = 27;

/// Where the kubelet of a minor finds its runtime, out of rendered flags and configuration.
pub fn endpoint<'k>(flags: &'k Map<String, Json>, config: &'k Json, minor: u32) -> &'k str {
    let flag = |name: &str| {
        let text = flags.get(name).and_then(Json::as_str);
        text.filter(|text| !text.is_empty())
    };
    let is_remote = flag("container-runtime") == Some("remote");
    if minor < WITHOUT_DOCKERSHIM && !is_remote {
        return flag("docker-endpoint").unwrap_or("unix:///var/run/docker.sock");
    }
    let field = config
        .get("containerRuntimeEndpoint")
        .and_then(Json::as_str);
    let field = field.filter(|text| !text.is_empty() && minor >= FIELD);
    let default = match minor {
        ..WITHOUT_DOCKERSHIM => "unix:///var/run/dockershim.sock",
        _ => CONTAINERD,
    };
    // A flag wins over the field that it became (cmd/kubelet/app/server.go, kubeletConfigFlagPrecedence).
    flag("container-runtime-endpoint")
        .or(field)
        .unwrap_or(default)
}

/// The program behind an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeKind {
    /// containerd, or what the endpoint does not tell.
    Containerd,
    /// CRI-O.
    Crio,
    /// Docker behind cri-dockerd.
    CriDockerd,
    /// Docker behind dockershim, a part of kubelets before 1.24.
    Docker,
}

impl RuntimeKind {
    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Crio => "CRI-O",
            Self::CriDockerd => "cri-dockerd",
            Self::Docker => "Docker",
        }
    }

    /// The unit of systemd that pulls images.
    pub fn puller(self) -> &'static str {
        match self {
            Self::Containerd => "containerd.service",
            Self::Crio => "crio.service",
            Self::CriDockerd | Self::Docker => "docker.service",
        }
    }
}

/// The program behind an endpoint; containerd for one that tells nothing.
pub fn kind(endpoint: &str) -> RuntimeKind {
    let has = |part: &str| endpoint.contains(part);
    if has("crio") {
        RuntimeKind::Crio
    } else if has("cri-dockerd") {
        RuntimeKind::CriDockerd
    } else if has("docker.sock") || has("dockershim") {
        RuntimeKind::Docker
    } else {
        RuntimeKind::Containerd
    }
}

/// The unit of systemd that serves an endpoint; containerd's for one that tells nothing.
pub fn unit(endpoint: &str) -> &'static str {
    match kind(endpoint) {
        RuntimeKind::CriDockerd => "cri-docker.service",
        other => other.puller(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_that_counts_is_found() {
        let crio = "unix:///var/run/crio/crio.sock";
        let other = "unix:///run/other.sock";
        for (flags, config, minor, expected) in [
            (serde_json::json!({}), serde_json::json!({}), 34, CONTAINERD),
            (
                serde_json::json!({}),
                serde_json::json!({"containerRuntimeEndpoint": ""}),
                34,
                CONTAINERD,
            ),
            (
                serde_json::json!({}),
                serde_json::json!({"containerRuntimeEndpoint": crio}),
                34,
                crio,
            ),
            (
                serde_json::json!({"container-runtime-endpoint": other}),
                serde_json::json!({"containerRuntimeEndpoint": crio}),
                34,
                other,
            ),
            (
                serde_json::json!({"container-runtime": "remote", "container-runtime-endpoint": crio}),
                serde_json::json!({}),
                20,
                crio,
            ),
            (
                serde_json::json!({}),
                serde_json::json!({}),
                20,
                "unix:///var/run/docker.sock",
            ),
            (serde_json::json!({}), serde_json::json!({}), 25, CONTAINERD),
        ] {
            let flags = flags.as_object().expect("a map");
            assert_eq!(
                endpoint(flags, &config, minor),
                expected,
                "{flags:?} {config} 1.{minor}"
            );
        }
    }

    #[test]
    fn endpoints_lead_to_their_units() {
        for (endpoint, expected) in [
            ("unix:///var/run/crio/crio.sock", "crio.service"),
            ("/run/crio/crio.sock", "crio.service"),
            ("unix:///run/cri-dockerd.sock", "cri-docker.service"),
            ("unix:///var/run/docker.sock", "docker.service"),
            ("unix:///var/run/dockershim.sock", "docker.service"),
            (CONTAINERD, "containerd.service"),
            (
                "unix:///run/k3s/containerd/containerd.sock",
                "containerd.service",
            ),
        ] {
            assert_eq!(unit(endpoint), expected, "{endpoint}");
        }
    }
}
