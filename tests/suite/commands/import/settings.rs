//! The imported kubelets' settings: field by field those that the cluster's kubelets have.

use std::fs;

use nodebake::kubernetes::defaults::chosen;
use serde_json::{Value, json};

use crate::commands::import::{dump, folder, import, import_all, written};
use crate::support::fixture::Project;

/// The configuration that a node of an imported project gets.
fn on_node(project: &Project, node: &str) -> Value {
    let is_kubeadms = written(project, "cluster.yaml").contains("profiles: [kubeadm");
    let file = if is_kubeadms {
        "/var/lib/kubelet/config.yaml"
    } else {
        "/etc/kubernetes/kubelet-config.yaml"
    };
    let shown = project.good(&["show", node, "p", "--file", file, "--no-tokens"]);
    nodebake::yaml::read(&shown).unwrap()
}

/// The settings that are not the kubelet's default, without taints, which are the inventory's.
fn settings(config: &Value, minor: u32) -> Value {
    let mut chosen = chosen(config, minor).config;
    for own in ["registerWithTaints", "providerID"] {
        chosen.remove(own);
    }
    Value::Object(chosen)
}

#[test]
fn they_are_those_of_configz_field_by_field() {
    let project = folder(&[]);
    import_all(&project, &["--build", "worker-*"]);
    let configz: Value = serde_json::from_str(&dump("configz-worker-2.json")).unwrap();
    let mut expected = settings(&configz["kubeletconfig"], 33);
    let mut found = settings(&on_node(&project, "worker-2"), 33);
    assert_eq!(sorted(&mut found), sorted(&mut expected));
    // And those of the ConfigMap where a node has none of its own.
    let map: Value = nodebake::yaml::read(&dump("kubelet-config.yaml")).unwrap();
    let shared: Value = nodebake::yaml::read(map["data"]["kubelet"].as_str().unwrap()).unwrap();
    for (node, minor) in [("worker-1", 34), ("worker-3", 32)] {
        let mut expected = settings(&shared, minor);
        assert_eq!(
            sorted(&mut settings(&on_node(&project, node), minor)),
            sorted(&mut expected),
            "{node}"
        );
    }
}

fn sorted(value: &mut Value) -> String {
    value.sort_all_objects();
    serde_json::to_string_pretty(value).unwrap()
}

/// A cluster of one minor with settings of any kind, as ConfigMap and as /configz.
#[test]
fn any_settings_of_any_minor_come_out_as_they_went_in() {
    let base = json!({
        "authentication": {"x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}, "webhook": {"enabled": true}, "anonymous": {"enabled": false}},
        "authorization": {"mode": "Webhook"}, "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local",
        "rotateCertificates": true, "staticPodPath": "/etc/kubernetes/manifests", "cgroupDriver": "systemd",
    });
    for (minor, own) in [
        (16, json!({})),
        (
            18,
            json!({"kubeAPIQPS": 50, "evictionHard": {"memory.available": "500Mi"}}),
        ),
        (
            20,
            json!({"eventRecordQPS": 0, "serverTLSBootstrap": true, "featureGates": {"CSIMigration": false}}),
        ),
        (24, json!({"cgroupDriver": "cgroupfs", "failSwapOn": false})),
        (
            27,
            json!({"maxParallelImagePulls": 3, "serializeImagePulls": false, "systemReserved": {"cpu": "500m"}}),
        ),
        (
            29,
            json!({"featureGates": {"ImageMaximumGCAge": true}, "imageMaximumGCAge": "24h", "nodeStatusUpdateFrequency": "20s"}),
        ),
        (
            31,
            json!({"nodeStatusReportFrequency": "10m", "kubeReserved": {"memory": "1Gi"}, "kubeReservedCgroup": ""}),
        ),
        (
            34,
            json!({"serializeImagePulls": true, "logging": {"verbosity": 2}, "memorySwap": {"swapBehavior": "NoSwap"}}),
        ),
        (
            34,
            json!({"resolvConf": "", "podPidsLimit": 100, "registryPullQPS": 0, "containerLogMaxSize": "50Mi"}),
        ),
        (
            37,
            json!({"shutdownGracePeriod": "1m", "shutdownGracePeriodCriticalPods": "20s", "maxPods": 250}),
        ),
    ] {
        let mut config = base.clone();
        for (key, value) in own.as_object().unwrap() {
            config[key] = value.clone();
        }
        let version = format!("v1.{minor}.0");
        let node = json!({
            "kind": "Node", "apiVersion": "v1", "metadata": {"name": "n1"},
            "status": {"nodeInfo": {"kubeletVersion": version}, "addresses": [{"type": "InternalIP", "address": "192.0.2.5"}]},
        });
        let map = json!({
            "kind": "ConfigMap", "metadata": {"name": "kubelet-config"}, "data": {"kubelet": config.to_string()},
        });
        let configz = json!({"kubeletconfig": config});
        let as_map = (format!("{node}{map}"), vec!["in.json"]);
        let as_configz = (
            node.to_string(),
            vec!["in.json", "--configz", "n1=configz.json"],
        );
        for (input, args) in [as_map, as_configz] {
            let project = folder(&[("in.json", &input), ("configz.json", &configz.to_string())]);
            let args = [args, vec!["--build", "n1"]].concat();
            let (said, printed, code) = import(&project, &args);
            assert_eq!(code, Some(0), "1.{minor}: {said}{printed}");
            let check = project.run(&["check", "p", "--no-tokens"]);
            assert_eq!(
                check.status.code(),
                Some(0),
                "1.{minor}: {}{}",
                String::from_utf8_lossy(&check.stderr),
                written(&project, "profiles/imported.yaml")
            );
            let mut expected = settings(&config, minor);
            let mut found = settings(&on_node(&project, "n1"), minor);
            assert_eq!(sorted(&mut found), sorted(&mut expected), "1.{minor} {own}");
        }
    }
}

/// A newer kubeadm writes fields that an older kubelet does not have.
#[test]
fn fields_that_a_kubelet_does_not_have_are_left_out_with_a_finding() {
    let text = dump("kubelet-config.yaml").replace(
        "crashLoopBackOff: {}",
        "crashLoopBackOff: {maxContainerRestartPeriod: 2m}",
    );
    let nodes = dump("nodes.json")
        .replace("v1.34.4", "v1.31.0")
        .replace("v1.33.8", "v1.31.0")
        .replace("v1.32.9", "v1.31.0");
    let project = folder(&[("map.yaml", &text), ("nodes.json", &nodes)]);
    let (said, _, code) = import(&project, &["map.yaml", "nodes.json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(
            "crashLoopBackOff: a kubelet of 1.31 does not have this field: it is left out"
        ),
        "{said}"
    );
    let profile = fs::read_to_string(project.dir.join("p/profiles/imported.yaml")).unwrap();
    assert!(!profile.contains("crashLoopBackOff"), "{profile}");
}
