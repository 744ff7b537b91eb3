//! Real kubelets start with generated settings, far enough that they have looked at all of them, and what they say is compared
//! with `nodebake check` of the same settings. `make conformance` asks a part of the sets of two kubelets, `make versions` all sets
//! of seven. Where we are to differ, `kubelet_start/exceptions.txt` says why.
//!
//! The settings are those of a `worker` node with one set of `kubelet_start/pieces.yaml` laid over them.

mod exceptions;
pub mod sets;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::kubernetes::kubelet_start::exceptions::Exceptions;
use crate::kubernetes::kubelet_start::sets::{Set, sets};
use crate::kubernetes::kubelets::minor;
use crate::support::oracles::{self, Target};
use crate::support::tool;

/// The releases whose kubelets start, oldest first: two for `make conformance`, all for `make versions`.
const RELEASES: [&str; 7] = [
    "v1.16.6", "v1.20.15", "v1.24.17", "v1.28.15", "v1.31.4", "v1.34.4", "v1.37.2",
];

/// Sets for each minor that `make versions` asks, and the part of them that `make conformance` asks.
const COUNT: usize = 330;
const PART: usize = 90;

/// Findings about what this machine does not show: whether files, names and addresses agree with the node's; and about security,
/// which no kubelet ends over.
const NOT_ASKED: [&str; 14] = [
    "kubelet-address-foreign",
    "kubelet-name-differs",
    "node-address-family",
    "token-missing",
    "runtime-disagrees",
    "path-",
    "kubelet-anonymous",
    "kubelet-authorization-open",
    "kubelet-read-only-port",
    "kubelet-unreachable",
    "kubelet-client-ca-missing",
    "kubelet-debugging-open",
    "kubelet-rotation-off",
    "kubelet-tls-weak",
];

/// What a kubelet answers to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    accepted: bool,
    why: String,
}

/// What the sets are laid over, beside the profile: nothing of this machine's control groups, kernel settings or firewall.
fn base(minor: u32) -> Value {
    let mut config = json!({
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": if minor < 31 { json!([]) } else { json!(["none"]) },
        "makeIPTablesUtilChains": false,
        "protectKernelDefaults": false,
        "cgroupDriver": "cgroupfs",
    });
    if minor >= 22 {
        config["featureGates"] = json!({"KubeletInUserNamespace": true});
    }
    let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    if minor >= 35 && !unified {
        config["failCgroupV1"] = json!(false);
    }
    let mut flags = json!({"root-dir": "/WORK/root"});
    let endpoint = "unix:///CRI";
    if minor < 27 {
        flags["container-runtime-endpoint"] = json!(endpoint);
    } else {
        config["containerRuntimeEndpoint"] = json!(endpoint);
    }
    json!({"config": config, "flags": flags})
}

/// The cluster with a node for each set. JSON is YAML. Each node says all that the good one says, so that a finding is at the
/// node whose set it is about.
fn cluster(release: &str, good: Option<&Good>, sets: &[Set]) -> String {
    let minor = minor(release);
    let nodes = sets.iter().enumerate().map(|(index, set)| {
        let (mut config, mut flags) = (json!({}), json!({}));
        if let Some(good) = good {
            config = good.config.clone();
            flags = good.flags.iter().cloned().collect();
        }
        sets::overlay(&mut config, &set.config);
        sets::overlay(&mut flags, &set.flags);
        let mut node =
            json!({"name": format!("n{index}"), "kubelet": {"config": config, "flags": flags}});
        if let Some(drop_ins) = &set.drop_ins {
            node["kubelet"]["flags"]["config-dir"] = json!("/WORK/config.d");
            let below = good.map_or(json!({}), |good| good.below(set, minor));
            let files = drop_ins.iter().map(|(name, patch)| {
                let file = json!({"content": drop_in(&below, patch).to_string()});
                (format!("/WORK/config.d/{name}"), file)
            });
            node["files"] = files.collect();
        }
        node
    });
    let mut cluster = json!({
        "apiVersion": "nodebake/v1", "kind": "Cluster", "name": "start", "kubernetes": release,
        "apiServer": {"url": "https://192.0.2.1:6443", "ca": "pki/ca.pem"},
        "network": {"clusterDomain": "cluster.local", "clusterDNS": ["10.96.0.10"],
            "serviceCIDRs": ["10.96.0.0/16", "fd00:96::/112"], "podCIDRs": ["10.244.0.0/16", "fd00:244::/56"]},
        "tokens": {"ttl": "24h", "approval": "review"},
        "profiles": ["worker"],
        "paths": {"kubeletConfig": "/WORK/config.yaml", "bootstrapKubeconfig": "/WORK/bootstrap", "clusterCA": "/WORK/ca.crt",
            "kubeconfig": "/WORK/kubeconfig", "certDir": "/WORK/pki", "staticPods": "/WORK/manifests", "volumePlugins": "/WORK/volumes"},
        "kubelet": base(minor),
        "nodes": nodes.collect::<Vec<_>>(),
    });
    if (28..30).contains(&minor) {
        let text = "[Service]\nEnvironment=KUBELET_CONFIG_DROPIN_DIR_ALPHA=1\n";
        cluster["units"] = json!({"kubelet.service": {"dropins": {"alpha.conf": text}}});
    }
    cluster.to_string()
}

/// A KubeletConfiguration, whole or a part.
fn document(patch: &Value) -> Value {
    let mut document =
        json!({"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"});
    for (key, value) in patch.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    document
}

/// A drop-in: a patch with all that it must say beside that.
fn drop_in(below: &Value, patch: &Value) -> Value {
    let mut whole = below.clone();
    sets::overlay(&mut whole, patch);
    document(&whole)
}

/// A project in a folder of this test's own.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let project = Self { folder };
        let output = tool::nodebake(project.folder.path(), &["init", "p"]).run();
        assert!(output.status.success(), "{output:?}");
        project
    }

    fn write(&self, release: &str, good: Option<&Good>, sets: &[Set]) {
        let folder = self.folder.path().join("p");
        fs::write(folder.join("cluster.yaml"), cluster(release, good, sets)).unwrap();
        let _ = fs::remove_file(folder.join("secrets.yaml"));
        let _ = tool::nodebake(&folder, &["token", "create"]).run();
    }

    /// A file of the first node.
    fn file(&self, path: &str) -> String {
        let args = ["show", "n0", "p", "--reveal", "--file", path];
        let output = tool::nodebake(self.folder.path(), &args).run();
        assert!(output.status.success(), "{path}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `check` refuses: for each node the findings that are errors.
    fn refused(&self) -> BTreeMap<String, Vec<String>> {
        let args = ["check", "p", "--format", "json"];
        let output = tool::nodebake(self.folder.path(), &args).run();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for finding in report["findings"].as_array().unwrap() {
            let id = finding["id"].as_str().unwrap();
            if finding["severity"] != "error" || NOT_ASKED.iter().any(|known| id.starts_with(known))
            {
                continue;
            }
            let path = finding["path"].as_str().unwrap();
            let index = path
                .strip_prefix("nodes[")
                .and_then(|rest| rest.split_once(']'));
            let of_path = index.map(|(index, _)| format!("n{index}"));
            let named = finding["nodes"].as_array().into_iter().flatten();
            let named = named.filter_map(|node| node.as_str().map(str::to_owned));
            let said = format!("{id} at {path}: {}", finding["message"].as_str().unwrap());
            let nodes: Vec<String> = named.collect();
            assert!(
                of_path.is_some() || !nodes.is_empty(),
                "about all nodes: {said}"
            );
            for node in if nodes.is_empty() {
                of_path.into_iter().collect()
            } else {
                nodes
            } {
                refused.entry(node).or_default().push(said.clone());
            }
        }
        refused
    }
}

/// The configuration and the flags that the good node has: a set is laid over them.
struct Good {
    config: Value,
    flags: Vec<(String, String)>,
    bootstrap: String,
    ca: String,
}

impl Good {
    fn of(release: &str) -> Self {
        let project = Project::new();
        project.write(release, None, &[Set::default()]);
        let said = project.refused();
        assert!(said.is_empty(), "{release}: {said:?}");
        let unit = project.file("/etc/systemd/system/kubelet.service");
        let words = unit.lines().map(|line| line.trim_end_matches('\\').trim());
        let flags = words.filter_map(|word| word.strip_prefix("--")?.split_once('='));
        let flags =
            flags.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()));
        let mut config = sets::yaml(&project.file("/WORK/config.yaml"));
        let fields = config.as_object_mut().unwrap();
        fields.retain(|key, _| !matches!(key.as_str(), "kind" | "apiVersion"));
        Self {
            config,
            flags: flags.collect(),
            bootstrap: project.file("/WORK/bootstrap"),
            ca: project.file("/WORK/ca.crt"),
        }
    }

    /// What each drop-in says for its defaults not to take the place of it: a kubelet of 1.28 merges them so.
    fn below(&self, set: &Set, minor: u32) -> Value {
        if minor != 28 {
            return json!({});
        }
        let mut config = self.config.clone();
        sets::merge(&mut config, &set.config);
        config
    }

    /// A line for the oracle.
    fn with(&self, name: &str, set: &Set, minor: u32) -> Value {
        let mut config = document(&self.config);
        sets::merge(&mut config, &set.config);
        let mut flags = self.flags.clone();
        for (flag, value) in set.flags.as_object().into_iter().flatten() {
            flags.retain(|(known, _)| known != flag);
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            flags.push((flag.clone(), value));
        }
        let mut drop_ins = serde_json::Map::new();
        if let Some(all) = &set.drop_ins {
            flags.push(("config-dir".to_owned(), "/WORK/config.d".to_owned()));
            let below = self.below(set, minor);
            let text = |patch: &Value| json!(drop_in(&below, patch).to_string());
            drop_ins.extend(all.iter().map(|(name, patch)| (name.clone(), text(patch))));
        }
        let flags: Vec<String> = flags
            .iter()
            .map(|(name, value)| format!("--{name}={value}"))
            .collect();
        json!({
            "name": name, "config": config, "dropIns": drop_ins, "flags": flags,
            "files": {"bootstrap": self.bootstrap, "ca.crt": self.ca, "manifests/.keep": "", "volumes/.keep": ""},
            "env": ["KUBELET_CONFIG_DROPIN_DIR_ALPHA=1"],
        })
    }
}

/// What a kubelet says of each line.
fn ask(kubelet: &Path, lines: &[Value]) -> Vec<Answer> {
    let mut child = Command::new(oracles::folder().join("bin/kubelet-start"))
        // Kubelets wait more than they work.
        .args(["-jobs", "4"])
        .arg(kubelet)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", kubelet.display());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answer = |line: &str| {
        let answer: Value = serde_json::from_str(line).unwrap();
        let verdict = answer["verdict"].as_str().unwrap();
        assert_ne!(verdict, "unclear", "{line}");
        Answer {
            accepted: verdict == "accepted",
            why: line.to_owned(),
        }
    };
    answers.lines().map(answer).collect()
}

/// The kubelets that are to be asked and are built.
fn kubelets() -> Vec<(&'static str, std::path::PathBuf)> {
    Target::Conformance.must_run("kubelets that start");
    let chosen = std::env::var("KUBELETS").unwrap_or_else(|_| RELEASES.join(" "));
    let is_full = std::env::var_os("NODEBAKE_VERSIONS").is_some();
    let is_chosen = |release: &&str| is_full || chosen.split(' ').any(|one| one == *release);
    let programs = RELEASES.into_iter().filter(is_chosen).map(|release| {
        let program = oracles::folder()
            .join("kubernetes")
            .join(release)
            .join("kubelet");
        (release, program)
    });
    let is_built = |(release, program): &(&str, std::path::PathBuf)| {
        let is_built = program.is_file();
        if !is_built {
            Target::Versions.lacks(&format!("kubelet {release}"));
        }
        is_built
    };
    programs.filter(is_built).collect()
}

#[test]
fn kubelets_start_where_we_say_that_they_do() {
    let kubelets = kubelets();
    oracles::needs(["kubelet-start"]);
    let is_full = std::env::var_os("NODEBAKE_VERSIONS").is_some();
    let mut exceptions = Exceptions::read();
    let mut different = Vec::new();
    for (release, kubelet) in &kubelets {
        let minor = minor(release);
        let all = sets(minor, COUNT);
        let step = if is_full { 1 } else { COUNT / PART };
        let chosen: Vec<Set> = all.into_iter().step_by(step).collect();
        let good = Good::of(release);
        let project = Project::new();
        project.write(release, Some(&good), &chosen);
        let refused = project.refused();
        let lines = chosen.iter().enumerate();
        let lines: Vec<Value> = lines
            .map(|(index, set)| good.with(&format!("n{index}"), set, minor))
            .collect();
        let answers = ask(kubelet, &lines);
        assert_eq!(answers.len(), chosen.len());
        let accepted = answers.iter().filter(|answer| answer.accepted).count();
        // Of use only if many start, and many do not.
        assert!(
            (chosen.len() / 6..chosen.len() * 5 / 6).contains(&accepted),
            "{release}: {accepted}"
        );
        for (index, (set, answer)) in chosen.iter().zip(&answers).enumerate() {
            let ours = refused
                .get(&format!("n{index}"))
                .cloned()
                .unwrap_or_default();
            if ours.is_empty() != answer.accepted
                && !exceptions.excuse(minor, &ours, answer.accepted, &answer.why)
            {
                different.push(format!(
                    "{release} {set}\n  we {ours:?}\n  the kubelet {}",
                    answer.why
                ));
            }
        }
        eprintln!("{release}: {} sets, {accepted} start", chosen.len());
    }
    assert!(
        different.is_empty(),
        "{} differ\n{}",
        different.len(),
        different.join("\n")
    );
    if is_full && kubelets.len() == 7 {
        let idle = exceptions.idle();
        assert!(idle.is_empty(), "exceptions that excuse nothing: {idle:?}");
    }
}
