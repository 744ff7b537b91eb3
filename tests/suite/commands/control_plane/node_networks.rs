//! `preflight`: each node's part of the pods' network has room for its pods, and there is one for each node.

use std::fs;

use super::{ARGS, checked, project};

const LEADER: &str = "--leader-elect=true";

/// What is said of a controller manager with another size, where nodes may have so many pods in these networks.
fn said(networks: &str, most: Option<u32>, size: &str) -> (String, Option<i32>) {
    let to = if size.is_empty() { LEADER } else { size };
    let project = project(LEADER, to);
    let file = project.dir.join("cluster.yaml");
    let mut text = fs::read_to_string(&file).unwrap();
    text = text.replace(
        "podCIDRs: [10.244.0.0/16]",
        &format!("podCIDRs: [{networks}]"),
    );
    if networks.contains(':') {
        text = text.replace(
            "serviceCIDRs: [10.96.0.0/16]",
            "serviceCIDRs: [10.96.0.0/16, \"fd00:96::/112\"]",
        );
    }
    if let Some(most) = most {
        text += &format!("kubelet: {{config: {{maxPods: {most}}}}}\n");
        text += "findings: {pods-without-addresses: {level: \"off\", reason: the control plane has its own size}}\n";
    }
    fs::write(file, text).unwrap();
    let manifest = project.dir.join("kube-controller-manager.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let cidrs = networks.replace(['"', ' '], "");
    fs::write(
        manifest,
        text.replace(
            "--cluster-cidr=10.244.0.0/16",
            &format!("--cluster-cidr={cidrs}"),
        ),
    )
    .unwrap();
    let api = project.dir.join("kube-apiserver.yaml");
    let text = fs::read_to_string(&api).unwrap();
    if networks.contains(':') {
        let both = "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112";
        fs::write(
            api,
            text.replace("--service-cluster-ip-range=10.96.0.0/16", both),
        )
        .unwrap();
    }
    let (_, said, code) = checked(&project, &ARGS);
    (said, code)
}

#[test]
fn parts_of_the_pods_network_have_room() {
    const BOTH: &str = "10.244.0.0/16, \"fd00:244::/56\"";
    for (networks, most, size, expected) in [
        ("10.244.0.0/16", None, "", ""),
        ("10.244.0.0/16", Some(254), "", ""),
        (
            "10.244.0.0/16",
            Some(255),
            "",
            "--node-cidr-mask-size: gives a node 254 addresses of 10.244.0.0/16, and maxPods is 255; got 24",
        ),
        ("10.244.0.0/16", Some(255), "--node-cidr-mask-size=23", ""),
        ("10.244.0.0/16", Some(500), "--node-cidr-mask-size=23", ""),
        (
            "10.244.0.0/16",
            Some(511),
            "--node-cidr-mask-size=23",
            "has 510",
        ),
        (
            "10.244.0.0/16",
            None,
            "--node-cidr-mask-size=26",
            "gives a node 62 addresses",
        ),
        (
            "10.244.0.0/16",
            None,
            "--node-cidr-mask-size-ipv4=26",
            "--node-cidr-mask-size-ipv4: gives a node 62 addresses",
        ),
        ("10.244.0.0/16", Some(60), "--node-cidr-mask-size=26", ""),
        (
            "10.244.0.0/16",
            None,
            "--node-cidr-mask-size=12",
            "must be 16 or more",
        ),
        ("10.244.0.0/23", None, "", "room for 2 nodes, and there are"),
        ("10.244.0.0/20", None, "", ""),
        ("10.244.0.0/25", None, "", "must be 25 or more"),
        (BOTH, None, "", ""),
        (BOTH, None, "--node-cidr-mask-size=24", "the program ends"),
        (BOTH, Some(400), "--node-cidr-mask-size-ipv4=23", ""),
        (
            BOTH,
            Some(400),
            "",
            "--node-cidr-mask-size-ipv4: gives a node 254",
        ),
        (
            BOTH,
            None,
            "--node-cidr-mask-size-ipv6=80",
            "must be 72 or less",
        ),
        ("\"fd00:244::/56\"", None, "", ""),
        ("\"fd00:244::/40\"", None, "", "must be 56 or less"),
    ] {
        let (said, code) = said(networks, most, size);
        let row = format!("{networks} {most:?} {size}: {said}");
        if expected.is_empty() {
            assert_eq!((said.as_str(), code), ("", Some(0)), "{row}");
        } else {
            assert!(said.contains("node-cidr-mask-size"), "{row}");
            let expected = expected.trim_start_matches("has ");
            assert!(
                said.contains(expected) && said.lines().count() == 1,
                "{row}"
            );
            assert_eq!(code, Some(3), "{row}");
        }
    }
}
