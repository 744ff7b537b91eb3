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

/// The ids of n1's findings, each once.
pub fn ids(project: &Project) -> Vec<String> {
    let output = project.run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&output.stdout), text(&output.stderr)));
    let is_of_n1 = |one: &&Value| {
        let nodes = one["nodes"].as_array();
        nodes.is_none_or(|nodes| nodes.is_empty() || nodes.contains(&Value::from("n1")))
    };
    let findings = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_of_n1);
    let mut ids: Vec<String> = findings
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// What `preflight` lists for n1, and why.
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
    let is_of_n1 = |row: &&Value| {
        row["nodes"]
            .as_array()
            .unwrap()
            .contains(&Value::from("n1"))
    };
    let rows = rows.as_array().unwrap().iter().filter(is_of_n1);
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
            "interfaces: {lan0: {addresses: [10.0.0.1/24, 10.1.0.1/24, \"fd00::1/64\"]}}\nkubelet: {flags: {node-ip: 10.1.0.1}}",
            vec![],
        ),
        (
            "interfaces: {lan0: {addresses: [10.0.0.1/24, \"fd00::1/64\"]}, lan1: {dhcp: ipv4}}\nkubelet: {config: {address: 10.7.0.1}}",
            vec![],
        ),
    ] {
        let project = project("worker", settings);
        assert_eq!(ids(&project), expected, "{settings}");
    }
}

#[test]
fn a_path_that_nobody_brings_is_listed_and_one_that_is_brought_is_not() {
    let brought = "files: {/etc/x: {content: x, mode: \"0755\"}}\ndirectories: {/srv/d: {}}\nlinks: {/etc/l: x, /etc/gone: y}";
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

/// The text of a file of n1.
fn file(project: &Project, path: &str) -> String {
    project.good(&["show", "n1", "--file", path])
}

/// The program that n1's kubelet is started from.
fn program(project: &Project, unit: &str) -> String {
    let text = file(project, &format!("/etc/systemd/system/{unit}"));
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    line.unwrap().trim_end_matches([' ', '\\']).to_owned()
}

/// A project with small programs as assets at these paths.
fn with_assets(profiles: &str, paths: &[&str], more: &str) -> Project {
    let bytes = b"#!/bin/sh\n";
    let digest = crate::support::fixture::sha256(bytes);
    let asset =
        |path: &&str| format!("{path}: {{source: program, sha256: {digest}, mode: \"0755\"}}");
    let assets: Vec<String> = paths.iter().map(asset).collect();
    let project = project(
        profiles,
        &format!("assets: {{{}}}\n{more}", assets.join(", ")),
    );
    fs::write(project.dir.join("program"), bytes).unwrap();
    project
}

#[test]
fn the_unit_starts_the_kubelet_that_is_there() {
    for (profiles, assets, more, expected) in [
        ("worker", vec![], "taints: {}", "/usr/local/bin/kubelet"),
        ("worker, debian", vec![], "taints: {}", "/usr/bin/kubelet"),
        ("worker, ubuntu", vec![], "taints: {}", "/usr/bin/kubelet"),
        (
            "worker, fedora-coreos",
            vec![],
            "taints: {}",
            "/usr/bin/kubelet",
        ),
        ("worker, flatcar", vec![], "taints: {}", "/opt/bin/kubelet"),
        (
            "worker, immutable",
            vec![],
            "taints: {}",
            "/usr/bin/kubelet",
        ),
        (
            "by-hand, debian",
            vec![],
            "taints: {}",
            "/opt/k8s/bin/kubelet",
        ),
        (
            "worker, debian",
            vec!["/usr/local/bin/kubelet"],
            "taints: {}",
            "/usr/local/bin/kubelet",
        ),
        (
            "worker, debian",
            vec!["/opt/bin/kubelet"],
            "taints: {}",
            "/opt/bin/kubelet",
        ),
        (
            "worker, flatcar",
            vec!["/opt/k8s/kubelet"],
            "taints: {}",
            "/opt/k8s/kubelet",
        ),
        (
            "by-hand, ubuntu",
            vec!["/usr/local/bin/kubelet"],
            "taints: {}",
            "/usr/local/bin/kubelet",
        ),
        (
            "worker, debian",
            vec!["/opt/a/kubelet", "/usr/local/bin/kubelet"],
            "taints: {}",
            "/usr/local/bin/kubelet",
        ),
        (
            "worker, debian",
            vec![],
            "paths: {kubelet: /opt/mine/kubelet}",
            "/opt/mine/kubelet",
        ),
        (
            "worker, debian",
            vec!["/opt/mine/kubelet"],
            "paths: {kubelet: /opt/mine/kubelet}",
            "/opt/mine/kubelet",
        ),
        (
            "worker, debian",
            vec!["/opt/k8s/kubelet"],
            "links: {/usr/local/bin/kubelet: /opt/k8s/kubelet}",
            "/usr/local/bin/kubelet",
        ),
        // No program, whatever it is called.
        (
            "worker, debian",
            vec![],
            "files: {/etc/default/kubelet: {content: x}}",
            "/usr/bin/kubelet",
        ),
    ] {
        let project = with_assets(profiles, &assets, more);
        assert_eq!(
            program(&project, "kubelet.service"),
            expected,
            "{profiles} {assets:?} {more}"
        );
        let found = ids(&project);
        let usual = ["asset-version-unknown"];
        assert!(
            found.iter().all(|id| usual.contains(&id.as_str())),
            "{found:?}"
        );
        let is_listed = needs(&project).iter().any(|(what, _)| what == expected);
        let is_brought = assets.contains(&expected) || more.contains(&format!("{expected}:"));
        assert_eq!(is_listed, !is_brought, "{profiles} {assets:?} {more}");
    }
}

#[test]
fn a_program_that_is_elsewhere_is_found() {
    for (assets, more) in [
        (
            vec!["/opt/bin/kubelet"],
            "paths: {kubelet: /usr/bin/kubelet}",
        ),
        (
            vec!["/opt/bin/kubelet"],
            "units: {kubelet.service: {replace: true, text: \"[Service]\\nExecStart=/usr/bin/kubelet --kubeconfig=/var/lib/kubelet/kubeconfig\\n\"}}",
        ),
        (
            vec!["/opt/bin/containerd"],
            "paths: {containerd: /usr/bin/containerd}\nunits: {containerd.service: {text: \"[Service]\\nExecStart=/usr/bin/containerd\\n\"}}",
        ),
    ] {
        let project = with_assets("worker, debian", &assets, more);
        let found = ids(&project);
        assert!(
            found.contains(&"program-elsewhere".to_owned()),
            "{assets:?} {more}: {found:?}"
        );
    }
}

#[test]
fn containerd_looks_where_the_plugins_are() {
    let containerd = "overlays: {containerd: {}}\ncontainerd: {version: VERSION}";
    for (profiles, version, assets, more, expected) in [
        ("worker", "2.1", vec![], "", "bin_dirs = [\"/opt/cni/bin\"]"),
        (
            "worker, debian",
            "2.1",
            vec![],
            "",
            "bin_dirs = [\"/opt/cni/bin\", \"/usr/lib/cni\"]",
        ),
        (
            "worker, ubuntu",
            "2.2",
            vec![],
            "",
            "bin_dirs = [\"/opt/cni/bin\", \"/usr/lib/cni\"]",
        ),
        (
            "worker, fedora-coreos",
            "2.1",
            vec![],
            "",
            "bin_dirs = [\"/opt/cni/bin\", \"/usr/libexec/cni\"]",
        ),
        (
            "worker, debian",
            "2.0",
            vec![],
            "",
            "bin_dir = \"/opt/cni/bin\"",
        ),
        (
            "worker, debian",
            "1.7",
            vec![],
            "",
            "bin_dir = \"/opt/cni/bin\"",
        ),
        (
            "worker, debian",
            "2.1",
            vec!["/opt/cni/bin/bridge"],
            "",
            "bin_dirs = [\"/opt/cni/bin\", \"/usr/lib/cni\"]",
        ),
        (
            "worker",
            "2.1",
            vec!["/opt/k8s/cni/loopback", "/opt/k8s/cni/bridge"],
            "",
            "bin_dirs = [\"/opt/k8s/cni\", \"/opt/cni/bin\"]",
        ),
        (
            "worker",
            "1.7",
            vec!["/opt/k8s/cni/loopback"],
            "",
            "bin_dir = \"/opt/k8s/cni\"",
        ),
        (
            "worker",
            "1.7",
            vec!["/usr/local/sbin/bridge"],
            "",
            "bin_dir = \"/opt/cni/bin\"",
        ),
        (
            "worker, debian",
            "2.1",
            vec!["/opt/cni/bin/bridge"],
            "paths: {cniBin: /usr/lib/cni}",
            "bin_dirs = [\"/usr/lib/cni\", \"/opt/cni/bin\"]",
        ),
    ] {
        let more = format!(
            "{}\n{more}",
            containerd.replace("VERSION", &format!("\"{version}\""))
        );
        let project = with_assets(profiles, &assets, &more);
        let text = file(&project, "/etc/containerd/config.toml");
        let line = text.lines().find(|line| line.trim().starts_with("bin_dir"));
        assert_eq!(
            line.map(str::trim),
            Some(expected),
            "{profiles} {version} {assets:?}"
        );
        assert!(
            text.contains("\nimports = [\"/etc/containerd/conf.d/*.toml\"]\n"),
            "{text}"
        );
    }
}

#[test]
fn a_containerd_that_is_an_asset_has_its_unit() {
    let overlay = "overlays: {containerd: {}}";
    for (profiles, path) in [
        ("worker", "/usr/local/bin/containerd"),
        ("worker, debian", "/usr/local/bin/containerd"),
        ("worker, flatcar", "/opt/bin/containerd"),
        ("by-hand", "/opt/k8s/bin/containerd"),
    ] {
        let project = with_assets(profiles, &[path], overlay);
        assert_eq!(program(&project, "containerd.service"), path, "{profiles}");
        let text = file(&project, "/etc/systemd/system/containerd.service");
        for line in [
            "Type=notify",
            "Delegate=yes",
            "KillMode=process",
            "WantedBy=multi-user.target",
        ] {
            assert!(text.lines().any(|has| has == line), "{text}");
        }
        let is_usual = path.starts_with("/usr/local/bin/");
        assert_eq!(text.contains("Environment=PATH="), !is_usual, "{text}");
        let listed = needs(&project);
        assert!(
            !listed.iter().any(|(what, _)| what.ends_with("containerd")),
            "{listed:?}"
        );
    }
    let own = "units: {containerd.service: {text: \"[Service]\\nExecStart=/usr/local/bin/containerd --mine\\n\"}}";
    let project = with_assets("worker", &["/usr/local/bin/containerd"], own);
    assert!(program(&project, "containerd.service").ends_with("--mine"));
    let image = with_assets("worker", &[], overlay);
    let output = image.run(&[
        "show",
        "n1",
        "--file",
        "/etc/systemd/system/containerd.service",
    ]);
    assert!(!output.status.success(), "the image has its own");
}

#[test]
fn a_node_on_which_nothing_starts_the_kubelet_is_refused() {
    const NOT_STARTED: &str = "kubelet-not-started";
    let kubeadm = "paths: {kubeletConfig: /var/lib/kubelet/config.yaml, bootstrapKubeconfig: /etc/kubernetes/bootstrap-kubelet.conf}\n";
    let image = "units: {kubelet.service: {enabled: true}}\n";
    let own = |enabled: &str| {
        format!(
            "units: {{mine.service: {{{enabled}text: \"[Service]\\nExecStart=/usr/bin/kubelet \
             --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.kubeconfig\\n[Install]\\nWantedBy=multi-user.target\\n\"}}}}\n"
        )
    };
    for (profiles, more, is_refused) in [
        ("", "taints: {}".to_owned(), true),
        ("debian", "taints: {}".to_owned(), true),
        ("ubuntu", "taints: {}".to_owned(), true),
        ("flatcar", "taints: {}".to_owned(), true),
        ("fedora-coreos", "taints: {}".to_owned(), true),
        ("immutable", "taints: {}".to_owned(), true),
        ("debian", image.to_owned(), true),
        ("debian", format!("{kubeadm}{image}"), false),
        ("debian", kubeadm.to_owned(), true),
        ("debian", own("enabled: true, "), false),
        ("debian", own(""), true),
        (
            "debian",
            format!("{}links: {{/etc/systemd/system/multi-user.target.wants/mine.service: ../mine.service}}\n", own("")),
            false,
        ),
        (
            "debian",
            "files: {/usr/local/bin/start: {mode: \"0755\", content: \"exec kubelet --kubeconfig /etc/kubernetes/bootstrap-kubelet.kubeconfig\"}}\n"
                .to_owned(),
            false,
        ),
        ("worker", "taints: {}".to_owned(), false),
        ("by-hand", "taints: {}".to_owned(), false),
        ("worker", "units: {kubelet.service: {enabled: false}}\n".to_owned(), true),
        ("worker", "units: {kubelet.service: {masked: true, enabled: false}}\n".to_owned(), true),
        ("worker", "overlays: {kubelet: null}\n".to_owned(), true),
    ] {
        let found = ids(&project(profiles, &more));
        let has = found.contains(&NOT_STARTED.to_owned());
        assert_eq!(has, is_refused, "{profiles}: {more}: {found:?}");
    }
}
