//! The kubelet is told what the node is and has: names, addresses and paths of many inventories, each with the answer
//! that is right for it.

use std::fs;

use serde_json::Value;

use crate::support::fixture::{Project, text};

/// A project whose node n1 has more settings.
pub fn project(profiles: &str, of_node: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text
        .replace(
            "profiles: [worker, rack]",
            &format!("profiles: [{profiles}]"),
        )
        .replace(
            "    addresses: [10.0.0.1]\n",
            &format!(
                "    addresses: [10.0.0.1, \"fd00::1\"]\n    {}\n",
                of_node.replace('\n', "\n    ")
            ),
        );
    assert!(changed.contains(of_node.lines().next().unwrap()));
    fs::write(&file, changed).unwrap();
    project
}

/// The ids of its findings, each once.
pub fn ids(project: &Project) -> Vec<String> {
    let output = project.run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&output.stdout), text(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter();
    let mut ids: Vec<String> = findings
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// What `preflight` lists of a kind, for n1 alone or for all nodes.
pub fn needs(project: &Project) -> Vec<(String, String)> {
    let output = project.run(&["preflight", "-o", "json"]);
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (word(row, "what"), word(row, "why")))
        .collect()
}

#[test]
fn the_kubelet_calls_itself_and_listens_as_the_node() {
    const NAME: &str = "kubelet-name-differs";
    const ADDRESS: &str = "kubelet-address-foreign";
    for (settings, expected) in [
        ("kubelet: {flags: {hostname-override: other}}", vec![NAME]),
        (
            "kubelet: {flags: {hostname-override: n1.example.com}}",
            vec![NAME],
        ),
        (
            "kubelet: {flags: {hostname-override: \"{{ node.name }}.lan\"}}",
            vec![NAME],
        ),
        ("kubelet: {flags: {hostname-override: \" N1 \"}}", vec![]),
        ("hostname: n1.example.com", vec![]),
        (
            "hostname: n1.example.com\nkubelet: {flags: {hostname-override: null}}",
            vec![NAME],
        ),
        (
            "hostname: \"{{ node.name }}.lan\"\nkubelet: {flags: {hostname-override: null}}",
            vec![NAME],
        ),
        (
            "hostname: N1\nkubelet: {flags: {hostname-override: null}}",
            vec![],
        ),
        (
            "hostname: n1\nkubelet: {flags: {hostname-override: null}}",
            vec![],
        ),
        (
            "hostname: null\nkubelet: {flags: {hostname-override: null}}",
            vec![],
        ),
        ("kubelet: {flags: {node-ip: 10.0.0.99}}", vec![ADDRESS]),
        (
            "kubelet: {flags: {node-ip: \"10.0.0.1,fd00::99\"}}",
            vec![ADDRESS],
        ),
        ("kubelet: {flags: {node-ip: 10.0.0.2}}", vec![ADDRESS]),
        ("kubelet: {flags: {node-ip: 10.0.0.1}}", vec![]),
        ("kubelet: {flags: {node-ip: \"fd00:0:0::1\"}}", vec![]),
        ("kubelet: {flags: {node-ip: 0.0.0.0}}", vec![]),
        ("kubelet: {flags: {node-ip: \"::\"}}", vec![]),
        ("kubelet: {flags: {node-ip: null}}", vec![]),
        ("kubelet: {config: {address: 10.0.0.9}}", vec![ADDRESS]),
        (
            "kubelet: {config: {address: \"{{ node.address }}\"}}",
            vec![],
        ),
        ("kubelet: {config: {address: 0.0.0.0}}", vec![]),
        ("kubelet: {config: {address: \"fd00::1\"}}", vec![]),
        (
            "kubelet: {config: {healthzBindAddress: 10.0.0.9}}",
            vec![ADDRESS],
        ),
        ("kubelet: {config: {healthzBindAddress: 127.0.0.1}}", vec![]),
        (
            "interfaces: {lan0: {addresses: [10.0.0.1/24, 10.1.0.1/24]}}\nkubelet: {flags: {node-ip: 10.1.0.1}}",
            vec![],
        ),
        (
            "interfaces: {lan0: {addresses: [10.0.0.1/24]}, lan1: {dhcp: ipv4}}\nkubelet: {config: {address: 10.7.0.1}}",
            vec![],
        ),
    ] {
        let project = project("worker", settings);
        assert_eq!(ids(&project), expected, "{settings}");
    }
}

#[test]
fn a_path_that_nobody_brings_is_listed_and_one_that_is_brought_is_not() {
    let brought = "files: {/etc/x: {content: x}}\ndirectories: {/srv/d: {}}\nlinks: {/etc/l: x, /etc/gone: y}";
    for (settings, listed) in [
        ("kubelet: {flags: {config: /etc/none}}", Some("/etc/none")),
        ("kubelet: {flags: {config: /etc/x}}", None),
        ("kubelet: {flags: {config: /etc/l}}", None),
        (
            "kubelet: {flags: {bootstrap-kubeconfig: /etc/none}}",
            Some("/etc/none"),
        ),
        (
            "kubelet: {flags: {bootstrap-kubeconfig: /etc/gone}}",
            Some("/etc/y"),
        ),
        (
            "kubelet: {flags: {config-dir: /etc/kubelet.d}}",
            Some("/etc/kubelet.d"),
        ),
        ("kubelet: {flags: {config-dir: /srv/d}}", None),
        (
            "kubelet: {flags: {image-credential-provider-config: /etc/none}}",
            Some("/etc/none"),
        ),
        (
            "kubelet: {flags: {image-credential-provider-bin-dir: /opt/cp}}",
            Some("/opt/cp"),
        ),
        (
            "kubelet: {flags: {lock-file: /srv/none/lock}}",
            Some("/srv/none"),
        ),
        ("kubelet: {flags: {lock-file: /srv/d/lock}}", None),
        ("kubelet: {flags: {root-dir: /data/kubelet}}", None),
        (
            "kubelet: {config: {authentication: {x509: {clientCAFile: /etc/none}}}}",
            Some("/etc/none"),
        ),
        (
            "kubelet: {config: {authentication: {x509: {clientCAFile: pki/none}}}}",
            Some("/etc/kubernetes/pki/none"),
        ),
        (
            "kubelet: {config: {tlsCertFile: /etc/none, tlsPrivateKeyFile: /etc/x}}",
            Some("/etc/none"),
        ),
        (
            "kubelet: {config: {resolvConf: /etc/none}}",
            Some("/etc/none"),
        ),
        (
            "kubelet: {config: {staticPodPath: /etc/none}}",
            Some("/etc/none"),
        ),
        ("kubelet: {config: {podLogsDir: /data/logs}}", None),
        ("kubelet: {config: {volumePluginDir: /data/volumes}}", None),
        (
            "kubelet: {config: {containerRuntimeEndpoint: \"\"}}",
            Some("unix:///run/containerd/containerd.sock"),
        ),
        (
            "kubelet: {config: {containerRuntimeEndpoint: unix:///run/crio/crio.sock}}",
            Some("unix:///run/crio/crio.sock"),
        ),
        (
            "kubelet: {config: {imageServiceEndpoint: unix:///run/images.sock}}",
            Some("unix:///run/images.sock"),
        ),
        (
            "units: {a.service: {text: \"[Service]\\nExecStart=/opt/none\\n\"}}",
            Some("/opt/none"),
        ),
        (
            "units: {a.service: {text: \"[Service]\\nExecStart=/etc/x\\n\"}}",
            None,
        ),
        (
            "units: {kubelet.service: {dropins: {a.conf: \"[Service]\\nEnvironmentFile=/etc/default/kubelet\\n\"}}}",
            Some("/etc/default/kubelet"),
        ),
        (
            "units: {kubelet.service: {dropins: {a.conf: \"[Service]\\nEnvironmentFile=-/etc/default/kubelet\\n\"}}}",
            None,
        ),
        (
            "kubeconfigs: {/etc/k: {tokenFile: /var/token}}",
            Some("/var/token"),
        ),
        (
            "kubelet: {flags: {hostname-override: null}}\nhostname: null",
            Some("the host name n1"),
        ),
    ] {
        let project = project("worker", &format!("{settings}\n{brought}"));
        let without = self::project("worker", brought);
        let usual = needs(&without);
        let mut listed_now: Vec<String> = Vec::new();
        for (what, why) in needs(&project) {
            assert!(!what.is_empty(), "{settings}: {why}");
            if !usual.iter().any(|(known, _)| *known == what) || Some(what.as_str()) == listed {
                listed_now.push(what);
            }
        }
        let listed: Vec<&str> = listed.into_iter().collect();
        assert_eq!(listed_now, listed, "{settings}");
    }
}

#[test]
fn the_kubelet_cannot_write_where_the_image_is_read_only() {
    for (settings, expected) in [
        (
            "kubelet: {config: {volumePluginDir: /usr/libexec/kubernetes}}",
            true,
        ),
        ("kubelet: {config: {podLogsDir: /usr/logs}}", true),
        ("kubelet: {flags: {root-dir: /usr/kubelet}}", true),
        ("kubelet: {flags: {cert-dir: /usr/pki}}", true),
        ("kubelet: {flags: {kubeconfig: /usr/kubeconfig}}", true),
        ("kubelet: {flags: {root-dir: /var/kubelet}}", false),
    ] {
        let found = ids(&project("worker, flatcar", settings));
        assert_eq!(
            found.contains(&"path-read-only".to_owned()),
            expected,
            "{settings}: {found:?}"
        );
    }
    assert!(
        ids(&project(
            "worker, debian",
            "kubelet: {flags: {root-dir: /usr/kubelet}}"
        ))
        .is_empty()
    );
}

#[test]
fn the_kubelet_waits_for_its_own_runtime() {
    for (settings, unit) in [
        ("taints: {}", "containerd.service"),
        (
            "kubelet: {config: {containerRuntimeEndpoint: unix:///run/crio/crio.sock}}",
            "crio.service",
        ),
        (
            "kubelet: {config: {containerRuntimeEndpoint: unix:///run/cri-dockerd.sock}}",
            "cri-docker.service",
        ),
    ] {
        let project = project("worker", settings);
        let unit_text = project.good(&[
            "show",
            "n1",
            "--file",
            "/etc/systemd/system/kubelet.service",
        ]);
        let after = format!("After=network-online.target {unit}\n");
        assert!(unit_text.contains(&after), "{settings}: {unit_text}");
        assert!(
            unit_text.contains(&format!("\nWants={unit}\n")),
            "{unit_text}"
        );
    }
}
