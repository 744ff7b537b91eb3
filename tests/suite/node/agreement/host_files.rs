//! Files of the host that follow from other settings: logind, crictl, kernel limits, file systems that are waited for.

use super::{file, ids, project};

const LOGIND: &str = "/etc/systemd/logind.conf.d/zz-nodebake-kubelet.conf";

#[test]
fn logind_waits_for_the_kubelets_pods_and_never_for_none() {
    const SHORT: &str = "shutdown-delay-short";
    let by_priority = "shutdownGracePeriod: 0s, shutdownGracePeriodCriticalPods: 0s, shutdownGracePeriodByPodPriority: \
        [{priority: 0, shutdownGracePeriodSeconds: 40}, {priority: 100000, shutdownGracePeriodSeconds: 80}]";
    let own = |name: &str, value: &str| {
        format!(
            "files: {{/etc/systemd/logind.conf.d/{name}.conf: {{content: \"[Login]\\nInhibitDelayMaxSec={value}\\n\"}}}}"
        )
    };
    for (settings, seconds, is_short) in [
        ("taints: {}".to_owned(), Some("45s"), false),
        (
            "kubelet: {config: {shutdownGracePeriod: 1m30s}}".to_owned(),
            Some("90s"),
            false,
        ),
        (
            "kubelet: {config: {shutdownGracePeriod: 15500ms}}".to_owned(),
            Some("16s"),
            false,
        ),
        (
            "kubelet: {config: {shutdownGracePeriod: 0s, shutdownGracePeriodCriticalPods: 0s}}"
                .to_owned(),
            None,
            false,
        ),
        (
            "kubelet: {config: {shutdownGracePeriod: null, shutdownGracePeriodCriticalPods: null}}"
                .to_owned(),
            None,
            false,
        ),
        (
            format!("kubelet: {{config: {{{by_priority}}}}}"),
            Some("120s"),
            false,
        ),
        (own("99-mine", "10"), Some("45s"), false),
        (own("zzz-mine", "10"), Some("45s"), true),
        (own("zzz-mine", "5min"), Some("45s"), false),
        (own("zzz-mine", "infinity"), Some("45s"), false),
    ] {
        let project = project("worker, debian", &settings);
        let text = file(&project, LOGIND);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("InhibitDelayMaxSec="));
        assert_eq!(line, seconds, "{settings}");
        assert_eq!(
            ids(&project).contains(&SHORT.to_owned()),
            is_short,
            "{settings}"
        );
    }
}

#[test]
fn crictl_asks_the_kubelets_runtime() {
    for (settings, runtime, images) in [
        (
            "taints: {}",
            "unix:///run/containerd/containerd.sock",
            "unix:///run/containerd/containerd.sock",
        ),
        (
            "kubelet: {config: {containerRuntimeEndpoint: unix:///run/crio/crio.sock}}",
            "unix:///run/crio/crio.sock",
            "unix:///run/crio/crio.sock",
        ),
        (
            "kubelet: {config: {containerRuntimeEndpoint: /run/crio/crio.sock, imageServiceEndpoint: unix:///run/i.sock}}",
            "unix:///run/crio/crio.sock",
            "unix:///run/i.sock",
        ),
    ] {
        let text = file(&project("worker", settings), "/etc/crictl.yaml");
        let expected =
            format!("runtime-endpoint: {runtime}\nimage-endpoint: {images}\ntimeout: 10\n");
        assert_eq!(text, expected, "{settings}");
    }
    let own = project(
        "worker",
        "files: {/etc/crictl.yaml: {content: \"timeout: 3\\n\"}}",
    );
    assert_eq!(file(&own, "/etc/crictl.yaml"), "timeout: 3\n");
    assert!(ids(&own).is_empty());
}

#[test]
fn a_full_node_does_not_run_out_of_watches() {
    let text = file(
        &project("worker", "taints: {}"),
        "/etc/sysctl.d/90-nodebake-kubernetes.conf",
    );
    for (key, least) in [("max_user_instances", 1024), ("max_user_watches", 524_288)] {
        let start = format!("fs.inotify.{key} = ");
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(start.as_str()));
        assert!(value.unwrap().parse::<u32>().unwrap() >= least, "{text}");
    }
}

#[test]
fn containerd_waits_for_the_file_system_of_its_folder() {
    let path = "/etc/systemd/system/containerd.service.d/10-nodebake-mounts.conf";
    for settings in [
        "files: {/etc/containerd/conf.d/10-root.toml: {content: \"version = 3\\nroot = '/data/containerd'\\n\"}}",
        "files: {/etc/containerd/config.toml: {content: \"version = 2\\nroot = \\\"/data/containerd\\\"\\n\"}}",
    ] {
        let text = file(&project("worker", settings), path);
        assert_eq!(
            text, "[Unit]\nRequiresMountsFor=/data/containerd\n",
            "{settings}"
        );
    }
    let usual = project("worker", "overlays: {containerd: {}}");
    assert!(!usual.run(&["show", "n1", "--file", path]).status.success());
}

#[test]
fn a_name_of_paths_that_nothing_reads_is_found() {
    const UNKNOWN: &str = "path-name-unknown";
    for (settings, is_found) in [
        ("paths: {kubeletConfg: /x}", true),
        ("paths: {bootstrapKubeConfig: /x}", true),
        ("paths: {mine: /x}", true),
        // Each is a piece of a name that templates read.
        ("paths: {kubeletConf: /x}", true),
        ("paths: {cert: /x}", true),
        ("paths: {paths: /x}", true),
        (
            "paths: {x: /x}\nfiles: {/etc/x: {template: \"x {{ node.name }}\"}}",
            true,
        ),
        (
            "paths: {name: /x}\nfiles: {/etc/a: {template: \"{{ node.name }}\"}}",
            true,
        ),
        (
            "paths: {mine: /x}\nfiles: {/etc/a: {template: \"{# paths.mine #}\"}}",
            true,
        ),
        (
            "paths: {mine: /x}\nfiles: {/etc/a: {template: \"{{ paths['mine'] }}\"}}",
            false,
        ),
        (
            "paths: {mine: /x}\nfiles: {/etc/a: {template: \"{% for name, path in paths %}{{ path }}{% endfor %}\"}}",
            false,
        ),
        (
            "paths: {mine: /x}\nfiles: {/etc/a: {template: \"{{ paths.mine }}\"}}",
            false,
        ),
        (
            "paths: {mine: /x, certDir: \"{{ paths.mine }}/pki\"}",
            false,
        ),
        (
            "paths: {kubeletConfig: /var/lib/kubelet/config.yaml}",
            false,
        ),
        (
            "paths: {cniBin: /opt/x, cniConfig: /etc/x, haproxy: /x, containerd: /y}",
            false,
        ),
    ] {
        let found = ids(&project("worker", settings));
        assert_eq!(
            found.contains(&UNKNOWN.to_owned()),
            is_found,
            "{settings}: {found:?}"
        );
    }
}

#[test]
fn kubeadms_own_approval_is_named() {
    for (line, is_found) in [
        (
            "group: \"system:bootstrappers:kubeadm:default-node-token\"",
            true,
        ),
        (
            "nodeGroup: \"system:bootstrappers:kubeadm:default-node-token\"",
            true,
        ),
        ("group: \"system:bootstrappers:kubeadm:other\"", false),
        ("usages: [authentication]", false),
    ] {
        let project = project("worker", "taints: {}");
        let path = project.dir.join("cluster.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = text.replace(
            "  approval: review\n",
            &format!("  approval: review\n  {line}\n"),
        );
        std::fs::write(&path, changed).unwrap();
        let has = ids(&project).contains(&"approval-undone".to_owned());
        assert_eq!(has, is_found, "{line}");
        if is_found {
            let said = crate::support::fixture::text(&project.run(&["check"]).stdout);
            assert!(
                said.contains(
                    "kubectl delete clusterrolebinding kubeadm:node-autoapprove-bootstrap"
                ),
                "{said}"
            );
        }
    }
}
