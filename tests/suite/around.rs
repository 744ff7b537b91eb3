//! The node around the kubelet: what is baked for containerd, haproxy, netplan, NetworkManager and systemd is read by
//! those programs; what an image could not use is found at build.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::judges::{self, Target};
use crate::project::{Project, text};

/// A project of one kubelet's version with further lines, and the root folder of its node n1.
struct Node {
    project: Project,
    root: PathBuf,
}

fn project(version: &str, profiles: &str, more: &str) -> Project {
    let project = Project::of("bad/project");
    let file = project.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text
        .replace("kubernetes: v1.34.4", &format!("kubernetes: {version}"))
        .replace(
            "profiles: [worker, rack]",
            &format!("profiles: [{profiles}]"),
        );
    assert_ne!(changed, text.replace("v1.34.4", version));
    fs::write(&file, changed + more).unwrap();
    project
}

impl Node {
    /// Builds it and unpacks the tarball of the node n1.
    fn bake(version: &str, profiles: &str, more: &str) -> Self {
        let project = project(version, profiles, more);
        let _ = project.good(&["build", "--format", "tarball"]);
        let root = project.scratch().join("root");
        fs::create_dir(&root).unwrap();
        let archive = project.out().join("nodes/n1/n1.tar.gz");
        let file = fs::File::open(archive).unwrap();
        tar::Archive::new(flate2::read::GzDecoder::new(file))
            .unpack(&root)
            .unwrap();
        Self { project, root }
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }
}

/// What `check` says of a project that has a fault.
fn findings(version: &str, profiles: &str, more: &str) -> String {
    let project = project(version, profiles, more);
    let output = project.run(&["check"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    text(&output.stdout)
}

const CONTAINERD: &str = "overlays: {containerd: {}}\n";

/// The values of one key in what `containerd config dump` prints, which 1.x and 2.x quote differently.
fn dumped(dump: &str, key: &str) -> Vec<String> {
    let values = dump.lines().filter_map(|line| {
        let (name, value) = line.split_once(" = ")?;
        (name.trim() == key).then(|| value.trim().replace('\'', "\""))
    });
    values.filter(|value| value != "\"\"").collect()
}

/// containerd's own reading of the configuration, without a word about keys that it does not know.
fn containerd_reads(program: &str, node: &Node) -> String {
    let config = node.root.join("etc/containerd/config.toml");
    let config = config.to_str().unwrap();
    let output = judges::run(&node.root, program, &["--config", config, "config", "dump"]);
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
    if judges::present("containerd-1.6") {
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
            assert_eq!(dumped(&dump, "bin_dirs"), ["[\"/opt/x/bin\"]"]);
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
        if judges::present("haproxy-judge") {
            fs::write(project.scratch().join("haproxy.cfg"), config).unwrap();
            let args = ["-c", "-f", "haproxy.cfg"];
            let output = judges::run(project.scratch(), "haproxy-judge", &args);
            let said = crate::project::text(&output.stderr);
            assert!(
                output.status.success() && !said.contains("WARNING"),
                "{said}"
            );
        }
    }
}

const INTERFACES: &str = "    interfaces:\n      lan0: {mac: \"52:54:00:00:00:01\", addresses: [10.0.0.1/24, \"fd00::1/64\"], \
     gateways: [10.0.0.254], dns: {servers: [10.0.0.2, \"fd00::2\"], search: [example.com]}, mtu: 9000, \
     routes: [{to: 10.9.0.0/16, via: 10.0.0.253, metric: 9}]}\n      lan1: {dhcp: both}\n";

/// A node with interfaces, for one way to configure them.
fn with_interfaces(network: &str) -> Node {
    let made = project(
        "v1.34.4",
        "worker",
        &format!("os: {{network: {network}}}\n"),
    );
    let file = made.dir.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let first = "    labels: {example.com/zone: a}\n";
    fs::write(
        &file,
        text.replacen(first, &format!("{first}{INTERFACES}"), 1),
    )
    .unwrap();
    let _ = made.good(&["build", "--format", "tarball"]);
    let root = made.scratch().join("root");
    let file = fs::File::open(made.out().join("nodes/n1/n1.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(file))
        .unpack(&root)
        .unwrap();
    Node {
        project: made,
        root,
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn netplan_makes_the_network_of_its_file() {
    let node = with_interfaces("netplan");
    assert_eq!(mode(&node.root.join("etc/netplan/60-nodebake.yaml")), 0o600);
    if judges::present("netplan-generate") {
        let root = node.root.to_str().unwrap();
        let output = judges::run(&node.root, "netplan-generate", &["--root-dir", root]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let made = node.file("run/systemd/network/10-netplan-lan0.network");
        for line in [
            "Address=10.0.0.1/24",
            "Address=fd00::1/64",
            "DNS=10.0.0.2",
            "Domains=example.com",
            "Gateway=10.0.0.254",
            "Destination=10.9.0.0/16",
            "Metric=9",
            "MTUBytes=9000",
        ] {
            let link = node.file("run/systemd/network/10-netplan-lan0.link");
            let found = made.contains(line) || link.contains(line);
            assert!(found, "{line}: {made}{link}");
        }
        let dynamic = node.file("run/systemd/network/10-netplan-lan1.network");
        assert!(dynamic.contains("DHCP=yes"), "{dynamic}");
    }
}

#[test]
fn network_manager_reads_its_key_files() {
    let node = with_interfaces("networkManager");
    let folder = node.root.join("etc/NetworkManager/system-connections");
    let lan0 = folder.join("nodebake-lan0.nmconnection");
    assert_eq!(mode(&lan0), 0o600);
    if !judges::present("nmcli-offline") {
        return;
    }
    let read = |path: &Path| {
        // It parses a file, changes one value, and prints what it understood.
        let output = judges::command(&node.root, "nmcli-offline")
            .args([
                "--offline",
                "connection",
                "modify",
                "connection.autoconnect-priority",
                "1",
            ])
            .stdin(Stdio::from(fs::File::open(path).unwrap()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let understood = read(&lan0);
    for line in [
        "mac-address=52:54:00:00:00:01",
        "mtu=9000",
        "address1=10.0.0.1/24,10.0.0.254",
        "dns=10.0.0.2;",
        "dns-search=example.com;",
        "route1=10.9.0.0/16,10.0.0.253,9",
        "address1=fd00::1/64",
        "dns=fd00::2;",
        "method=manual",
    ] {
        assert!(
            understood.contains(&format!("{line}\n")),
            "{line}: {understood}"
        );
    }
    let dynamic = read(&folder.join("nodebake-lan1.nmconnection"));
    assert_eq!(dynamic.matches("method=auto\n").count(), 2, "{dynamic}");
    assert!(dynamic.contains("interface-name=lan1\n"), "{dynamic}");
}

#[test]
fn sysctl_reads_the_kernels_settings() {
    let node = Node::bake("v1.34.4", "worker", "");
    let path = "etc/sysctl.d/90-nodebake-kubernetes.conf";
    let wanted = node.file(path);
    if !judges::present("sysctl") {
        return;
    }
    let load = format!("--load={path}");
    let output = judges::run(&node.root, "sysctl", &["--dry-run", &load]);
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
    let said = project("v1.34.4", "worker", "overlays: {kubelet: null}\n").good(&["check"]);
    assert!(
        said.contains("kubelet.config.shutdownGracePeriod: is 45s, and no drop-in"),
        "{said}"
    );
}

/// A root folder in which systemd finds the units that ours stand beside, and every program that ours start.
fn stubs(node: &Node) {
    let base = node.root.join("usr/lib/systemd/system");
    fs::create_dir_all(base.parent().unwrap()).unwrap();
    let copied = judges::run(
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
        let _ = fs::copy("/bin/true", path).unwrap();
    }
}

/// The node's tarball in a root with what an image has.
fn unpacked(made: Project) -> Node {
    let _ = made.good(&["build", "--strict", "--format", "tarball"]);
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

/// Debian's and Ubuntu's images may have Kubernetes' own packages, whose drop-in starts the kubelet kubeadm's way.
#[test]
fn the_packages_drop_in_does_not_replace_our_command() {
    if !judges::present("systemd-analyze") {
        return;
    }
    for (profiles, is_replaced) in [
        ("worker", true),
        ("worker, debian", false),
        ("worker, ubuntu", false),
    ] {
        let node = unpacked(project("v1.34.4", profiles, ""));
        let theirs = node.root.join("usr/lib/systemd/system/kubelet.service.d");
        fs::create_dir_all(&theirs).unwrap();
        let text_of = "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet-of-the-package $KUBELET_KUBECONFIG_ARGS\n";
        fs::write(theirs.join("10-kubeadm.conf"), text_of).unwrap();
        let root = format!("--root={}", node.root.display());
        let args = ["verify", "--man=no", &root, "kubelet.service"];
        let said = text(&judges::run(&node.root, "systemd-analyze", &args).stderr);
        assert_eq!(
            said.contains("kubelet-of-the-package"),
            is_replaced,
            "{profiles}: {said}"
        );
    }
}

#[test]
fn systemd_finds_nothing_to_say_about_baked_units() {
    if !judges::present("systemd-analyze") {
        return;
    }
    let all = "overlays: {api-proxy: {}, time-sync: {}, containerd: {}}\n\
               proxies: {httpProxy: http://p.example.com:3128}\n";
    for profiles in [
        "worker",
        "worker, debian",
        "worker, ubuntu",
        "worker, flatcar",
        "worker, fedora-coreos",
        "worker, immutable",
    ] {
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
            let output = judges::run(&node.root, "systemd-analyze", &args);
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
    let _ = Node::bake("v1.34.4", "worker, fedora-coreos", more);
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
            config("SystemdCgroup = false"),
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
        let said = match more.contains("kubernetes:") {
            true => findings("v1.35.0", "worker", "os: {cgroups: v1}\n"),
            false => findings("v1.34.4", "worker", &more),
        };
        assert!(said.contains(part), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let more = "os: {cgroups: v1}\nkubelet: {config: {failCgroupV1: false}}\n";
    let _ = project("v1.35.0", "worker", more).good(&["check"]);
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
            "cluster.yaml:{}:7: units[\"a.service\"].text: Restrat is no key of [Service], so systemd ignores it; did you mean Restart?",
            line("Restrat")
        ),
        format!(
            "cluster.yaml:{}:43: units[\"b.service\"].text: ExecStart: the program \"b\" is no absolute path",
            line("b.service")
        ),
        "overlays/mine/root/etc/systemd/system/c.service.tera:4:19: c.service: ".to_owned(),
        "overlays/mine/root/etc/systemd/system/d.service:3:1: d.service: After is no key of [Service]".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}
