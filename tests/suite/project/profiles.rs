//! Built-in profiles serve every minor; what a profile says moves with the version, what the inventory says is told.

use std::fs;
use std::path::Path;

use nodebake::kubernetes::kubelet_config::Schema;

use crate::support::fixture::text;
use crate::support::tool;

/// Makes a project with a built-in profile for one minor, with further lines, and returns what `check` prints.
fn check(profile: &str, minor: u32, more: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    let nodebake = |args: &[&str]| {
        let mut command = tool::nodebake(folder.path(), args);
        let output = command.args(&["p"]).run();
        text(&output.stdout)
    };
    nodebake(&["init", "--profile", profile]);
    set_version(&project, minor, more);
    nodebake(&["check"])
}

fn set_version(project: &Path, minor: u32, more: &str) {
    let file = project.join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let lines = text
        .lines()
        .map(|line| match line.strip_prefix("kubernetes: ") {
            Some(_) => format!("kubernetes: v1.{minor}.0\n"),
            None => format!("{line}\n"),
        });
    let text: String = lines.collect();
    assert!(text.contains(&format!("v1.{minor}.0")));
    fs::write(file, text + more).unwrap();
}

#[test]
fn built_in_profiles_serve_every_minor() {
    for minor in Schema::load().minors() {
        for profile in ["worker", "by-hand"] {
            let said = check(profile, minor, "");
            assert_eq!(said, "4 nodes can be built\n", "{profile} 1.{minor}");
        }
    }
}

/// What `show` prints of a node of one minor.
fn show(profile: &str, minor: u32, args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    let nodebake = |args: &[&str]| {
        let output = tool::nodebake(folder.path(), args).run();
        String::from_utf8(output.stdout).unwrap()
    };
    let path = project.to_str().unwrap();
    nodebake(&["init", "--profile", profile, path]);
    set_version(&project, minor, "");
    nodebake(&[&["show", "worker-1", path], args].concat())
}

#[test]
fn settings_move_with_the_version_and_show_says_why() {
    let unit = |profile, minor| {
        show(
            profile,
            minor,
            &["--file", "/etc/systemd/system/kubelet.service"],
        )
    };
    let config = |profile, minor| {
        show(
            profile,
            minor,
            &["--file", "/etc/kubernetes/kubelet-config.yaml"],
        )
    };
    let endpoint = "unix:///run/containerd/containerd.sock";
    let flag = format!("--container-runtime-endpoint={endpoint}");
    for (minor, is_flag, remote) in [
        (16, true, true),
        (23, true, true),
        (26, true, false),
        (27, false, false),
    ] {
        let (unit, config) = (unit("worker", minor), config("worker", minor));
        assert_eq!(unit.contains(&flag), is_flag, "1.{minor}\n{unit}");
        assert_eq!(
            unit.contains("--container-runtime=remote"),
            remote,
            "1.{minor}\n{unit}"
        );
        assert_eq!(
            config.contains("containerRuntimeEndpoint"),
            !is_flag,
            "1.{minor}\n{config}"
        );
        assert_eq!(
            config.contains("seccompDefault"),
            minor >= 25,
            "1.{minor}\n{config}"
        );
        assert_eq!(
            config.contains("shutdownGracePeriod"),
            minor >= 21,
            "1.{minor}\n{config}"
        );
        assert_eq!(
            config.contains("maxParallelImagePulls"),
            minor >= 27,
            "1.{minor}\n{config}"
        );
    }
    let newest = *Schema::load().minors().end();
    let unit = unit("by-hand", newest);
    for gone in [
        "--network-plugin",
        "--cni",
        "--image-pull",
        "--logtostderr",
        "--container-runtime",
        "--volume",
    ] {
        assert!(!unit.contains(gone), "{gone}\n{unit}");
    }
    let config = config("by-hand", newest);
    assert!(
        config.contains("containerRuntimeEndpoint: unix:///var/run/containerd/containerd.sock"),
        "{config}"
    );
    assert!(
        config.contains("volumePluginDir: /data/k8s/k8s/kubelet/kubelet-plugins/volume/exec/"),
        "{config}"
    );
    let origin = show("worker", 26, &["--origin"]);
    for line in [
        "kubelet.config.maxParallelImagePulls: 5  (built-in:profiles/worker.yaml:",
        "; left out: maxParallelImagePulls came with Kubernetes 1.27)",
        "; moved to --container-runtime-endpoint: the field came with Kubernetes 1.27)",
        "; left out: the only runtime since 1.24)",
    ] {
        assert!(origin.contains(line), "{line}\n{origin}");
    }
}

#[test]
fn what_the_inventory_says_for_the_wrong_version_is_told() {
    let more = "kubelet: {config: {containerRuntimeEndpoint: 'unix:///x', maxParallelImagePulls: 2}, flags: {max-pods: 50}}\n";
    let said = check("worker", 26, more);
    for rule in [
        "containerRuntimeEndpoint came with Kubernetes 1.27, and this kubelet is 1.26; write it as \
         kubelet.flags.container-runtime-endpoint\n",
        "maxParallelImagePulls came with Kubernetes 1.27, and this kubelet is 1.26; remove it or set a newer \
         kubernetes version\n",
        "kubelet.flags.max-pods: --max-pods is deprecated in Kubernetes 1.26; write it as kubelet.config.maxPods\n",
    ] {
        assert!(said.contains(rule), "{rule}{said}");
    }
    let more = "kubelet: {config: {containerRuntimeEndpoint: null}, \
                flags: {container-runtime-endpoint: unix:///run/crio/crio.sock}}\n";
    assert_eq!(check("worker", 26, more), "4 nodes can be built\n");
}

#[test]
fn profiles_of_the_users_own_move_too_and_tell_what_they_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    let nodebake = |args: &[&str]| {
        let mut command = tool::nodebake(folder.path(), args);
        let output = command.args(&["p"]).run();
        text(&output.stdout) + &text(&output.stderr)
    };
    nodebake(&["init", "--profile", "worker"]);
    fs::create_dir_all(project.join("profiles")).unwrap();
    let profile = "apiVersion: nodebake/v1\nkind: Profile\nextends: [worker]\nkubelet:\n  \
                   flags: {max-pods: 50, v: 4}\n  config: {memorySwap: {swapBehavior: LimitedSwap}, imageMaximumGCAge: 72h}\n";
    fs::write(project.join("profiles/own.yaml"), profile).unwrap();
    set_version(&project, 26, "");
    let inventory = fs::read_to_string(project.join("cluster.yaml")).unwrap();
    let inventory = inventory.replace("profiles: [worker]", "profiles: [own]");
    fs::write(project.join("cluster.yaml"), inventory).unwrap();
    let said = nodebake(&["check"]);
    for rule in [
        "warning: profiles/own.yaml:6:25: kubelet.config.memorySwap.swapBehavior: swapBehavior needs the feature gate NodeSwap, \
         and a kubelet here is 1.26: it is left out; set it to null",
        "warning: profiles/own.yaml:6:53: kubelet.config.imageMaximumGCAge: imageMaximumGCAge came with Kubernetes 1.29, \
         and a kubelet here is 1.26: it is left out; set it to null",
    ] {
        assert!(said.contains(rule), "{rule}\n{said}");
    }
    assert!(
        said.ends_with("4 nodes can be built\n") || said.contains("4 nodes can be built"),
        "{said}"
    );
    assert!(!said.contains("max-pods"), "{said}");
}

#[test]
fn flags_are_checked_by_name_and_value() {
    let more = "kubelet: {flags: {v: much, container-runtime: remote, not-a-flag: x, node-ip: '10.0.0'}}\n";
    let said = check("worker", 34, more);
    let newest = *Schema::load().minors().end();
    let unknown = format!(
        "kubelet.flags.not-a-flag: not-a-flag is known to no kubelet from 1.16 to 1.{newest}\n"
    );
    for rule in [
        "kubelet.flags.container-runtime: container-runtime was dropped after Kubernetes 1.26, and this kubelet is \
         1.34; remove it: the only runtime since 1.24\n",
        &unknown,
        "kubelet.flags.node-ip: must be an IP address; got \"10.0.0\"\n",
        "kubelet.flags.v: must be a whole number",
    ] {
        assert!(said.contains(rule), "{rule}{said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[test]
fn a_version_that_is_not_known_is_one_finding() {
    let (oldest, newest) = Schema::load().minors().into_inner();
    for minor in [oldest - 1, newest + 1] {
        let said = check("worker", minor, "");
        let rule = format!(
            "kubernetes: Kubernetes 1.{minor} is not known here; 1.{oldest} to 1.{newest} are\n"
        );
        assert!(said.ends_with(&rule) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn a_node_has_one_operating_system() {
    for (cluster, node, own, count) in [
        ("worker", "", "", 0),
        ("worker, ubuntu", "", "", 0),
        ("worker, ubuntu, ubuntu-24.04", "", "", 0),
        ("worker, ubuntu-24.04, ubuntu", "", "", 0),
        ("worker, ubuntu, immutable", "", "", 0),
        ("worker, ubuntu-22.04, ubuntu-24.04", "", "", 1),
        ("worker, debian-12, flatcar", "", "", 1),
        ("worker, ubuntu", "flatcar", "", 1),
        (
            "worker, ubuntu",
            "own",
            "extends: [ubuntu]\nos: {name: Our Ubuntu, ignition: false}",
            0,
        ),
        ("worker, ubuntu", "own", "os: {name: Ubuntu of rack 1}", 0),
        (
            "worker, ubuntu",
            "own",
            "os: {name: Rocky Linux, network: networkManager}",
            1,
        ),
        ("worker, own", "", "extends: [debian, fedora-coreos]", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        tool::nodebake(folder.path(), &["init", "p"]).run();
        let project = folder.path().join("p");
        let text = fs::read_to_string(project.join("cluster.yaml")).unwrap();
        let mut text = text.replace("profiles: [worker]", &format!("profiles: [{cluster}]"));
        assert!(text.contains(cluster), "{text}");
        if !node.is_empty() {
            let own = "    kubelet: {config: {maxPods: 60}}\n";
            text = text.replace(own, &format!("{own}    profiles: [{node}]\n"));
            assert!(text.contains(&format!("profiles: [{node}]")), "{text}");
        }
        fs::write(project.join("cluster.yaml"), text).unwrap();
        if !own.is_empty() {
            fs::create_dir_all(project.join("profiles")).unwrap();
            let head = "apiVersion: nodebake/v1\nkind: Profile\n";
            fs::write(project.join("profiles/own.yaml"), format!("{head}{own}\n")).unwrap();
        }
        let output = tool::nodebake(&project, &["check", "--format", "json"]).run();
        let said = String::from_utf8(output.stdout).unwrap();
        let found = said.matches("\"os-profiles-mixed\"").count();
        assert_eq!(found, count, "{cluster} + {node} + {own}: {said}");
    }
}
