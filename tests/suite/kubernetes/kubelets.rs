//! Real kubelets of seven minors read what is baked for them: flags and configuration of a `worker` node, up to where a
//! kubelet looks for its API server or its runtime. `make conformance` builds two kubelets, `make versions` seven: those that
//! `KUBELETS` names are asked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::kubernetes::kubelet_rules::RELEASES;
use crate::support::oracles::{self, Target};
use crate::support::tool;

/// What a kubelet says when it has read everything and turns to its API server or its runtime, by its age.
const TURNS_TO_OTHERS: [&str; 5] = [
    "bootstrap kubeconfig",
    "Starting client certificate rotation",
    "Rotating certificates",
    "connection refused",
    "containerd.sock",
];

/// What it says of something that it does not like.
const OBJECTIONS: [&str; 8] = [
    "deprecated",
    "unknown field",
    "unknown flag",
    "strict decod",
    "unrecognized feature gate",
    "failed to load kubelet config",
    "failed to validate kubelet configuration",
    "invalid configuration",
];

pub fn minor(release: &str) -> u32 {
    release.split('.').nth(1).unwrap().parse().unwrap()
}

/// The releases that are to be asked and whose kubelet is built.
pub fn kubelets() -> Vec<(&'static str, PathBuf)> {
    Target::Conformance.must_run("real kubelets");
    let chosen = std::env::var("KUBELETS").unwrap_or_else(|_| RELEASES.join(" "));
    let chosen = RELEASES
        .into_iter()
        .filter(|release| chosen.split(' ').any(|one| one == *release));
    let folder = oracles::folder().join("kubernetes");
    let found = chosen.filter_map(|release| {
        let program = folder.join(release).join("kubelet");
        if !program.is_file() {
            Target::Versions.lacks(&format!("kubelet {release}"));
            return None;
        }
        Some((release, program))
    });
    found.collect()
}

fn nodebake(args: &[&str], project: &Path) -> (String, bool) {
    let path = project.to_str().unwrap();
    let mut command = tool::nodebake(project.parent().unwrap(), args);
    let output = command.args(&[path]).run();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.success(),
    )
}

/// A project with one version, whose nodes keep everything below a folder of this test's own.
struct RenderedNode {
    folder: tempfile::TempDir,
}

impl RenderedNode {
    fn new(profile: &str, release: &str, more: &str) -> Self {
        // Not /tmp: nothing may be baked to what a boot makes again.
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let baked = Self { folder };
        let project = baked.project();
        nodebake(&["init", "--profile", profile], &project);
        let file = project.join("cluster.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| {
            if line.starts_with("kubernetes: ") {
                return format!("kubernetes: {release}\n");
            }
            // Nobody answers there (TEST-NET-1).
            match line.split_once("url: ") {
                Some((indent, _)) => format!("{indent}url: https://192.0.2.1:6443\n"),
                None => format!("{line}\n"),
            }
        });
        let text: String = lines.collect();
        let root = baked.root();
        let more = more.replace("ROOT", &root.display().to_string());
        fs::write(file, text + &baked.paths() + &more).unwrap();
        baked
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("p")
    }

    /// The profile's paths, below our folder.
    fn paths(&self) -> String {
        let root = self.root().display().to_string();
        let names = [
            "kubeletConfig",
            "bootstrapKubeconfig",
            "clusterCA",
            "kubeconfig",
            "certDir",
            "staticPods",
            "volumePlugins",
        ];
        let paths = names.map(|name| format!("{name}: {root}/{name}"));
        format!("paths: {{{}}}\n", paths.join(", "))
    }

    fn check(&self) -> (String, bool) {
        nodebake(&["check"], &self.project())
    }

    fn file(&self, path: &str) -> String {
        let project = self.project();
        let args = ["show", "worker-1", project.to_str().unwrap()];
        let mut command = tool::nodebake(self.folder.path(), &args);
        let output = command.args(&["--reveal", "--file", path]).run();
        assert!(output.status.success(), "{path}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Puts the node's files where its flags say, and returns the flags of its unit.
    fn install(&self, release: &str) -> Vec<String> {
        let root = self.root();
        // Nothing of a kubelet that ran here before: it would be read again.
        let _ = fs::remove_dir_all(&root);
        for folder in ["", "certDir", "staticPods", "volumePlugins"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for name in ["kubeletConfig", "bootstrapKubeconfig", "clusterCA"] {
            let path = root.join(name);
            fs::write(&path, self.file(path.to_str().unwrap())).unwrap();
        }
        // Kubelets from 1.35 refuse machines with cgroup v1 unless told otherwise, and that is about this machine.
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        if !unified && minor(release) >= 35 {
            let path = root.join("kubeletConfig");
            let config = fs::read_to_string(&path).unwrap();
            fs::write(path, config + "failCgroupV1: false\n").unwrap();
        }
        let mut flags = self.flags();
        flags.push(format!("--root-dir={}", root.join("kubelet").display()));
        flags
    }

    /// The flags of the node's unit.
    fn flags(&self) -> Vec<String> {
        let unit = self.file("/etc/systemd/system/kubelet.service");
        let words = unit.lines().map(|line| line.trim_end_matches('\\').trim());
        let flags = words.filter(|word| word.starts_with("--"));
        let flags: Vec<String> = flags.map(str::to_owned).collect();
        assert!(flags.len() > 3, "{unit}");
        flags
    }

    /// What a kubelet says of the node's files until it turns to others, and whether it ended before.
    fn run(&self, (release, kubelet): (&str, &Path)) -> (String, bool) {
        let log = self.folder.path().join("log");
        let mut child = Command::new(kubelet)
            .args(self.install(release))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let ended = loop {
            let over = child.try_wait().unwrap().is_some();
            let text = fs::read_to_string(&log).unwrap_or_default();
            if TURNS_TO_OTHERS.iter().any(|word| text.contains(word)) {
                break false;
            }
            if over {
                break true;
            }
            assert!(
                started.elapsed() < Duration::from_secs(120),
                "{} neither ends nor turns to others:\n{text}",
                kubelet.display()
            );
            sleep(Duration::from_millis(200));
        };
        let _ = child.kill();
        let _ = child.wait();
        (fs::read_to_string(&log).unwrap(), ended)
    }
}

/// What a profile needs here: nothing of a node may be written outside of the test's folder.
fn more(profile: &str) -> String {
    let flags = match profile {
        "by-hand" => "cert-dir: ROOT/certDir, kubeconfig: ROOT/kubeconfig",
        _ => "",
    };
    let vars = match profile {
        "by-hand" => "vars: {dataDir: ROOT}\n",
        _ => "",
    };
    format!("kubelet: {{flags: {{{flags}}}}}\n{vars}")
}

fn objections(log: &str) -> Vec<&str> {
    let lines = log.lines();
    let objects = |line: &&str| {
        let line = line.to_lowercase();
        OBJECTIONS.iter().any(|word| line.contains(word))
    };
    lines.filter(objects).collect()
}

#[test]
fn real_kubelets_take_what_is_baked_for_them() {
    for (release, kubelet) in kubelets() {
        for profile in ["worker", "by-hand"] {
            let baked = RenderedNode::new(profile, release, &more(profile));
            let (said, good) = baked.check();
            assert!(good && !said.contains("warning"), "{release}: {said}");
            let (log, ended) = baked.run((release, &kubelet));
            assert!(!ended, "{profile} {release}:\n{log}");
            assert_eq!(objections(&log), Vec::<&str>::new(), "{profile} {release}");
        }
    }
}

/// One minor's baked settings, said in the inventory for another.
fn said_for(other: &RenderedNode, release: &str) -> RenderedNode {
    let mut text = "kubelet:\n  config:\n".to_owned();
    let config = other.file(other.root().join("kubeletConfig").to_str().unwrap());
    for line in config
        .lines()
        .filter(|line| !line.starts_with("kind:") && !line.starts_with("apiVersion:"))
    {
        text += &format!("    {line}\n");
    }
    text += "  flags:\n";
    let flags = other.flags();
    let flags = flags
        .iter()
        .filter_map(|flag| flag.trim_start_matches('-').split_once('='));
    // Those are made from labels and taints.
    for (name, value) in
        flags.filter(|(name, _)| !["node-labels", "register-with-taints"].contains(name))
    {
        text += &format!("    {name}: {value:?}\n");
    }
    RenderedNode::new("worker", release, &text)
}

#[test]
fn what_is_baked_for_another_minor_is_refused_by_us_and_by_that_kubelet() {
    let kubelets = kubelets();
    let mut refused = 0;
    for (from, _) in &kubelets {
        let other = RenderedNode::new("worker", from, &more("worker"));
        for (release, kubelet) in kubelets.iter().filter(|(release, _)| release != from) {
            let (said, _) = said_for(&other, release).check();
            let ours = said.contains("error[") || said.contains("warning[");
            let (log, ended) = other.run((release, kubelet));
            let theirs = ended || !objections(&log).is_empty();
            // A kubelet of 1.16 reads over fields that it does not know, which is why somebody must tell.
            let is_blind = minor(release) == 16 && !said.contains("kubelet.flags");
            assert!(
                ours == theirs || is_blind && !theirs,
                "{from} for {release}: we\n{said}\nthe kubelet\n{log}"
            );
            refused += usize::from(ours);
        }
    }
    assert!(
        kubelets.len() < 2 || refused > 0,
        "two minors always differ in something"
    );
}
