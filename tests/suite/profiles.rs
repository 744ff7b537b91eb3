//! Built-in profiles serve exactly the minors that they claim, and findings in them can be acted upon.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes a project with a built-in profile for one minor, with further lines, and returns what `check` prints.
fn check(profile: &str, minor: u32, more: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p");
    let nodebake = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_nodebake"))
            .args(args)
            .arg(&project)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let _ = nodebake(&["init", "--profile", profile]);
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
fn profiles_serve_the_minors_that_they_claim() {
    for minor in 16..=37 {
        for (profile, serves) in [("worker", 27..=37), ("by-hand", 16..=23)] {
            let said = check(profile, minor, "");
            let good = said == "4 nodes can be built\n";
            assert_eq!(good, serves.contains(&minor), "{profile} 1.{minor}\n{said}");
        }
    }
}

#[test]
fn what_a_profile_has_too_much_can_be_taken_away() {
    let said = check("worker", 26, "");
    assert_eq!(said.lines().count(), 2, "{said}");
    let line = "kubelet.config.containerRuntimeEndpoint: containerRuntimeEndpoint came with Kubernetes 1.27, and this \
                kubelet is 1.26; set it to null in a layer of yours or set a newer kubernetes version\n";
    assert!(said.contains(line), "{said}");
    let more = "kubelet:\n  \
                config: {containerRuntimeEndpoint: null, maxParallelImagePulls: null}\n  \
                flags: {container-runtime-endpoint: unix:///run/containerd/containerd.sock}\n";
    assert_eq!(check("worker", 26, more), "4 nodes can be built\n");
}

#[test]
fn flags_are_checked_by_name_and_value() {
    let more = "kubelet: {flags: {v: much, container-runtime: remote, not-a-flag: x, node-ip: '10.0.0'}}\n";
    let said = check("worker", 34, more);
    for rule in [
        "kubelet.flags.container-runtime: container-runtime was dropped after Kubernetes 1.26, and this kubelet is \
         1.34; remove it\n",
        "kubelet.flags.not-a-flag: not-a-flag is known to no kubelet from 1.16 to 1.37\n",
        "kubelet.flags.node-ip: \"10.0.0\" is not an IP address\n",
        "kubelet.flags.v: must be a whole number",
    ] {
        assert!(said.contains(rule), "{rule}{said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[test]
fn a_version_that_is_not_known_is_one_finding() {
    for minor in [15, 38] {
        let said = check("worker", minor, "");
        let rule =
            format!("kubernetes: Kubernetes 1.{minor} is not known here; 1.16 to 1.37 are\n");
        assert!(said.ends_with(&rule) && said.lines().count() == 1, "{said}");
    }
}
