//! Paths: those that nobody brings are listed, and those that are brought are not.

use super::{file, ids, needs, project};

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
            "kubelet: {flags: {image-credential-provider-config: /etc/none, image-credential-provider-bin-dir: /srv/d}}",
            Some("/etc/none"),
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
        // What CRI-O must be told is no path.
        let is_setting = |what: &str| what.contains(" in /etc/crio/crio.conf.d");
        for (what, why) in needs(&project) {
            if is_setting(&what) {
                continue;
            }
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
        let unit_text = file(&project, "/etc/systemd/system/kubelet.service");
        let after = format!("After=network-online.target {unit}\n");
        assert!(unit_text.contains(&after), "{settings}: {unit_text}");
        assert!(
            unit_text.contains(&format!("\nWants={unit}\n")),
            "{unit_text}"
        );
    }
}

#[test]
fn the_folder_of_credential_plugins_is_listed_beside_their_configuration() {
    let flags =
        "image-credential-provider-bin-dir: /opt/cp, image-credential-provider-config: /etc/none";
    let listed = needs(&project(
        "worker",
        &format!("kubelet: {{flags: {{{flags}}}}}"),
    ));
    for path in ["/opt/cp", "/etc/none"] {
        assert!(listed.iter().any(|(what, _)| what == path), "{listed:?}");
    }
}
