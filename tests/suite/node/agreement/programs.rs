//! Programs: units start those that are there, and runtimes look where they are.

use std::fs;

use super::{file, ids, needs, program, project, with_assets};
use crate::support::fixture::sha256;

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

/// What upstream's releases are: programs below bin, to be unpacked into /usr/local.
const RELEASE: [&str; 5] = [
    "bin/containerd",
    "bin/containerd-shim-runc-v2",
    "bin/containerd-stress",
    "bin/containerd-shim",
    "bin/ctr",
];
/// Settings of upstream's unit (containerd.service of v1.3.10 to v2.2.0), but for the number of open files.
const UNIT: [&str; 12] = [
    "ExecStartPre=-/sbin/modprobe overlay",
    "ExecStart=/usr/local/bin/containerd",
    "Type=notify",
    "Delegate=yes",
    "KillMode=process",
    "Restart=always",
    "RestartSec=5",
    "LimitNPROC=infinity",
    "LimitCORE=infinity",
    "TasksMax=infinity",
    "OOMScoreAdjust=-999",
    "WantedBy=multi-user.target",
];

#[test]
fn a_release_of_containerd_is_unpacked_and_has_upstreams_unit() {
    let mut archive = tar::Builder::new(Vec::new());
    for path in RELEASE {
        let mut header = tar::Header::new_gnu();
        let bytes = b"#!/bin/sh\n";
        header.set_size(bytes.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        archive.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let digest = sha256(&archive);
    for (version, files) in [("1.7", Some("LimitNOFILE=infinity")), ("2.2", None)] {
        let more = format!(
            "overlays: {{containerd: {{}}}}\ncontainerd: {{version: \"{version}\"}}\nassets: {{/usr/local: {{source: containerd.tar, sha256: {digest}, unpack: {{}}}}}}\n"
        );
        let project = project("worker", &more);
        fs::write(project.dir.join("containerd.tar"), &archive).unwrap();
        let text = file(&project, "/etc/systemd/system/containerd.service");
        for line in UNIT {
            assert!(text.lines().any(|has| has == line), "{line}: {text}");
        }
        let has = text.lines().find(|line| line.starts_with("LimitNOFILE"));
        assert_eq!(has, files, "{version}: {text}");
        assert!(!text.contains("Environment=PATH="), "{text}");
        let listed = needs(&project);
        let of_containerd = |(what, _): &(String, String)| {
            what.ends_with("/containerd") || what.ends_with("containerd.service")
        };
        assert!(!listed.iter().any(of_containerd), "{listed:?}");
        let shown = project.good(&["show", "n1"]);
        assert!(
            shown.contains("/usr/local/bin/containerd-shim-runc-v2"),
            "{shown}"
        );
    }
}
