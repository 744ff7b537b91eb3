//! The profile `kubeadm`: nodes as `kubeadm join` leaves them.

use nodebake::kubernetes::kubelet_config::Schema;

use crate::support::new_project::NewProject;

const FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";
const INSTANCE: &str = "/var/lib/kubelet/instance-config.yaml";

/// A project with one node of a minor.
fn project(minor: u32, more: &str) -> NewProject {
    NewProject::new(&format!(
        "profiles: [kubeadm]\n{more}nodes:\n- {{name: n1, addresses: [10.0.0.1], kubernetes: v1.{minor}.0}}\n"
    ))
}

#[test]
fn it_serves_every_minor() {
    for minor in Schema::load().minors() {
        let said = project(minor, "").run(&["check", "--strict"]);
        assert_eq!(said, "1 node can be built\n", "1.{minor}");
    }
}

/// Flags, and the socket: among them up to 1.33, and in instance-config.yaml from 1.34 on, as each kubeadm leaves them.
#[test]
fn flags_and_socket_are_where_the_minor_has_them() {
    let socket = "unix:///run/containerd/containerd.sock";
    let own = "--hostname-override=n1 --node-ip=10.0.0.1";
    for (minor, flags, has_instance) in [
        (
            16,
            format!("{own} --container-runtime=remote --container-runtime-endpoint={socket}"),
            false,
        ),
        (
            26,
            format!("{own} --container-runtime-endpoint={socket}"),
            false,
        ),
        (
            27,
            format!("--container-runtime-endpoint={socket} {own}"),
            false,
        ),
        (
            33,
            format!("--container-runtime-endpoint={socket} {own}"),
            false,
        ),
        (34, own.to_owned(), true),
        (37, own.to_owned(), true),
    ] {
        let project = project(minor, "");
        let expected = format!("KUBELET_KUBEADM_ARGS=\"{flags}\"\n");
        assert_eq!(project.on_node(FLAGS), expected, "1.{minor}");
        let tree = project.good(&["show", "n1"]);
        assert_eq!(tree.contains(INSTANCE), has_instance, "1.{minor}");
        let annotation = format!("annotation    kubeadm.alpha.kubernetes.io/cri-socket={socket}\n");
        assert_eq!(tree.contains(&annotation), !has_instance, "1.{minor}");
        if has_instance {
            let expected = format!("containerRuntimeEndpoint: \"{socket}\"\n");
            assert_eq!(project.on_node(INSTANCE), expected, "1.{minor}");
        }
        project.good(&["build"]);
        let script = project.built("cluster/node-labels.sh");
        let line = format!(
            "mark annotate node 'n1' --overwrite 'kubeadm.alpha.kubernetes.io/cri-socket={socket}'\n"
        );
        assert_eq!(script.contains(&line), !has_instance, "{script}");
    }
}

#[test]
fn labels_and_switches_are_flags_that_kubeadm_can_read() {
    let more = "labels: {example.com/rack: r1}\ntaints: {gpu:NoSchedule: \"yes\"}\nkubelet: {flags: {v: \"4\", runonce: \"false\"}}\n";
    let project = project(33, more);
    let flags = project.on_node(FLAGS);
    assert!(
        flags.contains(" --v=4 --runonce=false --node-labels=example.com/rack=r1"),
        "{flags}"
    );
    let blank = "kubelet: {flags: {root-dir: /var/lib/my kubelet}}\n";
    let project = self::project(33, blank);
    assert_eq!(
        project.ids(),
        ["settings-file-invalid"],
        "{}",
        project.run(&["check"])
    );
}

#[test]
fn the_image_must_have_the_packages_command() {
    let said = project(34, "").good(&["preflight"]);
    let line = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
    assert!(said.contains(line), "{said}");
}

/// What is wrong in a file that is built in came with a value of the user's, and is found there: whichever layer has it.
#[test]
fn a_mistake_in_a_built_in_file_is_found_at_the_users_value() {
    for (more, place, field) in [
        (
            "kubelet: {flags: {node-labels: \"a=b,c=d e\"}}\n",
            "cluster.yaml:8:32",
            "kubelet.flags.node-labels",
        ),
        (
            "kubelet:\n  flags:\n    v: 4\n    cloud-config: /etc/my cloud\n",
            "cluster.yaml:11:19",
            "kubelet.flags.cloud-config",
        ),
        (
            "kubelet:\n  flags: {cloud-config: \"{{ vars.at }}\"}\nvars: {at: \"/etc/x y\"}\n",
            "cluster.yaml:10:12",
            "vars.at",
        ),
    ] {
        let project = project(30, more);
        let said = project.run(&["check"]);
        let start = format!("error: {place}: {field}: {FLAGS}: kubeadm splits flags at blanks");
        let mut lines = said.lines();
        let line = lines.find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("{more}: {said}"));
        assert!(line.contains("(in built-in:overlays/kubeadm/"), "{line}");
    }
}
