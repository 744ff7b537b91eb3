//! `output.secrets: sealed`, from the key in the inventory to what the machine opens.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::seal::software_tpm::SoftwareTpm;
use crate::seal::systemd::readers;
use crate::support::fixture::{AT, Project, sha256, text};
use crate::support::oracles;
use crate::support::tool::{forms, nodebake};

const NODE: &str = "gpu-1.example.com";
const NAME: &str = "nodebake-secrets";
const KEY: &str = "the key of an agent, which is a secret";
/// Where nodes have the files once they are opened.
const OPENED: &str = "run/nodebake/secrets";
const BOOTSTRAP: &str = "etc/kubernetes/bootstrap-kubelet.kubeconfig";

/// A node whose TPM is known, with a secret file that a unit of its own reads, among nodes whose TPMs are not.
fn project(tpm: &SoftwareTpm) -> Project {
    let project = Project::of("modern");
    fs::create_dir(project.dir.join("tpm")).unwrap();
    fs::write(project.dir.join("tpm/gpu-1.pub"), tpm.public()).unwrap();
    fs::write(project.dir.join("agent.key"), KEY).unwrap();
    change(
        &project,
        "    macs: [\"52:54:00:12:34:56\"]\n",
        "    macs: [\"52:54:00:12:34:56\"]\n    tpm: {file: tpm/gpu-1.pub}\n    \
         files: {/etc/agent/a b%c.key: {source: agent.key, secret: true, mode: \"0440\", group: {id: 1234, name: agent}}}\n    \
         units: {agent.service: {text: \"[Service]\\nExecStart=/usr/bin/cat '/etc/agent/a b%%c.key'\\n\"}}\n",
    );
    change(
        &project,
        "vars:\n",
        "output: {secrets: sealedWhereKnown}\nvars:\n",
    );
    project
}

fn change(project: &Project, old: &str, new: &str) {
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    assert_eq!(inventory.matches(old).count(), 1, "{old}");
    fs::write(&file, inventory.replacen(old, new, 1)).unwrap();
}

/// What a payload holds, as files; the folder.
fn extracted(project: &Project, payload: &Path, to: &str) -> PathBuf {
    let args = ["inspect", payload.to_str().unwrap(), "--extract", to];
    nodebake(project.scratch(), &args).good();
    project.scratch().join(to)
}

#[test]
fn its_machine_opens_what_a_build_sealed() {
    oracles::needs_root();
    let readers = readers();
    oracles::needs(["systemd-tmpfiles", "systemd-analyze"]);
    let (tpm, other) = (SoftwareTpm::start(), SoftwareTpm::start());
    let project = project(&tpm);
    // No seed yet, and nothing is built without one.
    let refused = project.run(&["build"]);
    let said = text(&refused.stderr);
    assert!(
        said.contains("there is no sealing seed; run `nodebake token create`"),
        "{said}"
    );
    project.good(&["token", "create"]);
    project.good(&["build"]);
    let shown = project.good(&["show", NODE]);
    let name = tpm.key().fingerprint();
    assert!(
        shown.contains(&format!("sealed to the TPM with the key {name}")),
        "{shown}"
    );

    let needs = project.good(&["preflight", "--at", AT]);
    assert!(
        needs.contains(&format!("a TPM 2.0 with the storage key {name}")),
        "{needs}"
    );
    assert!(!needs.contains(OPENED), "{needs}");

    // The node has public payloads only, other nodes have secret ones beside them.
    let nodes = project.out().join("nodes");
    let folder = nodes.join(NODE);
    let secret = |node: &str| {
        let mut files = fs::read_dir(nodes.join(node)).unwrap();
        files.any(|file| {
            file.unwrap()
                .file_name()
                .to_string_lossy()
                .contains(".secrets.")
        })
    };
    assert!(!secret(NODE) && secret("edge-004"));
    let root = extracted(&project, &folder.join(format!("{NODE}.tar.gz")), "root");
    let credential = fs::read_to_string(root.join("etc/credstore.encrypted").join(NAME)).unwrap();
    for (path, mode) in [(BOOTSTRAP, 0o600), ("etc/agent/a b%c.key", 0o440)] {
        let target = fs::read_link(root.join(path)).unwrap();
        assert_eq!(target, Path::new("/").join(OPENED).join(path));
        let opened = opened(&tpm, readers[0], &credential)
            .join(OPENED)
            .join(path);
        let seen = opened.metadata().unwrap();
        assert_eq!(seen.permissions().mode() & 0o7777, mode, "{path}");
        let group = if mode == 0o440 { 1234 } else { 0 };
        assert_eq!((seen.uid(), seen.gid()), (0, group), "{path}");
    }
    let machine = tpm.folder().join("root");
    assert_eq!(
        fs::read_to_string(machine.join(OPENED).join("etc/agent/a b%c.key")).unwrap(),
        KEY
    );
    let kubeconfig = fs::read(machine.join(OPENED).join(BOOTSTRAP)).unwrap();
    for reader in &readers {
        assert!(tpm.open(reader, NAME, &credential).is_ok(), "{reader}");
        assert!(other.open(reader, NAME, &credential).is_err(), "{reader}");
    }
    units_are_those_of_systemd(&root);
    says_no_secret(
        &project,
        &folder,
        &String::from_utf8(kubeconfig.clone()).unwrap(),
    );

    // The same project gives the same bytes, another token others.
    let sums = || sha256(&fs::read(project.out().join("SHA256SUMS")).unwrap());
    let before = sums();
    project.good(&["build"]);
    assert_eq!(sums(), before);
    project.good(&[
        "token",
        "rotate",
        ".",
        NODE,
        "--overlap",
        "1h",
        "--ttl",
        "400d",
    ]);
    project.good(&["build"]);
    let root = extracted(&project, &folder.join(format!("{NODE}.tar.gz")), "rotated");
    let rotated = fs::read_to_string(root.join("etc/credstore.encrypted").join(NAME)).unwrap();
    assert_ne!(rotated, credential);

    // What the machine opens is what the node would have unsealed.
    change(&project, "secrets: sealedWhereKnown", "secrets: inline");
    project.good(&["build"]);
    let root = extracted(&project, &folder.join(format!("{NODE}.tar.gz")), "inline");
    let machine = opened(&tpm, readers[0], &rotated);
    let of_machine = fs::read(machine.join(OPENED).join(BOOTSTRAP)).unwrap();
    assert!(fs::read(root.join(BOOTSTRAP)).unwrap() == of_machine);
    assert!(of_machine != kubeconfig);
}

/// Obeys the lines of an opened credential, as the node's unit does; the machine's root.
fn opened(tpm: &SoftwareTpm, reader: &str, credential: &str) -> PathBuf {
    let root = tpm.folder().join("root");
    fs::create_dir_all(&root).unwrap();
    fs::write(
        tpm.folder().join(NAME),
        tpm.open(reader, NAME, credential).unwrap(),
    )
    .unwrap();
    let output = oracles::command(tpm.folder(), "systemd-tmpfiles")
        .arg(format!("--root={}", root.display()))
        .arg("--create")
        .arg(tpm.folder().join(NAME))
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    root
}

fn units_are_those_of_systemd(root: &Path) {
    let units = root.join("etc/systemd/system");
    let unit = |name: &str| units.join(name).to_str().unwrap().to_owned();
    let (open, failed) = (
        unit("nodebake-secrets.service"),
        unit("nodebake-secrets-failed.service"),
    );
    let args = [
        "verify",
        "--man=no",
        "--recursive-errors=no",
        &open,
        &failed,
    ];
    let output = oracles::run(&units, "systemd-analyze", &args);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let wants = units.join("multi-user.target.wants/nodebake-secrets.service");
    assert!(wants.is_symlink());
    // Who reads the files waits for them; who does not, does not.
    for (service, waits) in [
        ("kubelet.service", true),
        ("agent.service", true),
        ("containerd.service", false),
    ] {
        let dropin = units.join(format!("{service}.d/15-nodebake-secrets.conf"));
        assert_eq!(dropin.exists(), waits, "{service}");
    }
}

/// No payload of a sealed node has a secret in any file of it, whatever the format.
fn says_no_secret(project: &Project, folder: &Path, kubeconfig: &str) {
    let token = kubeconfig.split("token: ").nth(1).unwrap();
    let token = token
        .trim_start_matches('"')
        .split(['"', '\n'])
        .next()
        .unwrap();
    let secrets = [token.split('.').nth(1).unwrap(), KEY].map(forms).concat();
    let mut looked = 0;
    let mut look = |at: &Path| {
        for entry in WalkDir::new(at) {
            let entry = entry.unwrap();
            if !entry.file_type().is_file() {
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            let said = String::from_utf8_lossy(&bytes);
            for secret in &secrets {
                assert!(
                    !said.contains(secret),
                    "{} has a secret",
                    entry.path().display()
                );
            }
            looked += 1;
        }
    };
    look(folder);
    for (index, payload) in ["user-data", "config.ign", "initramfs.cpio.gz"]
        .iter()
        .enumerate()
    {
        let file = folder.join(payload);
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o644,
            "{payload}"
        );
        let root = extracted(project, &file, &format!("format-{index}"));
        assert!(
            root.join("etc/credstore.encrypted").join(NAME).exists(),
            "{payload}"
        );
        look(&root);
    }
    assert!(looked > 60, "{looked}");
}

/// The key is known by either of its forms, in YAML, a file and a table; wrong and repeated ones are findings.
#[test]
fn the_key_is_read_wherever_it_is_written() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    oracles::needs(["swtpm", "tpm2"]);
    let tpm = SoftwareTpm::start();
    let project = project(&tpm);
    let key = STANDARD.encode(tpm.public());
    let shown = |project: &Project| {
        project.good(&["token", "create"]);
        let shown = project.good(&["show", NODE]);
        let line = shown.lines().find(|line| line.contains("sealed to"));
        line.map(str::to_owned)
    };
    let first = shown(&project).unwrap();
    change(
        &project,
        "tpm: {file: tpm/gpu-1.pub}",
        &format!("tpm: {{publicKey: {key}}}"),
    );
    assert_eq!(shown(&project).unwrap(), first);
    change(
        &project,
        &format!("tpm: {{publicKey: {key}}}"),
        "tpm: {file: tpm/gpu-1.txt}",
    );
    fs::write(project.dir.join("tpm/gpu-1.txt"), format!("{key}\n")).unwrap();
    assert_eq!(shown(&project).unwrap(), first);
    // Another node has the very same key, in a table.
    fs::write(
        project.dir.join("more.csv"),
        format!("name,addresses,tpm.publicKey\nm-1,10.20.8.99,{key}\n"),
    )
    .unwrap();
    change(
        &project,
        "nodesFrom: [racks.csv]",
        "nodesFrom: [racks.csv, more.csv]",
    );
    project.good(&["token", "create"]);
    let checked = text(&project.run(&["check"]).stdout);
    assert!(
        checked.contains("more.csv:2:16: tpm.publicKey: this TPM belongs to gpu-1.example.com already (here: m-1)"),
        "{checked}"
    );
}

/// The sentence on the console of a machine that could not open its secrets, in every shell.
#[test]
fn a_machine_says_why_it_cannot_open_its_secrets() {
    oracles::needs(["shellcheck", "bash", "busybox", "mksh"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/seal/why.sh");
    let scratch = tempfile::tempdir().unwrap();
    oracles::content(
        scratch.path(),
        "shellcheck",
        &["-s", "sh", script.to_str().unwrap()],
    );
    let device = scratch.path().join("tpm");
    let text = fs::read_to_string(script).unwrap();
    let text = text.replace("/dev/tpmrm0", device.to_str().unwrap());
    let program = |name: &str, said: &str| {
        let file = scratch.path().join(name);
        fs::write(&file, format!("#!/bin/sh\ncat <<'SAID'\n{said}\nSAID\n")).unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    };
    let all = "partial\n+firmware\n+driver\n+system\n+subsystem\n+libraries\n  +libtss2-esys.so.0\n  +libtss2-rc.so.0\n  +libtss2-mu.so.0";
    let none = all
        .replace("+libraries", "-libraries")
        .replace("+libtss2-rc", "-libtss2-rc");
    for (systemd, has, there, words) in [
        (
            "systemd 252 (252.39-1~deb12u2)",
            all,
            true,
            "systemd 252 is too old",
        ),
        ("systemd 257 (257.13-1~deb13u1)", all, false, "no TPM 2.0"),
        (
            "systemd 255 (255.4-1ubuntu8)",
            &none,
            true,
            "no TPM libraries",
        ),
        ("systemd 262 (262.1-1)", all, true, "sealed to another TPM"),
        (
            "systemd 262~rc1 (262~rc1)",
            all,
            true,
            "sealed to another TPM",
        ),
    ] {
        program("systemctl", systemd);
        program("systemd-analyze", has);
        if there {
            fs::write(&device, "").unwrap();
        } else {
            let _ = fs::remove_file(&device);
        }
        for shell in [
            &["sh"][..],
            &["bash", "--posix"],
            &["busybox", "sh"],
            &["mksh"],
        ] {
            let output = oracles::command(scratch.path(), shell[0])
                .args(&shell[1..])
                .args(["-euc", &text])
                .env(
                    "PATH",
                    format!("{}:/usr/bin:/bin", scratch.path().display()),
                )
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{shell:?}: {said}"
            );
            assert!(
                said.contains(words) && said.lines().count() == 1,
                "{shell:?}: {said}"
            );
        }
    }
}
