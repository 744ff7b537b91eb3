//! What systemd, logind and the kernel read, and what an image cannot use.

use std::fs;

use super::{Node, findings, project};
use crate::support::fixture::{Project, text};
use crate::support::oracles;

#[test]
fn sysctl_reads_the_kernels_settings() {
    let node = Node::bake("v1.34.4", "worker", "");
    let path = "etc/sysctl.d/90-nodebake-kubernetes.conf";
    let wanted = node.file(path);
    oracles::needs(["sysctl"]);
    let load = format!("--load={path}");
    let output = oracles::run(&node.root, "sysctl", &["--dry-run", &load]);
    let (read, said) = (text(&output.stdout), text(&output.stderr));
    for line in wanted.lines().filter(|line| !line.starts_with('#')) {
        let key = line.split(" = ").next().unwrap();
        // What belongs to a module is there when modules-load.d has loaded it.
        let of_module = key.starts_with("net.bridge.") && said.contains("net/bridge");
        assert!(
            read.lines().any(|seen| seen == line) || of_module,
            "{line}: {read}{said}"
        );
    }
    let modules = node.file("etc/modules-load.d/10-nodebake-kubernetes.conf");
    assert_eq!(modules, "overlay\nbr_netfilter\n");
}

#[test]
fn a_graceful_shutdown_that_logind_would_cut_short_is_a_warning() {
    let project = project("v1.34.4", "worker", "overlays: {kubelet-host: null}\n");
    let said = project.good(&["check"]);
    assert!(
        said.contains("kubelet.config.shutdownGracePeriod: the kubelet needs 45 s, and no drop-in"),
        "{said}"
    );
}

/// A root folder in which systemd finds the units that ours are beside, and every program that ours start.
pub(super) fn stubs(node: &Node) {
    let base = node.root.join("usr/lib/systemd/system");
    fs::create_dir_all(base.parent().unwrap()).unwrap();
    let copied = oracles::run(
        &node.root,
        "cp",
        &["-a", "/usr/lib/systemd/system", base.to_str().unwrap()],
    );
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    for program in [
        "usr/local/bin/kubelet",
        "usr/bin/kubelet",
        "opt/bin/kubelet",
        "opt/bin/haproxy",
        "usr/sbin/haproxy",
        "usr/sbin/swapoff",
        "usr/bin/containerd",
        "usr/lib/systemd/systemd-time-wait-sync",
    ] {
        let path = node.root.join(program);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy("/bin/true", path).unwrap();
    }
}

/// The node's tarball in a root with what an image has.
pub(super) fn unpacked(made: Project) -> Node {
    made.good(&["build", "--strict", "--format", "tarball"]);
    let root = made.scratch().join("root");
    let packed = fs::File::open(made.out().join("nodes/n1/n1.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(packed))
        .unpack(&root)
        .unwrap();
    let node = Node {
        project: made,
        root,
    };
    stubs(&node);
    node
}

/// The role alone, and before each built-in profile of an operating system.
pub(super) fn for_each_system() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    let files = fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = names.map(|name| name.trim_end_matches(".yaml").to_owned());
    let systems =
        names.filter(|name| !["defaults", "worker", "by-hand", "kubeadm"].contains(&&**name));
    let with_role = systems.map(|name| format!("worker, {name}"));
    let all: Vec<String> = std::iter::once("worker".to_owned())
        .chain(with_role)
        .collect();
    assert!(all.len() >= 6, "{all:?}");
    all
}

#[test]
fn systemd_finds_nothing_to_say_about_baked_units() {
    oracles::needs(["systemd-analyze"]);
    let all = "overlays: {api-proxy: {}, time-sync: {}, containerd: {}}\n\
               proxies: {httpProxy: http://p.example.com:3128}\n";
    for profiles in &for_each_system() {
        let made = project("v1.34.4", profiles, all);
        let file = made.dir.join("cluster.yaml");
        let text_of = fs::read_to_string(&file).unwrap();
        let url = "https://127.0.0.1:8443\n  endpoints: [10.0.9.1:6443]";
        fs::write(&file, text_of.replace("https://api.example.com:6443", url)).unwrap();
        let node = unpacked(made);
        let root = format!("--root={}", node.root.display());
        for unit in [
            "kubelet.service",
            "api-proxy.service",
            "nodebake-swapoff.service",
        ] {
            let args = ["verify", "--man=no", &root, unit];
            let output = oracles::run(&node.root, "systemd-analyze", &args);
            let said = text(&output.stderr);
            let ours: Vec<&str> = said
                .lines()
                .filter(|line| line.contains(unit) || line.contains("nodebake"))
                .collect();
            assert_eq!(ours, [""; 0], "{profiles}: {unit}: {said}");
        }
        drop(node.project);
    }
}

#[test]
fn what_an_image_cannot_use_is_found() {
    let flatcar = "worker, flatcar";
    let said = findings(
        "v1.34.4",
        flatcar,
        "files: {/usr/share/x: {content: x}, /opt/x: {content: x}}\n",
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("/usr/share/x of cluster.yaml:") && said.contains("read-only on Flatcar"),
        "{said}"
    );
    let said = findings(
        "v1.34.4",
        "worker, debian",
        "output: {formats: [ignition, cloudInit]}\n",
    );
    assert!(
        said.contains("output.formats: the image of Debian has no Ignition; take ignition out"),
        "{said}"
    );
    let made = project("v1.34.4", flatcar, "");
    let output = made.run(&["build", "--format", "cloudInit"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("Flatcar has no cloud-init"), "{said}");
    assert!(!made.out().exists());
    // /usr/local is a link into /var on Fedora CoreOS.
    let more = "files: {/usr/local/bin/x: {content: x}}\n";
    Node::bake("v1.34.4", "worker, fedora-coreos", more);
}

/// A unit's fault is said at the very line, in a value and in an overlay's file and template.
#[test]
fn faults_of_units_are_said_where_they_stand() {
    let more = "units:\n  a.service:\n    text: |\n      [Service]\n      ExecStart=/bin/true\n      Restrat=always\n  \
                b.service: {text: \"[Service]\\nExecStart=b\\n\"}\noverlays: {mine: {}}\n";
    let project = project("v1.34.4", "worker", more);
    let folder = project.dir.join("overlays/mine/root/etc/systemd/system");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("c.service.tera"),
        "{# a comment #}\n[Service]\n{% if node.name %}ExecStart=/bin/{{ node.name }}\n{% endif %}  Type=forked\n",
    )
    .unwrap();
    fs::write(
        folder.join("d.service"),
        "[Service]\nExecStart=/bin/true\nAfter=x\n",
    )
    .unwrap();
    let output = project.run(&["check"]);
    let said = text(&output.stdout);
    let lines = fs::read_to_string(project.dir.join("cluster.yaml")).unwrap();
    let line = |what: &str| lines.lines().position(|line| line.contains(what)).unwrap() + 1;
    for expected in [
        format!(
            "cluster.yaml:{}:7: units[\"a.service\"].text: systemd ignores Restrat: [Service] has no such key; did you mean Restart?",
            line("Restrat")
        ),
        format!(
            "cluster.yaml:{}:43: units[\"b.service\"].text: ExecStart: the program must be an absolute path",
            line("b.service")
        ),
        "overlays/mine/root/etc/systemd/system/c.service.tera:4:19: c.service: ".to_owned(),
        "overlays/mine/root/etc/systemd/system/d.service:3:1: d.service: systemd ignores After: [Service] has no such key".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}
