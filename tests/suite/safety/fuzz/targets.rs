//! What is tried on mutated input, and where it begins.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use nodebake::bundle::{Old, OldBundle};
use nodebake::cli::{Cli, Command};
use nodebake::cmd;
use nodebake::error::Exit;
use nodebake::inspect::{Limits, inspect};
use nodebake::report::Report;
use nodebake::signing::Signer;
use nodebake::verify::verify;
use serde_json::{Value, json};

pub use super::seeds::Corpus;

use super::child::{CURRENT, FOUND, PASSED, ROUND};
use super::files::FILES;
use super::seeds::Input;
use crate::commands::inspect::hostile::good_files;
use crate::support::fixture::{AT, Project, copy_all, fixtures, sha256};
use crate::support::oracles;

/// Where the seeds are, below a target's folder.
const SEEDS: &str = "seeds";
/// A project, or a bundle, that a mutated file is put into.
pub const ROOM: &str = "room";

/// A reader of what others made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `inspect`, with and without `--extract`.
    Inspect,
    /// `check` on a project of which one file is mutated.
    Project,
    /// `verify` on a bundle whose signed files are mutated and signed again.
    Bundle,
    /// `csr review`.
    Requests,
    /// One of [`FILES`].
    File(usize),
}

const FIRST: [Target; 4] = [
    Target::Inspect,
    Target::Project,
    Target::Bundle,
    Target::Requests,
];

impl Target {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Project => "project",
            Self::Bundle => "bundle",
            Self::Requests => "requests",
            Self::File(index) => FILES[index].name,
        }
    }

    pub fn named(name: &str) -> Self {
        let files = (0..FILES.len()).map(Self::File);
        let mut all = FIRST.into_iter().chain(files);
        all.find(|target| target.name() == name).unwrap()
    }

    /// Whether some inputs must be accepted: where all are refused at once, nothing behind that is tried.
    pub fn accepts_some(self) -> bool {
        matches!(self, Self::File(_))
    }

    /// How many inputs are tried in each run of the tests: some seconds.
    pub fn rounds(self) -> u64 {
        match self {
            Self::Inspect => 800,
            Self::Project => 150,
            Self::Bundle => 150,
            Self::Requests => 200,
            Self::File(index) => FILES[index].rounds,
        }
    }

    /// Makes the seeds, and what they are put into.
    pub fn prepare(self, folder: &Path) {
        let seeds = folder.join(SEEDS);
        fs::create_dir(&seeds).unwrap();
        match self {
            Self::Inspect => payloads(folder, &seeds),
            Self::Project => project(folder, &seeds),
            Self::Bundle => bundle(folder, &seeds),
            Self::Requests => requests(folder, &seeds),
            Self::File(index) => FILES[index].prepare(folder, &seeds),
        }
    }

    /// The seeds of a folder, and the room as it was: the last process may have died in it.
    pub fn corpus(self, folder: &Path) -> Corpus {
        let corpus = Corpus::of(&folder.join(SEEDS));
        if matches!(self, Self::Project | Self::Bundle) {
            for seed in &corpus.seeds {
                restore(&seed.path);
            }
        }
        corpus
    }

    /// Tries an input; whether it was accepted.
    pub fn try_on(self, corpus: &Corpus, input: &Input, round: u64) -> bool {
        let path = &corpus.seeds[input.seed].path;
        match self {
            Self::Inspect => {
                look(round);
                true
            }
            Self::Project => {
                put(path, &input.bytes);
                let passed = run(&["check", ROOM, "--at", AT]);
                restore(path);
                passed
            }
            Self::Bundle => {
                put(path, &input.bytes);
                review();
                restore(path);
                true
            }
            Self::Requests => {
                let is_text = path.extension().is_some_and(|name| name == "json");
                if !is_text {
                    fs::write(CURRENT, dump(&input.bytes)).unwrap();
                }
                run(&["csr", "review", CURRENT, ROOM])
            }
            Self::File(index) => FILES[index].try_on(path, &input.bytes),
        }
    }
}

/// Of packed seeds the corpus has two with one path: both are the room's file.
fn restore(path: &Path) {
    put(path, &fs::read(Path::new(SEEDS).join(path)).unwrap());
}

/// Writes a file of the room in its place, so that its mode stays. Digests that the inventory has of it follow.
fn put(path: &Path, bytes: &[u8]) {
    let to = Path::new(ROOM).join(path);
    let inventory = Path::new(ROOM).join("cluster.yaml");
    if path.starts_with("files") && inventory.exists() {
        let before = sha256(&fs::read(&to).unwrap());
        let text = fs::read_to_string(&inventory).unwrap();
        fs::write(&inventory, text.replace(&before, &sha256(bytes))).unwrap();
    }
    fs::write(to, bytes).unwrap();
}

/// Runs a command as the binary would; what it answers is no matter, but it must answer. Whether it was content.
pub fn run(args: &[&str]) -> bool {
    let program = std::iter::once(&"nodebake");
    let cli = Cli::try_parse_from(program.chain(args)).unwrap();
    let answer = match &cli.command {
        Command::Check(args) => cmd::check::run(args),
        Command::Csr(args) => cmd::csr::run(args),
        Command::Token(args) => cmd::token::run(args),
        Command::Verify(args) => cmd::verify::run(args),
        Command::Initrd(args) => cmd::initrd::run(args),
        Command::Diff(args) => cmd::diff::run(args),
        Command::Import(args) => cmd::import::run(args),
        _ => unreachable!("no target's command"),
    };
    match answer {
        Ok(exit) => exit == Exit::Good,
        Err(error) => {
            assert!(!format!("{error:#}").is_empty());
            false
        }
    }
}

/// Lists the current input, and every second one is extracted too, which leaves nothing elsewhere.
fn look(round: u64) {
    let limits = Limits {
        unpacked: 32 << 20,
        entries: 50_000,
        text: 4 << 20,
        members: 1000,
        document: 8 << 20,
    };
    let out = PathBuf::from("out");
    let extract = round.is_multiple_of(2).then_some(&*out);
    if let Ok((listing, outcome)) = inspect(Path::new(CURRENT), limits, extract) {
        listing.write_text(&mut io::sink()).unwrap();
        serde_json::to_writer(io::sink(), &listing).unwrap();
        assert!(outcome.is_ok() || !out.exists(), "half of it was extracted");
    }
    let _ = fs::remove_dir_all(&out);
    let entries = fs::read_dir(".").unwrap().map(|entry| entry.unwrap());
    let names: BTreeSet<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(FOUND) && name != PASSED)
        .collect();
    assert!(names.iter().eq([CURRENT, ROUND, SEEDS]), "{names:?}");
}

/// Verifies the bundle, with its list of digests and signatures made again.
fn review() {
    let room = Path::new(ROOM);
    let list = fs::read(room.join("SHA256SUMS")).unwrap();
    let mut report = Report::default();
    let signer = Signer::load(Path::new("sign.key"), "sign.key", &mut report)
        .unwrap()
        .unwrap();
    let mut sums = Vec::new();
    for line in list.split_inclusive(|byte| *byte == b'\n') {
        let changed = ["bundle.json", "index.json"]
            .into_iter()
            .find(|name| line.ends_with(format!("  {name}\n").as_bytes()));
        match changed {
            Some(name) => {
                let digest = sha256(&fs::read(room.join(name)).unwrap());
                sums.extend_from_slice(format!("{digest}  {name}\n").as_bytes());
            }
            None => sums.extend_from_slice(line),
        }
    }
    fs::write(room.join("SHA256SUMS"), &sums).unwrap();
    fs::write(room.join("SHA256SUMS.sig"), signer.sign(&sums)).unwrap();
    fs::write(room.join("SHA256SUMS.sshsig"), signer.sign_ssh(&sums)).unwrap();
    let verdict = verify(room, signer.public(), Some(1)).unwrap();
    verdict.to_string();
    if let Old::Verified(old) = OldBundle::open_verified(room, signer.public()).unwrap() {
        for node in old.nodes() {
            let _ = old.tree(&node.name);
        }
    }
    fs::write(room.join("SHA256SUMS"), list).unwrap();
}

/// Good files of all kinds, and a node's payloads.
fn payloads(folder: &Path, seeds: &Path) {
    let good = folder.join("good");
    fs::create_dir(&good).unwrap();
    for file in good_files(&good) {
        fs::rename(good.join(file), seeds.join(file)).unwrap();
    }
    fs::remove_dir_all(good).unwrap();
    let project = Project::of("modern");
    project.good(&["build"]);
    for node in ["gpu-1.example.com", "edge-001", "cp-1.example.com"] {
        for entry in fs::read_dir(project.out().join("nodes").join(node)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !name.starts_with("tree.") && !name.ends_with("-config") && name != "meta-data" {
                fs::copy(entry.path(), seeds.join(format!("{node}-{name}"))).unwrap();
            }
        }
    }
}

/// What a project may name beside itself.
const MORE: &str = "    assets:
      /opt/cni: {source: files/cni.tgz, sha256: CNI, unpack: {strip: 1}}
      /opt/tool: {source: files/tool, sha256: TOOL}
    images: {a.tar: {source: files/image.tar, sha256: IMAGE}}
    airgap: {images: [\"registry.example.com/a:1\"]}
    output:
      ignition: {merge: [files/site.ign]}
      cloudInit: {parts: [files/part.yaml], vendorData: files/vendor.yaml, seedISO: true}
";

/// A project with one of each of what it may name.
fn project(folder: &Path, seeds: &Path) {
    let room = folder.join(ROOM);
    let modern = Project::of("modern");
    let files = modern.dir.join("files");
    fs::create_dir(&files).unwrap();
    let script = "mkdir -p r/bin; echo x >r/bin/a; ln r/bin/a r/bin/b; ln -s a r/bin/c; tar -cf - r | gzip -n >cni.tgz; rm -r r
         printf '\\177ELF\\2\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\2\\0\\076\\0 v1.34.4\\0' >tool
         mkdir i; cd i; printf '[{\"Config\":\"c\",\"RepoTags\":[\"registry.example.com/a:1\",\"registry.k8s.io/pause:3.10\"],\"Layers\":[]}]' >manifest.json
         printf '{\"manifests\":[{\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"annotations\":{\"io.containerd.image.name\":\"registry.example.com/a:1\"}},{\"annotations\":{\"org.opencontainers.image.ref.name\":\"registry.k8s.io/pause:3.10\"}}]}' >index.json
         tar -cf ../image.tar manifest.json index.json; cd ..; rm -r i
         printf '{\"ignition\":{\"version\":\"3.3.0\"},\"storage\":{\"files\":[{\"path\":\"/etc/site\",\"contents\":{\"source\":\"data:,x%%20y\"}}]},\"systemd\":{\"units\":[{\"name\":\"site.service\",\"enabled\":true,\"contents\":\"[Service]\\\\nExecStart=/bin/true\\\\n\"}]}}' >site.ign
         printf '#cloud-config\\npackages: [jq]\\nwrite_files:\\n- {path: /etc/motd, content: x, permissions: \"0644\"}\\n' >part.yaml; cp part.yaml vendor.yaml";
    oracles::content(&files, "sh", &["-euc", script]);
    let digest = |name: &str| sha256(&fs::read(files.join(name)).unwrap());
    let more = MORE.replace("CNI", &digest("cni.tgz"));
    let more = more
        .replace("TOOL", &digest("tool"))
        .replace("IMAGE", &digest("image.tar"));
    let inventory = modern.dir.join("cluster.yaml");
    let text = fs::read_to_string(&inventory).unwrap();
    let with = format!("    profiles: [gpu]\n{more}");
    let changed = text.replacen("    profiles: [gpu]\n", &with, 1);
    assert_ne!(text, changed);
    fs::write(&inventory, changed).unwrap();
    let output = modern.run(&["check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(" can be built"), "{said}");
    copy_all(&modern.dir, &room);
    copy_all(&modern.dir, seeds);
}

/// A signed bundle, and the key that signs it again.
fn bundle(folder: &Path, seeds: &Path) {
    let project = Project::of("modern");
    project.good(&["build"]);
    copy_all(&project.out(), &folder.join(ROOM));
    fs::copy(project.dir.join("keys/sign.key"), folder.join("sign.key")).unwrap();
    for name in ["SHA256SUMS", "bundle.json", "index.json"] {
        fs::copy(project.out().join(name), seeds.join(name)).unwrap();
    }
}

/// A cluster's inventory, and what kubelets and others ask it for: in DER, and one dump of some.
fn requests(folder: &Path, seeds: &Path) {
    copy_all(&Project::of("modern").dir, &folder.join(ROOM));
    let mut items = Vec::new();
    for entry in fs::read_dir(fixtures().join("csr")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|name| name != "pem") {
            continue;
        }
        let pem = fs::read_to_string(&path).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let name = path.file_stem().unwrap();
        fs::write(seeds.join(name), STANDARD.decode(body).unwrap()).unwrap();
        if items.len() < 3 {
            items.push(item(&pem));
        }
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    fs::write(
        seeds.join("dump.json"),
        serde_json::to_string_pretty(&list).unwrap(),
    )
    .unwrap();
}

fn item(pem: &str) -> Value {
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": format!("csr-{:.8}", sha256(pem.as_bytes())), "creationTimestamp": "2026-11-24T15:00:00Z"},
        "spec": {
            "request": STANDARD.encode(pem),
            "signerName": "kubernetes.io/kubelet-serving",
            "usages": ["digital signature", "server auth"],
            "username": "system:node:edge-001",
            "groups": ["system:nodes", "system:authenticated"],
        },
        "status": {},
    })
}

/// A dump with one request, of DER that may be anything.
fn dump(der: &[u8]) -> String {
    let pem = format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        STANDARD.encode(der)
    );
    item(&pem).to_string()
}
