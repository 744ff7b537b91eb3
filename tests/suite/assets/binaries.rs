//! Assets against what is known of the node: the machine that a program is for, the version that it says.

use std::fs;
use std::path::Path;

use crate::support::fixture::{Project, sha256, text};
use crate::support::oracles::{self, Target};

/// A project whose node has these assets, and what else its `output` line is to be.
fn project(assets: &[(&str, &str, &str)], node: &str) -> Project {
    let mut project = Project::of("modern");
    let mut lines = format!("{node}    assets:\n");
    for (path, source, more) in assets {
        let digest = sha256(&fs::read(source).unwrap());
        let folder = Path::new(source).parent().unwrap();
        project.allowed.push(folder.to_owned());
        lines += &format!(
            "      {path}: {{source: {source}, sha256: {digest}, mode: \"0755\"{more}}}\n"
        );
    }
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    let changed = inventory.replace(
        "    profiles: [gpu]\n",
        &format!("    profiles: [gpu]\n{lines}"),
    );
    fs::write(file, changed).unwrap();
    project
}

/// A program of Go's own compiler and linker, for a machine, with a version as Kubernetes' builds put it in.
fn program(folder: &Path, arch: &str, version: &str) -> String {
    let source =
        "package main\nvar gitVersion = \"v0.0.0-master\"\nfunc main() { println(gitVersion) }\n";
    fs::write(folder.join("main.go"), source).unwrap();
    let name = format!("program-{arch}-{version}");
    let output = oracles::command(folder, "go")
        .args(["build", "-trimpath", "-o", &name, "-ldflags"])
        .arg(format!("-s -w -X main.gitVersion={version}"))
        .arg("main.go")
        .env("GOARCH", arch)
        .env("GOOS", "linux")
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    folder.join(name).display().to_string()
}

fn findings(project: &Project) -> Vec<String> {
    let said = text(&project.run(&["check"]).stdout);
    said.lines()
        .filter(|line| line.contains("assets"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn programs_for_other_machines_and_kubelets_of_other_versions_are_found() {
    oracles::needs(["go"]);
    let scratch = tempfile::tempdir().unwrap();
    let kubelet = program(scratch.path(), "amd64", "v1.34.4");
    let older = program(scratch.path(), "amd64", "v1.33.2");
    let arm = program(scratch.path(), "arm64", "v1.34.4");
    let path = "/usr/local/bin/kubelet";
    for (source, node, said) in [
        (&kubelet, "", ""),
        (&arm, "    os: {arch: arm64}\n", ""),
        (
            &older,
            "",
            "is of Kubernetes v1.33.2, and the node's is v1.34.4",
        ),
        (&arm, "", "is a program for arm64, and the node is amd64"),
        (
            &kubelet,
            "    os: {arch: s390x}\n",
            "is a program for amd64, and the node is s390x",
        ),
    ] {
        let found = findings(&project(&[(path, source, "")], node));
        if said.is_empty() {
            assert!(found.is_empty(), "{found:?}")
        } else {
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(said), "{found:?}");
            assert!(found[0].starts_with("error: cluster.yaml:"), "{found:?}");
        }
    }
    // Elsewhere than where the kubelet is, it is any program.
    let other = project(&[("/usr/local/bin/tool", &older, "")], "");
    assert!(findings(&other).is_empty());
}

#[test]
fn a_version_that_is_declared_must_be_in_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("runc");
    let mut bytes = vec![b'x'; 65_533];
    bytes.extend_from_slice(b"1.1.12-rc");
    fs::write(&file, bytes).unwrap();
    let source = file.display().to_string();
    for (version, good) in [("1.1.12", true), ("1.1.12-rc", true), ("1.1.13", false)] {
        let more = format!(", version: {version}");
        let found = findings(&project(&[("/usr/local/sbin/runc", &source, &more)], ""));
        assert_eq!(found.is_empty(), good, "{version}: {found:?}");
        assert!(
            good || found[0].contains("does not hold this version"),
            "{found:?}"
        );
    }
    let empty = project(&[("/usr/local/sbin/runc", &source, ", version: \"\"")], "");
    assert_eq!(findings(&empty).len(), 1);
}

#[test]
fn an_architecture_that_nobody_has_is_refused() {
    let project = project(&[], "    os: {arch: x86_64}\n    vars: {a: 1}\n");
    let said = text(&project.run(&["check"]).stdout);
    assert!(
        said.contains("os.arch") && said.contains("amd64, arm,"),
        "{said}"
    );
}

/// Real kubelets say what they are.
#[test]
fn upstreams_kubelets_are_recognised() {
    for version in ["v1.16.6", "v1.34.4"] {
        let name = format!("../kubernetes/{version}/kubelet");
        Target::Conformance.must_run("upstream's kubelets");
        Target::Conformance.needs([&name]);
        let kubelet = oracles::folder()
            .join("kubernetes")
            .join(version)
            .join("kubelet");
        let source = kubelet.canonicalize().unwrap().display().to_string();
        let node = "    kubernetes: v1.33.1\n";
        let found = findings(&project(&[("/usr/local/bin/kubelet", &source, "")], node));
        let said = format!("is of Kubernetes {version}, and the node's is v1.33.1");
        assert!(found.iter().any(|line| line.contains(&said)), "{found:?}");
    }
}

#[test]
fn containerd_is_the_release_that_the_inventory_says() {
    oracles::needs(["go"]);
    let scratch = tempfile::tempdir().unwrap();
    let of = |version: &str| program(scratch.path(), "amd64", version);
    let (new, old, candidate, ancient, own) = (
        of("v2.1.4"),
        of("v1.7.13"),
        of("v2.2.0-rc.1"),
        of("v1.5.18"),
        of("1.6.20~ds1"),
    );
    let path = "/usr/local/bin/containerd";
    let version = |version: &str| format!("    containerd: {{version: \"{version}\"}}\n");
    let third = "    files: {/etc/containerd/config.toml: {content: \"version = 3\\n[plugins.'io.containerd.cri.v1.runtime']\\nenable_selinux = true\\n\"}}\n";
    for (source, node, said) in [
        (&new, version("2.1"), ""),
        (&candidate, version("2.2"), ""),
        (&old, version("1.7"), ""),
        (&new, String::new(), ""),
        // A build of a distribution says its version otherwise.
        (&own, version("1.7"), ""),
        (
            &old,
            version("2.1"),
            "is containerd 1.7, and containerd.version is 2.1",
        ),
        (
            &new,
            version("1.7"),
            "is containerd 2.1, and containerd.version is 1.7",
        ),
        (
            &new,
            version("2.0"),
            "is containerd 2.1, and containerd.version is 2.0",
        ),
        (
            &ancient,
            String::new(),
            "speaks CRI v1, which containerd has since 1.6",
        ),
        (&new, third.to_owned(), ""),
        (
            &old,
            third.to_owned(),
            "containerd 1.x has no plugin io.containerd.cri.v1.runtime",
        ),
    ] {
        let project = project(&[(path, source.as_str(), "")], &node);
        let output = text(&project.run(&["check"]).stdout);
        let about = |line: &&str| line.contains("containerd") && line.starts_with("error");
        let found: Vec<&str> = output.lines().filter(about).collect();
        let row = format!("{source} {node}: {output}");
        if said.is_empty() {
            assert!(found.is_empty(), "{row}");
        } else {
            assert!(found.len() == 1 && found[0].contains(said), "{row}");
        }
    }
}

/// The real program of a package, where it is there: its linker wrote its version as we look for it.
#[test]
fn a_real_containerd_says_its_release() {
    Target::Versions.needs(["containerd-2.4"]);
    let source = oracles::folder().join("bin/containerd-2.4");
    let source = fs::canonicalize(source).unwrap().display().to_string();
    let node = "    containerd: {version: \"2.1\"}\n";
    let project = project(&[("/usr/local/bin/containerd", source.as_str(), "")], node);
    let output = text(&project.run(&["check"]).stdout);
    assert!(
        output.contains("is containerd 2.4, and containerd.version is 2.1"),
        "{output}"
    );
}
