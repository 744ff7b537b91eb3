//! Our commands against what packages and extensions bring beside them: systemd reads both.

use std::fs;
use std::path::Path;

use super::system::{for_each_system, unpacked};
use super::{Node, project};
use crate::support::fixture::text;
use crate::support::oracles;

/// Where others have drop-ins for the kubelet's unit, and of which names: Kubernetes' debs and RPMs and Flatcar's extension
/// have the first one, `systemctl edit` makes the second.
const OTHERS: [&str; 8] = [
    "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
    "etc/systemd/system/kubelet.service.d/override.conf",
    "usr/lib/systemd/system/kubelet.service.d/20-extension.conf",
    "usr/local/lib/systemd/system/kubelet.service.d/99-local.conf",
    "etc/systemd/system/kubelet.service.d/99-extra-args.conf",
    "usr/lib/systemd/system/kubelet.service.d/zz-cloud.conf",
    "usr/lib/systemd/system/kubelet.service.d/zzzz-last.conf",
    "usr/lib/systemd/system/service.d/zzz-all-services.conf",
];

/// kubeadm's drop-in and unit as the packages have them (kubernetes/release, cmd/krel/templates/latest).
const KUBEADM: &str = "[Service]\n\
    Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
    --kubeconfig=/etc/kubernetes/kubelet.conf\"\n\
    Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n\
    EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/sysconfig/kubelet\n\
    ExecStart=\nExecStart=/usr/bin/kubelet-of-others $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS \
    $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n";
const UNIT: &str = "[Unit]\nDescription=kubelet: The Kubernetes Node Agent\nWants=network-online.target\n\
    After=network-online.target\n[Service]\nExecStart=/usr/bin/kubelet-of-others\nRestart=always\n\
    StartLimitInterval=0\nRestartSec=10\n[Install]\nWantedBy=multi-user.target\n";

/// What systemd says of the unit: it names each program that it would start and cannot.
fn verified(node: &Node) -> String {
    let root = format!("--root={}", node.root.display());
    let args = ["verify", "--man=no", &root, "kubelet.service"];
    text(&oracles::run(&node.root, "systemd-analyze", &args).stderr)
}

fn write(node: &Node, path: &str, text: &str) {
    let file = node.root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// The program of the first command that a file's text has.
fn program(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let command = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/"));
    format!("/{}", command.unwrap().split(' ').next().unwrap())
}

#[test]
fn no_drop_in_of_others_replaces_our_command_on_any_system() {
    oracles::needs(["systemd-analyze"]);
    let systems = for_each_system().into_iter();
    for profiles in systems.chain(["by-hand".to_owned(), "by-hand, debian".to_owned()]) {
        let node = unpacked(project("v1.34.4", &profiles, ""));
        let ours = program(&node.root.join("etc/systemd/system/kubelet.service"));
        // Its program is not there, so that systemd names the one that it would start.
        let stub = node.root.join(&ours[1..]);
        if stub.exists() {
            fs::remove_file(stub).unwrap();
        }
        for path in OTHERS {
            write(&node, path, KUBEADM);
        }
        write(&node, "usr/lib/systemd/system/kubelet.service", UNIT);
        let said = verified(&node);
        let named = format!("Command {ours} is not executable");
        assert!(said.contains(&named), "{profiles}: {said}");
        assert!(!said.contains("kubelet-of-others"), "{profiles}: {said}");
        // Without our last word theirs would win, so that this test can fail.
        let last = "etc/systemd/system/kubelet.service.d/zz~nodebake.conf";
        fs::remove_file(node.root.join(last)).unwrap();
        assert!(verified(&node).contains("kubelet-of-others"), "{profiles}");
    }
}

/// A node of kubeadm's is started by the packages' command, whatever we have beside it.
#[test]
fn the_packages_start_a_node_of_kubeadms() {
    oracles::needs(["systemd-analyze"]);
    let node = unpacked(project("v1.34.4", "kubeadm, debian", ""));
    write(&node, OTHERS[0], KUBEADM);
    write(&node, "usr/lib/systemd/system/kubelet.service", UNIT);
    let said = verified(&node);
    let named = "Command /usr/bin/kubelet-of-others is not executable";
    assert!(said.contains(named), "{said}");
    let ours = node.file("etc/systemd/system/kubelet.service.d/20-nodebake.conf");
    assert!(ours.ends_with("After=containerd.service\n"), "{ours}");
}

/// What the user's own layers say counts, whatever its name is.
#[test]
fn a_command_of_the_users_own_is_the_last_word() {
    oracles::needs(["systemd-analyze"]);
    for units in [
        "units: {kubelet.service: {dropins: {20-mine.conf: \"[Service]\\nExecStart=\\nExecStart=/usr/bin/mine 'a  b' $X\\n\"}}}\n",
        "units: {kubelet.service: {replace: true, text: \"[Service]\\nExecStart=/usr/bin/mine 'a  b' $X\\n[Install]\\nWantedBy=multi-user.target\\n\"}}\n",
    ] {
        let kept =
            "files: {/etc/args: {content: \"X=--kubeconfig=/var/lib/kubelet/kubeconfig\"}}\n";
        let node = unpacked(project(
            "v1.34.4",
            "worker, debian",
            &format!("{units}{kept}"),
        ));
        write(&node, OTHERS[0], KUBEADM);
        let last = node.file("etc/systemd/system/kubelet.service.d/zz~nodebake.conf");
        assert!(
            last.ends_with("ExecStart=\nExecStart=/usr/bin/mine \\\n  'a  b' \\\n  $X\n"),
            "{last}"
        );
        let said = verified(&node);
        assert!(
            said.contains("Command /usr/bin/mine is not executable"),
            "{said}"
        );
    }
}

#[test]
fn the_unit_waits_for_the_file_systems_of_its_folders() {
    for (settings, folders) in [
        ("", "/var/lib/kubelet"),
        (
            "kubelet: {flags: {root-dir: /data/kubelet}}\n",
            "/data/kubelet /var/lib/kubelet",
        ),
        (
            "kubelet: {flags: {root-dir: /data/kubelet}, config: {podLogsDir: /logs/pods}}\npaths: {certDir: /data/kubelet/pki, \
             volumePlugins: /data/kubelet/plugins, kubeconfig: /data/kubelet/kubeconfig}\n",
            "/data/kubelet /logs/pods",
        ),
        (
            "kubelet: {flags: {root-dir: /a b/50%}}\n",
            "\"/a b/50%%\" /var/lib/kubelet",
        ),
    ] {
        let node = Node::bake("v1.34.4", "worker", settings);
        let last = node.file("etc/systemd/system/kubelet.service.d/zz~nodebake.conf");
        let line = last
            .lines()
            .find_map(|line| line.strip_prefix("RequiresMountsFor="));
        assert_eq!(line, Some(folders), "{settings}");
    }
}
