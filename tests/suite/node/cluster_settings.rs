//! What kubelets are told of the cluster against what the inventory says of it, by flags, fields, drop-ins and the unit's own command.

use serde_json::{Value, json};

use super::host_files::{Case, each_is_as_it_says};

const DOMAIN: &[&str] = &["cluster-domain-differs"];
const DNS: &[&str] = &["cluster-dns-differs"];
const PODS: &[&str] = &["pods-without-addresses"];
const FIXED: &[&str] = &["kubelet-serving-certificate-fixed"];

fn config(name: &'static str, config: Value, ids: &'static [&'static str]) -> Case<'static> {
    Case {
        name,
        node: json!({"kubelet": {"config": config}}),
        ids,
    }
}

/// A drop-in of a kubelet's folder.
fn drop_in(name: &'static str, patch: &str, ids: &'static [&'static str]) -> Case<'static> {
    let text =
        format!("kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n{patch}\n");
    Case {
        name,
        node: json!({
            "kubelet": {"flags": {"config-dir": "/etc/kubernetes/kubelet.conf.d"}},
            "files": {"/etc/kubernetes/kubelet.conf.d/10-own.conf": {"content": text}},
        }),
        ids,
    }
}

#[test]
fn the_clusters_domain_and_servers_are_the_inventorys() {
    let cases = [
        config("as it is", json!({}), &[]),
        config("the same", json!({"clusterDomain": "cluster.local"}), &[]),
        config(
            "with a dot",
            json!({"clusterDomain": "cluster.local."}),
            &[],
        ),
        config(
            "another",
            json!({"clusterDomain": "k8s.example.com"}),
            DOMAIN,
        ),
        config(
            "of a template",
            json!({"clusterDomain": "{{ cluster.network.clusterDomain }}"}),
            &[],
        ),
        config(
            "the same server",
            json!({"clusterDNS": ["10.96.0.10"]}),
            &[],
        ),
        config(
            "another service",
            json!({"clusterDNS": ["10.96.0.11"]}),
            DNS,
        ),
        config(
            "one of two",
            json!({"clusterDNS": ["10.96.0.10", "10.96.7.7"]}),
            DNS,
        ),
        config(
            "a cache on the node",
            json!({"clusterDNS": ["169.254.20.10"]}),
            &[],
        ),
        config(
            "both",
            json!({"clusterDNS": ["169.254.20.10", "10.96.0.10"]}),
            &[],
        ),
        config(
            "a server of the site",
            json!({"clusterDNS": ["192.0.2.53"]}),
            &[],
        ),
        config("the loopback", json!({"clusterDNS": ["127.0.0.1"]}), DNS),
        drop_in("a drop-in's", "clusterDomain: other.local", DOMAIN),
        drop_in("a drop-in's server", "clusterDNS: [10.96.3.3]", DNS),
        drop_in("a good drop-in", "clusterDomain: cluster.local", &[]),
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
    // The unit's own command is what is started.
    let cases = [Case {
        name: "a unit's own command",
        node: json!({"units": {"kubelet.service": {"dropins": {"20-own.conf": "[Service]\nExecStart=\nExecStart=/usr/local/bin/kubelet \
            --config=/etc/kubernetes/kubelet-config.yaml --kubeconfig=/etc/kubernetes/kubelet.kubeconfig \
            --bootstrap-kubeconfig=/etc/kubernetes/bootstrap.kubeconfig --cluster-domain=other.local\n"}}}}),
        ids: DOMAIN,
    }];
    each_is_as_it_says("v1.16.6", &json!({}), &cases);
}

#[test]
fn pods_have_addresses() {
    let cases = [
        config("usual", json!({"maxPods": 110}), &[]),
        config("all of a part", json!({"maxPods": 254}), &[]),
        config("more", json!({"maxPods": 255}), PODS),
        config("many more", json!({"maxPods": 500}), PODS),
        drop_in("by a drop-in", "maxPods: 500", PODS),
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
    let small = json!({"network": {"clusterDNS": ["10.96.0.10"], "serviceCIDRs": ["10.96.0.0/16"], "podCIDRs": ["10.244.0.0/26"]}});
    let cases = [
        config("small", json!({"maxPods": 62}), &[]),
        config("too small", json!({"maxPods": 63}), PODS),
        config("by default", json!({}), PODS),
    ];
    each_is_as_it_says("v1.34.4", &small, &cases);
    let routed =
        json!({"network": {"clusterDNS": ["10.96.0.10"], "serviceCIDRs": ["10.96.0.0/16"]}});
    each_is_as_it_says(
        "v1.34.4",
        &routed,
        &[config("not known", json!({"maxPods": 500}), &[])],
    );
}

#[test]
fn a_file_is_not_renewed_by_the_cluster() {
    let pair = json!({"tlsCertFile": "/etc/kubernetes/own.crt", "tlsPrivateKeyFile": "/etc/kubernetes/own.key"});
    let with = |bootstrap: Value| {
        let mut config = pair.clone();
        config["serverTLSBootstrap"] = bootstrap;
        config
    };
    let cases = [
        config("beside the profile's request", pair.clone(), FIXED),
        config("beside one's own", with(json!(true)), FIXED),
        config("without", with(json!(false)), &[]),
        config("nothing", with(Value::Null), &[]),
        config("no file", json!({"serverTLSBootstrap": true}), &[]),
        drop_in(
            "by a drop-in",
            "tlsCertFile: /a.crt\ntlsPrivateKeyFile: /a.key",
            FIXED,
        ),
    ];
    each_is_as_it_says("v1.34.4", &json!({}), &cases);
}
