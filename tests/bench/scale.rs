//! How long a build takes and how much memory, beside what the procedure's own tools take for one node. Numbers are
//! printed and compared with no limit: tests are not timed.

#![allow(clippy::panic, clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::print_stdout)]

mod butane;
mod floor;
#[path = "../suite/formats/ignition/to_butane.rs"]
mod to_butane;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The program, built like a release.
const NODEBAKE: &str = env!("CARGO_BIN_EXE_nodebake");
/// Nodes that the procedure's tools are run for; the time for one is what counts.
const BY_HAND: usize = 20;
/// Requests for certificates in one dump.
const REQUESTS: usize = 10_000;

fn main() {
    // `cargo test --benches` only wants to know whether this starts.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    // `cargo bench --bench scale -- butane` for that part alone.
    if std::env::args().any(|arg| arg == "butane") {
        return beside_butane();
    }
    println!(
        "all four formats, signed; medians of 3 runs, each into a fresh folder. CPU beside the floor of the same run: the same\n\
         bytes only compressed, hashed, signed and written, on one core. before: check's part of the floor on {RECORDED_ON}\n"
    );
    println!(
        "{:<8} {:<6} {:>6} {:>9} {:>9} {:>6} {:>10} | {:>9} {:>7} {:>7} {:>10}",
        "where",
        "fleet",
        "nodes",
        "build",
        "CPU",
        "floor",
        "peak",
        "check CPU",
        "floor",
        "before",
        "peak"
    );
    let mut per_node = Duration::MAX;
    for (name, parent, fleets) in places() {
        for &(fleet, nodes) in fleets {
            let row = measure(&parent, fleet, nodes);
            per_node = per_node.min(row.build.wall / u32::try_from(nodes).unwrap());
            let recorded = RECORDED.iter().find(|(known, _)| *known == fleet);
            let recorded = recorded.filter(|_| nodes == RECORDED_NODES);
            println!(
                "{name:<8} {:<6} {nodes:>6} {:>7.2} s {:>7.2} s {:>6.2} {:>6.1} MiB | {:>7.2} s {:>7.3} {:>7.3} {:>6.1} MiB",
                fleet.name(),
                row.build.wall.as_secs_f64(),
                row.build.cpu.as_secs_f64(),
                row.of_floor(&row.build),
                mib(row.build.peak),
                row.check.cpu.as_secs_f64(),
                row.of_floor(&row.check),
                recorded.map_or(f64::NAN, |(_, part)| *part),
                mib(row.check.peak),
            );
        }
    }
    let review = reviews();
    println!(
        "\ncsr review of {REQUESTS} requests, each with its signature checked: {:.2} s, {:.1} MiB",
        review.wall.as_secs_f64(),
        review.peak as f64 / 1024.0
    );
    beside_butane();
    match by_hand() {
        Some(each) => println!(
            "\nby hand, per node (kubectl config four times, sed twice, tar): {:.1} ms; ratio {:.0} : 1",
            each.as_secs_f64() * 1e3,
            each.as_secs_f64() / per_node.as_secs_f64()
        ),
        None => println!("\nby hand: not measured, there is no kubectl on the PATH"),
    }
}

/// Ignition configurations of 1,000 nodes, signed, beside what Butane takes for the same.
fn beside_butane() {
    const NODES: u32 = 1_000;
    // In memory where that is possible: 1,000 folders are a disk's work, not ours.
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        memory
    } else {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
    };
    let scratch = Scratch::new(place);
    let project = project(&scratch.0, Fleet::Range, NODES as usize);
    let args = ["build", "--format", "ignition", "--out", "ignition"];
    let ours = run(&project, &args).wall;
    match butane::butane(&project.join("ignition"), &scratch.0) {
        Some(theirs) => println!(
            "\nIgnition configurations of {NODES} nodes: {:.2} s; by butane, a run for each: {:.2} s; ratio {:.0} : 1",
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            theirs.as_secs_f64() / ours.as_secs_f64()
        ),
        None => println!("\nbutane: not measured, there is none (`make oracles` builds it)"),
    }
}

/// What nodes there are.
#[derive(Clone, Copy, PartialEq)]
enum Fleet {
    /// A range with the settings of a new project.
    Range,
    /// A range whose nodes have interfaces, registries, containerd's configuration and 20 files.
    Rich,
    /// Listed one by one, each with labels.
    Listed,
}

impl Fleet {
    fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Rich => "rich",
            Self::Listed => "listed",
        }
    }

    /// The inventory's nodes, instead of those of a new project.
    fn lines(self, nodes: usize) -> String {
        let names = format!("node-[00001-{nodes:05}]");
        let range = format!(
            "nodes:\n  - range: {{names: \"{names}\", start: 172.16.0.10, within: 172.16.0.0/12}}\n"
        );
        match self {
            Self::Range => range,
            Self::Rich => format!("{}{range}{INTERFACES}", rich()),
            Self::Listed => {
                let first = u32::from(Ipv4Addr::new(172, 16, 0, 10));
                let node = |n: u32| {
                    let address = Ipv4Addr::from(first + n);
                    let rack = n % 40;
                    format!(
                        "  - {{name: node-{n:05}, addresses: [{address}], labels: {{example.com/rack: r{rack}}}}}\n"
                    )
                };
                let nodes: String = (1..=u32::try_from(nodes).unwrap()).map(node).collect();
                format!("nodes:\n{nodes}")
            }
        }
    }
}

const INTERFACES: &str = "    interfaces:
      lan0: {addresses: [\"{{ node.address }}/12\"], gateways: [172.16.0.1], dns: {servers: [172.16.0.2]}}
";

fn rich() -> String {
    let shared = |n: usize| {
        format!(
            "  /etc/site/{n}.conf: {{template: \"cluster {{{{ cluster.name }}}}\\nlimit {n}\\n\"}}\n"
        )
    };
    let own = |n: usize| {
        format!(
            "  /etc/site/own-{n}.conf: {{template: \"{{{{ node.name }}}} at {{{{ node.address }}}}\\nlimit {n}\\n\"}}\n"
        )
    };
    let files: String = (1..=15).map(shared).chain((1..=5).map(own)).collect();
    let mirror = "registries: {docker.io: {mirrors: [{url: \"https://mirror.example.com\"}]}}";
    format!("os: {{network: networkd}}\noverlays: {{containerd: {{}}}}\n{mirror}\nfiles:\n{files}")
}

/// When [`RECORDED`] was measured.
const RECORDED_ON: &str = "2026-11-30";
/// Of how many nodes, in memory.
const RECORDED_NODES: usize = 10_000;
/// What part of the floor a check of them took before it did once for a class what is the same for its nodes.
const RECORDED: [(Fleet, f64); 3] = [
    (Fleet::Range, 0.55),
    (Fleet::Rich, 0.63),
    (Fleet::Listed, 1.51),
];

/// Builds and checks of one inventory.
struct Row {
    build: Run,
    check: Run,
    floor: Duration,
}

impl Row {
    fn of_floor(&self, run: &Run) -> f64 {
        run.cpu.as_secs_f64() / self.floor.as_secs_f64()
    }
}

/// Checks, builds and the floor one after another, three times: what else the machine does meets all of them.
fn measure(parent: &Path, fleet: Fleet, nodes: usize) -> Row {
    let scratch = Scratch::new(parent);
    let project = project(&scratch.0, fleet, nodes);
    let (mut builds, mut checks, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        checks.push(run(&project, &["check"]));
        builds.push(run(&project, &["build", "--out", "out"]));
        let out = project.join("out");
        floors.push(floor::floor(&out, &scratch.0.join("floor")));
        fs::remove_dir_all(&out).unwrap();
    }
    floors.sort();
    Row {
        build: median(builds),
        check: median(checks),
        floor: floors[1],
    }
}

/// The median of the times, and the highest peak.
fn median(mut runs: Vec<Run>) -> Run {
    let mut walls: Vec<Duration> = runs.iter().map(|run| run.wall).collect();
    walls.sort();
    runs.sort_by_key(|run| run.cpu);
    Run {
        wall: walls[walls.len() / 2],
        cpu: runs[runs.len() / 2].cpu,
        peak: runs.iter().map(|run| run.peak).max().unwrap_or_default(),
    }
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// A file system by its name, where it is, and what is built there.
type Place = (&'static str, PathBuf, &'static [(Fleet, usize)]);

/// A memory file system shows the program, a disk shows the disk too: 80,000 files are its work, not ours.
fn places() -> Vec<Place> {
    let disk = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut places: Vec<Place> = vec![("disk", disk, &[(Fleet::Range, 1_000)])];
    if Path::new("/dev/shm").is_dir() {
        let fleets = &[
            (Fleet::Range, 1_000),
            (Fleet::Range, 10_000),
            (Fleet::Rich, 10_000),
            (Fleet::Listed, 10_000),
        ];
        places.insert(0, ("memory", "/dev/shm".into(), fleets));
    }
    places
}

/// A folder that goes when it is done with.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Self {
        let folder = parent.join(format!("nodebake-bench-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A cluster of today with its nodes, a key and tokens.
fn project(scratch: &Path, fleet: Fleet, nodes: usize) -> PathBuf {
    let project = scratch.join("project");
    let status = Command::new(NODEBAKE)
        .arg("init")
        .arg(&project)
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "init");
    let inventory = fs::read_to_string(project.join("cluster.yaml")).unwrap();
    let (head, _) = inventory.split_once("nodes:\n").unwrap();
    let lines = fleet.lines(nodes);
    fs::write(project.join("cluster.yaml"), format!("{head}{lines}")).unwrap();
    fs::remove_file(project.join("secrets.yaml")).unwrap();
    run(&project, &["token", "create"]);
    project
}

/// One node's request over and over, so that none is ruled out before its signature is checked.
fn reviews() -> Run {
    let scratch = Scratch::new(&PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    let project = project(&scratch.0, Fleet::Range, REQUESTS);
    let inventory = project.join("cluster.yaml");
    let with_node = fs::read_to_string(&inventory).unwrap().replace(
        "nodes:\n",
        "nodes:\n  - name: edge-001\n    addresses: [192.0.2.1]\n",
    );
    fs::write(&inventory, with_node).unwrap();
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/csr/client.pem");
    let request = STANDARD.encode(fs::read(pem).unwrap());
    let items: Vec<String> = (0..REQUESTS)
        .map(|index| {
            format!(
                r#"{{"kind": "CertificateSigningRequest", "metadata": {{"name": "csr-{index}"}}, "spec": {{
                    "username": "system:node:edge-001", "groups": ["system:nodes"], "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                    "usages": ["digital signature", "client auth"], "request": "{request}"}}}}"#
            )
        })
        .collect();
    let list = format!(r#"{{"kind": "List", "items": [{}]}}"#, items.join(","));
    fs::write(project.join("csr.json"), list).unwrap();
    run(&project, &["csr", "review", "csr.json"])
}

struct Run {
    wall: Duration,
    /// Of all its threads, user's and system's.
    cpu: Duration,
    /// KiB.
    peak: u64,
}

/// Runs the program in a project and watches its high-water mark of memory.
fn run(project: &Path, args: &[&str]) -> Run {
    let (start, before) = (Instant::now(), cpu_of_children());
    let mut child = Command::new(NODEBAKE)
        .args(args)
        .current_dir(project)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let text = fs::read_to_string(&status_file).unwrap_or_default();
        let high_water = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let high_water = high_water.and_then(|line| line.trim().strip_suffix(" kB"));
        peak = high_water
            .and_then(|kib| kib.parse().ok())
            .unwrap_or(peak)
            .max(peak);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{args:?}");
    Run {
        wall: start.elapsed(),
        cpu: cpu_of_children() - before,
        peak,
    }
}

/// The CPU time of all processes that this one waited for (proc_pid_stat(5), fields 16 and 17).
fn cpu_of_children() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
    // A tick is a hundredth of a second on all machines that Linux runs on for users (getconf CLK_TCK).
    Duration::from_millis(ticks * 10)
}

/// What the procedure runs for each node, without ssh and the API server: kubectl config four times, sed twice, tar.
fn by_hand() -> Option<Duration> {
    Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .ok()?;
    let scratch = Scratch::new(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let reference =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference/pki/ca.pem");
    fs::copy(reference, scratch.0.join("ca.pem")).unwrap();
    let config = "address: \"##NODE_IP##\"\nhealthzBindAddress: \"##NODE_IP##\"\n".repeat(20);
    fs::write(scratch.0.join("config.template"), config).unwrap();
    fs::write(
        scratch.0.join("unit.template"),
        "ExecStart=kubelet --hostname-override=##NODE_NAME##\n",
    )
    .unwrap();
    let script = r#"set -e
kubectl config set-cluster kubernetes --certificate-authority=ca.pem --embed-certs=true --server=https://127.0.0.1:8443 --kubeconfig="$1.kubeconfig"
kubectl config set-credentials kubelet-bootstrap --token=abcdef.0123456789abcdef --kubeconfig="$1.kubeconfig"
kubectl config set-context default --cluster=kubernetes --user=kubelet-bootstrap --kubeconfig="$1.kubeconfig"
kubectl config use-context default --kubeconfig="$1.kubeconfig"
sed -e "s/##NODE_IP##/10.0.0.1/" config.template > "$1.yaml"
sed -e "s/##NODE_NAME##/$1/" unit.template > "$1.service"
tar -czf "$1.tar.gz" "$1.kubeconfig" "$1.yaml" "$1.service" ca.pem"#;
    let start = Instant::now();
    for node in 0..BY_HAND {
        let status = Command::new("sh")
            .args(["-c", script, "sh", &format!("node-{node}")])
            .current_dir(&scratch.0)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "the procedure's tools");
    }
    Some(start.elapsed() / u32::try_from(BY_HAND).unwrap())
}
