//! Sources of assets and images that are templates: one entry for several architectures and minors, its digests by file.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::assets::images::archives;
use crate::support::fixture::sha256;
use crate::support::new_project::NewProject;
use crate::support::oracles;
use crate::support::tool::nodebake;

/// The head of a program for a machine, and a version as Go's linker writes one.
pub fn kubelet(arch: &str, version: &str) -> Vec<u8> {
    let machine: u8 = match arch {
        "arm64" => 183,
        _ => 62,
    };
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(18, 0);
    bytes.extend([machine, 0]);
    bytes.resize(4096, 0);
    bytes.extend(version.as_bytes());
    bytes.push(0);
    bytes
}

/// Writes kubelets into a folder, `ARCH/kubelet-VERSION`; a line for each with its digest.
pub fn kubelets(folder: &Path, versions: &[&str], indent: &str) -> String {
    let mut lines = String::new();
    for arch in ["amd64", "arm64"] {
        fs::create_dir_all(folder.join(arch)).unwrap();
        for version in versions {
            let bytes = kubelet(arch, version);
            let file = format!("{arch}/kubelet-{version}");
            fs::write(folder.join(&file), &bytes).unwrap();
            lines += &format!("{indent}files/{file}: {}\n", sha256(&bytes));
        }
    }
    lines
}

const NODES: &str = "paths: {kubelet: /opt/bin/kubelet}
nodes:
  - {name: a, addresses: [10.1.0.1], os: {arch: arm64}}
  - {name: b, addresses: [10.1.0.2], kubernetes: v1.33.6}
  - {name: c, addresses: [10.1.0.3], os: {arch: arm64}, labels: {example.com/x: y}}
";

fn project(entry: &str, digests: impl Fn(&str) -> String) -> NewProject {
    let project = NewProject::new("profiles: [worker]\nnodes: [{name: a}, {name: b}, {name: c}]\n");
    let lines = kubelets(
        &project.dir().join("files"),
        &["v1.33.6", "v1.34.4"],
        "      ",
    );
    let file = project.dir().join("cluster.yaml");
    let head = fs::read_to_string(&file).unwrap();
    let head = head.split("nodes:").next().unwrap().to_owned();
    let entry = entry.replace("@\n", &format!("\n{}", digests(&lines)));
    fs::write(
        file,
        format!("{head}assets:\n  /opt/bin/kubelet:\n{entry}{NODES}"),
    )
    .unwrap();
    project
}

fn found(project: &NewProject) -> Vec<Json> {
    let output = nodebake(&project.dir(), &["check", "--format", "json"]).run();
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    said["findings"].as_array().unwrap().clone()
}

const SOURCE: &str =
    "    source: \"files/{{ os.arch }}/kubelet-{{ kubelet.version }}\"\n    mode: \"0755\"\n";

#[test]
fn one_entry_is_for_two_architectures_and_two_minors() {
    let project = project(&format!("{SOURCE}    sha256:@\n"), str::to_owned);
    let said = project.run(&["check", "--strict"]);
    assert!(said.contains("3 nodes can be built"), "{said}");
    project.good(&["build"]);
    project.good(&["verify", "out", "--key", "keys/sign.pub"]);
    // Nodes with the same files share what has them.
    let shared = fs::read_dir(project.dir().join("out/shared")).unwrap();
    let archives = shared
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("assets-") && name.ends_with(".tar.gz"));
    assert_eq!(archives.count(), 2);
    for (node, file) in [
        ("a", kubelet("arm64", "v1.34.4")),
        ("b", kubelet("amd64", "v1.33.6")),
        ("c", kubelet("arm64", "v1.34.4")),
    ] {
        let origin = project.good(&["show", node, "--origin"]);
        let digest = format!("sha256: \"{}\"", sha256(&file));
        assert!(origin.contains(&digest), "{node}: {origin}");
    }
    let origin = project.good(&["show", "b", "--origin"]);
    assert!(origin.contains("files/amd64/kubelet-v1.33.6"), "{origin}");
}

#[test]
fn a_digest_may_be_one_or_a_template_and_versions_too() {
    for entry in [
        "    source: \"files/{{ os.arch }}/kubelet-{{ kubelet.version }}\"\n    sha256:@\n    version: \"{{ kubelet.version }}\"\n",
        "    source: \"files/{{ os.arch }}/kubelet-v1.{{ kubelet.minor }}.{% if kubelet.minor == 33 %}6{% else %}4{% endif %}\"\n    sha256:@\n",
    ] {
        let project = project(entry, str::to_owned);
        let said = project.run(&["check", "--strict"]);
        assert!(said.contains("3 nodes can be built"), "{entry}: {said}");
    }
    let digest = sha256(&kubelet("arm64", "v1.34.4"));
    let lines = format!(
        "profiles: [worker]\nvars: {{digest: {digest}, of: arm}}\npaths: {{kubelet: /opt/bin/kubelet}}\nos: {{arch: arm64}}\nassets: {{/opt/bin/kubelet: {{source: \"files/{{{{ vars.of }}}}64/kubelet-v1.34.4\", sha256: \"{{{{ vars.digest }}}}\", mode: \"0755\"}}}}\nnodes: [{{name: a, addresses: [10.1.0.1]}}]\n"
    );
    let one = NewProject::new(&lines);
    kubelets(&one.dir().join("files"), &["v1.34.4"], "");
    one.run(&["token", "create"]);
    let said = one.run(&["check", "--strict"]);
    assert!(said.contains("1 node can be built"), "{said}");
}

#[test]
fn what_is_wrong_names_the_file_and_the_nodes() {
    let without = |part: &'static str| {
        move |lines: &str| {
            let kept = lines.lines().filter(|line| !line.contains(part));
            kept.map(|line| format!("{line}\n")).collect::<String>()
        }
    };
    let same = |lines: &str| lines.to_owned();
    let whole = format!("{SOURCE}    sha256:@\n");
    type Change<'c> = &'c dyn Fn(&str) -> String;
    let cases: [(String, Change<'_>, &str, &str, &[&str]); 6] = [
        (
            whole.clone(),
            &without("arm64/kubelet-v1.34.4"),
            "asset-digest-missing",
            "files/arm64/kubelet-v1.34.4",
            &["a", "c"],
        ),
        (
            whole.replace("-{{", "_{{"),
            &same,
            "file-missing",
            "files/amd64/kubelet_v1.33.6",
            &["b"],
        ),
        (
            whole.replace("-{{", "_{{"),
            &same,
            "file-missing",
            "files/arm64/kubelet_v1.34.4",
            &["a", "c"],
        ),
        (
            whole.replace("os.arch", "node.name"),
            &same,
            "template-failed",
            "",
            &["a", "b", "c"],
        ),
        (
            whole.replace("{{ os.arch }}", "{{ vars.arch }}"),
            &same,
            "template-failed",
            "",
            &["a", "b", "c"],
        ),
        (
            format!("{SOURCE}    sha256: \"{}\"\n", "0".repeat(64)),
            &same,
            "asset-digest-mismatch",
            "files/amd64/kubelet-v1.33.6",
            &[],
        ),
    ];
    for (entry, digests, id, file, nodes) in cases {
        let project = project(&entry, digests);
        let all = found(&project);
        let fits = |one: &&Json| {
            let message = one["message"].as_str().unwrap();
            one["id"] == id && message.contains(file)
        };
        let one = all.iter().find(fits);
        let one = one.unwrap_or_else(|| panic!("{entry}: {id}: {all:#?}"));
        assert_eq!(one["file"], "cluster.yaml", "{one:#}");
        let named: Vec<&str> = one["nodes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        assert_eq!(named, nodes, "{one:#}");
        // Nothing follows from it.
        let others = all.iter().filter(|one| {
            let of_file = ["file-missing", "asset-digest-mismatch", "token-missing"];
            !of_file.contains(&one["id"].as_str().unwrap()) && one["id"] != id
        });
        assert_eq!(others.count(), 0, "{id}: {all:#?}");
    }
}

#[test]
fn a_program_for_another_machine_or_minor_is_found_by_its_file() {
    for (source, id) in [
        (
            "files/amd64/kubelet-{{ kubelet.version }}",
            "asset-for-other-machine",
        ),
        (
            "files/{{ os.arch }}/kubelet-v1.34.4",
            "asset-version-mismatch",
        ),
    ] {
        let entry = format!("    source: \"{source}\"\n    sha256:@\n");
        let ids: Vec<String> = found(&project(&entry, str::to_owned))
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        assert!(ids.iter().any(|one| one == id), "{source}: {ids:?}");
    }
}

#[test]
fn archives_of_images_are_chosen_in_the_same_way() {
    oracles::needs(["python3", "sh"]);
    let lines = "profiles: [worker]\ncontainerd: {version: \"2.1\"}\noverlays: {containerd: {}}\nairgap: true\nnodes: [{name: a, addresses: [10.1.0.1], os: {arch: arm64}}, {name: b, addresses: [10.1.0.2]}]\n";
    let project = NewProject::new(lines);
    let folder = project.dir().join("files");
    let mut digests = String::new();
    for arch in ["amd64", "arm64"] {
        let folder = folder.join(arch);
        fs::create_dir_all(&folder).unwrap();
        archives(&folder);
        let bytes = fs::read(folder.join("pause.tar")).unwrap();
        digests += &format!("files/{arch}/pause.tar: {}, ", sha256(&bytes));
    }
    let file = project.dir().join("cluster.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let images = format!(
        "images: {{pause.tar: {{source: \"files/{{{{ os.arch }}}}/pause.tar\", sha256: {{{digests}}}}}}}\n"
    );
    fs::write(&file, format!("{text}{images}")).unwrap();
    project.run(&["token", "create"]);
    let said = project.run(&["check"]);
    assert!(said.contains("2 nodes can be built"), "{said}");
    assert!(project.good(&["preflight"]).contains("a"));
    let shown = project.good(&["show", "b"]);
    assert!(
        shown.contains("/var/lib/nodebake/images/pause.tar"),
        "{shown}"
    );
}
