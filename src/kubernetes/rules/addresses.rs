//! Addresses: the node's own, those at which the kubelet listens, and the resolvers of pods.

use std::net::IpAddr;

use crate::kubernetes::rules::reading::{ConfigReader, Known};
use crate::report::Id;

const NODE_IP: &str = "node-ip";

/// The minor from which `--node-ip` takes an address of each family (KEP-563).
const DUAL_STACK: u32 = 20;

/// `--node-ip`: one address, or an IPv4 and an IPv6 one. Source: component-helpers `node/util/ips.go`, ParseNodeIPArgument, and
/// before 1.27 RunKubelet of cmd/kubelet/app/server.go. What that does not understand is left out with a line in the log, and
/// the kubelet looks for an address itself.
pub fn of_node(reading: &ConfigReader<'_>) -> Known<()> {
    let Some(text) = reading.flag(NODE_IP)?.filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let say = |rule: String, repair: &str| {
        reading.refuse_flag(Id::KubeletAddressInvalid, NODE_IP, rule, repair);
    };
    let mut addresses: Vec<IpAddr> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let Ok(address) = part.parse::<IpAddr>() else {
            say(format!("must be an IP address; got {part:?}"), "");
            return Ok(());
        };
        if let Some(rule) = unusable(&address, reading.minor) {
            reading.refuse_flag(Id::NodeAddressUnusable, NODE_IP, rule, "");
        }
        addresses.push(address.to_canonical());
    }
    let minor = reading.minor;
    match addresses.as_slice() {
        [_] => {}
        [one, other] if one.is_ipv4() != other.is_ipv4() && minor >= DUAL_STACK => {
            pair(reading, addresses.as_slice())?;
        }
        _ if minor < DUAL_STACK => say(
            format!("must be one address in Kubernetes 1.{minor}; got {text}"),
            "",
        ),
        _ => say(
            format!("must be one address, or an IPv4 and an IPv6 one; got {text}"),
            "",
        ),
    }
    Ok(())
}

/// Why a kubelet refuses an address of its node. The node's status then never has an address. Source:
/// pkg/kubelet/kubelet_node_status.go, validateNodeIP, and nodestatus/setters.go, NodeAddress: since 1.18 0.0.0.0 and ::
/// choose a family.
pub fn unusable(address: &IpAddr, minor: u32) -> Option<String> {
    let canonical = address.to_canonical();
    let kind = match canonical {
        one if one != *address => {
            return Some(format!(
                "must be an IPv4 address and not one in the form of IPv6: write {canonical}; got {address}"
            ));
        }
        one if one.is_loopback() => "a loopback address",
        one if one.is_multicast() => "a multicast address",
        IpAddr::V4(one) if one.is_link_local() => "a link-local address",
        IpAddr::V6(one) if one.is_unicast_link_local() => "a link-local address",
        one if one.is_unspecified() && minor < 18 => "the unspecified address",
        _ => return None,
    };
    Some(format!("must not be {kind}; got {address}"))
}

/// An address of each family: what that needs. Source: as above; KEP-3705 for clouds.
fn pair(reading: &ConfigReader<'_>, addresses: &[IpAddr]) -> Known<()> {
    let minor = reading.minor;
    if addresses.iter().any(IpAddr::is_unspecified) {
        let rule = "must not have 0.0.0.0 or :: beside another address";
        reading.refuse_flag(Id::KubeletAddressInvalid, NODE_IP, rule, "");
    }
    if reading.is_off("IPv6DualStack") {
        let rule = format!(
            "an address of each family needs the feature gate IPv6DualStack, which is off in Kubernetes 1.{minor}"
        );
        let repair = "set one address, or the gate in kubelet.config.featureGates";
        reading.refuse_flag(Id::KubeletFeatureNeedsGate, NODE_IP, rule, repair);
    }
    let cloud = reading.flag("cloud-provider")?.unwrap_or_default();
    let refused = match cloud {
        "" => false,
        "external" => minor < 27 || reading.is_off("CloudDualStackNodeIPs"),
        _ => true,
    };
    if refused {
        let by = match minor {
            ..27 => "",
            _ => " without the feature gate CloudDualStackNodeIPs",
        };
        let rule = format!(
            "excludes --node-ip with an address of each family in Kubernetes 1.{minor}{by}; got {cloud:?}"
        );
        let repair = "set kubelet.flags.node-ip to one address, for example \"{{ node.address }}\"";
        reading.refuse_flag(Id::KubeletAddressInvalid, "cloud-provider", rule, repair);
    }
    Ok(())
}

/// Addresses at which the kubelet listens. Source: pkg/kubelet/server/server.go, ListenAndServeKubeletServer, which ends the
/// kubelet; cmd/kubelet/app/server.go, run, for the health endpoint, which is tried again without end.
pub fn listening(reading: &ConfigReader<'_>) -> Known<()> {
    for field in ["address", "healthzBindAddress"] {
        let text = reading.text(field)?;
        if !text.is_empty() && text.parse::<IpAddr>().is_err() {
            let rule = format!("must be an IP address; got {text:?}");
            reading.refuse(Id::KubeletAddressInvalid, &[field], rule, "");
        }
    }
    Ok(())
}

/// Two servers of the kubelet at one port: the second cannot listen. Source: pkg/kubelet/server/server.go, which ends the kubelet
/// for the two of its API; cmd/kubelet/app/server.go, run, for the health endpoint.
pub fn ports(reading: &ConfigReader<'_>) -> Known<()> {
    let port = reading.int("port")?.unwrap_or(10250);
    if !reading.bool_or("enableServer", true)? {
        return Ok(());
    }
    let taken = |field: &str, other: i64| {
        let rule = format!("must not be the port of the kubelet's API too; got {other}");
        reading.refuse(Id::KubeletFieldsConflict, &[field], rule, "");
    };
    let read_only = reading.int("readOnlyPort")?.unwrap_or(0);
    // 0 switches the read-only port and the health endpoint off.
    if read_only == port && port != 0 {
        taken("readOnlyPort", port);
    }
    let health = reading.int("healthzPort")?.unwrap_or(10248);
    if health == port && health != 0 && meet(reading)? {
        taken("healthzPort", health);
    }
    Ok(())
}

/// Whether the API and the health endpoint listen at one address: one of them at all, or both at the same.
fn meet(reading: &ConfigReader<'_>) -> Known<bool> {
    let address = |field: &str, default: &'static str| {
        let text = reading.text(field)?;
        Ok(if text.is_empty() { default } else { text }
            .parse::<IpAddr>()
            .ok())
    };
    let api = address("address", "0.0.0.0")?;
    let health = address("healthzBindAddress", "127.0.0.1")?;
    let everywhere = |one: &Option<IpAddr>| one.is_some_and(|one| one.is_unspecified());
    Ok(everywhere(&api) || everywhere(&health) || api == health)
}

/// Resolvers of pods. Source: pkg/kubelet/kubelet.go, NewMainKubelet: what is no address is left out, and pods get the node's
/// resolvers.
pub fn dns(reading: &ConfigReader<'_>) -> Known<()> {
    const FIELD: &str = "clusterDNS";
    for (index, text) in reading.texts(FIELD)?.unwrap_or_default().iter().enumerate() {
        if text.parse::<IpAddr>().is_err() {
            let rule = format!("must be an IP address; got {text:?}");
            let path = [FIELD, &index.to_string()];
            reading.refuse(Id::KubeletAddressInvalid, &path, rule, "");
        }
    }
    Ok(())
}
