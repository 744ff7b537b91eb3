//! `import`: what kubectl printed of a cluster becomes a project that describes it. The dumps of `tests/fixtures/import` are
//! those of an invented cluster, modelled on what kubeadm 1.34.4 and a real API server printed.

mod kinds;
mod kubespray;
mod merge;
mod others;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle::golden::recording;
use crate::support::findings::one_line_each;
use crate::support::fixture::{Project, fixtures, text};
use crate::support::tool::nodebake;

/// The dumps of the cluster, without that of a kubelet.
const DUMPS: [&str; 8] = [
    "config-view.yaml",
    "kubeadm-config.yaml",
    "kubelet-config.yaml",
    "kube-proxy.yaml",
    "coredns.yaml",
    "cluster-info.yaml",
    "nodes.json",
    "kube-apiserver-cp-1.yaml",
];

fn dumps() -> PathBuf {
    fixtures().join("import/prod-eu1")
}

fn dump(name: &str) -> String {
    fs::read_to_string(dumps().join(name)).unwrap()
}

/// A folder to import in, with files of the test.
fn folder(files: &[(&str, &str)]) -> Project {
    let project = Project::empty();
    fs::create_dir_all(&project.dir).unwrap();
    for (name, content) in files {
        fs::write(project.dir.join(name), content).unwrap();
    }
    project
}

/// What an import said: findings of one line each, standard output, exit code.
fn import(project: &Project, args: &[&str]) -> (String, String, Option<i32>) {
    let args = [&["import", "--project", "p"], args].concat();
    let output = project.command(&args).run();
    let said = one_line_each(&text(&output.stderr));
    (said, text(&output.stdout), output.status.code())
}

/// Runs a command that must be content, at the time of the run: tokens were created just now.
fn now(project: &Project, args: &[&str]) -> String {
    nodebake(&project.dir, args).good()
}

fn written(project: &Project, file: &str) -> String {
    fs::read_to_string(project.dir.join("p").join(file)).unwrap()
}

/// All dumps and the settings of a kubelet.
fn import_all(project: &Project, more: &[&str]) -> (String, String) {
    let files: Vec<String> = DUMPS
        .iter()
        .map(|name| dumps().join(name).display().to_string())
        .collect();
    let configz = format!(
        "worker-2={}",
        dumps().join("configz-worker-2.json").display()
    );
    let mut args: Vec<&str> = files.iter().map(String::as_str).collect();
    args.extend(["--configz", &configz]);
    args.extend(more);
    let (said, printed, code) = import(project, &args);
    assert_eq!(code, Some(0), "{said}{printed}");
    (said, printed)
}

/// Compares what was written with what is recorded; with NODEBAKE_GOLDEN=record it is recorded, and the test fails.
fn is_recorded(project: &Project, expected: &Path, files: &[&str]) {
    let recording = recording();
    for file in files {
        let path = expected.join(file);
        if recording {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, written(project, file)).unwrap();
        } else {
            let recorded = fs::read_to_string(&path).unwrap();
            assert_eq!(written(project, file), recorded, "{file}");
        }
    }
    assert!(!recording, "recorded; look at `git diff`, then test");
}

#[test]
fn a_cluster_becomes_the_project_that_describes_it() {
    let project = folder(&[]);
    let (said, printed) = import_all(&project, &[]);
    assert_eq!(said, "");
    let unknown: Vec<&str> = printed
        .lines()
        .filter(|line| line.starts_with("not known: "))
        .collect();
    assert_eq!(unknown.len(), 1, "{printed}");
    assert!(
        unknown[0].contains("or Flatcar Container Linux by Kinvolk 4230.2.1, as worker-3: "),
        "{printed}"
    );
    let expected = dumps().join("expected");
    is_recorded(
        &project,
        &expected,
        &[
            "cluster.yaml",
            "profiles/imported.yaml",
            "profiles/worker-2.yaml",
            "pki/ca.pem",
        ],
    );
    assert_eq!(
        now(&project, &["check", "p", "--strict"]),
        "0 nodes can be built\n"
    );
    assert!(!project.dir.join("p/secrets.yaml").exists());
}

#[test]
fn nodes_that_are_built_from_now_on_are_checked_and_built() {
    let project = folder(&[]);
    import_all(&project, &["--build", "worker-*"]);
    assert_eq!(
        now(&project, &["check", "p", "--strict"]),
        "3 nodes can be built\n"
    );
    now(&project, &["build", "p"]);
    let (said, _, code) = import(
        &folder(&[("a.yaml", &dump("nodes.json"))]),
        &["a.yaml", "--build", "cp-1"],
    );
    assert_eq!(code, Some(0));
    assert!(said.contains("cp-1 has an API server"), "{said}");
}

#[test]
fn two_more_nodes_are_added_by_hand() {
    let project = folder(&[]);
    import_all(&project, &[]);
    let mut inventory = written(&project, "cluster.yaml");
    inventory
        .push_str("  - range: {names: \"new-[1-2]\", start: 192.0.2.31, within: 192.0.2.0/24}\n");
    // Nodes of a cluster with two families have an address of each, or the check says so.
    fs::write(project.dir.join("p/cluster.yaml"), inventory).unwrap();
    project.good(&["token", "create", "p"]);
    assert_eq!(now(&project, &["check", "p"]), "2 nodes can be built\n");
}

/// All in one file, in any order, YAML and JSON, with marks between them or without: it is the same project.
#[test]
fn dumps_come_in_any_mix() {
    let project = folder(&[]);
    import_all(&project, &[]);
    let expected = written(&project, "cluster.yaml").replace("    # profiles: [worker-2]\n", "");
    let all: Vec<String> = DUMPS.iter().map(|name| dump(name)).collect();
    let as_json = |text: &str| {
        let value: serde_json::Value = nodebake::yaml::read(text).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let json: Vec<String> = all.iter().map(|text| as_json(text)).collect();
    let items: Vec<serde_json::Value> = json
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let list = serde_json::json!({"kind": "List", "apiVersion": "v1", "items": items}).to_string();
    let yaml_list =
        nodebake::yaml::to_text(&serde_json::from_str::<serde_json::Value>(&list).unwrap())
            .unwrap();
    let mut backwards = all.clone();
    backwards.reverse();
    for (name, input) in [
        ("concatenated", all.concat()),
        ("with marks", all.join("\n---\n")),
        ("backwards", backwards.join("---\n")),
        ("JSON without anything between", json.concat()),
        (
            "JSON and YAML",
            all.iter()
                .zip(&json)
                .map(|(yaml, json)| format!("{yaml}{json}"))
                .collect(),
        ),
        ("lines of Windows", all.concat().replace('\n', "\r\n")),
        ("a list", list),
        ("a list as YAML", yaml_list),
        ("a byte order mark", format!("\u{feff}{}", all.concat())),
    ] {
        let project = folder(&[]);
        let mut tool = project.command(&["import", "-p", "p", "-"]);
        let output = tool.run_with_input(input.as_bytes());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        let found = written(&project, "cluster.yaml");
        // The order of the nodes is that of the input, and there is one list of them.
        assert_eq!(found, expected, "{name}");
    }
}

/// Keys and tokens of the administrator are in the input and nowhere else.
#[test]
fn secrets_of_the_input_are_neither_written_nor_printed() {
    let secret = "testonly-client-key-5e1f";
    let view = dump("config-view.yaml").replace(
        "user: {token: not-a-real-token}",
        &format!("user: {{token: {secret}, client-key-data: {secret}, password: {secret}, exec: {{env: [{{name: a, value: {secret}}}]}}}}"),
    );
    assert!(view.contains(secret));
    let broken = view.replace("kind: Config", &format!("kind: Config\n{secret}: [\n"));
    for input in [view.clone(), broken, view.replace("clusters:", "cluster:")] {
        let project = folder(&[("view.yaml", &input)]);
        let output = project.command(&["import", "-p", "p", "view.yaml"]).run();
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains(secret), "{all}");
        let p = project.dir.join("p");
        if p.exists() {
            for entry in walkdir::WalkDir::new(&p) {
                let entry = entry.unwrap();
                if entry.file_type().is_file() {
                    let bytes = fs::read(entry.path()).unwrap();
                    assert!(
                        !String::from_utf8_lossy(&bytes).contains(secret),
                        "{}",
                        entry.path().display()
                    );
                }
            }
        }
    }
}

/// Each wrong input with what is said of it.
#[test]
fn what_is_not_read_is_named_with_its_line() {
    for (input, said) in [
        (
            "kind: Foo\nmetadata: {name: a}\n",
            "error: in.yaml: there is nothing to import; give what `kubectl get … -o yaml` prints",
        ),
        (
            "kind: List\nitems: []\n",
            "error: in.yaml: there is nothing to import",
        ),
        ("", "error: in.yaml: there is nothing to import"),
        ("a: [\n", "error: in.yaml:1:4: not valid YAML"),
        (
            "kind: Node\nmetadata: {name: A_b}\n",
            "error: in.yaml:1:1: metadata.name: ",
        ),
        (
            "- 5\n",
            "error: in.yaml:1:3: must be an object of Kubernetes, not a whole number",
        ),
        ("x: 1\n", "error: in.yaml:1:1: has no kind"),
        (
            "{\"kubeletconfig\": {}}",
            "error: in.yaml:1:19: /configz does not name its node",
        ),
        (
            "kind: ConfigMap\nmetadata: {name: kubelet-config}\ndata:\n  kubelet: |\n    a: 1\n    b: [\n",
            "not valid YAML: unclosed bracket",
        ),
        (
            "kind: ConfigMap\nmetadata: {name: kubeadm-config}\ndata: {}\n",
            "error: in.yaml:1:1: data: ConfigMap kubeadm-config has no key ClusterConfiguration",
        ),
        (
            "kind: Config\nclusters: [{name: a, cluster: {certificate-authority-data: DATA+OMITTED}}]\n",
            "kubectl left the CA out; print it with `kubectl config view --raw --minify --flatten`",
        ),
        (
            "kind: Config\nclusters: [{name: a, cluster: {certificate-authority-data: \"%%\"}}]\n",
            "must be base64 of PEM",
        ),
        (
            "kind: Config\nclusters: [{name: a, cluster: {certificate-authority: /etc/ca.crt}}]\n",
            "the CA is in a file that is not part of the output",
        ),
        ("kind: Config\n", "the kubeconfig names no current cluster"),
        (
            "Error from server (NotFound): configmaps \"x\" not found\n",
            "warning: in.yaml:1:1: a message of kubectl, not an object",
        ),
    ] {
        let project = folder(&[("in.yaml", input)]);
        let (found, _, code) = import(&project, &["in.yaml"]);
        assert!(found.contains(said), "{input}: {found}");
        assert_eq!(code, Some(3), "{input}");
        assert!(!project.dir.join("p").exists(), "{input}");
    }
    let nodes = dump("nodes.json");
    for (more, said) in [
        (
            "kind: Foo\nmetadata: {name: a}\n---\nkind: Foo\nmetadata: {name: b}\n",
            "warning: more.yaml:1:1: 2 objects of kind Foo are not read, the first is a; leave it out",
        ),
        (
            "kind: ConfigMap\nmetadata: {name: mine}\n",
            "warning: more.yaml:1:1: ConfigMap mine is not read",
        ),
        (
            "kind: Secret\nmetadata: {name: s}\ndata: {a: dGVzdA==}\n",
            "warning: more.yaml:1:1: Secret s is not read",
        ),
        (
            "kind: Node\nmetadata: {name: win-1}\nstatus: {nodeInfo: {operatingSystem: windows}}\n",
            "warning: more.yaml:1:1: win-1 runs Windows",
        ),
        (
            "kind: Config\nclusters: [{name: a, cluster: {server: \"https://127.0.0.1:7443\", proxy-url: \"http://x\"}}]\n",
            "kubectl reaches the API server with proxy-url; nodes do without",
        ),
    ] {
        let project = folder(&[("nodes.json", &nodes), ("more.yaml", more)]);
        let (found, _, code) = import(&project, &["nodes.json", "more.yaml"]);
        assert!(found.contains(said), "{more}: {found}");
        assert_eq!(code, Some(0), "{more}");
    }
}

#[test]
fn sources_that_disagree_are_told_and_the_better_one_counts() {
    let view = dump("config-view.yaml").replace("api.prod-eu1.example.com:6443", "127.0.0.1:9443");
    let project = folder(&[
        ("view.yaml", &view),
        ("info.yaml", &dump("cluster-info.yaml")),
    ]);
    let (said, _, _) = import(&project, &["view.yaml", "info.yaml"]);
    assert_eq!(
        said,
        "warning: view.yaml:5:13: the API server's URL is https://127.0.0.1:9443 here and \
         https://api.prod-eu1.example.com:6443 in ConfigMap cluster-info (info.yaml:11:13), which is taken; correct \
         cluster.yaml if this one is right\n"
    );
    assert!(
        written(&project, "cluster.yaml").contains("url: https://api.prod-eu1.example.com:6443\n")
    );
    // Alone it is a tunnel, which no node can use.
    let project = folder(&[("view.yaml", &view)]);
    let (_, printed, _) = import(&project, &["view.yaml"]);
    assert!(
        printed.contains("not known: the API server's URL as nodes reach it: "),
        "{printed}"
    );
    now(&project, &["check", "p"]);
}
