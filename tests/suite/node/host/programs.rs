//! The programs beside the kubelet: containerd, its registries and proxies, and haproxy.

use std::fs;

use super::{Node, findings, project};
use crate::support::fixture::text;
use crate::support::oracles::{self, Target};

pub(super) const CONTAINERD: &str = "overlays: {containerd: {}}\n";

/// The values of one key in what `containerd config dump` prints, which 1.x and 2.x quote differently.
pub(super) fn dumped(dump: &str, key: &str) -> Vec<String> {
    let values = dump.lines().filter_map(|line| {
        let (name, value) = line.split_once(" = ")?;
        (name.trim() == key).then(|| value.trim().replace('\'', "\""))
    });
    values.filter(|value| value != "\"\"").collect()
}

/// containerd's own reading of the configuration, without a word about keys that it does not know.
pub(super) fn containerd_reads(program: &str, node: &Node) -> String {
    let config = node.root.join("etc/containerd/config.toml");
    let config = config.to_str().unwrap();
    let output = oracles::run(&node.root, program, &["--config", config, "config", "dump"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(!said.contains("Ignoring unknown key"), "{said}");
    text(&output.stdout)
}

#[test]
fn containerd_reads_the_configuration_that_is_baked_for_it() {
    let more = |version: &str| {
        format!(
            "{CONTAINERD}containerd: {{version: \"{version}\", sandboxImage: \"r.example.com/pause:9\", selinux: true}}\n\
             paths: {{cniBin: /opt/x/bin}}\n"
        )
    };
    let one = Node::bake("v1.34.4", "worker", &more("1.6"));
    if oracles::present("containerd-1.6") {
        let dump = containerd_reads("containerd-1.6", &one);
        assert_eq!(
            dumped(&dump, "sandbox_image"),
            ["\"r.example.com/pause:9\""]
        );
        assert_eq!(dumped(&dump, "SystemdCgroup"), ["true"]);
        assert_eq!(dumped(&dump, "bin_dir"), ["\"/opt/x/bin\""]);
        assert_eq!(dumped(&dump, "conf_dir"), ["\"/etc/cni/net.d\""]);
        assert_eq!(
            dumped(&dump, "config_path"),
            ["\"/etc/containerd/certs.d\""]
        );
        assert_eq!(dumped(&dump, "enable_selinux"), ["true"]);
    }
    let two = Node::bake("v1.34.4", "worker", &more("2.4"));
    assert!(
        two.file("etc/containerd/config.toml")
            .starts_with("version = 3\n")
    );
    if Target::Versions.has("containerd-2.4") {
        // 2.x migrates what is written for 1.x, so a version that nobody named is no fault.
        for node in [&two, &one] {
            let dump = containerd_reads("containerd-2.4", node);
            assert_eq!(dumped(&dump, "sandbox"), ["\"r.example.com/pause:9\""]);
            assert_eq!(dumped(&dump, "SystemdCgroup"), ["true"]);
            // DaemonSets of pod networks have a folder of their own, and only 2.1 and newer look into several.
            let folders = if std::ptr::eq(node, &two) {
                "[\"/opt/x/bin\", \"/opt/cni/bin\"]"
            } else {
                "[\"/opt/x/bin\"]"
            };
            assert_eq!(dumped(&dump, "bin_dirs"), [folders]);
            assert_eq!(dumped(&dump, "enable_selinux"), ["true"]);
        }
    }
    // The kubelet's cgroup driver decides, whatever it is.
    let more = "kubelet: {config: {cgroupDriver: cgroupfs}}\n";
    let node = Node::bake("v1.34.4", "worker", &format!("{CONTAINERD}{more}"));
    let config = node.file("etc/containerd/config.toml");
    assert!(config.contains("SystemdCgroup = false\n"), "{config}");
}

#[test]
fn registries_and_proxies_are_what_containerd_reads() {
    let more = format!(
        "{CONTAINERD}registries:\n  docker.io: {{mirrors: [{{url: https://m.example.com/hub, overridePath: true}}]}}\n  \
         \"r.example.com:5000\": {{ca: pki/ca.pem}}\n\
         proxies: {{httpsProxy: \"http://p.example.com:3128/a%20b\", noProxy: [.example.org]}}\n"
    );
    let node = Node::bake("v1.34.4", "worker", &more);
    let hosts = node.file("etc/containerd/certs.d/docker.io/hosts.toml");
    assert!(
        hosts.contains("[host.\"https://m.example.com/hub\"]\n"),
        "{hosts}"
    );
    let own = node.file("etc/containerd/certs.d/r.example.com:5000/hosts.toml");
    let ca = "/etc/containerd/certs.d/r.example.com:5000/ca.pem";
    assert_eq!(
        own,
        format!("server = \"https://r.example.com:5000\"\nca = \"{ca}\"\n")
    );
    assert_eq!(node.file(&ca[1..]), node.file("etc/kubernetes/pki/ca.crt"));
    let dropin = "etc/systemd/system/containerd.service.d/10-nodebake-proxies.conf";
    assert_eq!(
        node.file(dropin),
        "[Service]\nEnvironment=\"HTTPS_PROXY=http://p.example.com:3128/a%%20b\"\n\
         Environment=\"NO_PROXY=localhost,127.0.0.0/8,::1,10.96.0.0/16,10.244.0.0/16,.svc,.cluster.local,\
         api.example.com,.example.org\"\n"
    );
}

#[test]
fn haproxy_takes_the_proxy_to_the_api_servers() {
    for (host, bind) in [
        ("127.0.0.1", "bind 127.0.0.1:8443"),
        ("localhost", "bind localhost:8443"),
        ("[::1]", "bind [::1]:8443"),
    ] {
        let project = project("v1.34.4", "worker", "overlays: {api-proxy: {}}\n");
        let file = project.dir.join("cluster.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let url = format!(
            "https://{host}:8443\n  endpoints: [10.0.9.1:6443, \"[fd00::9]:6443\", localhost:6444]"
        );
        fs::write(&file, text.replace("https://api.example.com:6443", &url)).unwrap();
        let shown = |path: &str| project.good(&["show", "n1", "--file", path]);
        let config = shown("/etc/api-proxy/haproxy.cfg");
        assert!(config.contains(bind), "{config}");
        assert_eq!(config.matches("\n    server api-").count(), 3, "{config}");
        let unit = shown("/etc/systemd/system/api-proxy.service");
        assert!(unit.contains("Before=kubelet.service\n"), "{unit}");
        if oracles::present("haproxy-oracle") {
            fs::write(project.scratch().join("haproxy.cfg"), config).unwrap();
            let args = ["-c", "-f", "haproxy.cfg"];
            let output = oracles::run(project.scratch(), "haproxy-oracle", &args);
            let said = crate::support::fixture::text(&output.stderr);
            assert!(
                output.status.success() && !said.contains("WARNING"),
                "{said}"
            );
        }
    }
}

#[test]
fn runtimes_serve_the_kubelets_that_speak_their_language() {
    let with = |version: &str| format!("containerd: {{version: \"{version}\"}}\n");
    for (kubelet, containerd, part) in [
        ("v1.36.1", "1.7", "needs containerd 2, and this is 1.7"),
        (
            "v1.34.4",
            "1.5",
            "speaks CRI v1, which containerd has since 1.6",
        ),
    ] {
        let said = findings(kubelet, "worker", &with(containerd));
        assert!(said.contains(part), "{said}");
    }
    let said = findings("v1.16.6", "by-hand", &with("2.0"));
    assert!(said.contains("speaks CRI v1alpha2"), "{said}");
    for (kubelet, containerd) in [("v1.35.0", "1.7"), ("v1.36.1", "2.1"), ("v1.34.4", "1.6")] {
        let said = project(kubelet, "worker", &with(containerd)).good(&["check"]);
        assert!(said.ends_with("nodes can be built\n"), "{said}");
    }
}

#[test]
fn files_that_disagree_with_the_kubelet_are_found() {
    let config = |line: &str| {
        format!(
            "files: {{/etc/containerd/config.toml: {{content: \"version = 2\\n{line}\\n\"}}}}\n"
        )
    };
    for (more, part) in [
        (
            config(
                "[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc.options]\\nSystemdCgroup = false",
            ),
            "kubelet.config.cgroupDriver: the kubelet's cgroup driver is systemd",
        ),
        (
            config("") + "registries: {docker.io: {mirrors: [{url: https://m.example.com}]}}\n",
            "registries[\"docker.io\"]: /etc/containerd/config.toml",
        ),
        (
            "files: {/etc/sysctl.d/99-x.conf: {content: \"vm.panic_on_oom = 1\\n\"}}\n".to_owned(),
            "the kubelet insists on vm.panic_on_oom = 0, and /etc/sysctl.d/99-x.conf",
        ),
        (
            "os: {cgroups: v1}\nkubernetes: v1.35.0\n".to_owned(),
            "refuses to start on control groups v1",
        ),
    ] {
        let said = if more.contains("kubernetes:") {
            findings("v1.35.0", "worker", "os: {cgroups: v1}\n")
        } else {
            findings("v1.34.4", "worker", &more)
        };
        assert!(said.contains(part), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let more = "os: {cgroups: v1}\nkubelet: {config: {failCgroupV1: false}}\n";
    project("v1.35.0", "worker", more).good(&["check"]);
}
